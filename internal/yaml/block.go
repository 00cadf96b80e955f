package yaml

// blockNode reads a value outside of brackets and braces, or finds that there is none,
// which is null. Where it is the value of a key, a list may be indented as the key is.
func (r *reader) blockNode(ofKey bool) *Node {
	none := r.mark()
	// Those in a line of their own are of all that follows, others of the key, if one
	// follows, as in "&a key: value".
	var outer properties
	for {
		r.skip()
		if r.atEnd(ofKey) {
			return r.nullNode(none, outer)
		}
		start, fresh := r.mark(), r.fresh
		own := r.properties()
		if own.given && r.atLineEnd() {
			outer = r.join(outer, own)
			continue
		}
		return r.blockContent(start, fresh, outer, own)
	}
}

// atEnd reports whether the next token is no part of the value of the collection around it:
// it is not indented further. A list may be the exception, and a block scalar is.
func (r *reader) atEnd(ofKey bool) bool {
	if r.at == len(r.text) || r.atMarker() {
		return true
	}
	if column := r.column(); column != r.indent {
		return column < r.indent
	}
	c := r.peek()
	return !(ofKey && r.isIndicator('-') || c == '|' || c == '>')
}

// blockContent reads a value after its properties.
func (r *reader) blockContent(start mark, fresh bool, outer, own properties) *Node {
	indicator := r.isIndicator('-') || r.isIndicator('?')
	switch c := r.peek(); {
	case indicator && (!fresh || own.given):
		r.failIndicator(c)
	case indicator && c == '-':
		return r.sequence(r.whole(SequenceNode, start, outer))
	case indicator:
		return r.mapping(r.whole(MappingNode, start, outer), int(start.column)-1, nil)
	case c == '|' || c == '>':
		all := r.join(outer, own)
		n := r.whole(ScalarNode, start, all)
		n.Value = r.blockScalar()
		return n
	}
	return r.inlineOrMapping(start, fresh, outer, own)
}

// inlineOrMapping reads a value, or a mapping if what looks like one is its first key.
func (r *reader) inlineOrMapping(start mark, fresh bool, outer, own properties) *Node {
	var n *Node
	if outer.anchor != "" { // there may be aliases inside of what it is of
		n = r.whole(0, start, outer)
	}
	first := r.inlineNode(start, own)
	if r.isKey(start, fresh) {
		if n == nil {
			n = r.whole(0, start, outer)
		}
		n.Kind = MappingNode
		return r.mapping(n, int(start.column)-1, first)
	}
	r.endOfLine()
	if !outer.given {
		return first
	}
	if first.Kind == AliasNode {
		r.failAlias(start)
	}
	r.join(outer, own)
	if outer.tag != noTag {
		first.Tag += outer.tag
	}
	first.Line, first.Column = outer.at.line, outer.at.column
	if n == nil {
		return first
	}
	*n = *first
	return n
}

// isKey reports whether a colon follows that makes what was read from start on a key, and
// fails if it cannot be one.
func (r *reader) isKey(start mark, fresh bool) bool {
	if r.line != start.line && r.fresh {
		return false // it ended before this line
	}
	r.skipBlanks()
	if !r.isIndicator(':') {
		return false
	}
	switch {
	case r.line != start.line:
		r.fail(start, "a key should be in one line, this one ends in line %d; is a colon or a quote missing in line %d, or is the indentation of line %d right?", r.line, start.line, r.line)
	case !fresh:
		r.fail(r.mark(), "a key cannot stand here, behind another one; text with a colon and a space in it needs quotes")
	case r.isTooLong(start):
		r.fail(start, "a key has at most %d characters", longestKey)
	}
	return true
}

// mapping reads the keys and values at a column; the first key may have been read.
func (r *reader) mapping(n *Node, column int, key *Node) *Node {
	r.enter()
	before := r.indent
	r.indent = column
	mark := r.content.Open()
	for line := n.Line; ; line = r.line {
		if key == nil && r.isIndicator('?') {
			key = r.explicitKey()
		} else if key == nil {
			key = r.implicitKey()
		}
		r.content.Push(key)
		r.content.Push(r.mappingValue())
		key = nil
		if !r.next(column, line) {
			break
		}
	}
	n.Content = r.content.Close(mark)
	r.indent = before
	r.depth--
	return n
}

func (r *reader) implicitKey() *Node {
	start := r.mark()
	if r.isIndicator('-') {
		r.fail(start, "an item of a list cannot stand between the keys of a mapping; is the indentation right?")
	}
	own := r.properties()
	key := r.inlineNode(start, own)
	if !r.isKey(start, true) {
		r.failNoColon(start)
	}
	return key
}

func (r *reader) explicitKey() *Node {
	r.at++
	r.fresh = true
	return r.blockNode(true)
}

// mappingValue reads a colon and a value. After an explicit key there may be none.
func (r *reader) mappingValue() *Node {
	r.skip()
	if !r.isIndicator(':') || r.fresh && r.column() != r.indent {
		return r.nullNode(r.mark(), properties{})
	}
	r.at++
	return r.blockNode(true)
}

// sequence reads the items at the column where the next byte is.
func (r *reader) sequence(n *Node) *Node {
	r.enter()
	before, column := r.indent, r.column()
	r.indent = column
	mark := r.content.Open()
	for line := r.line; ; line = r.line {
		r.at++
		r.fresh = true
		r.content.Push(r.blockNode(false))
		if !r.next(column, line) {
			break
		}
		if !r.isIndicator('-') {
			if column != before {
				r.fail(r.mark(), "an item of a list should start here with \"- \", as in line %d", line)
			}
			break // the list is indented as the key before it
		}
	}
	n.Content = r.content.Close(mark)
	r.indent = before
	r.depth--
	return n
}

// next goes to the next key or item of the collection at a column, if there is one. Line
// is that of the one before.
func (r *reader) next(column int, line int32) bool {
	r.skip()
	switch {
	case r.at == len(r.text) || r.atMarker():
		return false
	case r.column() < column:
		r.left = border{r.at, column, line}
		return false
	case r.column() > column:
		r.failIndentation(border{r.at, column, line})
	}
	return true
}

// endOfLine fails if something comes after a value in its line.
func (r *reader) endOfLine() {
	if r.fresh {
		return // the value has ended before this line
	}
	r.skipBlanks()
	if !r.atLineEnd() {
		r.failAfterValue()
	}
}
