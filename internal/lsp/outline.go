package lsp

import (
	"encoding/json"
	"strconv"
	"strings"
)

// An outline is what can be made out of a document by its lines, indentation and brackets,
// however broken it is: while it is typed it is broken most of the time. Whether it is
// right is up to package check.

// A kind is that of a value.
type kind uint8

const (
	empty kind = iota // nothing follows the key, or not yet
	scalar
	list
	mapping
)

// A value is one value of an outline.
type value struct {
	parent *value
	kind   kind
	// key and keySpan are those of a member of a mapping. The span has the quotes, if there
	// are any.
	key     string
	keySpan span
	// colon reports whether there is one behind the key.
	colon bool
	// index is that of an item of a list.
	index int
	// span is where a scalar is, with its quotes; where an empty one would be; and of
	// what has brackets, these.
	span span
	// text is a scalar's, without quotes and escapes.
	text string
	// style is the first character of a quoted scalar, a block scalar or an alias, or 0.
	style byte
	// flow reports whether it is in brackets, where line breaks and indentation mean
	// nothing.
	flow bool
	// children are members or items.
	children []*value
}

// path is the keys that lead to a value, without the indexes of lists.
func (v *value) path() []string {
	if v.parent == nil {
		return nil
	}
	up := v.parent.path()
	if v.parent.kind == list {
		return up
	}
	return append(up, v.key)
}

// get returns the value at a path of keys (strings) and indexes (integers), or nil.
func (v *value) get(path ...any) *value {
	for _, step := range path {
		if v = v.step(step); v == nil {
			return nil
		}
	}
	return v
}

func (v *value) step(step any) *value {
	if v == nil {
		return nil
	}
	for _, c := range v.children {
		if c.key == step && v.kind == mapping || c.index == step && v.kind == list {
			return c
		}
	}
	return nil
}

// textOf is the text of a scalar at a path, or "".
func (v *value) textOf(path ...any) string {
	if at := v.get(path...); at != nil {
		return at.text
	}
	return ""
}

// all calls f for a value and all that are in it, until f returns false.
func (v *value) all(f func(*value) bool) bool {
	if !f(v) {
		return false
	}
	for _, c := range v.children {
		if !c.all(f) {
			return false
		}
	}
	return true
}

// extent is a value with its key and everything in it.
func (v *value) extent() span {
	s := v.span
	if v.keySpan.end > 0 {
		s = span{v.keySpan.start, max(v.keySpan.end, s.end)}
	}
	for _, c := range v.children {
		inner := c.extent()
		s = span{min(s.start, inner.start), max(s.end, inner.end)}
	}
	return s
}

func (v *value) add(c *value) *value {
	c.parent, c.index = v, len(v.children)
	v.children = append(v.children, c)
	return c
}

func (v *value) last() *value {
	if len(v.children) == 0 {
		return nil
	}
	return v.children[len(v.children)-1]
}

// An outliner reads a document from its start to its end.
type outliner struct {
	text string
	at   int
	json bool
	// levels are the open mappings and lists of block style, the outermost first.
	levels []level
	depth  int // of open brackets
	// seen is a part of a line up to its end: lines can be very long.
	seen span
}

// maxDepth bounds brackets in brackets and lists in lists. Configs have less than ten.
const maxDepth = 100

// outline reads a document; the root has no key and no parent.
func outline(text string) *value {
	o := &outliner{text: strings.ReplaceAll(text, "\t", " "), seen: span{-1, -1}}
	root := &value{span: span{0, len(text)}}
	o.skipSpace()
	if o.peek() == '{' || o.peek() == '[' {
		o.json = true
		o.brackets(root, -1)
		return root
	}
	o.at = 0
	o.block(root)
	return root
}

func (o *outliner) peek() byte {
	if o.at < len(o.text) {
		return o.text[o.at]
	}
	return 0
}

// skipSpace skips white space, line ends and comments.
func (o *outliner) skipSpace() {
	for o.at < len(o.text) {
		switch c := o.text[o.at]; {
		case c == ' ' || c == '\n' || c == '\r':
			o.at++
		case c == '#' && !o.json && (o.at == 0 || isSpace(o.text[o.at-1])):
			o.at = o.lineEnd()
		default:
			return
		}
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' }

func (o *outliner) skipBlanks() {
	for o.peek() == ' ' {
		o.at++
	}
}

// lineEnd returns where the line that o is in ends, without its line end.
func (o *outliner) lineEnd() int {
	if o.seen.contains(o.at) {
		return o.seen.end
	}
	end := len(o.text)
	if i := strings.IndexByte(o.text[o.at:], '\n'); i >= 0 {
		end = o.at + i
	}
	if end > o.at && o.text[end-1] == '\r' {
		end--
	}
	o.seen = span{o.at, end}
	return end
}

// nextLine moves to the start of the next line.
func (o *outliner) nextLine() {
	if i := strings.IndexByte(o.text[o.at:], '\n'); i >= 0 {
		o.at += i + 1
		return
	}
	o.at = len(o.text)
}

// quoted reads what is in quotes, with these. One without an end ends with its line, as
// the end is what is yet to be typed.
func (o *outliner) quoted() (text string, at span) {
	quote, start, end := o.peek(), o.at, o.lineEnd()
	for o.at++; o.at < end; o.at++ {
		switch c := o.text[o.at]; {
		case c == '\\' && quote == '"':
			o.at++
		case c == quote && quote == '\'' && strings.HasPrefix(o.text[o.at:], "''"):
			o.at++
		case c == quote:
			o.at++
			return unquote(o.text[start:o.at]), span{start, o.at}
		}
	}
	o.at = end
	return strings.TrimRight(o.text[start+1:end], " "), span{start, end}
}

// unquote is a text without quotes and escapes.
func unquote(quoted string) string {
	inner := quoted[1 : len(quoted)-1]
	if quoted[0] == '\'' {
		return strings.ReplaceAll(inner, "''", "'")
	}
	var text string
	if json.Unmarshal([]byte(quoted), &text) == nil {
		return text
	}
	if text, err := strconv.Unquote(quoted); err == nil {
		return text
	}
	return inner
}
