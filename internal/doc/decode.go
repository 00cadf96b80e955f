package doc

import (
	"reflect"
	"strconv"

	"github.com/firstlight-os/firstlight/internal/slab"
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
	new(decoder).value(placeOf(v), n, &f)
}

// A decoder allocates the values that the pointers of one config point to.
type decoder struct {
	texts   slab.Slab[string]
	bools   slab.Slab[bool]
	numbers slab.Slab[int]
}

func (d *decoder) value(at place, n *Node, f *Field) {
	switch f.Kind {
	case Map:
		if f.place.optional {
			target := reflect.New(f.Type).UnsafePointer()
			*(*place)(at) = target
			at = target
		}
		d.object(at, n, f.Fields)
	case List:
		list := reflect.MakeSlice(f.Type, len(n.Items), len(n.Items))
		f.list(at).Set(list)
		for i, item := range n.Items {
			d.value(f.Item.item(list.UnsafePointer(), i), item, f.Item)
		}
	default:
		d.scalar(at, n, f)
	}
}

func (d *decoder) object(at place, n *Node, fields []Field) {
	*object(at) = Object{node: n}
	for i := range fields {
		f := &fields[i]
		if m := n.Member(f.Name); m != nil {
			d.value(f.in(at), m, f)
		} else if f.isAlways() {
			setAbsent(f.in(at), n, f.Fields)
		}
	}
}

func (d *decoder) scalar(at place, n *Node, f *Field) {
	if f.place.optional {
		target := d.target(f.Kind)
		*(*place)(at) = target
		at = target
	}
	switch f.Kind {
	case String:
		*(*string)(at) = n.Text
	case Bool:
		*(*bool)(at) = n.Text == "true"
	case Number:
		number, _ := strconv.ParseInt(n.Text, 10, 64)
		*(*int)(at) = int(number)
	}
}

// target returns where a new value is.
func (d *decoder) target(k Kind) place {
	switch k {
	case String:
		return place(d.texts.One())
	case Bool:
		return place(d.bools.One())
	}
	return place(d.numbers.One())
}

// setAbsent gives an absent object, and the objects in it, the origin of the
// object around it.
func setAbsent(at place, n *Node, fields []Field) {
	*object(at) = Object{n, true}
	for i := range fields {
		if f := &fields[i]; f.isAlways() {
			setAbsent(f.in(at), n, f.Fields)
		}
	}
}
