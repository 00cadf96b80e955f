package lsp

import "strings"

// The block style of YAML.

// A level is an open mapping or list.
type level struct {
	of *value
	// indent is the column of its members or items, or -1 as long as there are none.
	indent int
	// least is the smallest column that the first of them can have.
	least int
	// ofKey reports whether it is the value of a key, below which items of a list need not
	// be indented.
	ofKey bool
}

func (o *outliner) block(root *value) {
	o.levels = []level{{of: root, indent: -1}}
	for o.at < len(o.text) {
		start := o.at
		o.skipBlanks()
		switch rest := o.text[o.at:o.lineEnd()]; {
		case rest == "" || rest[0] == '#' || strings.HasPrefix(rest, "---") && o.at == start:
		case rest == "..." && o.at == start:
			return
		default:
			o.content(start)
		}
		o.nextLine()
	}
}

// content reads what a line has; start is where the line starts. What a value has on
// further lines is read, too.
func (o *outliner) content(start int) {
	for {
		column := o.at - start
		if !o.isItem() {
			o.member(column)
			return
		}
		container := o.place(column, true)
		if container == nil {
			return
		}
		if container.kind == empty {
			container.kind = list
		}
		o.at++
		o.skipBlanks()
		item := container.add(&value{span: span{o.at, o.at}})
		o.levels = append(o.levels, level{of: item, indent: -1, least: column + 1})
		if rest := o.text[o.at:o.lineEnd()]; rest == "" || rest[0] == '#' {
			return
		}
	}
}

// isItem reports whether an item of a list starts here.
func (o *outliner) isItem() bool {
	return len(o.levels) < maxDepth && o.peek() == '-' && (o.at+1 == len(o.text) || isSpace(o.text[o.at+1]))
}

// place returns what content at a column belongs to, and nil for more of a scalar.
func (o *outliner) place(column int, isItem bool) *value {
	for len(o.levels) > 1 && o.ends(column, isItem) {
		o.levels = o.levels[:len(o.levels)-1]
	}
	top := &o.levels[len(o.levels)-1]
	if top.indent < 0 {
		top.indent = column
	}
	if top.of.kind == scalar {
		if !isItem && !o.hasKey() {
			top.of.span.end = o.lineEnd()
			return nil
		}
		top.of.becomeKey()
	}
	inner := top.of.last()
	switch {
	case column <= top.indent && isItem && top.of.kind == mapping && inner.kind == empty:
		// Items need not be indented more than their key.
	case column <= top.indent || inner == nil || inner.kind == scalar && inner.colon && (isItem || o.hasKey()):
		return top.of
	case inner.kind == scalar && !isItem && !o.hasKey():
		inner.span.end = o.lineEnd()
		return nil
	case inner.kind == scalar:
		inner.becomeKey()
	}
	// It is indented more than what is before it on this level, so it belongs to that.
	o.levels = append(o.levels, level{of: inner, indent: column})
	return inner
}

// becomeKey is for what looked like a scalar and is a key that is being typed, as what
// follows belongs to a mapping.
func (v *value) becomeKey() {
	key := &value{key: v.text, keySpan: v.span, span: span{v.span.end, v.span.end}}
	v.kind, v.text, v.style = mapping, "", 0
	v.add(key)
}

// ends reports whether the innermost level has ended before content at a column.
func (o *outliner) ends(column int, isItem bool) bool {
	top, around := o.levels[len(o.levels)-1], o.levels[len(o.levels)-2]
	switch {
	case top.indent < 0 && isItem && top.ofKey:
		return column < top.least-1
	case top.indent < 0:
		return column < top.least
	}
	return column < top.indent || column == top.indent && !isItem && top.of.kind == list && around.indent == column
}

// hasKey reports whether there is a key with a colon here.
func (o *outliner) hasKey() bool {
	before := o.at
	o.properties()
	_, _, colon := o.blockKey()
	o.at = before
	return colon
}

// blockKey reads a key, and the colon behind it if there is one.
func (o *outliner) blockKey() (key string, at span, colon bool) {
	switch c := o.peek(); c {
	case '{', '[':
		return "", span{o.at, o.at}, false
	case '"', '\'':
		key, at = o.quoted()
		o.skipBlanks()
	default:
		start, end := o.at, o.lineEnd()
		for o.at < end && !(o.text[o.at] == ':' && (o.at+1 == end || o.text[o.at+1] == ' ')) && !(o.text[o.at] == '#' && o.at > 0 && o.text[o.at-1] == ' ') {
			o.at++
		}
		key = strings.TrimRight(o.text[start:o.at], " ")
		at = span{start, start + len(key)}
	}
	if o.peek() == ':' {
		o.at++
		return key, at, true
	}
	return key, at, false
}

// member reads a key with its value, or what is no item of a list otherwise.
func (o *outliner) member(column int) {
	container := o.place(column, false)
	if container == nil {
		return
	}
	start := o.at
	o.properties()
	key, at, colon := o.blockKey()
	switch {
	case !colon && container.kind == empty && container.parent != nil:
		o.at = start
		o.value(container, column-1)
		return
	case !colon && strings.ContainsRune("{[&*!|>", rune(o.text[start])):
		return // this belongs to nothing
	case container.kind == empty:
		container.kind = mapping
	}
	m := container.add(&value{key: key, keySpan: at, colon: colon})
	m.span = span{o.at, o.at}
	if container.kind == list {
		m.kind, m.text, m.span, m.key, m.keySpan = scalar, key, at, "", span{}
	}
	if colon {
		o.value(m, column)
	}
}

// value reads what follows a key or the mark of an item; column is that of the key, or
// the one that further lines have to exceed.
func (o *outliner) value(v *value, column int) {
	o.properties()
	v.span = span{o.at, o.at}
	rest := o.text[o.at:o.lineEnd()]
	if rest == "" || rest[0] == '#' {
		if v.parent.kind == mapping {
			o.levels = append(o.levels, level{of: v, indent: -1, least: column + 1, ofKey: true})
		}
		return
	}
	switch c := rest[0]; c {
	case '{', '[':
		o.brackets(v, column)
		return
	case '|', '>':
		v.style = c
		o.blockScalar(v, column)
	case '"', '\'':
		v.style = c
		v.text, v.span = o.quoted()
	default:
		if c == '*' {
			v.style = c
		}
		v.text = rest
		if i := strings.Index(rest, " #"); i >= 0 {
			v.text = rest[:i]
		}
		v.text = strings.TrimRight(v.text, " ")
		v.span.end = o.at + len(v.text)
	}
	v.kind = scalar
}

// properties skips the anchor and the tag of a value.
func (o *outliner) properties() {
	o.skipBlanks()
	for c := o.peek(); c == '&' || c == '!'; c = o.peek() {
		for o.at < len(o.text) && !isSpace(o.text[o.at]) {
			o.at++
		}
		o.skipBlanks()
	}
}

// blockScalar reads all lines that are indented more than the key. The last line stays
// to be skipped.
func (o *outliner) blockScalar(v *value, column int) {
	v.span.end = o.lineEnd()
	var text strings.Builder
	for {
		before := o.at
		o.nextLine()
		start := o.at
		o.skipBlanks()
		isBlank := o.at == o.lineEnd()
		if o.at == len(o.text) || !isBlank && o.at-start <= column {
			o.at = before
			break
		}
		o.at = start
		line := o.text[start:o.lineEnd()]
		if !isBlank {
			v.span.end = o.lineEnd()
		}
		text.WriteString(strings.TrimLeft(line, " ") + "\n")
	}
	v.text = text.String()
}
