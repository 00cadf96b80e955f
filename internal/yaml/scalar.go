package yaml

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// plainNode reads text without quotes.
func (r *reader) plainNode(start mark, own properties) *Node {
	if !r.startsPlain() {
		r.failStart()
	}
	n := r.whole(ScalarNode, start, own)
	n.Plain = true
	n.Value = r.plain()
	return n
}

// startsPlain reports whether plain text can start with the next byte: no indicator, unless
// it is one of - ? : and text follows.
func (r *reader) startsPlain() bool {
	switch c := r.peek(); c {
	case '-':
		return !isSpace(r.byteAt(r.at + 1))
	case '?', ':':
		return !r.inFlow() && !isSpace(r.byteAt(r.at+1))
	case 0, '\t', ',', '[', ']', '{', '}', '#', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`':
		return false
	}
	return true
}

// plain reads plain text, which may go on in the next lines if they are indented, and goes
// to the next token.
func (r *reader) plain() string {
	start := r.at
	end := r.plainEnd()
	r.buffer = r.buffer[:0]
	r.fresh = false
	for {
		breaks := r.plainGap()
		if breaks > 0 && (!r.inFlow() && r.column() <= r.indent || r.atMarker()) || r.peek() == '#' {
			break
		}
		next := r.at
		nextEnd := r.plainEnd()
		if nextEnd == next {
			break
		}
		if breaks == 0 { // a tab or blanks before what has ended plainEnd
			end = nextEnd
			continue
		}
		r.buffer = fold(append(r.buffer, r.text[start:end]...), breaks)
		r.fresh = false
		start, end = next, nextEnd
	}
	if len(r.buffer) == 0 {
		return r.text[start:end]
	}
	return string(append(r.buffer, r.text[start:end]...))
}

// plainEnd goes to the end of the words in this line, and returns where the last ends.
func (r *reader) plainEnd() int {
	end := r.at
	for ; r.at < len(r.text); r.at++ {
		switch c := r.text[r.at]; c {
		case '\n':
			return end
		case ' ', '\t':
			continue
		case ':':
			if isSpace(r.byteAt(r.at + 1)) {
				return end
			}
		case '#':
			if end < r.at { // after a blank
				return end
			}
		case ',', '?', '[', ']', '{', '}':
			if r.inFlow() {
				return end
			}
		}
		end = r.at + 1
	}
	return end
}

// plainGap reads the blanks and ends of lines between two words, and counts the latter.
func (r *reader) plainGap() (breaks int) {
	for {
		switch c := r.peek(); {
		case c == '\t' && breaks > 0 && r.column() <= r.indent:
			if !r.isEmptyLine() {
				r.failTab()
			}
			r.skipBlanks()
		case isBlank(c):
			r.at++
		case c == '\n':
			r.newLine()
			r.fresh = true
			breaks++
		default:
			return breaks
		}
	}
}

// fold appends what the ends of lines between two words are: a space if there is one, and
// else one less.
func fold(text []byte, breaks int) []byte {
	if breaks == 1 {
		return append(text, ' ')
	}
	for range breaks - 1 {
		text = append(text, '\n')
	}
	return text
}

// quoted reads text in quotes of one kind.
func (r *reader) quoted(quote byte) string {
	open := r.mark()
	r.at++
	r.buffer = r.buffer[:0]
	start := r.at
	for {
		switch c := r.peek(); {
		case r.at == len(r.text):
			r.fail(open, "the quote %c that opens here is not closed", quote)
		case c == quote && quote == '\'' && r.byteAt(r.at+1) == '\'':
			r.buffer = append(r.buffer, r.text[start:r.at+1]...)
			r.at += 2
			start = r.at
		case c == quote:
			r.at++
			if len(r.buffer) == 0 {
				return r.text[start : r.at-1]
			}
			return string(append(r.buffer, r.text[start:r.at-1]...))
		case c == '\n':
			words := strings.TrimRight(r.text[start:r.at], " \t")
			r.buffer = fold(append(r.buffer, words...), r.quotedGap(open))
			start = r.at
		case c == '\\' && quote == '"':
			r.buffer = append(r.buffer, r.text[start:r.at]...)
			r.escape(open)
			start = r.at
		default:
			r.at++
		}
	}
}

// quotedGap reads the ends of lines and the blanks before the next word, and counts the
// former.
func (r *reader) quotedGap(open mark) (breaks int) {
	for ; ; r.at++ {
		for r.peek() == '\n' {
			r.newLine()
			breaks++
			if r.atMarker() {
				r.fail(open, "the quote %c that opens here is not closed before line %d, where the document ends", r.text[open.at], r.line)
			}
		}
		if !isBlank(r.peek()) {
			return breaks
		}
	}
}

const (
	escapes    = "0abt\tnvfre \"'/\\N_LP"
	lengthOfXU = "xuU"
)

var escaped = [...]string{"\x00", "\a", "\b", "\t", "\t", "\n", "\v", "\f", "\r", "\x1b", " ", "\"", "'", "/", "\\", "\u0085", "\u00a0", "\u2028", "\u2029"}

// escape reads a backslash and what it is for.
func (r *reader) escape(open mark) {
	at := r.mark()
	c := r.byteAt(r.at + 1)
	r.at += 2
	if c == 0 {
		r.fail(open, "the quote \" that opens here is not closed")
	}
	if i := strings.IndexByte(escapes, c); i >= 0 {
		r.buffer = append(r.buffer, escaped[i]...)
		return
	}
	if c == '\n' {
		r.at--
		for range r.quotedGap(open) - 1 {
			r.buffer = append(r.buffer, '\n')
		}
		return
	}
	i := strings.IndexByte(lengthOfXU, c)
	if i < 0 {
		character, _ := utf8.DecodeRuneInString(r.text[r.at-1:])
		r.fail(at, "\\%c is no escape; in double quotes a backslash is special: write \\\\, or use single quotes", character)
	}
	digits := r.text[r.at:min(r.at+2<<i, len(r.text))]
	code, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || len(digits) < 2<<i || !utf8.ValidRune(rune(code)) {
		r.fail(at, "\\%c is followed by the %d hexadecimal digits of a character, as in \\x41; to write a backslash use \\\\ or single quotes", c, 2<<i)
	}
	r.buffer = utf8.AppendRune(r.buffer, rune(code))
	r.at += len(digits)
}
