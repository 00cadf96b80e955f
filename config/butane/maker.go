package butane

import (
	"strconv"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// A maker makes nodes that stand where a key of the document does: what is
// wrong with what sugar stands for is reported at the sugar.
type maker struct{ at *doc.Node }

func (m maker) node(kind doc.Kind, text string) *doc.Node {
	n := &doc.Node{Kind: kind, Text: text}
	if m.at != nil {
		n.Source, n.Line, n.Column = m.at.Source, m.at.Line, m.at.Column
		n.Parent, n.Key, n.Index = m.at.Parent, m.at.Key, m.at.Index
	}
	return n
}

// object takes names and values in turn.
func (m maker) object(members ...any) *doc.Node {
	n := m.node(doc.Map, "")
	for i := 0; i < len(members); i += 2 {
		n.Set(members[i].(string), m.value(members[i+1]))
	}
	return n
}

func (m maker) list(items ...*doc.Node) *doc.Node {
	n := m.node(doc.List, "")
	n.Items = items
	return n
}

func (m maker) strings(texts []string) *doc.Node {
	n := m.list()
	for _, text := range texts {
		n.Items = append(n.Items, m.node(doc.String, text))
	}
	return n
}

// value makes a node of a string, a number, a boolean, or of a node itself.
func (m maker) value(v any) *doc.Node {
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

// add appends an item to a list that may not be there yet.
func add(n *doc.Node, list string, item *doc.Node) {
	l := n.Member(list)
	if l == nil {
		l = maker{n}.list()
		n.Set(list, l)
	}
	l.Items = append(l.Items, item)
}

// in is an object inside n, which is made if it is not there.
func in(n *doc.Node, member string) *doc.Node {
	m := n.Member(member)
	if m == nil {
		m = maker{n}.object()
		n.Set(member, m)
	}
	return m
}
