package yaml

import (
	"fmt"
	"strings"

	"github.com/firstlight-os/firstlight/internal/slab"
)

// A reader turns a text into nodes. A function that reads something begins at its first
// character and ends after its last; but plain and block scalars, whose end is where the
// next token is, end there.
//
// Errors are panics with a *SyntaxError, which Read returns: every function can fail, and
// none goes on after it.
type reader struct {
	text      string
	at        int // the offset of the next byte
	line      int32
	lineStart int

	// fresh reports whether a key or an item of a block collection may start here: at the
	// first token of a line, or after one of - ? :, as in "- a: b".
	fresh bool
	// indent is the column, from 0, of the block collection that is being read; -1 outside.
	indent int
	depth  int    // of all collections that are open
	open   []mark // the brackets and braces of those that are written in them

	left border // of the collection that has ended last

	anchors map[string]*Node
	handles map[string]string // what the prefixes of tags stand for

	nodes   slab.Slab[Node]
	content slab.Lists[*Node]
	buffer  []byte // for the scalar that is being read
}

// A mark is a place in the text. Line and column are from 1.
type mark struct {
	at           int
	line, column int32
}

// A border is where a block collection ends or might go on: the offset of what is next,
// and the column and line of what that should match.
type border struct {
	at, column int
	line       int32
}

// A SyntaxError says where a text stops being YAML.
type SyntaxError struct {
	Line, Column int // from 1, the column in bytes
	Message      string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// Read reads the first document of a text. An error is a *SyntaxError.
//
// Most strings are parts of the text, which must not be changed afterwards.
func Read(text []byte) (d *Document, err error) {
	r := &reader{line: 1, indent: -1, fresh: true, anchors: map[string]*Node{}, handles: map[string]string{}}
	defer func() {
		switch e := recover().(type) {
		case nil:
		case *SyntaxError:
			d, err = nil, e
		default:
			panic(e)
		}
	}()
	r.text = r.normalized(text)
	return r.document(), nil
}

func (r *reader) fail(at mark, format string, args ...any) {
	panic(&SyntaxError{Line: int(at.line), Column: int(at.column), Message: fmt.Sprintf(format, args...)})
}

func (r *reader) mark() mark {
	return mark{at: r.at, line: r.line, column: int32(r.at-r.lineStart) + 1}
}

// column is that of the next byte, from 0.
func (r *reader) column() int { return r.at - r.lineStart }

// peek is the next byte, or 0 at the end of the text, which has no such byte.
func (r *reader) peek() byte { return r.byteAt(r.at) }

func (r *reader) byteAt(at int) byte {
	if at < len(r.text) {
		return r.text[at]
	}
	return 0
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// isSpace also holds for the ends of a line and of the text.
func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == 0 }

// isIndicator reports whether the next byte is one of - ? : and stands alone.
func (r *reader) isIndicator(c byte) bool { return r.peek() == c && isSpace(r.byteAt(r.at+1)) }

// newLine reads the end of a line.
func (r *reader) newLine() {
	r.at++
	r.line++
	r.lineStart = r.at
}

func (r *reader) skipBlanks() {
	for isBlank(r.peek()) {
		r.at++
	}
}

// skip goes to the next token. Tabs are no indentation.
func (r *reader) skip() {
	for r.at < len(r.text) {
		switch c := r.text[r.at]; {
		case c == ' ' || c == '\t' && (r.inFlow() || !r.fresh):
			r.at++
		case c == '\t' && r.isEmptyLine():
			r.skipBlanks()
		case c == '#':
			r.skipComment()
		case c == '\n':
			r.newLine()
			if !r.inFlow() {
				r.fresh = true
			} else if r.atMarker() {
				r.failUnclosed()
			}
		default:
			return
		}
	}
}

// isEmptyLine reports whether only blanks are left of the line, and a comment.
func (r *reader) isEmptyLine() bool {
	rest := strings.TrimLeft(r.text[r.at:], " \t")
	return rest == "" || rest[0] == '\n' || rest[0] == '#'
}

func (r *reader) skipComment() {
	if end := strings.IndexByte(r.text[r.at:], '\n'); end >= 0 {
		r.at += end
	} else {
		r.at = len(r.text)
	}
}

// atLineEnd reports whether nothing but a comment is left of the line.
func (r *reader) atLineEnd() bool { return r.at == len(r.text) || r.peek() == '\n' || r.peek() == '#' }

// atMarker reports whether a line between documents starts here: --- or ...
func (r *reader) atMarker() bool {
	if r.at != r.lineStart || len(r.text)-r.at < 3 || !isSpace(r.byteAt(r.at+3)) {
		return false
	}
	marker := r.text[r.at : r.at+3]
	return marker == "---" || marker == "..."
}

// inFlow reports whether a bracket or brace is open: indentation has no meaning.
func (r *reader) inFlow() bool { return len(r.open) > 0 }

// enter begins a collection.
func (r *reader) enter() {
	const deepest = 10_000 // so that no document can exhaust the stack
	if r.depth++; r.depth > deepest {
		r.fail(r.mark(), "lists and mappings are more than %d deep inside each other", deepest)
	}
}

func (r *reader) newNode(kind Kind, at mark) *Node {
	n := r.nodes.One()
	n.Kind, n.Line, n.Column = kind, at.line, at.column
	return n
}
