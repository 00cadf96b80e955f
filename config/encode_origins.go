package config

import (
	"encoding/binary"
	"errors"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// Origins are stored as a list of sources, each a name and the language that it
// is written in, then for each value in the order of
// the text: the source, line and column. A value that merging has moved has
// its own way from the root, so for it follow the path of the list or object
// that it was in, and its index there. Numbers are unsigned varints, strings
// have their length before them; for a path that is one more than the length,
// and 0 if the value was not moved.
type originWriter struct {
	sources map[*doc.Source]int
	list    []*doc.Source
	values  []byte
}

func saveOrigins(root *doc.Node) []byte {
	w := &originWriter{sources: map[*doc.Source]int{}}
	w.value(root, nil, 0)
	b := binary.AppendUvarint(nil, uint64(len(w.list)))
	for _, s := range w.list {
		name := s.String()
		b = binary.AppendUvarint(b, uint64(len(name)))
		b = append(b, name...)
		b = binary.AppendUvarint(b, language(s))
	}
	return append(b, w.values...)
}

// value stores the origins of n and what is in it. It is the i-th value in around.
func (w *originWriter) value(n, around *doc.Node, i int) {
	s, ok := w.sources[n.Source]
	if !ok {
		s = len(w.list)
		w.sources[n.Source] = s
		w.list = append(w.list, n.Source)
	}
	w.numbers(s, int(n.Line), int(n.Column))
	if isAt(n, around, i) {
		w.numbers(0)
	} else {
		path := n.Parent.Path()
		w.numbers(len(path) + 1)
		w.values = append(w.values, path...)
		w.numbers(int(n.Index))
	}
	for i, m := range n.Members {
		w.value(m.Value, n, i)
	}
	for i, item := range n.Items {
		w.value(item, n, i)
	}
}

// language is 1 for Butane and 0 for JSON.
func language(s *doc.Source) uint64 {
	if s != nil && s.Snake {
		return 1
	}
	return 0
}

func (w *originWriter) numbers(values ...int) {
	for _, v := range values {
		w.values = binary.AppendUvarint(w.values, uint64(v))
	}
}

// isAt tells whether n's path is that of the i-th value in around.
func isAt(n, around *doc.Node, i int) bool {
	switch {
	case around == nil || n.Parent == nil:
		return true
	case around.Kind == doc.List && int(n.Index) != i:
		return false
	}
	return n.Parent == around || n.Parent.Path() == around.Path()
}

var errOriginsMismatch = errors.New("the stored origins do not belong to the stored config")

// originReader reads what an originWriter has written. It may be damaged.
type originReader struct {
	rest    []byte
	sources []*doc.Source
	err     error
}

func restoreOrigins(root *doc.Node, stored []byte) error {
	r := &originReader{rest: stored}
	for range r.number(len(stored)) {
		name, snake := r.text(r.number(len(r.rest))), r.number(1) == 1
		if r.err != nil {
			return r.err
		}
		r.sources = append(r.sources, &doc.Source{Name: name, Snake: snake})
	}
	r.value(root)
	if r.err == nil && len(r.rest) > 0 {
		r.err = errOriginsMismatch
	}
	return r.err
}

func (r *originReader) value(n *doc.Node) {
	const maxPlace = 1 << 30
	s := r.number(len(r.sources) - 1)
	line, column := r.number(maxPlace), r.number(maxPlace)
	moved := r.number(len(r.rest))
	if r.err != nil {
		return
	}
	n.Source, n.Line, n.Column = r.sources[s], int32(line), int32(column)
	if moved > 0 && n.Parent != nil {
		// A stand-in for the parent that merging has left behind.
		n.Parent = &doc.Node{Kind: n.Parent.Kind, Key: r.text(moved - 1), Parent: &doc.Node{}}
		n.Index = int32(r.number(maxPlace))
	}
	for _, m := range n.Members {
		r.value(m.Value)
	}
	for _, item := range n.Items {
		r.value(item)
	}
}

func (r *originReader) number(limit int) int {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || limit < 0 || v > uint64(limit) {
		r.err, r.rest = errOriginsMismatch, nil
		return 0
	}
	r.rest = r.rest[n:]
	return int(v)
}

func (r *originReader) text(length int) string {
	if length > len(r.rest) {
		r.err, r.rest = errOriginsMismatch, nil
		return ""
	}
	text := string(r.rest[:length])
	r.rest = r.rest[length:]
	return text
}
