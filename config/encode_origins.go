package config

import (
	"encoding/binary"
	"errors"
)

// Origins are stored as a list of sources, then for each value in the order of
// the text: the source, line and column. A value that merging has moved has
// its own way from the root, so for it follow the path of the list or object
// that it was in, and its index there. Numbers are unsigned varints, strings
// have their length before them; for a path that is one more than the length,
// and 0 if the value was not moved.
type originWriter struct {
	sources map[*source]int
	names   []string
	values  []byte
}

func saveOrigins(root *node) []byte {
	w := &originWriter{sources: map[*source]int{}}
	w.value(root, nil, 0)
	b := binary.AppendUvarint(nil, uint64(len(w.names)))
	for _, name := range w.names {
		b = binary.AppendUvarint(b, uint64(len(name)))
		b = append(b, name...)
	}
	return append(b, w.values...)
}

// value stores the origins of n and what is in it. It is the i-th value in around.
func (w *originWriter) value(n, around *node, i int) {
	s, ok := w.sources[n.source]
	if !ok {
		s = len(w.names)
		w.sources[n.source] = s
		w.names = append(w.names, n.source.name())
	}
	w.numbers(s, int(n.line), int(n.column))
	if n.isAt(around, i) {
		w.numbers(0)
	} else {
		path := n.parent.path()
		w.numbers(len(path) + 1)
		w.values = append(w.values, path...)
		w.numbers(int(n.index))
	}
	for i, m := range n.members {
		w.value(m.value, n, i)
	}
	for i, item := range n.items {
		w.value(item, n, i)
	}
}

func (w *originWriter) numbers(values ...int) {
	for _, v := range values {
		w.values = binary.AppendUvarint(w.values, uint64(v))
	}
}

// isAt tells whether n's path is that of the i-th value in around.
func (n *node) isAt(around *node, i int) bool {
	switch {
	case around == nil || n.parent == nil:
		return true
	case around.kind == arrayNode && int(n.index) != i:
		return false
	}
	return n.parent == around || n.parent.path() == around.path()
}

var errOrigins = errors.New("the stored origins do not belong to the stored config")

// originReader reads what an originWriter has written. It may be damaged.
type originReader struct {
	rest    []byte
	sources []*source
	err     error
}

func restoreOrigins(root *node, stored []byte) error {
	r := &originReader{rest: stored}
	for range r.number(len(stored)) {
		name := r.text(r.number(len(r.rest)))
		if r.err != nil {
			return r.err
		}
		r.sources = append(r.sources, &source{name})
	}
	r.value(root)
	if r.err == nil && len(r.rest) > 0 {
		r.err = errOrigins
	}
	return r.err
}

func (r *originReader) value(n *node) {
	const maxPlace = 1 << 30
	s := r.number(len(r.sources) - 1)
	line, column := r.number(maxPlace), r.number(maxPlace)
	moved := r.number(len(r.rest))
	if r.err != nil {
		return
	}
	n.source, n.line, n.column = r.sources[s], int32(line), int32(column)
	if moved > 0 && n.parent != nil {
		// A stand-in for the parent that merging has left behind.
		n.parent = &node{kind: n.parent.kind, key: r.text(moved - 1), parent: &node{}}
		n.index = int32(r.number(maxPlace))
	}
	for _, m := range n.members {
		r.value(m.value)
	}
	for _, item := range n.items {
		r.value(item)
	}
}

func (r *originReader) number(limit int) int {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || limit < 0 || v > uint64(limit) {
		r.err, r.rest = errOrigins, nil
		return 0
	}
	r.rest = r.rest[n:]
	return int(v)
}

func (r *originReader) text(length int) string {
	if length > len(r.rest) {
		r.err, r.rest = errOrigins, nil
		return ""
	}
	text := string(r.rest[:length])
	r.rest = r.rest[length:]
	return text
}
