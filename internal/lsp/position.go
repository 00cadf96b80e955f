package lsp

import (
	"unicode/utf16"
	"unicode/utf8"

	"github.com/firstlight-os/firstlight/internal/check"
)

// A Position is between two characters, from 0. What Character counts is negotiated.
type Position struct {
	Line      int `json:"line"`
	Character int `json:"character"`
}

// A Range ends before End.
type Range struct {
	Start Position `json:"start"`
	End   Position `json:"end"`
}

// An encoding is what a client counts characters in.
type encoding string

// The encodings of the protocol. Clients that do not say theirs count UTF-16.
const (
	utf8Units  encoding = "utf-8"
	utf16Units encoding = "utf-16"
	utf32Units encoding = "utf-32"
)

// chooseEncoding returns the best of those that a client offers: ours are bytes.
func chooseEncoding(offered []encoding) encoding {
	best := utf16Units
	for _, e := range offered {
		switch e {
		case utf8Units:
			return e
		case utf32Units:
			best = e
		case utf16Units:
		}
	}
	return best
}

// units is how much a character counts.
func (e encoding) units(r rune, bytes int) int {
	switch e {
	case utf8Units:
		return bytes
	case utf32Units:
		return 1
	default:
		return utf16.RuneLen(r)
	}
}

// A span is a part of a text, in bytes from its start.
type span struct{ start, end int }

func (s span) contains(offset int) bool { return s.start <= offset && offset <= s.end }

// A text is what a document has, with what finds positions in it.
type text struct {
	string
	*check.Lines
	encoding encoding
}

func newText(s string, e encoding) text { return text{s, check.NewLines([]byte(s)), e} }

// offset returns where a position is, in bytes. One behind the end of its line is at
// that end.
func (t *text) offset(p Position) int {
	start := t.Offset(p.Line+1, 1)
	rest := t.Line(p.Line + 1)
	if p.Line < 0 || start == len(t.string) {
		return start
	}
	at := 0
	for left := p.Character; left > 0 && at < len(rest); {
		r, size := utf8.DecodeRune(rest[at:])
		if left -= t.encoding.units(r, size); left < 0 {
			break // in the middle of a character
		}
		at += size
	}
	return start + at
}

// position is the inverse of offset.
func (t *text) position(offset int) Position {
	offset = min(max(offset, 0), len(t.string))
	line, column := t.Position(offset)
	before := t.string[offset-column+1 : offset]
	if t.encoding == utf8Units {
		return Position{line - 1, len(before)}
	}
	units := 0
	for len(before) > 0 {
		r, size := utf8.DecodeRuneInString(before)
		units += t.encoding.units(r, size)
		before = before[size:]
	}
	return Position{line - 1, units}
}

func (t *text) rangeOf(s span) Range { return Range{t.position(s.start), t.position(s.end)} }

// at is the text of a span.
func (t *text) at(s span) string { return t.string[s.start:s.end] }
