package yaml

import "strings"

// A header is what follows | or >.
type header struct {
	folded bool
	chomp  byte // '-' leaves out the last end of line, '+' keeps all; 0 keeps one
	indent int  // 0 to find it
}

// blockScalar reads | or > and the lines after it, and goes to the next token.
func (r *reader) blockScalar() string {
	start := r.mark()
	h := r.header()
	r.fresh = true
	r.buffer = r.buffer[:0]
	indent := 0
	if h.indent > 0 {
		indent = max(r.indent, 0) + h.indent
	}
	breaks := r.emptyLines(&indent, start)
	before := 0 // the end of the last line: 1, or 0 before the first
	deeper := false
	for r.at < len(r.text) && r.column() == indent {
		now := isBlank(r.peek())
		if h.folded && before == 1 && !deeper && !now {
			r.buffer = fold(r.buffer, 1+breaks)
		} else {
			r.buffer = appendBreaks(r.buffer, before+breaks)
		}
		deeper = now
		text := r.text[r.at:]
		end := strings.IndexByte(text, '\n')
		if end < 0 {
			r.at = len(r.text)
			r.buffer = append(r.buffer, text...)
			before, breaks = 0, 0
			break
		}
		r.buffer = append(r.buffer, text[:end]...)
		r.at += end
		r.newLine()
		before = 1
		breaks = r.emptyLines(&indent, start)
	}
	switch h.chomp {
	case '+':
		r.buffer = appendBreaks(r.buffer, before+breaks)
	case 0:
		r.buffer = appendBreaks(r.buffer, before)
	}
	return string(r.buffer)
}

func appendBreaks(text []byte, n int) []byte {
	for range n {
		text = append(text, '\n')
	}
	return text
}

// header reads the first line.
func (r *reader) header() (h header) {
	h.folded = r.peek() == '>'
	for r.at++; !isSpace(r.peek()) && r.peek() != '#'; r.at++ {
		switch c := r.peek(); {
		case (c == '+' || c == '-') && h.chomp == 0:
			h.chomp = c
		case '1' <= c && c <= '9' && h.indent == 0:
			h.indent = int(c - '0')
		default:
			r.failHeader()
		}
	}
	r.skipBlanks()
	if !r.atLineEnd() {
		r.failHeader()
	}
	r.skipComment()
	if r.at < len(r.text) {
		r.newLine()
	}
	return h
}

// emptyLines reads empty lines and the indentation of the next one, and counts the former.
// The first line with text sets the indentation if it is 0, but those before it may be
// longer, and it is more than that of what is around.
func (r *reader) emptyLines(indent *int, start mark) (breaks int) {
	longest := 0
	for {
		for r.peek() == ' ' && (*indent == 0 || r.column() < *indent) {
			r.at++
		}
		longest = max(longest, r.column())
		if r.peek() == '\t' && (*indent == 0 || r.column() < *indent) {
			r.failTab()
		}
		if r.peek() != '\n' {
			break
		}
		r.newLine()
		breaks++
	}
	if *indent == 0 {
		*indent = max(longest, r.indent+1, 1)
	}
	return breaks
}
