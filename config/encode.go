package config

import (
	"encoding/binary"
	"errors"

	"github.com/go-json-experiment/json/jsontext"
)

// Marshal prints a config as compact JSON of the newest version.
func (c *Config) Marshal() []byte {
	return appendNode(nil, c.node, nil)
}

// Save prints a config like Marshal, and, apart from it, where each of its
// values came from, for Load.
func (c *Config) Save() (text, origins []byte) {
	o := &originWriter{sources: map[*source]int{}}
	text = appendNode(nil, c.node, o.add)
	return text, o.bytes()
}

// Load reads what Save has written. It does not validate. Without usable
// origins the values know their place in the given text instead, under name.
func Load(text, origins []byte, name string) (*Config, error) {
	root, problem := readJSON(text, &source{name})
	if problem != nil {
		return nil, &ParseError{ErrInvalid, Problems{*problem}}
	}
	if _, err := versionOf(root); err != nil {
		return nil, err
	}
	if len(origins) > 0 {
		if err := restoreOrigins(root, origins); err != nil {
			return nil, err
		}
	}
	c := &cleaner{version: Newest}
	c.object(root, configType)
	if c.problems.Refused() {
		return nil, &ParseError{ErrInvalid, c.problems}
	}
	return fromTree(root), nil
}

// appendNode prints n and calls visit, if given, for each value in the order of the text.
func appendNode(b []byte, n *node, visit func(*node)) []byte {
	if visit != nil {
		visit(n)
	}
	switch n.kind {
	case objectNode:
		b = append(b, '{')
		for i, m := range n.members {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, m.name)
			b = append(b, ':')
			b = appendNode(b, m.value, visit)
		}
		return append(b, '}')
	case arrayNode:
		b = append(b, '[')
		for i, item := range n.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendNode(b, item, visit)
		}
		return append(b, ']')
	case stringNode:
		return appendString(b, n.text)
	case nullNode:
		return append(b, "null"...)
	}
	return append(b, n.text...)
}

func appendString(b []byte, s string) []byte {
	// The only error is invalid UTF-8, for which replacement characters are
	// written, which is what reading such a string gives anyway.
	b, _ = jsontext.AppendQuote(b, s)
	return b
}

// Origins are stored as a list of sources, then for each value in the order of
// the text: source, line and column, all as unsigned varints.
type originWriter struct {
	sources map[*source]int
	names   []string
	values  []byte
}

func (o *originWriter) add(n *node) {
	i, ok := o.sources[n.source]
	if !ok {
		i = len(o.names)
		o.sources[n.source] = i
		o.names = append(o.names, n.source.name())
	}
	for _, v := range []int{i, int(n.line), int(n.column)} {
		o.values = binary.AppendUvarint(o.values, uint64(v))
	}
}

func (o *originWriter) bytes() []byte {
	b := binary.AppendUvarint(nil, uint64(len(o.names)))
	for _, name := range o.names {
		b = binary.AppendUvarint(b, uint64(len(name)))
		b = append(b, name...)
	}
	return append(b, o.values...)
}

var errOrigins = errors.New("the stored origins do not belong to the stored config")

// originReader reads what an originWriter has written. It may be damaged.
type originReader struct {
	rest []byte
	err  error
}

func (r *originReader) uint(limit int) int {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > uint64(limit) {
		r.err, r.rest = errOrigins, nil
		return 0
	}
	r.rest = r.rest[n:]
	return int(v)
}

func restoreOrigins(root *node, stored []byte) error {
	const maxPlace = 1 << 30
	r := &originReader{rest: stored}
	sources := make([]*source, 0, 4)
	for range r.uint(len(stored)) {
		length := r.uint(len(r.rest))
		if r.err != nil {
			return r.err
		}
		sources = append(sources, &source{string(r.rest[:length])})
		r.rest = r.rest[length:]
	}
	var restore func(n *node)
	restore = func(n *node) {
		s := r.uint(len(sources) - 1)
		n.line, n.column = int32(r.uint(maxPlace)), int32(r.uint(maxPlace))
		if r.err != nil {
			return
		}
		n.source = sources[s]
		for _, m := range n.members {
			restore(m.value)
		}
		for _, item := range n.items {
			restore(item)
		}
	}
	restore(root)
	if r.err == nil && len(r.rest) > 0 {
		r.err = errOrigins
	}
	return r.err
}
