package doc

import (
	"reflect"
	"strconv"
)

// KindOf is the kind of node that a value of a Go type is read from.
func KindOf(t reflect.Type) Kind {
	switch t.Kind() {
	case reflect.Struct:
		return Map
	case reflect.Slice:
		return List
	case reflect.String:
		return String
	case reflect.Bool:
		return Bool
	default:
		return Number
	}
}

// Decode sets v, and what is in it, from a clean tree.
func Decode(v reflect.Value, n *Node) {
	f := fieldOf(v.Type())
	new(filler).value(v, n, &f)
}

// A filler makes the values that pointers of one config point to.
type filler struct {
	texts   slab[string]
	bools   slab[bool]
	numbers slab[int]
}

func (w *filler) value(v reflect.Value, n *Node, f *Field) {
	switch n.Kind {
	case Map:
		w.object(v, n, f.Fields)
	case List:
		v.Set(reflect.MakeSlice(v.Type(), len(n.Items), len(n.Items)))
		for i, item := range n.Items {
			w.value(v.Index(i), item, f.Item)
		}
	default:
		w.scalar(v, n)
	}
}

func (w *filler) object(v reflect.Value, n *Node, fields []Field) {
	setPlace(v, Object{node: n})
	for i := range fields {
		f := &fields[i]
		if m := n.Member(f.Name); m != nil {
			w.value(v.Field(f.Index), m, f)
		} else if f.IsObject() {
			setAbsent(v.Field(f.Index), n, f.Fields)
		}
	}
}

func (w *filler) scalar(v reflect.Value, n *Node) {
	if v.Kind() == reflect.Pointer {
		v.Set(w.target(n.Kind))
		v = v.Elem()
	}
	switch n.Kind {
	case String:
		v.SetString(n.Text)
	case Bool:
		v.SetBool(n.Text == "true")
	case Number:
		number, _ := strconv.ParseInt(n.Text, 10, 64)
		v.SetInt(number)
	}
}

// target is a pointer to a new value.
func (w *filler) target(k Kind) reflect.Value {
	switch k {
	case String:
		return reflect.ValueOf(w.texts.one())
	case Bool:
		return reflect.ValueOf(w.bools.one())
	}
	return reflect.ValueOf(w.numbers.one())
}

// setPlace tells an object where it stood. Object is the first field of all types.
func setPlace(v reflect.Value, o Object) { *v.Field(0).Addr().Interface().(*Object) = o }

// setAbsent makes an absent object an empty one at the place of what is around
// it, and so for the objects in it.
func setAbsent(v reflect.Value, n *Node, fields []Field) {
	setPlace(v, Object{n, true})
	for i := range fields {
		if f := &fields[i]; f.IsObject() {
			setAbsent(v.Field(f.Index), n, f.Fields)
		}
	}
}
