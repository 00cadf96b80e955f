package doc

import (
	"reflect"

	"github.com/firstlight-os/firstlight/internal/slab"
)

// Merge lays one object over another of the same struct type: what the child
// sets counts, lists are joined item by item where the spec tags give the items
// a key, and appended otherwise. Neither is changed; nil is an absent object.
func Merge(t reflect.Type, parent, child *Node) *Node {
	return new(merger).object(FieldsOf(t), parent, child)
}

// A merger makes the nodes of one merged tree.
type merger struct {
	nodes   slab.Slab[Node]
	members slab.Lists[Member]
	items   slab.Lists[*Node]
}

// copyOf is a new node like n, with other members or items.
func (m *merger) copyOf(n *Node, members []Member, items []*Node) *Node {
	out := m.nodes.One()
	*out = *n
	out.Members, out.Items = members, items
	return out
}

func (m *merger) object(fields []Field, parent, child *Node) *Node {
	switch {
	case parent == nil:
		return child
	case child == nil:
		return parent
	}
	shared := sharedItems(fields, child)
	mark := m.members.Open()
	for i := range fields {
		f := &fields[i]
		value := m.field(f, parent.Member(f.Name), child.Member(f.Name), shared)
		if value != nil {
			m.members.Push(Member{f.Name, value.Line, value.Column, value})
		}
	}
	return m.copyOf(child, m.members.Close(mark), nil)
}

func (m *merger) field(f *Field, parent, child *Node, shared childItems) *Node {
	switch {
	case f.IsObject():
		return m.object(f.Fields, parent, child)
	case f.IsList() && parent != nil:
		if f.Shared {
			return m.list(f, parent, child, shared)
		}
		own := make(childItems, child.size())
		own.add(f, child)
		return m.list(f, parent, child, own)
	case child != nil:
		return child
	}
	return parent
}

// childItems finds the items of a child's lists by their keys.
type childItems map[string]childItem

type childItem struct {
	list  *Field
	index int
}

func (c childItems) add(f *Field, list *Node) {
	for i := range list.size() {
		if key, ok := f.KeyOf(list.Items[i]); ok {
			c[key] = childItem{f, i}
		}
	}
}

// sharedItems are those of all lists whose keys are one namespace.
func sharedItems(fields []Field, child *Node) childItems {
	count := 0
	for i := range fields {
		if fields[i].Shared {
			count += child.Member(fields[i].Name).size()
		}
	}
	if count == 0 {
		return nil
	}
	items := make(childItems, count)
	for i := range fields {
		if fields[i].Shared {
			items.add(&fields[i], child.Member(fields[i].Name))
		}
	}
	return items
}

// size is the number of items; none if there is no list.
func (n *Node) size() int {
	if n == nil {
		return 0
	}
	return len(n.Items)
}

// list keeps the parent's order and adds the child's new items after it. A
// parent's item that the child has in another list is dropped.
func (m *merger) list(f *Field, parent, child *Node, byKey childItems) *Node {
	merged := make([]bool, child.size())
	mark := m.items.Open()
	for _, item := range parent.Items {
		key, _ := f.KeyOf(item)
		at, found := byKey[key]
		if found && at.list != f {
			continue
		}
		if found {
			merged[at.index] = true
			item = m.item(f, item, child.Items[at.index])
		}
		if item != nil {
			m.items.Push(item)
		}
	}
	for i := range merged {
		if !merged[i] {
			m.items.Push(child.Items[i])
		}
	}
	return m.copyOf(parent, nil, m.items.Close(mark))
}

// item merges two items of one key; nil if the child removes the item.
func (m *merger) item(f *Field, parent, child *Node) *Node {
	if !f.Item.IsObject() {
		return parent
	}
	if f.removal != "" && child.Member(f.removal) == nil {
		return nil
	}
	return m.object(f.Item.Fields, parent, child)
}
