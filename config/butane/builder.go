package butane

import (
	"strconv"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// A nodeBuilder makes nodes with the origin of a node of the document, so that
// problems of generated values are reported at the sugar.
type nodeBuilder struct{ at *doc.Node }

func (m nodeBuilder) node(kind doc.Kind, text string) *doc.Node {
	n := &doc.Node{Kind: kind, Text: text}
	if m.at != nil {
		n.Source, n.Line, n.Column = m.at.Source, m.at.Line, m.at.Column
		n.Parent, n.Key, n.Index = m.at.Parent, m.at.Key, m.at.Index
	}
	return n
}

// object makes an object of alternating names and values.
func (m nodeBuilder) object(members ...any) *doc.Node {
	n := m.node(doc.Map, "")
	for i := 0; i < len(members); i += 2 {
		n.Set(members[i].(string), m.value(members[i+1]))
	}
	return n
}

func (m nodeBuilder) list(items ...*doc.Node) *doc.Node {
	n := m.node(doc.List, "")
	n.Items = items
	return n
}

func (m nodeBuilder) strings(texts []string) *doc.Node {
	n := m.list()
	for _, text := range texts {
		n.Items = append(n.Items, m.node(doc.String, text))
	}
	return n
}

// value makes a node from a string, a number, a boolean, or of a node itself.
func (m nodeBuilder) value(v any) *doc.Node {
	switch v := v.(type) {
	case *doc.Node:
		return v
	case bool:
		return m.node(doc.Bool, strconv.FormatBool(v))
	case int:
		return m.node(doc.Number, strconv.Itoa(v))
	}
	return m.node(doc.String, v.(string))
}

// appendItem appends an item to a list, which it creates if it is absent.
func appendItem(n *doc.Node, list string, item *doc.Node) {
	l := n.Member(list)
	if l == nil {
		l = nodeBuilder{n}.list()
		n.Set(list, l)
	}
	l.Items = append(l.Items, item)
}

// ensureObject returns an object inside n, which it creates if it is absent.
func ensureObject(n *doc.Node, member string) *doc.Node {
	m := n.Member(member)
	if m == nil {
		m = nodeBuilder{n}.object()
		n.Set(member, m)
	}
	return m
}
