package format

import (
	"bytes"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// A line is one of a YAML text, and what of the document is on it.
type line struct {
	text   []byte // without what ends it
	end    []byte
	indent int // spaces at its start

	// begins reports whether its first character is that of an item, a key or a value,
	// which belongs to the indentation will.
	begins bool
	will   int
	// within is the innermost list or mapping of what begins on it.
	within *collection
	// spaces are places where there should be one space.
	spaces []span

	block *block // the block scalar whose text this is a line of
	// inQuotes and opensQuotes report whether it begins, or ends, inside of a quoted
	// scalar.
	inQuotes, opensQuotes bool
	// header reports whether a block scalar follows.
	header bool
}

// A span is a part of a line, in bytes.
type span struct{ from, to int }

// A collection is a list or a mapping in block style.
type collection struct {
	parent *collection
	// was and will are its columns from 0, before and after.
	was, will int
}

// inside is the indentation of what is inside of a collection, or of the document.
func (c *collection) inside() int {
	if c == nil {
		return 0
	}
	return c.will + 2
}

// A block is a block scalar. Its text has an indentation that is not part of it.
type block struct{ was, will int }

// A position is one in the text, both from 0, the column in bytes.
type position struct{ line, column int }

// A reader finds what is on the lines of a text.
type reader struct {
	lines []line
	end   []byte // how lines should end
	// tail is the line at which the document ends, by a line --- or ... after it.
	tail       int
	complexKey *yaml.Node // the first key that begins with a question mark
	known      struct {
		position
		character int
	}
}

func newReader(text []byte) *reader {
	r := &reader{end: lineEnd(text)}
	for len(text) > 0 {
		l, end := cutLine(text)
		text = text[len(l)+len(end):]
		r.lines = append(r.lines, line{text: l, end: end, indent: leadingSpaces(l)})
	}
	r.tail = len(r.lines)
	return r
}

// cutLine returns the first line and what ends it. The YAML library has the line ends
// of YAML 1.1.
func cutLine(text []byte) (l, end []byte) {
	for i := 0; i < len(text); {
		c, size := utf8.DecodeRune(text[i:])
		switch c {
		case '\r':
			if bytes.HasPrefix(text[i:], []byte("\r\n")) {
				size = 2
			}
			fallthrough
		case '\n', '\u0085', '\u2028', '\u2029':
			return text[:i], text[i : i+size]
		}
		i += size
	}
	return text, nil
}

func leadingSpaces(text []byte) int { return len(text) - len(bytes.TrimLeft(text, " ")) }

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

// isBlank reports whether there is nothing on a line.
func (l *line) isBlank() bool { return len(bytes.Trim(l.text, " \t")) == 0 }

// isComment reports whether a line is a comment, if it is not part of a scalar.
func (l *line) isComment() bool { return bytes.HasPrefix(bytes.TrimLeft(l.text, " \t"), []byte("#")) }

func (l *line) isMarker() bool {
	return (bytes.HasPrefix(l.text, []byte("---")) || bytes.HasPrefix(l.text, []byte("..."))) &&
		(len(l.text) == 3 || isSpace(l.text[3]))
}

// document reads all nodes, which have the positions of the library.
func (r *reader) document(document *yaml.Node) {
	for _, root := range document.Content {
		r.node(root, nil)
		for i := root.Line; i < len(r.lines); i++ {
			if r.lines[i].isMarker() && r.lines[i].block == nil {
				r.tail = i
				return
			}
		}
	}
}

// node reads a node that is inside of a collection in block style.
func (r *reader) node(n *yaml.Node, in *collection) {
	flow := n.Style&yaml.FlowStyle != 0 || len(n.Content) == 0
	if flow || n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 {
		r.begin(r.position(n), in, in.inside())
	}
	switch {
	case flow:
		r.scalars(n, in)
	case n.Kind == yaml.SequenceNode:
		r.list(n, in)
	case n.Kind == yaml.MappingNode:
		r.mapping(n, in)
	}
}

// begin notes what begins at a place and is inside of a collection.
func (r *reader) begin(at position, in *collection, will int) {
	l := &r.lines[at.line]
	if at.column == l.indent && at.column < len(l.text) && l.text[at.column] != '#' {
		l.begins, l.will = true, will
	}
	l.within = in
}

func (r *reader) list(n *yaml.Node, in *collection) {
	var c *collection
	for _, item := range n.Content {
		at := r.position(item)
		dash := r.dashBefore(at)
		if c == nil {
			c = &collection{parent: in, was: dash.column, will: in.inside()}
		}
		r.begin(dash, c, c.will)
		r.oneSpace(dash, at)
		r.node(item, c)
	}
}

// dashBefore finds the dash of the item at a position. There are only blanks and
// comments between the two.
func (r *reader) dashBefore(at position) position {
	before := bytes.TrimRight(r.lines[at.line].text[:at.column], " \t")
	for len(before) == 0 && at.line > 0 {
		at.line--
		before = dashes(r.lines[at.line].text)
	}
	return position{at.line, max(len(before)-1, 0)}
}

// dashes returns the start of a line that has nothing but dashes and a comment, to the
// last dash.
func dashes(text []byte) []byte {
	last := 0
	for i, c := range text {
		if c == '-' {
			last = i + 1
		} else if !isSpace(c) {
			break
		}
	}
	return text[:last]
}

func (r *reader) mapping(n *yaml.Node, in *collection) {
	c := &collection{parent: in, was: r.position(n.Content[0]).column, will: in.inside()}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := r.position(key)
		if before := bytes.TrimRight(r.lines[at.line].text[:at.column], " \t"); r.complexKey == nil && bytes.HasSuffix(before, []byte("?")) {
			r.complexKey = key
		}
		r.begin(at, c, c.will)
		r.scalars(key, c)
		valueAt := r.position(value)
		if colon := r.skipSpacesBack(valueAt); valueAt.line == at.line && colon.column > at.column && r.lines[at.line].text[colon.column] == ':' {
			r.oneSpace(colon, valueAt)
		}
		r.node(value, c)
	}
}

