package doc

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// string reads a string or name. Without escapes it is a part of the text.
func (r *jsonReader) string() (string, error) {
	start := r.at + 1
	if length := strings.IndexByte(r.text[start:], '"'); length >= 0 && isAllPlain(r.text[start:start+length]) {
		r.at = start + length + 1
		return r.text[start : r.at-1], nil
	}
	r.at = r.plainEnd(start)
	if r.peek() == '"' { // not in ASCII only
		r.at++
		return r.text[start : r.at-1], nil
	}
	var b strings.Builder
	// The string is likely to end at the next quote.
	b.Grow(r.at - start + max(strings.IndexByte(r.text[r.at:], '"'), 0))
	for {
		b.WriteString(r.text[start:r.at])
		switch c := r.peek(); {
		case r.at == len(r.text):
			return "", r.cutOff()
		case c == '"':
			r.at++
			return b.String(), nil
		case c == '\\':
			if err := r.escape(&b); err != nil {
				return "", err
			}
		case c < ' ':
			return "", r.fail(r.at, "invalid character %q in a string, it should be written as an escape like \\n or \\u001f", c)
		default: // not UTF-8
			b.WriteRune(utf8.RuneError)
			r.at++
		}
		start = r.at
		r.at = r.plainEnd(start)
	}
}

// notPlain is 0 for each byte that stands for itself in a string and is a
// character. Looking up is faster than comparing.
var notPlain = func() (other [256]byte) {
	for i := range other {
		if c := byte(i); c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			other[i] = 1
		}
	}
	return other
}()

// plainEnd is where, from an offset on, characters end that stand for
// themselves in a string.
func (r *jsonReader) plainEnd(at int) int {
	text := r.text
	for at < len(text) {
		if notPlain[text[at]] == 0 {
			at++
			continue
		}
		if text[at] < utf8.RuneSelf {
			break
		}
		_, size := utf8.DecodeRuneInString(text[at:])
		if size == 1 { // not UTF-8
			break
		}
		at += size
	}
	return at
}

// isAllPlain reports whether all bytes of a string are plain. As it has no branch
// for each of them, 32 MiB take 17 ms instead of 30.
func isAllPlain(s string) bool {
	var other byte
	for i := range len(s) {
		other |= notPlain[s[i]]
	}
	return other == 0
}

// escape reads a backslash and what it is for.
func (r *jsonReader) escape(b *strings.Builder) error {
	const letters, meanings = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	rest := r.text[r.at+1:]
	if rest == "" {
		return r.cutOff()
	}
	if i := strings.IndexByte(letters, rest[0]); i >= 0 {
		b.WriteByte(meanings[i])
		r.at += 2
		return nil
	}
	first, size := hexEscape(r.text[r.at:])
	if size == 0 {
		return r.badEscape()
	}
	r.at += size
	if utf16.IsSurrogate(first) {
		second, size := hexEscape(r.text[r.at:])
		first = utf16.DecodeRune(first, second) // RuneError if they are no pair
		if first != utf8.RuneError {
			r.at += size
		}
	}
	b.WriteRune(first)
	return nil
}

// hexEscape reads an escape like \u00e9. The size is 0 if there is none.
func hexEscape(s string) (c rune, size int) {
	const length = len(`\u00e9`)
	if len(s) < length || s[:2] != `\u` {
		return 0, 0
	}
	for i := 2; i < length; i++ {
		digit, ok := hexDigit(s[i])
		if !ok {
			return 0, 0
		}
		c = c<<4 | digit
	}
	return c, length
}

func hexDigit(c byte) (value rune, ok bool) {
	switch {
	case isDigit(c):
		return rune(c - '0'), true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10, true
	}
	return 0, false
}

// badEscape says what is wrong with the escape here.
func (r *jsonReader) badEscape() error {
	rest := r.text[r.at:]
	end := 1
	if rest[end] == 'u' {
		for end++; end < len(rest) && end < len(`\u00e9`); end++ {
			if _, ok := hexDigit(rest[end]); !ok {
				break
			}
		}
		if end == len(rest) {
			return r.cutOff()
		}
	}
	_, size := utf8.DecodeRuneInString(rest[end:])
	return r.fail(r.at, "invalid escape %s in a string, a plain backslash is written \\\\", strconv.Quote(rest[:end+size]))
}

// literal reads true, false or null, of which the first letter was seen.
func (r *jsonReader) literal(word string) (string, error) {
	for i := range len(word) {
		if r.peek() != word[i] {
			return "", r.unexpected(word)
		}
		r.at++
	}
	return word, nil
}

// number checks the grammar of a number, and leaves its value to others.
func (r *jsonReader) number() (string, error) {
	start := r.at
	if r.peek() == '-' {
		r.at++
	}
	zero := r.peek() == '0'
	before := r.at
	if err := r.digits(); err != nil {
		return "", err
	}
	if zero && r.at > before+1 {
		return "", r.fail(before+1, "a number cannot start with 0; a mode that is octal 0644 is written 420")
	}
	if r.peek() == '.' {
		r.at++
		if err := r.digits(); err != nil {
			return "", err
		}
	}
	if c := r.peek(); c == 'e' || c == 'E' {
		r.at++
		if c := r.peek(); c == '+' || c == '-' {
			r.at++
		}
		if err := r.digits(); err != nil {
			return "", err
		}
	}
	return r.text[start:r.at], nil
}

// digits reads one digit or more.
func (r *jsonReader) digits() error {
	if !isDigit(r.peek()) {
		return r.unexpected("a digit")
	}
	for isDigit(r.peek()) {
		r.at++
	}
	return nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
