package yaml

import (
	"strings"
	"unicode/utf8"
	"unsafe"
)

const byteOrderMark = "\ufeff"

// normalized returns a text whose lines all end with \n. Without other ends it is the text
// itself, which strings are parts of. YAML has more ends, of which two stay what they are.
func (r *reader) normalized(raw []byte) string {
	text := unsafe.String(unsafe.SliceData(raw), len(raw))
	if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
		r.fail(r.mark(), "this is UTF-16; save it as UTF-8")
	}
	text = strings.TrimPrefix(text, byteOrderMark)
	r.text = text
	if !isASCII(text) {
		r.checkCharacters()
	}
	if strings.Contains(text, "\r") || strings.Contains(text, "\u0085") {
		text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n").Replace(text)
	}
	return text
}

// special is 0 for each byte that needs no look: a character that may stand in YAML.
var special = func() (other [256]byte) {
	for i := range other {
		if c := byte(i); c < ' ' && c != '\t' && c != '\n' && c != '\r' || c >= 0x7f {
			other[i] = 1
		}
	}
	return other
}()

// isASCII reports whether a text has no other characters than those of ASCII that may
// stand in YAML. It has no branch for each byte.
func isASCII(text string) bool {
	var other byte
	for i := range len(text) {
		other |= special[text[i]]
	}
	return other == 0
}

// checkCharacters refuses what is not UTF-8, and characters that YAML does not have.
func (r *reader) checkCharacters() {
	for at := 0; at < len(r.text); {
		if special[r.text[at]] == 0 {
			at++
			continue
		}
		c, size := utf8.DecodeRuneInString(r.text[at:])
		switch {
		case c == utf8.RuneError && size == 1:
			r.fail(r.markAt(at), "the byte 0x%02x is not UTF-8; save the text as UTF-8", r.text[at])
		case c < 0xa0 && c != 0x85, c == 0xfffe, c == 0xffff:
			r.fail(r.markAt(at), "the control character %U cannot stand in YAML; in double quotes write an escape, like \\x1b", c)
		}
		at += size
	}
}

// markAt is the place of an offset, for errors.
func (r *reader) markAt(at int) mark {
	before := r.text[:at]
	return mark{at: at, line: int32(strings.Count(before, "\n")) + 1, column: int32(at - strings.LastIndexByte(before, '\n'))}
}
