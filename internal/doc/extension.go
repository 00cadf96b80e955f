package doc

import "reflect"

// EachExtension calls visit for each extension in a tree of an object type, but not for
// those within another one.
func EachExtension(t reflect.Type, n *Node, visit func(name string, value *Node)) {
	eachExtension(FieldsOf(t), n, visit)
}

func eachExtension(fields []Field, n *Node, visit func(name string, value *Node)) {
	for i := range fields {
		f := &fields[i]
		if !f.extended {
			continue
		}
		value := n.Member(f.Name)
		switch {
		case value == nil:
		case f.Extension:
			visit(f.Name, value)
		case f.IsObject():
			eachExtension(f.Fields, value, visit)
		default:
			for _, item := range value.Items {
				eachExtension(f.Item.Fields, item, visit)
			}
		}
	}
}

// WithoutIdleExtensions returns a tree of an object type without the extensions that say
// nothing. The tree is not changed; where nothing was left out it is the same.
func WithoutIdleExtensions(t reflect.Type, n *Node) *Node {
	idle := false
	EachExtension(t, n, func(_ string, value *Node) { idle = idle || SaysNothing(value) })
	if !idle {
		return n
	}
	keeps := func(f *Field, m Member, _ *Node) bool { return !f.Extension || !SaysNothing(m.Value) }
	return (&fitter{keeps}).object(FieldsOf(t), n)
}
