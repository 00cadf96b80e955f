// Package xmltext reads small XML documents: descriptions on drives of virtual machines,
// and errors of object stores. It has no validation beyond what well-formed means, no
// namespaces and no entities but those of XML itself, and is a tenth of encoding/xml's
// bytes, which every initramfs would carry.
//
// It imports nothing of this module.
package xmltext

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Kind is one of a token.
type Kind int

// The kinds of tokens.
const (
	Start Kind = iota // of an element
	End
	Text
)

// A Token is a part of a document that means something.
type Token struct {
	Kind Kind
	// Name is that of the element, without the prefix of its namespace.
	Name string
	// Attributes of the start of an element, without declarations of namespaces.
	Attributes map[string]string
	Text       string
}

// A Decoder reads a document token by token, so that it may be anything after what was
// looked for. The document is in UTF-8, whatever encoding it names.
// https://www.w3.org/TR/xml/
type Decoder struct {
	text string
	at   int
	open []string // elements, by their names with prefixes
	// empty reports whether the element that was read last ends at once: <name/>.
	empty bool
}

// NewDecoder reads a document from its beginning.
func NewDecoder(document string) *Decoder { return &Decoder{text: document} }

// Offset is where the next token begins, in bytes.
func (d *Decoder) Offset() int { return d.at }

// Next returns io.EOF at the end of a document. Other errors have the line and do not
// quote it, since it may hold secrets.
func (d *Decoder) Next() (Token, error) {
	for {
		token, found, ok := d.next()
		switch {
		case !ok:
			line := strings.Count(d.text[:d.at], "\n") + 1
			return Token{}, fmt.Errorf("this is not well-formed XML (line %d)", line)
		case found:
			return token, nil
		case d.at == len(d.text):
			return Token{}, io.EOF
		}
	}
}

// next reads on. What it read may be no token: a comment, say.
func (d *Decoder) next() (token Token, found, ok bool) {
	switch {
	case d.empty:
		d.empty = false
		return d.end(d.open[len(d.open)-1])
	case d.at == len(d.text):
		return Token{}, false, len(d.open) == 0
	case d.skip("<!--"):
		_, ok = d.until("-->")
		return Token{}, false, ok
	case d.skip("<![CDATA["):
		text, ok := d.until("]]>")
		return Token{Kind: Text, Text: newlines.Replace(text)}, true, ok && allowed(text)
	case d.skip("<?"):
		_, ok = d.until("?>")
		return Token{}, false, ok
	case d.skip("<!"):
		return Token{}, false, d.declaration()
	case d.skip("</"):
		name := d.name()
		d.blanks()
		if name == "" || !d.skip(">") {
			return Token{}, false, false
		}
		return d.end(name)
	case d.skip("<"):
		return d.start()
	}
	raw := d.text[d.at:]
	if i := strings.IndexByte(raw, '<'); i >= 0 {
		raw = raw[:i]
	}
	text, ok := unescape(raw)
	d.at += len(raw)
	return Token{Kind: Text, Text: text}, true, ok && !strings.Contains(raw, "]]>")
}

// start reads an element after its "<".
func (d *Decoder) start() (token Token, found, ok bool) {
	name := d.name()
	if name == "" {
		return Token{}, false, false
	}
	token = Token{Kind: Start, Name: local(name), Attributes: map[string]string{}}
	for {
		d.blanks()
		d.empty = d.skip("/>")
		if d.empty || d.skip(">") {
			d.open = append(d.open, name)
			return token, true, true
		}
		attribute, value, ok := d.attribute()
		if !ok {
			return Token{}, false, false
		}
		short := local(attribute)
		if _, twice := token.Attributes[short]; !twice && attribute != "xmlns:"+short {
			token.Attributes[short] = value
		}
	}
}

// attribute reads name="value".
func (d *Decoder) attribute() (name, value string, ok bool) {
	name = d.name()
	d.blanks()
	if name == "" || !d.skip("=") {
		return "", "", false
	}
	d.blanks()
	quote := "'"
	if !d.skip(quote) {
		if quote = `"`; !d.skip(quote) {
			return "", "", false
		}
	}
	raw, ended := d.until(quote)
	value, ok = unescape(raw)
	return name, value, ended && ok && !strings.Contains(raw, "<")
}

