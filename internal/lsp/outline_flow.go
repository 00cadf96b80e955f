package lsp

import "strings"

// JSON, and the flow style of YAML.

// brackets reads a mapping or list in brackets into v. Around it are lines of block
// style with an indentation, at which, or below which, it has to end; -1 is for none.
func (o *outliner) brackets(v *value, indent int) {
	open := o.peek()
	v.kind, v.flow, v.span.start = mapping, true, o.at
	if open == '[' {
		v.kind = list
	}
	o.at++
	o.depth++
	for !o.flowEnds(indent) {
		switch c := o.peek(); c {
		case ',':
			o.at++
		case '}', ']':
			if (c == '}') == (open == '{') {
				o.at++
			}
			o.closeBracket(v)
			return
		default:
			o.entry(v, indent)
		}
	}
	o.closeBracket(v)
}

func (o *outliner) closeBracket(v *value) {
	o.depth--
	v.span.end = o.at
}

// flowEnds skips space and reports whether the text has ended, or the brackets have,
// without being closed.
func (o *outliner) flowEnds(indent int) bool {
	start := o.at
	o.skipSpace()
	if o.at == len(o.text) {
		return true
	}
	i := strings.LastIndexByte(o.text[start:o.at], '\n')
	if i < 0 || o.at-(start+i+1) > indent || strings.ContainsRune("]},", rune(o.peek())) {
		return false
	}
	o.at = start + i
	return true
}

// entry reads a member or an item.
func (o *outliner) entry(v *value, indent int) {
	c := v.add(&value{flow: true})
	if v.kind == list {
		o.flowValue(c, indent)
		return
	}
	if c.key, c.keySpan = o.flowScalar(); c.keySpan.end == c.keySpan.start {
		o.at++ // whatever this is, it is no key
		c.keySpan.end = o.at
	}
	c.span = span{o.at, o.at}
	before := o.at
	if o.flowEnds(indent) || o.peek() != ':' {
		o.at = before
		return
	}
	o.at++
	c.colon = true
	o.skipBlanks()
	c.span = span{o.at, o.at}
	before = o.at
	if o.flowEnds(indent) || strings.ContainsRune(",]}", rune(o.peek())) {
		o.at = before
		return
	}
	o.flowValue(c, indent)
}

func (o *outliner) flowValue(v *value, indent int) {
	c := o.peek()
	if (c == '{' || c == '[') && o.depth < maxDepth {
		o.brackets(v, indent)
		return
	}
	v.kind = scalar
	if c == '"' || c == '\'' && !o.json || c == '*' {
		v.style = c
	}
	if v.text, v.span = o.flowScalar(); v.span.start == v.span.end {
		o.at++
		v.span.end = o.at
	}
}

// flowScalar reads a key or a scalar value.
func (o *outliner) flowScalar() (text string, at span) {
	if c := o.peek(); c == '"' || c == '\'' && !o.json {
		return o.quoted()
	}
	start := o.at
	for end := o.lineEnd(); o.at < end; o.at++ {
		c := o.text[o.at]
		if strings.ContainsRune(",[]{}\"", rune(c)) || c == ':' && o.colonEnds() || c == '#' && !o.json && o.at > 0 && isSpace(o.text[o.at-1]) {
			break
		}
	}
	text = strings.TrimRight(o.text[start:o.at], " ")
	return text, span{start, start + len(text)}
}

// colonEnds reports whether the colon that o is at is one behind a key.
func (o *outliner) colonEnds() bool {
	return o.json || o.at+1 == len(o.text) || strings.ContainsRune(" \r\n,[]{}\"", rune(o.text[o.at+1]))
}
