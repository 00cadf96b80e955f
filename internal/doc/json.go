package doc

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/firstlight-os/firstlight/internal/slab"
)

// A jsonReader turns JSON text (RFC 8259) into nodes. Names that are given
// twice and strings that are not valid UTF-8 are accepted, as the reference
// does; the former are reported later, when it is known what they are names of.
type jsonReader struct {
	text      string
	source    *Source
	at        int // the offset of the next byte
	line      int32
	lineStart int
	depth     int // of the lists and objects that are open

	nodes   slab.Slab[Node]
	members slab.Lists[Member]
	items   slab.Lists[*Node]
}

// ReadJSON reads a whole document. The error, if any, is a *SyntaxError.
//
// Strings without escapes are parts of the text: however large they are, they
// take no memory of their own. The caller must not change the text afterwards.
func ReadJSON(text []byte, src *Source) (*Node, error) {
	r := &jsonReader{text: Shared(text), source: src, line: 1}
	root, err := r.value(nil)
	if err != nil {
		return nil, err
	}
	r.skipSpace()
	if r.at < len(r.text) {
		return nil, r.fail(r.at, "there is more after the end of the config")
	}
	return root, nil
}

// skipSpace goes to the next token. Outside of white space there are no line
// ends, so that lines are counted here.
func (r *jsonReader) skipSpace() {
	for r.at < len(r.text) {
		switch r.text[r.at] {
		case '\n':
			r.line++
			r.lineStart = r.at + 1
		case ' ', '\t', '\r':
		default:
			return
		}
		r.at++
	}
}

func (r *jsonReader) column() int32 { return int32(r.at-r.lineStart) + 1 }

// peek is the next byte, or 0 at the end of the text.
func (r *jsonReader) peek() byte {
	if r.at == len(r.text) {
		return 0
	}
	return r.text[r.at]
}

// value reads the next value, with the white space before it.
func (r *jsonReader) value(parent *Node) (n *Node, err error) {
	r.skipSpace()
	n = r.nodes.One()
	n.Source, n.Line, n.Column, n.Parent = r.source, r.line, r.column(), parent
	switch c := r.peek(); c {
	case '{':
		n.Kind = Map
		err = r.object(n)
	case '[':
		n.Kind = List
		err = r.list(n)
	case '"':
		n.Kind = String
		n.Text, err = r.string()
	case 't':
		n.Kind = Bool
		n.Text, err = r.literal("true")
	case 'f':
		n.Kind = Bool
		n.Text, err = r.literal("false")
	case 'n':
		_, err = r.literal("null")
	default:
		if c != '-' && !isDigit(c) {
			return nil, r.unexpected("a value")
		}
		n.Kind = Number
		n.Text, err = r.number()
	}
	return n, err
}

func (r *jsonReader) object(n *Node) error {
	mark := r.members.Open()
	more, err := r.enter('}')
	for more {
		if r.peek() != '"' {
			return r.unexpected("a name in quotes")
		}
		m := Member{Line: r.line, Column: r.column()}
		if m.Name, err = r.string(); err != nil {
			return err
		}
		r.skipSpace()
		if r.peek() != ':' {
			return r.unexpected("a colon")
		}
		r.at++
		if m.Value, err = r.value(n); err != nil {
			return err
		}
		m.Value.Key = m.Name
		r.members.Push(m)
		more, err = r.next('}')
	}
	n.Members = r.members.Close(mark)
	return err
}

func (r *jsonReader) list(n *Node) error {
	mark := r.items.Open()
	more, err := r.enter(']')
	for i := int32(0); more; i++ {
		item, err := r.value(n)
		if err != nil {
			return err
		}
		item.Index = i
		r.items.Push(item)
		if more, err = r.next(']'); err != nil {
			return err
		}
	}
	n.Items = r.items.Close(mark)
	return err
}

// enter goes to what is first in an object or list, and reports whether there is
// anything before the closing byte.
func (r *jsonReader) enter(closing byte) (more bool, err error) {
	const deepest = 10_000 // so that no config can exhaust the stack
	if r.depth == deepest {
		return false, r.fail(r.at, "objects and lists are more than %d deep inside each other", deepest)
	}
	r.at++
	r.skipSpace()
	if r.peek() == closing {
		r.at++
		return false, nil
	}
	r.depth++
	return true, nil
}

// next goes to what is next in an object or list, if there is more.
func (r *jsonReader) next(closing byte) (more bool, err error) {
	r.skipSpace()
	switch r.peek() {
	case closing:
		r.at++
		r.depth--
		return false, nil
	case ',':
		comma := r.at
		r.at++
		r.skipSpace()
		if c := r.peek(); c == '}' || c == ']' {
			return false, r.fail(comma, "invalid character ',' before %q", c)
		}
		return true, nil
	}
	return false, r.unexpected(fmt.Sprintf("a comma or %q", closing))
}

// A SyntaxError says where a text stops being what it should be.
type SyntaxError struct {
	Origin  Origin
	Message string
	// CutOff reports whether the text ends before it is complete.
	CutOff bool
}

func (e *SyntaxError) Error() string { return e.Origin.String() + ": " + e.Message }

// unexpected is the error of a character that is not the wanted one.
func (r *jsonReader) unexpected(wanted string) error {
	if r.at == len(r.text) {
		return r.cutOff()
	}
	c, _ := utf8.DecodeRuneInString(r.text[r.at:])
	return r.fail(r.at, "invalid character %q, %s is expected here", c, wanted)
}

func (r *jsonReader) cutOff() error {
	err := r.fail(len(r.text), "the text ends too early, a bracket, brace or quote is not closed")
	err.CutOff = true
	return err
}

func (r *jsonReader) fail(offset int, format string, args ...any) *SyntaxError {
	before := r.text[:offset]
	at := Origin{
		Source: r.source.String(),
		Line:   strings.Count(before, "\n") + 1,
		Column: offset - strings.LastIndexByte(before, '\n'),
	}
	return &SyntaxError{Origin: at, Message: "this is not valid JSON: " + fmt.Sprintf(format, args...)}
}
