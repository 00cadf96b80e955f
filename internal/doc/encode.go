package doc

import (
	"reflect"
	"slices"
	"strconv"
	"unsafe"
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
	return encodeObject(v, FieldsOf(v.Type()), nil, "", 0)
}

// encodeObject returns the node of an object. One that was not decoded gets a new
// node.
func encodeObject(v reflect.Value, fields []Field, around *Node, name string, index int) *Node {
	n := objectOf(v).node
	copied := !objectOf(v).IsPresent()
	if copied {
		n = newNode(Map, around, name, index)
	}
	out := n
	for i := range fields {
		f := &fields[i]
		before := n.Member(f.Name)
		value := encodeField(v.Field(f.Index), f, before, n)
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
func encodeField(v reflect.Value, f *Field, before, around *Node) *Node {
	if f.IsObject() {
		if isUnset(v, f) {
			return nil
		}
		return encodeObject(v, f.Fields, around, f.Name, 0)
	}
	if v.IsZero() {
		// Zeros that are no pointers are kept if the document has them.
		if before != nil && v.Kind() != reflect.Pointer && before.hasValue(v) {
			return before
		}
		return nil
	}
	if before == nil {
		before = newNode(f.Kind, around, f.Name, 0)
	}
	if f.IsList() {
		return encodeList(v, f.Item, before)
	}
	return encodeScalar(reflect.Indirect(v), before)
}

// encodeList returns before if no item has changed, or else another list.
func encodeList(v reflect.Value, item *Field, before *Node) *Node {
	var items []*Node // nil as long as they are those before
	for i := range v.Len() {
		n := encodeItem(v.Index(i), item, before, i)
		if items == nil {
			if i < len(before.Items) && n == before.Items[i] {
				continue
			}
			items = append(make([]*Node, 0, v.Len()), before.Items[:i]...)
		}
		items = append(items, n)
	}
	switch {
	case items == nil && v.Len() == len(before.Items):
		return before
	case items == nil:
		items = before.Items[:v.Len():v.Len()]
	}
	out := copyNode(before)
	out.Items = items
	return out
}

// encodeItem returns the node of the i-th item of a list.
func encodeItem(v reflect.Value, item *Field, list *Node, i int) *Node {
	switch {
	case item.IsObject():
		return encodeObject(v, item.Fields, list, "", i)
	case i >= len(list.Items):
		return encodeScalar(v, newNode(item.Kind, list, "", i))
	case list.Items[i].hasValue(v):
		return list.Items[i]
	}
	// Items before it may have been added or removed.
	if at := slices.IndexFunc(list.Items, func(n *Node) bool { return n.hasValue(v) }); at >= 0 {
		return list.Items[at]
	}
	return encodeScalar(v, list.Items[i])
}

// encodeScalar returns before if it has the value v, or else one like it.
func encodeScalar(v reflect.Value, before *Node) *Node {
	if before.hasValue(v) {
		return before
	}
	out := copyNode(before)
	switch out.Kind {
	case String:
		out.Text = v.String()
	case Bool:
		out.Text = strconv.FormatBool(v.Bool())
	case Number:
		out.Text = strconv.FormatInt(v.Int(), 10)
	}
	return out
}

// hasValue reports whether n is the scalar v.
func (n *Node) hasValue(v reflect.Value) bool {
	switch n.Kind {
	case String:
		return n.Text == v.String()
	case Bool:
		return n.Text == strconv.FormatBool(v.Bool())
	case Number:
		number, err := strconv.ParseInt(n.Text, 10, 64)
		return err == nil && number == v.Int()
	}
	return false
}

// isUnset reports whether a value is left out. An object is unset if it was not
// decoded and all of its members are unset.
func isUnset(v reflect.Value, f *Field) bool {
	if !f.IsObject() {
		return v.IsZero()
	}
	if objectOf(v).IsPresent() {
		return false
	}
	for i := range f.Fields {
		if m := &f.Fields[i]; !isUnset(v.Field(m.Index), m) {
			return false
		}
	}
	return true
}

// objectOf returns the origin of an object, which is the first field of all
// types. Field and Addr take half of the time of Encode.
func objectOf(v reflect.Value) *Object { return (*Object)(unsafe.Pointer(v.UnsafeAddr())) }

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
