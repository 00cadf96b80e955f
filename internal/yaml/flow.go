package yaml

import "unicode/utf8"

// inlineNode reads a value that can be a key: anything but block collections and block
// scalars. Its properties have been read.
func (r *reader) inlineNode(start mark, own properties) *Node {
	c := r.peek()
	var n *Node
	switch {
	case c == '*' && own.given:
		r.failAlias(r.mark())
	case c == '*':
		n = r.alias()
	case c == '[':
		n = r.whole(SequenceNode, start, own)
		r.flowSequence(n)
	case c == '{':
		n = r.whole(MappingNode, start, own)
		r.flowMapping(n)
	case c == '"' || c == '\'':
		n = r.whole(ScalarNode, start, own)
		n.Value = r.quoted(c)
	case own.given && r.isAfterNothing():
		return r.nullNode(start, own)
	default:
		return r.plainNode(start, own)
	}
	r.fresh = false
	return n
}

// isAfterNothing reports whether what is next ends a value that has only properties.
func (r *reader) isAfterNothing() bool {
	if !r.inFlow() {
		return r.atLineEnd() || r.isIndicator(':')
	}
	switch r.peek() {
	case ',', ':', ']', '}':
		return true
	}
	return false
}

const longestKey = 1024 // characters

// isTooLong reports whether what was read since start is too long for a key.
func (r *reader) isTooLong(start mark) bool {
	return r.at-start.at > longestKey && utf8.RuneCountInString(r.text[start.at:r.at]) > longestKey
}

// flowSequence reads [a, b, key: value].
func (r *reader) flowSequence(n *Node) {
	r.openFlow()
	mark := r.content.Open()
	for r.more(']') {
		at := r.mark()
		key, isPair := r.flowKey()
		if isPair && key == nil {
			r.failStart()
		}
		if isPair {
			pair := r.newNode(MappingNode, at)
			inner := r.content.Open()
			r.content.Push(key)
			r.content.Push(r.flowValue())
			pair.Content = r.content.Close(inner)
			key = pair
		}
		r.content.Push(key)
		r.separator(']')
	}
	n.Content = r.content.Close(mark)
	r.closeFlow()
}

// flowMapping reads {key: value, key}.
func (r *reader) flowMapping(n *Node) {
	r.openFlow()
	mark := r.content.Open()
	for r.more('}') {
		key, _ := r.flowKey()
		if key == nil {
			key = r.nullNode(r.mark(), properties{})
		}
		r.content.Push(key)
		r.content.Push(r.flowValue())
		r.separator('}')
	}
	n.Content = r.content.Close(mark)
	r.closeFlow()
}

func (r *reader) openFlow() {
	r.enter()
	r.open = append(r.open, r.mark())
	r.at++
}

// innermost is where the collection starts that is being read.
func (r *reader) innermost() mark { return r.open[len(r.open)-1] }

func (r *reader) closeFlow() {
	r.at++
	r.open = r.open[:len(r.open)-1]
	r.depth--
}

// more goes to what is next in a collection, and reports whether there is more.
func (r *reader) more(closing byte) bool {
	r.skip()
	if r.at == len(r.text) || r.atMarker() {
		r.failUnclosed()
	}
	return r.peek() != closing
}

// separator reads a comma, unless the collection ends.
func (r *reader) separator(closing byte) {
	if !r.more(closing) {
		return
	}
	if r.peek() != ',' {
		r.failSeparator(closing)
	}
	r.at++
}

// flowKey reads an item or a key, and reports whether it is marked as a key, by ? before
// it or a colon after it. After ? there may be none.
func (r *reader) flowKey() (key *Node, isKey bool) {
	if r.peek() == '?' {
		r.at++
		r.skip()
		if c := r.peek(); c == ':' || c == ',' || c == ']' || c == '}' {
			return nil, true
		}
		key, _ = r.flowNode()
		return key, true
	}
	start := r.mark()
	key, start = r.flowNode()
	r.skip()
	if r.peek() != ':' {
		return key, false
	}
	if r.line != start.line {
		r.fail(start, "a key should be in one line with its colon; is a comma missing, or what closes the %c of line %d?", r.text[r.innermost().at], r.innermost().line)
	}
	if r.isTooLong(start) {
		r.fail(start, "a key has at most %d characters", longestKey)
	}
	return key, true
}

// flowValue reads a colon and a value, or finds that there is none.
func (r *reader) flowValue() *Node {
	r.skip()
	if r.peek() != ':' {
		return r.nullNode(r.mark(), properties{})
	}
	r.at++
	r.skip()
	if c := r.peek(); c == ',' || c == ']' || c == '}' {
		return r.nullNode(r.mark(), properties{})
	}
	n, _ := r.flowNode()
	return n
}

// flowNode reads a value, with its properties.
func (r *reader) flowNode() (*Node, mark) {
	start := r.mark()
	own := r.properties()
	return r.inlineNode(start, own), start
}
