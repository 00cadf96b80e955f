package doc

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func TestStringsAreWrittenAsTheLibraryDoes(t *testing.T) {
	texts := []string{"", "plain", "é😀", "\xff", "a\xc3", "\xed\xa0\x80b", "\u2028<>&", "tab\tquote\"back\\slash\x00\x1f\x7f"}
	for c := range 256 {
		texts = append(texts, string([]byte{byte(c)}), "a"+string([]byte{byte(c)})+"b")
	}
	for _, text := range texts {
		want, _ := jsontext.AppendQuote(nil, text)
		if got := (&Node{Kind: String, Text: text}).AppendJSON(nil); string(got) != string(want) {
			t.Errorf("%q: %s, the library writes %s", text, got, want)
		}
	}
}

func FuzzWriteString(f *testing.F) {
	f.Add("a\"\\\x01\xff\u00e9")
	f.Fuzz(func(t *testing.T, text string) {
		want, _ := jsontext.AppendQuote(nil, text)
		if got := appendString(nil, text); string(got) != string(want) {
			t.Fatalf("%q: %s, the library writes %s", text, got, want)
		}
	})
}
