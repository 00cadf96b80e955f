package doc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// A model reads JSON with the library, slowly and simply, for comparison. It
// prints what it reads instead of making nodes.
type model struct {
	text []byte
	dec  *jsontext.Decoder
	out  strings.Builder
}

// readModel returns what there is in a text, or the offset of the error.
func readModel(text []byte) (out string, at int, err error) {
	m := &model{text: text}
	m.dec = jsontext.NewDecoder(bytes.NewBuffer(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	err = m.value()
	if err == nil {
		if rest := bytes.TrimLeft(text[m.dec.InputOffset():], " \t\r\n"); len(rest) > 0 {
			return "", len(text) - len(rest), errors.New("there is more")
		}
		return m.out.String(), 0, nil
	}
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		at = len(text)
	case errors.As(err, &syntax):
		at = int(syntax.ByteOffset)
	}
	return "", at, err
}

// next is the offset of the next token.
func (m *model) next() int {
	at := int(m.dec.InputOffset())
	for at < len(m.text) && strings.IndexByte(" \t\r\n,:", m.text[at]) >= 0 {
		at++
	}
	return at
}

func (m *model) token(format string) error {
	line, column := lineAndColumn(m.text, m.next())
	tok, err := m.dec.ReadToken()
	if err == nil {
		fmt.Fprintf(&m.out, "%d:%d "+format+"\n", line, column, tok.Kind(), tok.String())
	}
	return err
}

func (m *model) value() error {
	open := m.dec.PeekKind()
	switch open {
	case '{', '[':
		line, column := lineAndColumn(m.text, m.next())
		if _, err := m.dec.ReadToken(); err != nil {
			return err
		}
		fmt.Fprintf(&m.out, "%d:%d %c\n", line, column, open)
		for m.dec.PeekKind() != open+2 {
			if open == '{' {
				if err := m.token("name %[4]q"); err != nil {
					return err
				}
			}
			if err := m.value(); err != nil {
				return err
			}
		}
		_, err := m.dec.ReadToken()
		fmt.Fprintf(&m.out, "%c\n", open+2)
		return err
	}
	return m.token("%c %q")
}

func lineAndColumn(text []byte, at int) (line, column int) {
	return bytes.Count(text[:at], []byte("\n")) + 1, at - bytes.LastIndexByte(text[:at], '\n')
}

// describe prints a tree as the model does.
func describe(b *strings.Builder, n *Node) {
	fmt.Fprintf(b, "%d:%d ", n.Line, n.Column)
	switch n.Kind {
	case Map:
		b.WriteString("{\n")
		for _, m := range n.Members {
			fmt.Fprintf(b, "%d:%d name %q\n", m.Line, m.Column, m.Name)
			describe(b, m.Value)
		}
		b.WriteString("}\n")
	case List:
		b.WriteString("[\n")
		for _, item := range n.Items {
			describe(b, item)
		}
		b.WriteString("]\n")
	case String:
		fmt.Fprintf(b, "\" %q\n", n.Text)
	case Number:
		fmt.Fprintf(b, "0 %q\n", n.Text)
	case Bool:
		fmt.Fprintf(b, "%c %q\n", n.Text[0], n.Text)
	case Null:
		b.WriteString("n \"null\"\n")
	}
}

// compareWithModel checks that a text is read like, or refused by, the library,
// and returns where each of the two says that it is wrong.
func compareWithModel(t *testing.T, text []byte) (got, want [2]int) {
	t.Helper()
	tree, at, modelErr := readModel(text)
	root, err := ReadJSON(text, nil)
	if (err != nil) != (modelErr != nil) {
		t.Fatalf("%.200q: %v, but the library says %v", text, err, modelErr)
	}
	if err != nil {
		o := err.(*SyntaxError).Origin
		line, column := lineAndColumn(text, at)
		return [2]int{o.Line, o.Column}, [2]int{line, column}
	}
	var b strings.Builder
	describe(&b, root)
	if b.String() != tree {
		t.Fatalf("%.200q is\n%s, but the library says\n%s", text, b.String(), tree)
	}
	return got, want
}

// comparePlaces also checks that the wrong place is the library's.
func comparePlaces(t *testing.T, text string) {
	t.Helper()
	if got, want := compareWithModel(t, []byte(text)); got != want {
		_, err := ReadJSON([]byte(text), nil)
		t.Errorf("%.200q: %v, but the library says line %d, column %d", text, err, want[0], want[1])
	}
}

// modelTexts are for comparison with the library, by hand and in the fuzz test.
var modelTexts = []string{
	"", " ", "\n\t\r ", "null", "true", "false", "nul", "trux", "falsE", "True", "nulll", "null null", "\x00", "\ufeff{}",
	`{}`, `[]`, ` { } `, "[ ]", `[1,2,[3,{}],{"a":[]}]`, `{"a":1,"a":2,"":{"b":null}}`, "{\n\"a\"\n:\n1\n,\n\"b\":[\n2]\n}\n",
	`{`, `[`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `[1`, `[1,`, `]`, `}`, `[}`, `{]`, `[1}`, `{"a":1]`,
	`[,]`, `[1,]`, `[1 ,` + "\n" + ` ]`, `[1,,2]`, `{,}`, `{"a":1,}`, `{"a":1,,}`, `{"a",1}`, `{"a"::1}`, `{a:1}`, `{'a':1}`, `{1:2}`, `{"a" "b"}`, `[1 2]`, `[1:2]`, `:`, `,`, `[]]`, `{}}`, `{},`, `[] x`,
	"0", "-0", "1", "-1", "10", "1.5", "-0.0", "1e5", "1E+5", "1e-05", "123456789012345678901234567890", "0.10",
	"-", "+1", "01", "-01", "0644", "00", ".5", "1.", "1.e5", "1e", "1e+", "1ee5", "0x10", "1_000", "NaN", "Infinity", "-Infinity", "-a", "[1.]", "[1e]", "[-]", "[1.a]", "1a", "0e1", "0e", "[0e]",
	`""`, `"a"`, `"é😀"`, `"a\n\"\\\/\b\f\n\r\t"`, `"\u0041\u00e9\u00E9\ud83d\ude00"`, `"\ud83d"`, `"\ude00"`, `"\ude00\ud83d"`, `"\ud83d\ud83d\ude00"`, `"\ud83dx"`, `"\ud83d\n"`, `"\ud83d\u0041"`, `"\ufffd\uffff\u0000"`,
	`"`, `"a`, `"\`, `"\"`, `"\u`, `"\u12`, `"\u12"`, `"\u12G4"`, `"\uG"`, `"\U0041"`, `"\x41"`, `"\'"`, `"\a"`, `"\` + "\n\"", `"\` + "\xff\"", `"\ué000"`, `"\ud83d\`, `"\ud83d\u`, `"\ud83d\uz"`, `"\ud83d\ude0`, `"\ud83d\ude0"`, `"a\u12`, `"aé\q"`,
	"\"\xff\"", "\"\xff\xfe\"", "\"a\xc3\"", "\"\xe2\x82\"", "\"\xe2\x82", "\"\xed\xa0\x80\"", "\"\xf0\x9f\x98\"", "\"\xc0\x80x\"", "\"\xf4\x90\x80\x80\"", "\"\xff\\n\"", "\"\xff\x00\"", "\"\xff", "\"\xc3", "\"\\u00e9\xc3\xa9\"",
	"\"\n\"", "\"a\tb\"", "\"\x00\"", "\"\x1f\"", "\"\x7f\"", "{\"\n\":1}", "\"\\n\n\"",
	"// x\n{}", "{} // x", "/**/1", "#x", "\x1f\x8b", "\u00a01", "[1,\u2028 2]", "\v1", "\f1",
}

func TestReadingJSONLikeTheLibrary(t *testing.T) {
	for _, text := range modelTexts {
		comparePlaces(t, text)
		comparePlaces(t, "{\"a\": [\n"+text+"]}")
		comparePlaces(t, "[\n "+text)
	}
}

func TestDepthIsLimitedLikeInTheLibrary(t *testing.T) {
	for _, depth := range []int{9_999, 10_000, 10_001, 20_000} {
		comparePlaces(t, strings.Repeat("[\n", depth)+strings.Repeat("]", depth))
		comparePlaces(t, strings.Repeat("{\"a\":\n", depth)+"1"+strings.Repeat("}", depth))
		comparePlaces(t, strings.Repeat("[{\"\":\n", depth/2))
	}
	// Depth that is left again does not count.
	comparePlaces(t, "["+strings.Repeat("[[]],{},\n", 6_000)+"1]")
}

// The places are not compared here: the library reads what stands in the place
// of a name to its end before it says that it is no name.
func FuzzReadJSON(f *testing.F) {
	for _, text := range modelTexts {
		f.Add([]byte(text))
	}
	f.Add([]byte("{-")) // an early end, as far as the library can tell
	f.Fuzz(func(t *testing.T, text []byte) { compareWithModel(t, text) })
}
