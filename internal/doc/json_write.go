package doc

import (
	"io"
	"unicode/utf8"
)

// AppendJSON prints a tree as compact JSON.
func (n *Node) AppendJSON(b []byte) []byte {
	p := jsonPrinter{b: b}
	p.value(n)
	return p.b
}

// WriteJSON is AppendJSON for what has no room for another text of this size.
func (n *Node) WriteJSON(w io.Writer) error {
	p := jsonPrinter{w: w, b: make([]byte, 0, pieceSize+longestEscape)}
	p.value(n)
	p.flush()
	return p.err
}

// A jsonPrinter collects what it prints, and hands it on in pieces if there is a writer.
type jsonPrinter struct {
	b   []byte
	w   io.Writer // may be nil
	err error     // of the writer
}

// In bytes.
const (
	pieceSize     = 32 << 10
	longestEscape = len(`\u001f`)
)

func (p *jsonPrinter) value(n *Node) {
	switch n.Kind {
	case Map:
		p.plain("{")
		for i, m := range n.Members {
			if i > 0 {
				p.plain(",")
			}
			p.string(m.Name)
			p.plain(":")
			p.value(m.Value)
		}
		p.plain("}")
	case List:
		p.plain("[")
		for i, item := range n.Items {
			if i > 0 {
				p.plain(",")
			}
			p.value(item)
		}
		p.plain("]")
	case String:
		p.string(n.Text)
	case Null:
		p.plain("null")
	default:
		p.plain(n.Text)
	}
}

// plain prints a text as it is.
func (p *jsonPrinter) plain(text string) {
	if p.w == nil || len(p.b)+len(text) <= pieceSize {
		p.b = append(p.b, text...)
		return
	}
	p.flush()
	if len(text) <= pieceSize {
		p.b = append(p.b, text...)
	} else if p.err == nil {
		_, p.err = io.WriteString(p.w, text)
	}
}

// flush hands on what was collected.
func (p *jsonPrinter) flush() {
	if p.err == nil {
		_, p.err = p.w.Write(p.b)
	}
	p.b = p.b[:0]
}

// PlainSize is how long a tree is as JSON, in bytes, if nothing in it needs an escape;
// it may be a little less.
func (n *Node) PlainSize() int {
	size := len(n.Text) + len(`"",`)
	for _, m := range n.Members {
		size += len(m.Name) + len(`"":`) + m.Value.PlainSize()
	}
	for _, item := range n.Items {
		size += item.PlainSize()
	}
	return size
}

// string prints a string with the escapes that JSON demands, and no more.
// What is not UTF-8 becomes U+FFFD, which is what reading it gives anyway.
func (p *jsonPrinter) string(s string) {
	p.plain(`"`)
	start := 0
	for at := 0; at < len(s); {
		c, size := s[at], 1
		if notPlain[c] == 0 {
			at++
			continue
		}
		if c >= utf8.RuneSelf {
			if _, size = utf8.DecodeRuneInString(s[at:]); size > 1 {
				at += size
				continue
			}
		}
		p.plain(s[start:at])
		p.escape(c)
		at += size
		start = at
	}
	p.plain(s[start:])
	p.plain(`"`)
}

// escape prints a byte that is not plain. What was collected may become a little longer
// than a piece.
func (p *jsonPrinter) escape(c byte) {
	const digits = "0123456789abcdef"
	switch {
	case c >= utf8.RuneSelf:
		p.b = append(p.b, "\ufffd"...)
	case letters[c] != 0:
		p.b = append(p.b, '\\', letters[c])
	default:
		p.b = append(p.b, `\u00`...)
		p.b = append(p.b, digits[c>>4], digits[c&15])
	}
}

// letters are the short escapes.
var letters = [utf8.RuneSelf]byte{'"': '"', '\\': '\\', '\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't'}
