package system

import "testing"

func TestTextForPeople(t *testing.T) {
	for got, want := range map[string]string{
		Printable("a\x1b[2J\u0085ü\tb\nc\xff"): "a?[2J?ü\tb\nc?",
		Plural(1, "byte"):                      "1 byte",
		Plural(0, "byte"):                      "0 bytes",
		FormatSize(1023):                       "1023 B",
		FormatSize(1536 << 10):                 "1.5 MiB",
		FormatSize(10 << 30):                   "10 GiB",
		FormatSize(2048 << 50):                 "2048 PiB",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
