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
const ovfSpace = "http://schemas.dmtf.org/ovf/environment/1"

// An ovfProperty is an element that stands at [begin, end) of the document.
type ovfProperty struct {
	key, value string
	begin, end int
}

var errXML = errors.New("this is not well-formed XML")

// ovfProperties finds the elements Environment/PropertySection/Property. What
// follows the outermost element does not matter.
func ovfProperties(document string) ([]ovfProperty, error) {
	var found []ovfProperty
	var path []string // of open elements, with their prefixes
	var spaces []xmlSpace
	const root, section, property = 1, 2, 3 // depths
	sections := false                       // whether the open section is one of properties
	for s := (xmlScanner{text: document}); ; {
		tag, err := s.next()
		if err != nil {
			return nil, err
		}
		if !tag.closes {
			path = append(path, tag.name)
			spaces = tag.declare(spaces, len(path))
			space, name := resolve(spaces, tag.name)
			switch {
			case len(path) == section:
				sections = space == ovfSpace && name == "PropertySection"
			case len(path) == property && sections && space == ovfSpace && name == "Property":
				found = append(found, tag.property(spaces))
			}
		}
		if tag.closes || tag.empty {
			if len(path) == 0 || path[len(path)-1] != tag.name {
				return nil, errXML
			}
			if n := len(found); len(path) == property && n > 0 && found[n-1].end == 0 {
				found[n-1].end = tag.end
			}
			for len(spaces) > 0 && spaces[len(spaces)-1].depth == len(path) {
				spaces = spaces[:len(spaces)-1]
			}
			if path = path[:len(path)-1]; len(path) < root {
				return found, nil
			}
		}
	}
}

// property reads the attributes that matter. Its end is not known yet.
func (t *xmlTag) property(spaces []xmlSpace) ovfProperty {
	p := ovfProperty{begin: t.begin}
	for _, a := range t.attributes {
		space, name := "", a.name // without a prefix it is in no namespace
		if strings.Contains(a.name, ":") {
			space, name = resolve(spaces, a.name)
		}
		switch {
		case space != "" && space != ovfSpace:
		case name == "key":
			p.key = a.value
		case name == "value":
			p.value = a.value
		}
	}
	return p
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

// An xmlSpace is what a prefix means below an element of this depth.
type xmlSpace struct {
	prefix, uri string
	depth       int
}

// declare adds the namespaces that an element declares.
func (t *xmlTag) declare(spaces []xmlSpace, depth int) []xmlSpace {
	for _, a := range t.attributes {
		if prefix, ok := strings.CutPrefix(a.name, "xmlns"); ok && (prefix == "" || prefix[0] == ':') {
			spaces = append(spaces, xmlSpace{strings.TrimPrefix(prefix, ":"), a.value, depth})
		}
	}
	return spaces
}

// resolve finds the namespace of a name, "" for none.
func resolve(spaces []xmlSpace, name string) (space, local string) {
	prefix, local, prefixed := strings.Cut(name, ":")
	if !prefixed {
		prefix, local = "", name
	}
	for i := len(spaces) - 1; i >= 0; i-- {
		if spaces[i].prefix == prefix {
			return spaces[i].uri, local
		}
	}
	return "", local
}

// An xmlTag stands at [begin, end) of the document.
type xmlTag struct {
	name          string
	attributes    []xmlAttribute
	closes, empty bool // </a>, <a/>
	begin, end    int
}

type xmlAttribute struct{ name, value string }

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
