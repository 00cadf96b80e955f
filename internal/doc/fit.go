package doc

import (
	"reflect"
	"slices"
)

// Fit returns a tree of an object type as it is in a version of the spec: without the
// members that are newer, and calls newer for each of them that says something, with the
// version it exists since. Those that say nothing, which are empty objects and lists, are
// left out in silence. The tree is not changed; where nothing was left out it is the same.
func Fit(t reflect.Type, n *Node, v Version, newer func(Member, *Field, Version)) *Node {
	return (&fitter{func(f *Field, m Member, around *Node) bool {
		since := f.SinceIn(around)
		if since > v && !SaysNothing(m.Value) {
			newer(m, f, since)
		}
		return since <= v
	}}).object(FieldsOf(t), n)
}

// A fitter makes a tree of the members that are to be kept.
type fitter struct {
	keeps func(f *Field, m Member, around *Node) bool
}

func (t *fitter) object(fields []Field, n *Node) *Node {
	kept, changed := []Member(nil), false
	for i, m := range n.Members {
		f := &fields[slices.IndexFunc(fields, func(f Field) bool { return f.Name == m.Name })]
		value := (*Node)(nil)
		if t.keeps(f, m, n) {
			value = t.value(f, m.Value)
		}
		if value != m.Value && !changed {
			kept, changed = slices.Clone(n.Members[:i]), true
		}
		if changed && value != nil {
			m.Value = value
			kept = append(kept, m)
		}
	}
	if !changed {
		return n
	}
	out := copyNode(n)
	out.Members = kept
	return out
}

func (t *fitter) value(f *Field, n *Node) *Node {
	switch {
	case f.IsObject():
		return t.object(f.Fields, n)
	case !f.IsList() || !f.Item.IsObject():
		return n
	}
	out := n
	for i, item := range n.Items {
		fitted := t.object(f.Item.Fields, item)
		if fitted == item {
			continue
		}
		if out == n {
			out = copyNode(n)
			out.Items = slices.Clone(n.Items)
		}
		out.Items[i] = fitted
	}
	return out
}

// SaysNothing reports whether a value is an object or a list, and empty, as are those in
// it.
func SaysNothing(n *Node) bool {
	says := func(m Member) bool { return !SaysNothing(m.Value) }
	return n.Kind == Map && !slices.ContainsFunc(n.Members, says) || n.Kind == List && len(n.Items) == 0
}
