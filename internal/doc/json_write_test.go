package doc

import (
	"errors"
	"strings"
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

func TestTreesAreWrittenInPiecesAsTheyAreAppended(t *testing.T) {
	long := strings.Repeat("x", 3*pieceSize)
	root := read(t, `{"a":[1,true,null,"`+long+`"],"b":"\"`+long+`\n","c":[`+strings.Repeat(`"short\n\u0001",`, pieceSize)+`{}],"d":"`+strings.Repeat(`\t`, pieceSize)+`"}`)
	var w pieces
	if err := root.WriteJSON(&w); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(w, ""), string(root.AppendJSON(nil)); got != want {
		t.Errorf("%d bytes are written, %d are appended, or others", len(got), len(want))
	}
	for _, piece := range w {
		if len(piece) > pieceSize+longestEscape && piece != long {
			t.Errorf("a piece has %d bytes", len(piece))
		}
	}
}

// pieces are what was written.
type pieces []string

func (p *pieces) Write(b []byte) (int, error) {
	*p = append(*p, string(b))
	return len(b), nil
}

func TestAWriterThatFailsIsNotWrittenToAgain(t *testing.T) {
	root := read(t, `["`+strings.Repeat("x", 2*pieceSize)+`",`+strings.Repeat(`"short",`, pieceSize)+`1]`)
	for successes := range 3 {
		w := failing{successes: successes}
		if err := root.WriteJSON(&w); err != errNoRoom || w.calls != successes+1 {
			t.Errorf("%d writes succeed: got %v after %d", successes, err, w.calls)
		}
	}
}

var errNoRoom = errors.New("no room")

type failing struct{ successes, calls int }

func (f *failing) Write(b []byte) (int, error) {
	if f.calls++; f.calls > f.successes {
		return 0, errNoRoom
	}
	return len(b), nil
}

func FuzzWriteString(f *testing.F) {
	f.Add("a\"\\\x01\xff\u00e9")
	f.Fuzz(func(t *testing.T, text string) {
		want, _ := jsontext.AppendQuote(nil, text)
		if got := (&Node{Kind: String, Text: text}).AppendJSON(nil); string(got) != string(want) {
			t.Fatalf("%q: %s, the library writes %s", text, got, want)
		}
	})
}