// skipSpacesBack returns the last place before a position, on its line, that is no white
// space.
func (r *reader) skipSpacesBack(at position) position {
	before := bytes.TrimRight(r.lines[at.line].text[:at.column], " \t")
	return position{at.line, max(len(before)-1, 0)}
}

// oneSpace notes that there should be one space between a dash or colon and what follows
// on its line.
func (r *reader) oneSpace(indicator, next position) {
	l := &r.lines[indicator.line]
	if next.line == indicator.line && next.column > indicator.column+1 && next.column < len(l.text) && l.text[next.column] != '#' {
		l.spaces = append(l.spaces, span{indicator.column + 1, next.column})
	}
}

// scalars reads a value without a list or mapping in block style.
func (r *reader) scalars(n *yaml.Node, in *collection) {
	for _, item := range n.Content {
		r.scalars(item, in)
	}
	switch {
	case n.Kind != yaml.ScalarNode:
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		r.block(n, in)
	case n.Style&yaml.SingleQuotedStyle != 0:
		r.quoted(r.afterProperties(r.position(n)), '\'')
	case n.Style&yaml.DoubleQuotedStyle != 0:
		r.quoted(r.afterProperties(r.position(n)), '"')
	}
}

// position returns where a node begins, or for one that is missing at the end of the
// text a place in the last line.
func (r *reader) position(n *yaml.Node) position {
	at := position{line: min(max(n.Line, 1), len(r.lines)) - 1}
	text := r.lines[at.line].text
	character := 1
	// Nodes mostly come in the order of the text: a long line is not counted again
	// for each of its nodes.
	if r.known.line == at.line && r.known.character > 0 && r.known.character <= n.Column {
		at, character = r.known.position, r.known.character
	}
	for ; character < n.Column && at.column < len(text); character++ {
		_, size := utf8.DecodeRune(text[at.column:])
		at.column += size
	}
	r.known.position, r.known.character = at, character
	return at
}

// afterProperties skips the anchor and the tag of a scalar.
func (r *reader) afterProperties(at position) position {
	for at.line < len(r.lines) {
		rest := r.lines[at.line].text[at.column:]
		word := bytes.TrimLeft(rest, " \t")
		switch {
		case len(word) == 0 || word[0] == '#':
			at = position{at.line + 1, 0}
			continue
		case word[0] != '&' && word[0] != '!':
			at.column += len(rest) - len(word)
			return at
		}
		end := bytes.IndexAny(word, " \t")
		if end < 0 {
			end = len(word)
		}
		at.column += len(rest) - len(word) + end
	}
	return at
}

// quoted follows a scalar to its closing quote.
func (r *reader) quoted(at position, quote byte) {
	at.column++
	for ; at.line < len(r.lines); at = (position{at.line + 1, 0}) {
		l := &r.lines[at.line]
		if closes(l.text, at.column, quote) {
			return
		}
		l.opensQuotes = true
		if at.line+1 < len(r.lines) {
			r.lines[at.line+1].inQuotes = true
		}
	}
}

// closes reports whether a quote closes in the text from i on.
func closes(text []byte, i int, quote byte) bool {
	for ; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quote == '"':
			i++
		case text[i] != quote:
		case quote == '\'' && i+1 < len(text) && text[i+1] == quote:
			i++
		default:
			return true
		}
	}
	return false
}

// block reads a block scalar.
func (r *reader) block(n *yaml.Node, in *collection) {
	at := r.afterProperties(r.position(n))
	if at.line >= len(r.lines) {
		return
	}
	r.lines[at.line].header = true
	outer := -1
	if in != nil {
		outer = in.was
	}
	b := &block{will: in.inside()}
	keep := false
indicators:
	for _, c := range r.lines[at.line].text[at.column+1:] {
		switch {
		case c == '+':
			keep = true
		case c >= '1' && c <= '9':
			b.was = max(outer, 0) + int(c-'0')
			b.will = b.will - 2 + int(c-'0')
			if in == nil {
				b.will += 2
			}
		case c != '-':
			break indicators
		}
	}
	first := at.line + 1
	if b.was == 0 {
		b.was = max(r.detectIndent(first), outer+1)
	}
	last := first
	for i := first; i < len(r.lines); i++ {
		l := &r.lines[i]
		if len(l.text) == leadingSpaces(l.text) && len(l.text) <= b.was {
			continue // blank; it is part of the text if more text follows
		}
		if l.indent < b.was || outer < 0 && l.isMarker() {
			break
		}
		last = i + 1
	}
	if keep {
		for last < len(r.lines) && r.lines[last].isBlank() {
			last++
		}
	}
	for i := first; i < last; i++ {
		r.lines[i].block = b
	}
}

// detectIndent returns the indentation of a block scalar that does not say it: that of
// its first line, or that of a longer blank one before.
func (r *reader) detectIndent(first int) int {
	indent := 0
	for _, l := range r.lines[min(first, len(r.lines)):] {
		indent = max(indent, l.indent)
		if l.indent < len(l.text) {
			break
		}
	}
	return indent
}
