package doc

import (
	"iter"
	"strings"
	"unsafe"
)

const whiteSpace = " \t\n\f\r"

// Shared is a text as a string without a copy, which can be large. The text must not be
// changed as long as the string or a part of it is used.
func Shared(text []byte) string { return unsafe.String(unsafe.SliceData(text), len(text)) }

// Keys yields the places of a key in a text that need not be a document: the text before
// the key, and that after its colon. The key may have quotes, and the given characters
// before the colon.
func Keys(text, name, blanks string) iter.Seq2[string, string] {
	return func(yield func(before, after string) bool) {
		for at := 0; ; at += len(name) {
			i := strings.Index(text[at:], name)
			if i < 0 {
				return
			}
			at += i
			before, after := text[:at], text[at+len(name):]
			if isQuote(before, len(before)-1) {
				before = before[:len(before)-1]
			}
			if isQuote(after, 0) {
				after = after[1:]
			}
			if after, ok := strings.CutPrefix(strings.TrimLeft(after, blanks), ":"); ok && !yield(before, after) {
				return
			}
		}
	}
}

func isQuote(text string, i int) bool {
	return i >= 0 && i < len(text) && (text[i] == '"' || text[i] == '\'')
}

// HasKey reports whether a text has a key at the left margin, or in JSON.
func HasKey(text, name string) bool {
	for before := range Keys(text, name, whiteSpace) {
		if AtMargin(before) || InBraces(before) {
			return true
		}
	}
	return false
}

// AtMargin reports whether what follows a text is at the left margin.
func AtMargin(before string) bool { return before == "" || strings.HasSuffix(before, "\n") }

// InBraces reports whether what follows a text can be a key in braces.
func InBraces(before string) bool {
	before = strings.TrimRight(before, whiteSpace)
	return strings.HasSuffix(before, "{") || strings.HasSuffix(before, ",")
}
