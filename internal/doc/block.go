package doc

import (
	"bytes"
	"strings"
)

// OriginInside returns where the byte at an offset of a member's text is, and
// reports whether that is known: it is for block scalars of YAML (| and >), whose
// lines are lines of the document.
func (o Object) OriginInside(member string, offset int) (Origin, bool) {
	n := o.node.Member(member)
	if n == nil || n.Kind != String || n.Source == nil {
		return Origin{}, false
	}
	line, column, ok := positionInside(n.Source.Text, int(n.Line), n.Text, offset)
	if !ok {
		return Origin{}, false
	}
	at := n.Origin()
	at.Line, at.Column = line, column
	return at, true
}

// positionInside finds the byte at an offset of a block scalar's value, given the line
// of its indicator, by following the value through the lines of the document. What
// does not follow them is not such a scalar.
func positionInside(document []byte, line int, value string, offset int) (int, int, bool) {
	rest := document
	for range line {
		_, rest, _ = bytes.Cut(rest, []byte("\n"))
	}
	at, indentation := 0, -1
	for len(rest) > 0 && at <= offset {
		var row []byte
		row, rest, _ = bytes.Cut(rest, []byte("\n"))
		row = bytes.TrimSuffix(row, []byte("\r"))
		line++
		if indentation < 0 {
			at = len(value) - len(trimNewlines(value))
			indentation = spaces(row) - spaces(value[at:])
			if len(row) == spaces(row) || indentation < 0 {
				indentation = -1
				continue // an empty line before the text
			}
		}
		if len(row) <= indentation {
			continue
		}
		text := row[indentation:]
		if !bytes.HasPrefix([]byte(value[at:]), text) {
			return 0, 0, false
		}
		if end := at + len(text); offset <= end {
			return line, indentation + max(offset-at, 0) + 1, true
		}
		at = afterBreak(value, at+len(text))
	}
	return 0, 0, false
}

// afterBreak returns where the next line with text starts in the value: folding makes
// a space of a line break, and leaves out one of several.
func afterBreak(value string, at int) int {
	if at < len(value) && value[at] == ' ' {
		return at + 1
	}
	return len(value) - len(trimNewlines(value[at:]))
}

func trimNewlines(s string) string { return strings.TrimLeft(s, "\n") }

// spaces counts the blanks before a text.
func spaces[T string | []byte](text T) int {
	i := 0
	for i < len(text) && text[i] == ' ' {
		i++
	}
	return i
}
