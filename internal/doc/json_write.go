package doc

import "unicode/utf8"

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

// appendString writes a string with the escapes that JSON demands, and no more.
// What is not UTF-8 becomes U+FFFD, which is what reading it gives anyway.
func appendString(b []byte, s string) []byte {
	const digits = "0123456789abcdef"
	b = append(b, '"')
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
		b = append(b, s[start:at]...)
		switch {
		case c >= utf8.RuneSelf:
			b = append(b, "\ufffd"...)
		case letters[c] != 0:
			b = append(b, '\\', letters[c])
		default:
			b = append(b, `\u00`...)
			b = append(b, digits[c>>4], digits[c&15])
		}
		at += size
		start = at
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

// letters are the short escapes.
var letters = [utf8.RuneSelf]byte{'"': '"', '\\': '\\', '\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't'}
