package config

import "reflect"

// Merge lays child over parent: what the child sets counts, lists are joined
// item by item where the spec gives the items a key, and appended otherwise.
// Neither is changed. Merging does not validate; see Config.Check.
func Merge(parent, child *Config) *Config {
	return fromTree(mergeObject(configType, parent.node, child.node))
}

func mergeObject(t reflect.Type, parent, child *node) *node {
	switch {
	case parent == nil:
		return child
	case child == nil:
		return parent
	}
	out := *child
	out.members = nil
	fields := fieldsOf(t)
	elsewhere := sharedKeys(fields, child)
	for i := range fields {
		f := &fields[i]
		value := mergeField(f, parent.member(f.name), child.member(f.name), elsewhere)
		if value != nil {
			out.members = append(out.members, member{f.name, value.line, value.column, value})
		}
	}
	return &out
}

func mergeField(f *field, parent, child *node, elsewhere map[string]string) *node {
	switch {
	case f.isObject():
		return mergeObject(f.typ, parent, child)
	case f.isList():
		return mergeList(f, parent, child, elsewhere)
	case child != nil:
		return child
	}
	return parent
}

// sharedKeys maps each key in the child's shared lists to the list it is in: a
// parent's item of that key in another list gives way entirely.
func sharedKeys(fields []field, child *node) map[string]string {
	keys := map[string]string{}
	for i := range fields {
		f := &fields[i]
		list := child.member(f.name)
		if !f.shared || list == nil {
			continue
		}
		for _, item := range list.items {
			key, _ := f.keyOf(item)
			keys[key] = f.name
		}
	}
	return keys
}

// mergeList keeps the parent's order and adds the child's new items after it.
func mergeList(f *field, parent, child *node, elsewhere map[string]string) *node {
	if parent == nil {
		return child
	}
	if child == nil {
		child = &node{kind: arrayNode}
	}
	byKey := map[string]*node{}
	for _, item := range child.items {
		if key, ok := f.keyOf(item); ok {
			byKey[key] = item
		}
	}
	out := *parent
	out.items = nil
	merged := map[*node]bool{}
	for _, item := range parent.items {
		key, _ := f.keyOf(item)
		if in := elsewhere[key]; f.shared && in != "" && in != f.name {
			continue
		}
		if c := byKey[key]; c != nil {
			merged[c] = true
			item = mergeItem(f, item, c)
		}
		if item != nil {
			out.items = append(out.items, item)
		}
	}
	for _, item := range child.items {
		if !merged[item] {
			out.items = append(out.items, item)
		}
	}
	return &out
}

// mergeItem merges two items of one key; nil if the child removes the item.
func mergeItem(f *field, parent, child *node) *node {
	if f.typ.Elem().Kind() != reflect.Struct {
		return parent
	}
	if f.typ.Elem() == reflect.TypeFor[HTTPHeader]() && child.member("value") == nil {
		return nil
	}
	return mergeObject(f.typ.Elem(), parent, child)
}
