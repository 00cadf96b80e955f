package check

import (
	"bytes"
	"cmp"
	"slices"
	"unicode/utf8"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// A Span is a part of a text, in bytes from its start.
type Span struct{ Start, End int }

// Lines finds the lines of a text.
type Lines struct {
	text   []byte
	starts []int
}

// NewLines looks for the lines of a text, which must not change afterwards.
func NewLines(text []byte) *Lines {
	l := &Lines{text, []int{0}}
	for i, c := range text {
		if c == '\n' {
			l.starts = append(l.starts, i+1)
		}
	}
	return l
}

// Count is how many lines there are. A text that ends with a line break has an empty one
// behind that.
func (l *Lines) Count() int { return len(l.starts) }

// Offset returns where a line and a column are, both from 1, the column in bytes. What is
// outside of the text is at the nearest byte of it.
func (l *Lines) Offset(line, column int) int {
	if line > len(l.starts) {
		return len(l.text)
	}
	start := l.starts[max(line, 1)-1]
	return min(start+max(column, 1)-1, start+len(l.Line(line)))
}

// Position is the inverse of Offset.
func (l *Lines) Position(offset int) (line, column int) {
	line, found := slices.BinarySearch(l.starts, offset)
	if found {
		line++
	}
	return line, offset - l.starts[line-1] + 1
}

// Line returns a line, from 1, without its end.
func (l *Lines) Line(line int) []byte {
	line = min(max(line, 1), len(l.starts))
	rest := l.text[l.starts[line-1]:]
	if line < len(l.starts) {
		rest = rest[:l.starts[line]-l.starts[line-1]]
	}
	return bytes.TrimRight(rest, "\r\n")
}

// Lines are those of the config.
func (r *Result) Lines() *Lines {
	if r.lines == nil {
		r.lines = NewLines(r.text)
	}
	return r.lines
}

// Span returns what an origin points to: a scalar, or the first character of an object
// or a list. It reports whether that is in this config at all.
func (r *Result) Span(o config.Origin) (Span, bool) {
	if o.Source != r.name || o.Line < 1 {
		return Span{}, false
	}
	start := r.Lines().Offset(o.Line, o.Column)
	line := string(r.Lines().Line(o.Line))
	at := min(max(o.Column-1, 0), len(line))
	switch {
	case at == len(line):
		return Span{start, start}, true
	case IsPunctuation(line, at):
		_, size := utf8.DecodeRuneInString(line[at:])
		return Span{start, start + size}, true
	}
	return Span{start, start + ScalarEnd(line, at) - at}, true
}

// A Value is a value of the translation.
type Value struct {
	Span
	// Origin is where it came from. It is that of the object around it if the config
	// does not mention it, and zero if nothing of it is known.
	Origin config.Origin
}

// Values returns the values of Result.JSON in the order of a text, which is this JSON,
// perhaps with white space between its values. An object or list is before what is in it.
func (r *Result) Values(text []byte) []Value {
	root, err := doc.ReadJSON(text, &doc.Source{})
	if r.Config == nil || err != nil {
		return nil
	}
	w := &pairs{lines: NewLines(text), config: root, source: doc.NodeOf(r.Config.Object)}
	if r.MachineConfig {
		w.config = root.Member("spec").Member("config")
	}
	w.add(root, nil)
	return w.values
}

// pairs walks two trees, of which one has what the other one says in it.
type pairs struct {
	lines  *Lines
	config *doc.Node // where the other one begins
	source *doc.Node
	values []Value
}

func (w *pairs) add(out, from *doc.Node) (end int) {
	if out == w.config {
		from = w.source
	}
	i, start := len(w.values), w.lines.Offset(int(out.Line), int(out.Column))
	w.values = append(w.values, Value{Span{Start: start}, from.Origin()})
	end = start
	for _, m := range out.Members {
		end = w.add(m.Value, cmp.Or(from.Member(m.Name), from))
	}
	for i, item := range out.Items {
		next := from
		if from != nil && i < len(from.Items) {
			next = from.Items[i]
		}
		end = w.add(item, next)
	}
	switch out.Kind {
	case doc.Map, doc.List:
		end += bytes.IndexAny(w.lines.text[end:], "}]") + 1
	default:
		end += scalarLength(w.lines.text[start:])
	}
	w.values[i].End = end
	return end
}

// scalarLength is the length of the scalar that a text of JSON begins with.
func scalarLength(text []byte) int {
	if text[0] != '"' {
		if end := bytes.IndexAny(text, ",]} \t\r\n"); end >= 0 {
			return end
		}
		return len(text)
	}
	for i := 1; ; i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
}
