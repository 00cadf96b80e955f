package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// A node is one value of a config with its place. Configs are read, merged and
// translated as trees of nodes, and made into a Config at the end: that is how
// a merged value still knows its own line.
type node struct {
	kind nodeKind
	// text is a scalar's value: a string without quotes and escapes, or the
	// literal text of a number or boolean.
	text    string
	members []member // of an object
	items   []*node  // of an array

	source       *source
	line, column int32 // 1-based, in bytes; 0 if not known
	parent       *node // in the document that the node was read from
	key          string
	index        int32
}

type member struct {
	name string
	// at is where the name stands.
	line, column int32
	value        *node
}

type nodeKind uint8

const (
	nullNode nodeKind = iota
	boolNode
	numberNode
	stringNode
	arrayNode
	objectNode
)

func (k nodeKind) String() string {
	return [...]string{"null", "a boolean", "a number", "a string", "a list", "an object"}[k]
}

// A source is one document.
type source struct{ text string }

func (s *source) name() string {
	if s == nil {
		return ""
	}
	return s.text
}

// member finds the value of a name; of equal names the last counts.
func (n *node) member(name string) *node {
	if n == nil {
		return nil
	}
	for i := len(n.members) - 1; i >= 0; i-- {
		if n.members[i].name == name {
			return n.members[i].value
		}
	}
	return nil
}

// set replaces or adds a member.
func (n *node) set(name string, value *node) {
	for i := range n.members {
		if n.members[i].name == name {
			n.members[i].value = value
			return
		}
	}
	n.members = append(n.members, member{name: name, value: value, line: value.line, column: value.column})
}

// drop removes a member, if it is there.
func (n *node) drop(name string) {
	if n != nil {
		n.members = slices.DeleteFunc(n.members, func(m member) bool { return m.name == name })
	}
}

// A jsonReader turns JSON text into nodes. The library does the lexing; the
// reader follows it through the text to know lines and columns.
type jsonReader struct {
	text      []byte
	dec       *jsontext.Decoder
	source    *source
	offset    int // how far line and lineStart are up to date
	line      int32
	lineStart int
}

// readJSON reads a whole document.
func readJSON(text []byte, src *source) (*node, *Problem) {
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
		return nil, r.syntaxProblem(err)
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

func (r *jsonReader) value(parent *node) (*node, error) {
	line, column := r.place()
	tok, err := r.dec.ReadToken()
	if err != nil {
		return nil, err
	}
	n := &node{source: r.source, line: line, column: column, parent: parent}
	switch tok.Kind() {
	case '{':
		n.kind = objectNode
		return n, r.object(n)
	case '[':
		n.kind = arrayNode
		return n, r.array(n)
	case '"':
		n.kind = stringNode
	case '0':
		n.kind = numberNode
	case 't', 'f':
		n.kind = boolNode
	default:
		return n, nil
	}
	n.text = tok.String()
	return n, nil
}

func (r *jsonReader) object(n *node) error {
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
		value.key = name
		n.members = append(n.members, member{name, line, column, value})
	}
	_, err := r.dec.ReadToken()
	return err
}

func (r *jsonReader) array(n *node) error {
	for r.dec.PeekKind() != ']' {
		value, err := r.value(n)
		if err != nil {
			return err
		}
		value.index = int32(len(n.items))
		n.items = append(n.items, value)
	}
	_, err := r.dec.ReadToken()
	return err
}

func (r *jsonReader) syntaxProblem(err error) *Problem {
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
	return &Problem{Severity: Error, Origin: Origin{Source: r.source.name(), Line: int(line), Column: int(column)}, Message: message}
}
