package providers

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// The OVF environment is an XML document with properties in it. It is scanned
// rather than parsed: what is cut out must leave the rest as it is, byte by byte.
// https://www.dmtf.org/standards/ovf

// An ovfProperty is an element that stands at [begin, end) of the document.
type ovfProperty struct {
	key, value string
	begin, end int
}

var errXML = errors.New("this is not well-formed XML")

// ovfProperties finds the elements Environment/PropertySection/Property. What
// follows the outermost element does not matter.
func ovfProperties(document string) ([]ovfProperty, error) {
	const property = 3 // depth
	var found []ovfProperty
	var path []string // of open elements, with their prefixes
	for s := (xmlScanner{text: document}); ; {
		tag, err := s.next()
		if err != nil {
			return nil, err
		}
		if !tag.closes {
			path = append(path, tag.name)
			if len(path) == property && local(path[1]) == "PropertySection" && local(tag.name) == "Property" {
				found = append(found, ovfProperty{tag.attribute("key"), tag.attribute("value"), tag.begin, 0})
			}
		}
		if tag.closes || tag.empty {
			depth := len(path)
			if depth == 0 || path[depth-1] != tag.name {
				return nil, errXML
			}
			if n := len(found); depth == property && n > 0 && found[n-1].end == 0 {
				found[n-1].end = tag.end
			}
			if path = path[:depth-1]; depth == 1 {
				return found, nil
			}
		}
	}
}

// cutProperties is the document without those of its properties that have one
// of these keys.
func cutProperties(document string, properties []ovfProperty, keys ...string) string {
	var rest strings.Builder
	at := 0
	for _, p := range properties {
		if slices.Contains(keys, p.key) {
			rest.WriteString(document[at:p.begin])
			at = p.end
		}
	}
	rest.WriteString(document[at:])
	return rest.String()
}

// local is a name without its prefix, by which only its namespace differs: such a
// document has one.
func local(name string) string { return name[strings.IndexByte(name, ':')+1:] }

// An xmlTag stands at [begin, end) of the document.
type xmlTag struct {
	name          string
	attributes    []xmlAttribute
	closes, empty bool // </a>, <a/>
	begin, end    int
}

type xmlAttribute struct{ name, value string }

func (t *xmlTag) attribute(name string) string {
	for _, a := range t.attributes {
		if local(a.name) == name {
			return a.value
		}
	}
	return ""
}

// An xmlScanner finds one tag after the other.
type xmlScanner struct {
	text string
	at   int
}

// next passes over text, comments and whatever else is no tag.
func (s *xmlScanner) next() (*xmlTag, error) {
	for {
		i := strings.IndexByte(s.text[s.at:], '<')
		if i < 0 {
			return nil, errXML
		}
		s.at += i
		end := ""
		for _, other := range [][2]string{{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}, {"<!", ">"}} {
			if strings.HasPrefix(s.text[s.at:], other[0]) {
				s.at, end = s.at+len(other[0]), other[1]
				break
			}
		}
		if end == "" {
			return s.tag()
		}
		if i = strings.Index(s.text[s.at:], end); i < 0 {
			return nil, errXML
		}
		s.at += i + len(end)
	}
}

const xmlBlanks = " \t\r\n"

func (s *xmlScanner) tag() (*xmlTag, error) {
	t := &xmlTag{begin: s.at}
	s.at++
	t.closes = s.take("/")
	if t.name = s.word(); t.name == "" {
		return nil, errXML
	}
	for {
		s.blanks()
		t.empty = s.take("/")
		if s.take(">") {
			t.end = s.at
			return t, nil
		}
		a := xmlAttribute{name: s.word()}
		if t.empty || a.name == "" || !s.assigns() {
			return nil, errXML
		}
		var err error
		if a.value, err = s.quoted(); err != nil {
			return nil, err
		}
		t.attributes = append(t.attributes, a)
	}
}

func (s *xmlScanner) take(what string) bool {
	if !strings.HasPrefix(s.text[s.at:], what) {
		return false
	}
	s.at += len(what)
	return true
}

func (s *xmlScanner) blanks() {
	s.at = len(s.text) - len(strings.TrimLeft(s.text[s.at:], xmlBlanks))
}

func (s *xmlScanner) assigns() bool {
	s.blanks()
	if !s.take("=") {
		return false
	}
	s.blanks()
	return true
}

func (s *xmlScanner) word() string {
	rest := s.text[s.at:]
	if i := strings.IndexAny(rest, xmlBlanks+"/>=<\"'"); i >= 0 {
		rest = rest[:i]
	}
	s.at += len(rest)
	return rest
}

func (s *xmlScanner) quoted() (string, error) {
	for _, quote := range []string{`"`, "'"} {
		if s.take(quote) {
			value, _, closed := strings.Cut(s.text[s.at:], quote)
			if !closed || strings.Contains(value, "<") {
				return "", errXML
			}
			s.at += len(value) + 1
			return unescapeXML(value)
		}
	}
	return "", errXML
}

// unescapeXML replaces the references that XML knows without a document type.
func unescapeXML(text string) (string, error) {
	var plain strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "&")
		plain.WriteString(before)
		if !ok {
			return plain.String(), nil
		}
		name, rest, ok := strings.Cut(rest, ";")
		if !ok {
			return "", errXML
		}
		c, ok := referenced(name)
		if !ok {
			return "", errXML
		}
		plain.WriteRune(c)
		text = rest
	}
}

func referenced(name string) (rune, bool) {
	if number, ok := strings.CutPrefix(name, "#"); ok {
		if hex, ok := strings.CutPrefix(number, "x"); ok {
			c, err := strconv.ParseUint(hex, 16, 21)
			return rune(c), err == nil
		}
		c, err := strconv.ParseUint(number, 10, 21)
		return rune(c), err == nil
	}
	switch name {
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "amp":
		return '&', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	return 0, false
}
