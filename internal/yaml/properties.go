package yaml

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// The properties of a node are what may stand before it: an anchor and a tag.
type properties struct {
	given       bool
	at          mark
	anchor, tag string
}

// properties reads those of one line, or of several in brackets and braces.
func (r *reader) properties() (p properties) {
	for c := r.peek(); c == '&' || c == '!'; c = r.peek() {
		one := properties{given: true, at: r.mark()}
		if c == '&' {
			one.anchor = r.name()
		} else {
			one.tag = r.tag()
		}
		p = r.join(p, one)
		r.fresh = false
		if r.inFlow() {
			r.skip()
		} else {
			r.skipBlanks()
		}
	}
	return p
}

// join returns the properties of both.
func (r *reader) join(p, more properties) properties {
	switch {
	case !more.given:
		return p
	case !p.given:
		return more
	case p.anchor != "" && more.anchor != "":
		r.fail(more.at, "a value has one anchor, this one has &%s already; text that starts with & needs quotes", p.anchor)
	case p.tag != "" && more.tag != "":
		r.fail(more.at, "a value has one tag, this one has another already; text that starts with ! needs quotes")
	}
	p.anchor += more.anchor
	p.tag += more.tag
	return p
}

// whole makes a node with properties.
func (r *reader) whole(kind Kind, at mark, p properties) *Node {
	if p.given {
		at = p.at
	}
	n := r.newNode(kind, at)
	if p.tag != noTag {
		n.Tag = p.tag
	}
	if p.anchor != "" {
		r.anchors[p.anchor] = n
	}
	return n
}

// nullNode makes a node for a value that is not there.
func (r *reader) nullNode(at mark, p properties) *Node {
	n := r.whole(ScalarNode, at, p)
	n.Plain = true
	return n
}

// alias reads an alias.
func (r *reader) alias() *Node {
	n := r.newNode(AliasNode, r.mark())
	at := r.mark()
	n.Value = r.name()
	n.Alias = r.anchors[n.Value]
	if n.Alias == nil {
		r.fail(at, "there is no anchor &%s before the alias *%s; text that starts with * needs quotes", n.Value, n.Value)
	}
	return n
}

func (r *reader) failAlias(at mark) {
	r.fail(at, "an alias has no anchor and no tag of its own; text that starts with * needs quotes")
}

// name reads the name of an anchor or alias, with the character before it.
func (r *reader) name() string {
	at := r.mark()
	r.at++
	for isWord(r.peek()) {
		r.at++
	}
	name := r.text[at.at+1 : r.at]
	if c := r.peek(); name == "" || !isSpace(c) && strings.IndexByte("?:,]}%@`", c) < 0 {
		r.fail(at, "the name of an anchor or alias has letters, digits, _ and -; text that starts with %c needs quotes", r.text[at.at])
	}
	return name
}

func isWord(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '_' || c == '-'
}

// noTag is the tag that means none: a value has the type it would have without.
const noTag = "!"

// tag reads a tag: !<whole>, !!name, !name, !prefix!name.
func (r *reader) tag() string {
	at := r.mark()
	end := at.at
	for !isSpace(r.byteAt(end)) {
		end++
	}
	text := r.text[at.at:end]
	r.at = end
	if whole, verbatim := strings.CutPrefix(text, "!<"); verbatim {
		whole, closed := strings.CutSuffix(whole, ">")
		if !closed {
			r.failTag(at)
		}
		return shortTag(r.unescapedTag(at, whole))
	}
	if text == noTag {
		return noTag
	}
	handle, suffix := "!", text[1:]
	if i := strings.IndexByte(suffix, '!'); i >= 0 && isHandle(text[:i+2]) {
		handle, suffix = text[:i+2], suffix[i+1:]
	}
	prefix, known := r.handles[handle]
	switch {
	case known:
	case handle == "!" || handle == "!!":
		prefix = map[string]string{"!": "!", "!!": longPrefix}[handle]
	default:
		r.fail(at, "no line %%TAG %s says what this tag stands for; text that starts with ! needs quotes", handle)
	}
	return shortTag(prefix + r.unescapedTag(at, suffix))
}

// isHandle reports whether a text is ! or !! or has a word between them.
func isHandle(s string) bool {
	for i := 1; i < len(s)-1; i++ {
		if !isWord(s[i]) {
			return false
		}
	}
	return s != "" && s[0] == '!' && s[len(s)-1] == '!'
}

// isTagText reports whether a text has only characters that tags can have: those of URIs.
func isTagText(s string) bool {
	for i := range len(s) {
		if !isWord(s[i]) && strings.IndexByte(";/?:@&=+$,.!~*'()[]%", s[i]) < 0 {
			return false
		}
	}
	return true
}

// unescapedTag decodes bytes like %20.
func (r *reader) unescapedTag(at mark, s string) string {
	if s == "" || !isTagText(s) {
		r.failTag(at)
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "%")
		b.WriteString(before)
		if !found {
			break
		}
		c, err := strconv.ParseUint(after[:min(2, len(after))], 16, 8)
		if err != nil || len(after) < 2 {
			r.failTag(at)
		}
		b.WriteByte(byte(c))
		s = after[2:]
	}
	if !utf8.ValidString(b.String()) {
		r.failTag(at)
	}
	return b.String()
}

func (r *reader) failTag(at mark) {
	r.fail(at, "this is no tag, like !!str or !name; text that starts with ! needs quotes")
}

const longPrefix = "tag:yaml.org,2002:"

func shortTag(tag string) string {
	if name, ok := strings.CutPrefix(tag, longPrefix); ok {
		return "!!" + name
	}
	return tag
}
