package format

import "bytes"

// format returns the lines with their new indentation.
func (r *reader) format() []byte {
	w := &writer{reader: r, next: r.nextLines()}
	for i := range r.lines[:r.tail] {
		w.line(i)
	}
	w.tail()
	return w.out
}

// A writer writes one line after the other.
type writer struct {
	*reader
	out  []byte
	next []int // per line: the next that is neither blank nor a comment, or -1
	// blank is how many blank lines there were since the last line.
	blank int
	// within is the innermost collection of what has begun last.
	within *collection
	// shift is how far that has moved to the right.
	shift int
	// afterBlock reports whether that has ended with a block scalar.
	afterBlock bool
}

func (r *reader) nextLines() []int {
	next := make([]int, len(r.lines))
	following := -1
	for i := len(r.lines) - 1; i >= 0; i-- {
		next[i] = following
		if l := &r.lines[i]; i < r.tail && (l.inQuotes || l.block != nil || !l.isBlank() && !l.isComment()) {
			following = i
		}
	}
	return next
}

func (w *writer) line(i int) {
	l := &w.lines[i]
	switch {
	case l.block != nil:
		w.blockText(l)
	case l.inQuotes && l.isBlank():
		w.write(0, l.text, l)
	case l.isBlank():
		w.blank++
	case !l.inQuotes && l.isComment():
		w.write(w.commentIndent(i), trimBlanks(l.text), l)
	case l.begins:
		w.shift = l.will - l.indent
		w.write(l.will, l.body(), l)
	default:
		w.write(w.continued(l), l.body(), l)
	}
	if l.within != nil {
		w.within, w.afterBlock = l.within, false
	}
	w.afterBlock = w.afterBlock || l.header
}

func trimBlanks(text []byte) []byte { return bytes.Trim(text, " \t") }

// body is a line without its indentation, with one space where there should be one.
func (l *line) body() []byte {
	var b []byte
	at := l.indent
	for _, s := range l.spaces {
		b = append(append(b, l.text[at:s.from]...), ' ')
		at = s.to
	}
	b = append(b, l.text[at:]...)
	if l.opensQuotes {
		return b
	}
	return bytes.TrimRight(b, " \t")
}

// write writes a line after the blank ones before it: those inside of a scalar all, of
// others one.
func (w *writer) write(indent int, text []byte, l *line) {
	if w.blank > 1 && !w.continues(l) {
		w.blank = 1
	}
	if len(w.out) == 0 {
		w.blank = 0
	}
	for ; w.blank > 0; w.blank-- {
		w.out = append(w.out, w.reader.end...)
	}
	w.out = append(w.out, bytes.Repeat([]byte(" "), indent)...)
	w.out = append(w.out, text...)
	switch {
	case len(l.end) > 0 && l.end[len(l.end)-1] != '\n' && !bytes.Equal(l.end, []byte("\r")):
		w.out = append(w.out, l.end...) // it can be text
	case len(l.end) > 0 || l.block == nil && !l.header:
		w.out = append(w.out, w.reader.end...)
	}
}

// continues reports whether a line goes on with a scalar or with a collection in flow
// style.
func (w *writer) continues(l *line) bool { return l.inQuotes || !l.begins && !l.isComment() }

// blockText writes a line of a block scalar. Its indentation is not part of the text,
// unlike all other white space.
func (w *writer) blockText(l *line) {
	text := l.text[min(l.indent, l.block.was):]
	if len(text) == 0 {
		w.write(0, nil, l)
		return
	}
	w.write(l.block.will, text, l)
}

// continued is the indentation of a line that goes on with what has begun before: it
// moves as that does. It is inside of it, but a bracket or brace may close at its left.
func (w *writer) continued(l *line) int {
	if w.within == nil {
		return l.indent
	}
	least := w.within.inside()
	if text := l.text[l.indent:]; !l.inQuotes && (text[0] == ']' || text[0] == '}') {
		least = w.within.will
	}
	return max(l.indent+w.shift, least)
}

// commentIndent is the indentation of a comment: that of what follows if it is in the
// same column, or of the innermost of the collections before that is not right of it.
func (w *writer) commentIndent(i int) int {
	l := &w.lines[i]
	if next := w.next[i]; next >= 0 {
		following := &w.lines[next]
		switch {
		case w.within == nil && following.begins || l.indent == following.indent && following.begins:
			return following.will
		case !following.begins:
			return w.continued(l)
		}
	}
	if w.within != nil && l.indent > w.within.was && !w.afterBlock {
		return w.within.inside()
	}
	for c := w.within; c != nil; c = c.parent {
		if c.was <= l.indent {
			return c.will
		}
	}
	return 0
}

// tail writes what follows the document, as it is but for blank lines at the end.
func (w *writer) tail() {
	var rest []byte
	for _, l := range w.lines[w.reader.tail:] {
		rest = append(append(rest, l.text...), l.end...)
	}
	if rest = bytes.TrimRight(rest, " \t\r\n"); len(rest) > 0 {
		w.out = append(append(w.out, rest...), w.reader.end...)
	}
}
