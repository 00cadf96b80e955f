package tree

import "reflect"

// Merge lays one object over another of the same struct type: what the child
// sets counts, lists are joined item by item where the spec tags give the items
// a key, and appended otherwise. Neither is changed; nil is an absent object.
func Merge(t reflect.Type, parent, child *Node) *Node {
	switch {
	case parent == nil:
		return child
	case child == nil:
		return parent
	}
	out := *child
	out.Members = nil
	fields := FieldsOf(t)
	elsewhere := sharedKeys(fields, child)
	for i := range fields {
		f := &fields[i]
		value := mergeField(f, parent.Member(f.Name), child.Member(f.Name), elsewhere)
		if value != nil {
			out.Members = append(out.Members, Member{f.Name, value.Line, value.Column, value})
		}
	}
	return &out
}

func mergeField(f *Field, parent, child *Node, elsewhere map[string]string) *Node {
	switch {
	case f.IsObject():
		return Merge(f.Type, parent, child)
	case f.IsList():
		return mergeList(f, parent, child, elsewhere)
	case child != nil:
		return child
	}
	return parent
}

// sharedKeys maps each key in the child's shared lists to the list it is in: a
// parent's item of that key in another list gives way entirely.
func sharedKeys(fields []Field, child *Node) map[string]string {
	keys := map[string]string{}
	for i := range fields {
		f := &fields[i]
		list := child.Member(f.Name)
		if !f.Shared || list == nil {
			continue
		}
		for _, item := range list.Items {
			key, _ := f.KeyOf(item)
			keys[key] = f.Name
		}
	}
	return keys
}

// mergeList keeps the parent's order and adds the child's new items after it.
func mergeList(f *Field, parent, child *Node, elsewhere map[string]string) *Node {
	if parent == nil {
		return child
	}
	if child == nil {
		child = &Node{Kind: List}
	}
	byKey := map[string]*Node{}
	for _, item := range child.Items {
		if key, ok := f.KeyOf(item); ok {
			byKey[key] = item
		}
	}
	out := *parent
	out.Items = nil
	merged := map[*Node]bool{}
	for _, item := range parent.Items {
		key, _ := f.KeyOf(item)
		if in := elsewhere[key]; f.Shared && in != "" && in != f.Name {
			continue
		}
		if c := byKey[key]; c != nil {
			merged[c] = true
			item = mergeItem(f, item, c)
		}
		if item != nil {
			out.Items = append(out.Items, item)
		}
	}
	for _, item := range child.Items {
		if !merged[item] {
			out.Items = append(out.Items, item)
		}
	}
	return &out
}

// mergeItem merges two items of one key; nil if the child removes the item.
func mergeItem(f *Field, parent, child *Node) *Node {
	if f.Type.Elem().Kind() != reflect.Struct {
		return parent
	}
	if f.removal != "" && child.Member(f.removal) == nil {
		return nil
	}
	return Merge(f.Type.Elem(), parent, child)
}
