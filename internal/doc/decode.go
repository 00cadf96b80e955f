package doc

import (
	"reflect"
	"strconv"
)

// KindOf returns the kind of node that a value of a Go type is read from.
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

// Decode sets v, and what is in it, from a normalized tree.
func Decode(v reflect.Value, n *Node) {
	f := fieldOf(v.Type())
	new(decoder).value(v, n, &f)
}

// A decoder allocates the values that the pointers of one config point to.
type decoder struct {
	texts   slab[string]
	bools   slab[bool]
	numbers slab[int]
}

func (d *decoder) value(v reflect.Value, n *Node, f *Field) {
	switch n.Kind {
	case Map:
		d.object(v, n, f.Fields)
	case List:
		v.Set(reflect.MakeSlice(v.Type(), len(n.Items), len(n.Items)))
		for i, item := range n.Items {
			d.value(v.Index(i), item, f.Item)
		}
	default:
		d.scalar(v, n)
	}
}

func (d *decoder) object(v reflect.Value, n *Node, fields []Field) {
	setObject(v, Object{node: n})
	for i := range fields {
		f := &fields[i]
		if m := n.Member(f.Name); m != nil {
			d.value(v.Field(f.Index), m, f)
		} else if f.IsObject() {
			setAbsent(v.Field(f.Index), n, f.Fields)
		}
	}
}

func (d *decoder) scalar(v reflect.Value, n *Node) {
	if v.Kind() == reflect.Pointer {
		v.Set(d.target(n.Kind))
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

// target returns a pointer to a new value.
func (d *decoder) target(k Kind) reflect.Value {
	switch k {
	case String:
		return reflect.ValueOf(d.texts.one())
	case Bool:
		return reflect.ValueOf(d.bools.one())
	}
	return reflect.ValueOf(d.numbers.one())
}

// setObject sets the origin of an object.
func setObject(v reflect.Value, o Object) { *objectOf(v) = o }

// setAbsent gives an absent object, and the objects in it, the origin of the
// object around it.
func setAbsent(v reflect.Value, n *Node, fields []Field) {
	setObject(v, Object{n, true})
	for i := range fields {
		if f := &fields[i]; f.IsObject() {
			setAbsent(v.Field(f.Index), n, f.Fields)
		}
	}
}
