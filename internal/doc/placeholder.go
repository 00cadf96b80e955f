package doc

import (
	"slices"
	"strings"
)

// A Placeholder stands in a text for a value that is known later: ${kind:name}.
//
// Of the texts with ${ in them only those are placeholders whose kind is asked for, so that
// scripts of a shell stay as they are. Where such a text is meant itself its dollar is
// doubled, $${kind:name}: of several dollars before a brace each pair stands for one.
type Placeholder struct {
	// Kind and Name are what is written. If there is a Fault, Name may be "".
	Kind, Name string
	// Start and End are where it is in the text, in bytes.
	Start, End int
	// Fault is "", or says what is wrong with the placeholder, as the second half of a
	// sentence. It is no placeholder then.
	Fault string
}

// FillPlaceholders returns a text with what value returns in place of each placeholder of
// some kinds, and without the dollars of those that are escaped. It does not look for
// placeholders in the values.
func FillPlaceholders(text string, kinds []string, value func(Placeholder) string) string {
	return replaceOpenings(text, kinds, func(b *strings.Builder, start, brace int) (end int) {
		dollars := brace - start
		b.WriteString(text[start : start+dollars/2])
		if dollars%2 == 0 {
			return brace
		}
		p := readPlaceholder(text, brace-1, kinds)
		b.WriteString(value(p))
		return p.End
	})
}

// EscapePlaceholders returns a text that FillPlaceholders makes the given one of.
func EscapePlaceholders(text string, kinds []string) string {
	return replaceOpenings(text, kinds, func(b *strings.Builder, start, brace int) (end int) {
		b.WriteString(text[start:brace])
		b.WriteString(text[start:brace])
		return brace
	})
}

// HasPlaceholders reports whether FillPlaceholders would change a text or find something
// in it.
func HasPlaceholders(text string, kinds []string) bool {
	return EscapePlaceholders(text, kinds) != text
}

// replaceOpenings calls replace where placeholders begin, escaped or not: with where their
// dollars start, and where their brace is. It writes what replaces the text up to an end.
func replaceOpenings(text string, kinds []string, replace func(b *strings.Builder, start, brace int) (end int)) string {
	var b strings.Builder
	written := 0
	for at := 0; ; {
		i := strings.Index(text[at:], "${")
		if i < 0 {
			break
		}
		brace := at + i + 1
		at = brace + 1
		if kind, _ := openingKind(text[brace+1:], kinds); kind == "" {
			continue
		}
		start := written + len(strings.TrimRight(text[written:brace], "$"))
		b.WriteString(text[written:start])
		written = replace(&b, start, brace)
		at = max(at, written)
	}
	if written == 0 {
		return text
	}
	b.WriteString(text[written:])
	return b.String()
}

// openingKind returns what is written before the colon of a placeholder, given the text
// behind its brace, and which kind is meant. Both are "" if it is none of these kinds.
func openingKind(text string, kinds []string) (written, meant string) {
	colon := strings.IndexByte(text, ':')
	for _, kind := range kinds {
		if 0 < colon && colon <= len(kind)+1 {
			written = text[:colon]
			if strings.EqualFold(written, kind) || strings.EqualFold(written, kind+"s") {
				return written, kind
			}
		}
	}
	return "", ""
}

// readPlaceholder reads the placeholder at the dollar that begins it.
func readPlaceholder(text string, start int, kinds []string) Placeholder {
	const open = len("${")
	written, meant := openingKind(text[start+open:], kinds)
	nameAt := start + open + len(written) + len(":")
	end := nameAt
	for end < len(text) && isNameByte(text[end]) {
		end++
	}
	name := text[nameAt:end]
	p := Placeholder{Kind: written, Name: name, Start: start, End: end}
	switch closed := end < len(text) && text[end] == '}'; {
	case !closed || !IsPlaceholderName(name):
		p.Name = ""
		p.Fault = "behind \"${" + written + ":\" should be a name of letters, digits, \"-\" and \"_\", which begins with a letter, and \"}\"; for the text itself double the dollar"
	default:
		p.End++
		if written != meant {
			p.Fault = "the kind is \"" + meant + "\": write \"${" + meant + ":" + name + "}\"; for the text itself double the dollar"
		}
	}
	return p
}

// IsPlaceholderName reports whether a placeholder can have a name.
func IsPlaceholderName(name string) bool {
	isOther := func(c rune) bool { return c >= 0x80 || !isNameByte(byte(c)) }
	return name != "" && isLetter(name[0]) && !strings.ContainsFunc(name, isOther)
}

func isNameByte(c byte) bool {
	return isLetter(c) || '0' <= c && c <= '9' || c == '-' || c == '_'
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// MapTexts returns a tree with other texts for its strings. The tree is not changed; where
// no text is another one it is the same.
func MapTexts(n *Node, text func(*Node) string) *Node {
	if n.Kind == String {
		other := text(n)
		if other == n.Text {
			return n
		}
		out := *n
		out.Text = other
		return &out
	}
	out := n
	own := func() *Node { // a copy, the first time that something is different
		if out == n {
			c := *n
			c.Members, c.Items = slices.Clone(n.Members), slices.Clone(n.Items)
			out = &c
		}
		return out
	}
	for i, m := range n.Members {
		if value := MapTexts(m.Value, text); value != m.Value {
			own().Members[i].Value = value
		}
	}
	for i, item := range n.Items {
		if value := MapTexts(item, text); value != item {
			own().Items[i] = value
		}
	}
	return out
}

// OriginIn is where a byte of a scalar's text is: in its own line where that is known, as
// it is in block scalars of YAML, and else where the scalar begins. The text is the one
// that the document has, which is another one than the node's if that was filled in.
func (n *Node) OriginIn(text string, offset int) Origin {
	at := n.Origin()
	if n.Source == nil {
		return at
	}
	if line, column, ok := positionInside(n.Source.Text, int(n.Line), text, offset); ok {
		at.Line, at.Column = line, column
	}
	return at
}
