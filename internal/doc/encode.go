package doc

import (
	"reflect"
	"slices"
)

// Encode is the inverse of Decode: it returns a tree that says what v says. What
// v was decoded from is used again, with its origins, where v has not changed
// since; the whole tree is if nothing has. Neither v nor its nodes are changed.
//
// A value that was replaced by hand has the origin of the value before it, and
// one that was added has the position of the object around it. Unset values are
// left out: nil, zeros that are no pointers, and objects of which everything is
// unset.
func Encode(v reflect.Value) *Node {
	return encodeObject(placeOf(v), FieldsOf(v.Type()), nil, "", 0)
}

// encodeObject returns the node of an object. One that was not decoded gets a new
// node.
func encodeObject(at place, fields []Field, around *Node, name string, index int) *Node {
	n := object(at).node
	copied := !object(at).IsPresent()
	if copied {
		n = newNode(Map, around, name, index)
	}
	out := n
	for i := range fields {
		f := &fields[i]
		before := n.Member(f.Name)
		value := encodeField(f.in(at), f, before, n)
		if value == before {
			continue
		}
		if !copied {
			out, copied = copyNode(n), true
			out.Members = slices.Clone(n.Members)
		}
		if value == nil {
			out.Remove(f.Name)
		} else {
			out.Set(f.Name, value)
		}
	}
	return out
}

// encodeField returns the node of a member, or nil if it is unset. Before is what
// the member was decoded from, or nil, and around the node of the object.
func encodeField(at place, f *Field, before, around *Node) *Node {
	if f.IsObject() {
		if isUnset(at, f) {
			return nil
		}
		return encodeObject(f.target(at), f.Fields, around, f.Name, 0)
	}
	if f.isZero(at) {
		// Zeros that are no pointers are kept if the document has them.
		if before != nil && !f.place.optional && f.isOf(at, before) {
			return before
		}
		return nil
	}
	if before == nil {
		before = newNode(f.Kind, around, f.Name, 0)
	}
	if f.IsList() {
		return encodeList(f.list(at), f.Item, before)
	}
	return encodeScalar(f.target(at), f, before)
}

// encodeList returns before if no item has changed, or else another list.
func encodeList(v reflect.Value, item *Field, before *Node) *Node {
	var items []*Node // nil as long as they are those before
	length, first := v.Len(), v.UnsafePointer()
	for i := range length {
		n := encodeItem(item.item(first, i), item, before, i)
		if items == nil {
			if i < len(before.Items) && n == before.Items[i] {
				continue
			}
			items = append(make([]*Node, 0, length), before.Items[:i]...)
		}
		items = append(items, n)
	}
	switch {
	case items == nil && length == len(before.Items):
		return before
	case items == nil:
		items = before.Items[:length:length]
	}
	out := copyNode(before)
	out.Items = items
	return out
}

// encodeItem returns the node of the i-th item of a list.
func encodeItem(at place, item *Field, list *Node, i int) *Node {
	switch {
	case item.IsObject():
		return encodeObject(at, item.Fields, list, "", i)
	case i >= len(list.Items):
		return encodeScalar(at, item, newNode(item.Kind, list, "", i))
	case item.isOf(at, list.Items[i]):
		return list.Items[i]
	}
	// Items before it may have been added or removed.
	if i := slices.IndexFunc(list.Items, func(n *Node) bool { return item.isOf(at, n) }); i >= 0 {
		return list.Items[i]
	}
	return encodeScalar(at, item, list.Items[i])
}

// encodeScalar returns before if it has the value that is there, or else one like it.
func encodeScalar(at place, f *Field, before *Node) *Node {
	if f.isOf(at, before) {
		return before
	}
	out := copyNode(before)
	out.Text = f.textOf(at)
	return out
}

// isUnset reports whether a value is left out. An object is unset if it was not
// decoded and all of its members are unset.
func isUnset(at place, f *Field) bool {
	if !f.isAlways() {
		return f.isZero(at)
	}
	if object(at).IsPresent() {
		return false
	}
	for i := range f.Fields {
		if m := &f.Fields[i]; !isUnset(m.in(at), m) {
			return false
		}
	}
	return true
}

// newNode is a node that no document has. Its position is that of what is
// around it.
func newNode(k Kind, around *Node, name string, index int) *Node {
	if around == nil {
		return &Node{Kind: k}
	}
	if around.Source != nil && around.Source.Snake {
		name = Snake(name)
	}
	return &Node{Kind: k, Source: around.Source, Line: around.Line, Column: around.Column, Parent: around, Key: name, Index: int32(index)}
}

func copyNode(n *Node) *Node {
	out := *n
	return &out
}