// end closes the element that was opened last.
func (d *Decoder) end(name string) (token Token, found, ok bool) {
	n := len(d.open) - 1
	if n < 0 || d.open[n] != name {
		return Token{}, false, false
	}
	d.open = d.open[:n]
	return Token{Kind: End, Name: local(name)}, true, true
}

// declaration skips one such as <!DOCTYPE name [ <!ENTITY a "b"> ]>.
func (d *Decoder) declaration() bool {
	for depth := 1; depth > 0; {
		switch {
		case d.at == len(d.text):
			return false
		case d.skip("<!--"):
			d.until("-->")
		case d.skip(`"`):
			d.until(`"`)
		case d.skip("'"):
			d.until("'")
		case d.skip("<"):
			depth++
		case d.skip(">"):
			depth--
		default:
			d.at++
		}
	}
	return true
}

// skip reports whether the next bytes are these, which it passes over.
func (d *Decoder) skip(prefix string) bool {
	found := strings.HasPrefix(d.text[d.at:], prefix)
	if found {
		d.at += len(prefix)
	}
	return found
}

// until returns what stands before an end, and passes over both.
func (d *Decoder) until(end string) (text string, ok bool) {
	text, _, ok = strings.Cut(d.text[d.at:], end)
	if ok {
		d.at += len(text) + len(end)
	} else {
		d.at = len(d.text)
	}
	return text, ok
}

// while passes over characters, and returns them.
func (d *Decoder) while(is func(r rune) bool) string {
	rest := d.text[d.at:]
	if i := strings.IndexFunc(rest, func(r rune) bool { return !is(r) }); i >= 0 {
		rest = rest[:i]
	}
	d.at += len(rest)
	return rest
}

func (d *Decoder) blanks() { d.while(func(r rune) bool { return strings.ContainsRune(" \t\r\n", r) }) }

// name reads one of an element or an attribute; "" if none is there.
func (d *Decoder) name() string {
	return d.while(func(r rune) bool { return r > ' ' && r != utf8.RuneError && !strings.ContainsRune("<>/='\"&!?", r) })
}

// local is a name without the prefix of its namespace.
func local(name string) string {
	if prefix, rest, _ := strings.Cut(name, ":"); prefix != "" && rest != "" {
		return rest
	}
	return name
}

// newlines are read as line feeds.
var newlines = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// allowed reports whether all characters may stand in a document.
func allowed(text string) bool {
	for i, r := range text {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				return false
			}
		}
		if !inDocument(r) {
			return false
		}
	}
	return true
}

func inDocument(r rune) bool {
	return r >= ' ' && r != 0xfffe && r != 0xffff && (r < 0xd800 || r > 0xdfff) && r <= utf8.MaxRune || r == '\t' || r == '\n' || r == '\r'
}

// references are the entities that every document has.
var references = map[string]string{"amp": "&", "lt": "<", "gt": ">", "quot": `"`, "apos": "'"}

// unescape replaces the references of a text.
func unescape(text string) (string, bool) {
	if !allowed(text) {
		return "", false
	}
	before, rest, more := strings.Cut(newlines.Replace(text), "&")
	for more {
		name, after, ended := strings.Cut(rest, ";")
		char, ok := references[name]
		if number, isNumber := strings.CutPrefix(name, "#"); isNumber {
			char, ok = character(number)
		}
		if !ended || !ok {
			return "", false
		}
		var next string
		next, rest, more = strings.Cut(after, "&")
		before += char + next
	}
	return before, true
}

// character is the one of a number, decimal or as xHEX.
func character(number string) (string, bool) {
	base := 10
	if hex, ok := strings.CutPrefix(number, "x"); ok {
		number, base = hex, 16
	}
	n, err := strconv.ParseUint(number, base, 31)
	return string(rune(n)), err == nil && inDocument(rune(n))
}

// Element returns the text of the first element of a name, in whatever namespace; ""
// if there is none, or if it has elements in it.
func Element(document, name string) (text string, err error) {
	inside := false
	for d := NewDecoder(document); ; {
		token, err := d.Next()
		switch {
		case err == io.EOF:
			return "", nil
		case err != nil:
			return "", err
		case token.Kind == Start && inside:
			return "", nil
		case token.Kind == Start:
			inside = token.Name == name
		case token.Kind == Text && inside:
			text += token.Text
		case token.Kind == End && inside:
			return text, nil
		}
	}
}
