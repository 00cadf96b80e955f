package fetch

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// JSONText finds a string or a number in JSON text by the names that lead to it
// through objects. Where there is none, and where the text is no JSON, it is "".
// It is all the JSON that tokens and errors of object stores need.
func JSONText(text []byte, path ...string) string {
	s := &jsonScanner{rest: string(text)}
	return s.find(path)
}

// A jsonScanner goes through a text. After a mistake the rest is empty.
type jsonScanner struct {
	rest  string
	depth int
}

// maxJSONDepth is far deeper than any answer that is looked at.
const maxJSONDepth = 100

func (s *jsonScanner) fail() { s.rest = "" }

// next is the first byte of the next token, which stays, or 0.
func (s *jsonScanner) next() byte {
	s.rest = strings.TrimLeft(s.rest, " \t\r\n")
	if s.rest == "" {
		return 0
	}
	return s.rest[0]
}

// eat takes the next token if it is this one.
func (s *jsonScanner) eat(c byte) bool {
	if s.next() != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// find reads a value and returns what is at the path below it.
func (s *jsonScanner) find(path []string) (found string) {
	switch s.next() {
	case '{', '[':
		return s.findInside(path)
	case '"':
		found = s.text()
	default:
		end := strings.IndexAny(s.rest, ",]} \t\r\n")
		if end < 0 {
			end = len(s.rest)
		}
		if end == 0 {
			s.fail()
			return ""
		}
		found, s.rest = s.rest[:end], s.rest[end:]
		if found == "null" {
			found = ""
		}
	}
	if len(path) > 0 {
		return ""
	}
	return found
}

// findInside reads an object or a list; lists have no names.
func (s *jsonScanner) findInside(path []string) (found string) {
	if s.depth++; s.depth > maxJSONDepth {
		s.fail()
		return ""
	}
	closing := s.rest[0] + 2 // of [ and of { alike
	named := s.rest[0] == '{'
	s.rest = s.rest[1:]
	for first := true; !s.eat(closing); first = false {
		if !first && !s.eat(',') || s.next() == 0 {
			s.fail()
			return ""
		}
		below := []string{""} // leads nowhere
		if named {
			name := s.text()
			if !s.eat(':') {
				s.fail()
				return ""
			}
			if len(path) > 0 && name == path[0] {
				below = path[1:]
			}
		}
		if value := s.find(below); value != "" {
			found = value
		}
	}
	s.depth--
	return found
}

// text reads a string.
func (s *jsonScanner) text() string {
	if !s.eat('"') {
		s.fail()
		return ""
	}
	var out strings.Builder
	for {
		i := strings.IndexAny(s.rest, `"\`)
		if i < 0 {
			s.fail()
			return ""
		}
		out.WriteString(s.rest[:i])
		quote := s.rest[i] == '"'
		s.rest = s.rest[i+1:]
		if quote {
			return out.String()
		}
		out.WriteRune(s.escape())
	}
}

// escape reads what comes after a backslash.
func (s *jsonScanner) escape() rune {
	if s.rest == "" {
		return utf8.RuneError
	}
	c := s.rest[0]
	s.rest = s.rest[1:]
	switch c {
	case 'u':
		high := s.unit()
		if utf16.IsSurrogate(high) && strings.HasPrefix(s.rest, `\u`) {
			s.rest = s.rest[2:]
			return utf16.DecodeRune(high, s.unit())
		}
		return high
	case 'n', 't', 'r', 'b', 'f':
		return rune("\n\t\r\b\f"[strings.IndexByte("ntrbf", c)])
	}
	return rune(c)
}

// unit reads four hexadecimal digits.
func (s *jsonScanner) unit() rune {
	if len(s.rest) < 4 {
		s.fail()
		return utf8.RuneError
	}
	n, err := strconv.ParseUint(s.rest[:4], 16, 16)
	if err != nil {
		s.fail()
		return utf8.RuneError
	}
	s.rest = s.rest[4:]
	return rune(n)
}
