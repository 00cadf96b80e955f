package yaml

import (
	"strings"
	"unicode/utf8"
)

// Messages for people who have made one of the usual mistakes.

func (r *reader) failTab() {
	r.fail(r.mark(), "a tab cannot indent; use spaces")
}

// failStart says why a value cannot start here.
func (r *reader) failStart() {
	switch c := r.peek(); {
	case r.at == len(r.text):
		r.fail(r.mark(), "the text ends where a value should be")
	case c == '\t':
		r.failTab()
	case strings.IndexByte("%@`", c) >= 0:
		r.fail(r.mark(), "text that starts with %c needs quotes", c)
	case c == ']' || c == '}':
		r.fail(r.mark(), "a %c closes what was not opened; text that starts with it needs quotes", c)
	case c == '|' || c == '>':
		r.fail(r.mark(), "a text in lines of its own, with %c, cannot stand in brackets, in braces or as a key", c)
	case c == '-':
		r.fail(r.mark(), "an item of a list, with \"- \", cannot stand in brackets or braces; text that starts with it needs quotes")
	default:
		r.fail(r.mark(), "a value or a key is missing before the %c; text that starts with it needs quotes", c)
	}
}

// failIndentation says that a line does not match those before it: that of the collection
// that should go on, and that of the one inside of it, which has ended.
func (r *reader) failIndentation(outer border) {
	if r.peek() == '\t' {
		r.failTab()
	}
	if inner := r.left; inner.at == r.at && inner.line > 0 && inner != outer {
		r.fail(r.mark(), "this is indented by %d, but should be by %d, as in line %d, or by %d, as in line %d", r.column(), inner.column, inner.line, outer.column, outer.line)
	}
	r.fail(r.mark(), "this is indented by %d, but should be by %d, as in line %d", r.column(), outer.column, outer.line)
}

// failIndicator says that a list or an explicit key cannot start here.
func (r *reader) failIndicator(c byte) {
	if c == '?' {
		r.fail(r.mark(), "a key with \"? \" should start in a line of its own; text that starts with it needs quotes")
	}
	r.fail(r.mark(), "the items of a list should start in a line of their own; text that starts with \"- \" needs quotes")
}

// failNoColon says that what was read from start on is no key.
func (r *reader) failNoColon(start mark) {
	line, _, _ := strings.Cut(r.text[start.at:], "\n")
	switch word, after, found := strings.Cut(line, ":"); {
	case strings.HasPrefix(line, "-"):
		r.fail(start, "a colon is missing after a key; an item of a list has a space after the -")
	case found && after != "" && !strings.ContainsAny(word, " \"'"):
		r.fail(start, "a colon is missing after a key; is it the one in %q, which needs a space after it?", abridged(line))
	}
	r.fail(start, "a colon is missing after a key; is this a part of the value before, which needs more indentation or quotes?")
}

// failAfterValue says that there is more behind a value in its line.
func (r *reader) failAfterValue() {
	before := r.text[r.lineStart:r.at]
	last := strings.TrimRight(before, " \t")
	if strings.HasSuffix(last, `"`) || strings.HasSuffix(last, "'") {
		r.fail(r.mark(), "there is text behind the closing quote; quotes go around all of a value, and inside of them ' is written '' and \" is written \\\"")
	}
	r.fail(r.mark(), "there is text behind the end of the value; text with special characters needs quotes")
}

// failAfterDocument says that there is more behind the end of the document.
func (r *reader) failAfterDocument() {
	if r.left.at == r.at && r.left.line > 0 {
		r.failIndentation(r.left)
	}
	r.fail(r.mark(), "the document has ended before this line, so that this would not be read; is a brace or a bracket closed too early?")
}

// failUnclosed says that the document ends inside of brackets or braces.
func (r *reader) failUnclosed() {
	open := r.innermost()
	r.fail(open, "the %c that opens here is not closed", r.text[open.at])
}

// failSeparator says that there is no comma.
func (r *reader) failSeparator(closing byte) {
	open := r.innermost()
	switch c := r.peek(); {
	case c == '?' && !isSpace(r.text[r.at-1]):
		r.fail(r.mark(), "text with ? needs quotes in brackets and braces")
	case c == '{' && r.text[r.at-1] == '$':
		r.fail(r.mark(), "text with ${ in it needs quotes in brackets and braces")
	case c == ']' || c == '}':
		r.fail(r.mark(), "the %c of line %d is closed with %c, and not with %c", r.text[open.at], open.line, c, closing)
	}
	c, _ := utf8.DecodeRuneInString(r.text[r.at:])
	r.fail(r.mark(), "a comma is missing before %q, or a %c that closes the %c of line %d", c, closing, r.text[open.at], open.line)
}

func (r *reader) failHeader() {
	r.fail(r.mark(), "after | or > the line has only +, - or a digit, and the text starts in the next line; text that starts with | or > needs quotes")
}

// abridged is the beginning of a text.
func abridged(text string) string {
	const longest = 40 // characters
	if characters := []rune(text[:min(len(text), utf8.UTFMax*longest)]); len(characters) > longest {
		return string(characters[:longest]) + "..."
	}
	return text
}
