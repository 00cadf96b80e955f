package system

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestTextForPeople(t *testing.T) {
	for got, want := range map[string]string{
		Printable("a\x1b[2J\u0085ü\tb\nc\xff"):                      "a?[2J?ü\tb\nc?",
		Printable("\u202eevil\u2066\u200b\u2028\u2029\u00ad\r\x7f"): "?evil???????",
		PrintableLine("a\nCRITICAL : b"):                            "a?CRITICAL : b",
		Plural(1, "byte"):                                           "1 byte",
		Plural(0, "byte"):                                           "0 bytes",
		FormatSize(1023):                                            "1023 B",
		FormatSize(1536 << 10):                                      "1.5 MiB",
		FormatSize(10 << 30):                                        "10 GiB",
		FormatSize(2048 << 50):                                      "2048 PiB",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// bidi are the characters that change the direction of text.
const bidi = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"

func TestLongTextsLoseTheirMiddle(t *testing.T) {
	got := Printable("reading " + strings.Repeat("ü", 10<<20) + ": it is full")
	if len(got) > maxShown+30 || !strings.HasPrefix(got, "reading ü") || !strings.Contains(got, "ü... (20971540 bytes) ...ü") || !strings.HasSuffix(got, "ü: it is full") {
		t.Errorf("got %d bytes that end with %q", len(got), got[len(got)-30:])
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("a\x1b[2J\u0085\u202e\n\xff")
	f.Fuzz(func(t *testing.T, text string) {
		for _, r := range Printable(text) {
			if r != '\n' && r != '\t' && unicode.IsControl(r) || strings.ContainsRune(bidi, r) {
				t.Errorf("%q keeps %q", text, r)
			}
		}
		if len(text) > maxShown {
			return
		}
		if line := PrintableLine(text); strings.Contains(line, "\n") || utf8.RuneCountInString(line) != utf8.RuneCountInString(strings.ToValidUTF8(text, "?")) {
			t.Errorf("%q became %q", text, line)
		}
	})
}
