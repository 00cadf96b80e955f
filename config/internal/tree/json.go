package tree

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// A jsonReader turns JSON text into nodes. The library does the lexing; the
// reader follows it through the text to know lines and columns.
type jsonReader struct {
	text      []byte
	dec       *jsontext.Decoder
	source    *Source
	offset    int // how far line and lineStart are up to date
	line      int32
	lineStart int
}

// ReadJSON reads a whole document. The error, if any, is a *SyntaxError.
func ReadJSON(text []byte, src *Source) (*Node, error) {
	r := &jsonReader{text: text, source: src, line: 1}
	// Duplicate names and invalid UTF-8 are accepted, as the reference does;
	// the former are reported later, when it is known what they are names of.
	r.dec = jsontext.NewDecoder(bytes.NewBuffer(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	root, err := r.value(nil)
	if err == nil {
		if r.dec.PeekKind() != 0 {
			err = errors.New("there is more after the end of the config")
		} else if _, more := r.dec.ReadToken(); more != io.EOF {
			err = more
		}
	}
	if err != nil {
		return nil, r.syntaxError(err)
	}
	return root, nil
}

// place moves to the start of the next token.
func (r *jsonReader) place() (line, column int32) {
	return r.advance(r.next())
}

// next is the offset of the next token.
func (r *jsonReader) next() int {
	at := int(r.dec.InputOffset())
	for at < len(r.text) && bytes.IndexByte([]byte(" \t\r\n,:"), r.text[at]) >= 0 {
		at++
	}
	return at
}

// advance counts the lines up to byte offset at.
func (r *jsonReader) advance(at int) (line, column int32) {
	for {
		i := bytes.IndexByte(r.text[r.offset:at], '\n')
		if i < 0 {
			break
		}
		r.line++
		r.offset += i + 1
		r.lineStart = r.offset
	}
	r.offset = at
	return r.line, int32(at-r.lineStart) + 1
}

func (r *jsonReader) value(parent *Node) (*Node, error) {
	line, column := r.place()
	tok, err := r.dec.ReadToken()
	if err != nil {
		return nil, err
	}
	n := &Node{Source: r.source, Line: line, Column: column, Parent: parent}
	switch tok.Kind() {
	case '{':
		n.Kind = Map
		return n, r.object(n)
	case '[':
		n.Kind = List
		return n, r.array(n)
	case '"':
		n.Kind = String
	case '0':
		n.Kind = Number
	case 't', 'f':
		n.Kind = Bool
	default:
		return n, nil
	}
	n.Text = tok.String()
	return n, nil
}

func (r *jsonReader) object(n *Node) error {
	for r.dec.PeekKind() != '}' {
		line, column := r.place()
		tok, err := r.dec.ReadToken()
		if err != nil {
			return err
		}
		name := tok.String()
		value, err := r.value(n)
		if err != nil {
			return err
		}
		value.Key = name
		n.Members = append(n.Members, Member{name, line, column, value})
	}
	_, err := r.dec.ReadToken()
	return err
}

func (r *jsonReader) array(n *Node) error {
	for r.dec.PeekKind() != ']' {
		value, err := r.value(n)
		if err != nil {
			return err
		}
		value.Index = int32(len(n.Items))
		n.Items = append(n.Items, value)
	}
	_, err := r.dec.ReadToken()
	return err
}

// A SyntaxError says where a text stops being what it should be.
type SyntaxError struct {
	Origin  Origin
	Message string
}

func (e *SyntaxError) Error() string { return e.Origin.String() + ": " + e.Message }

func (r *jsonReader) syntaxError(err error) *SyntaxError {
	at := r.next()
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		at = int(syntax.ByteOffset)
		err = syntax.Err
	}
	message := fmt.Sprintf("this is not valid JSON: %v", err)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		message = "this is not valid JSON: the text ends too early, a bracket, brace or quote is not closed"
		at = len(r.text)
	}
	start := &jsonReader{text: r.text, line: 1}
	line, column := start.advance(min(at, len(r.text)))
	return &SyntaxError{Origin{Source: r.source.String(), Line: int(line), Column: int(column)}, message}
}

// AppendJSON prints a tree as compact JSON.
func (n *Node) AppendJSON(b []byte) []byte {
	switch n.Kind {
	case Map:
		b = append(b, '{')
		for i, m := range n.Members {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, m.Name)
			b = append(b, ':')
			b = m.Value.AppendJSON(b)
		}
		return append(b, '}')
	case List:
		b = append(b, '[')
		for i, item := range n.Items {
			if i > 0 {
				b = append(b, ',')
			}
			b = item.AppendJSON(b)
		}
		return append(b, ']')
	case String:
		return appendString(b, n.Text)
	case Null:
		return append(b, "null"...)
	}
	return append(b, n.Text...)
}

func appendString(b []byte, s string) []byte {
	// The only error is invalid UTF-8, for which replacement characters are
	// written, which is what reading such a string gives anyway.
	b, _ = jsontext.AppendQuote(b, s)
	return b
}
