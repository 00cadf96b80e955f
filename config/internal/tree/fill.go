package tree

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

// Fill sets v, and what is in it, from a clean tree.
func Fill(v reflect.Value, n *Node) {
	switch n.Kind {
	case Map:
		fillObject(v, n)
	case List:
		v.Set(reflect.MakeSlice(v.Type(), len(n.Items), len(n.Items)))
		for i, item := range n.Items {
			Fill(v.Index(i), item)
		}
	case String:
		v.SetString(n.Text)
	case Bool:
		v.SetBool(n.Text == "true")
	case Number:
		number, _ := strconv.ParseInt(n.Text, 10, 64)
		v.SetInt(number)
	}
}

func fillObject(v reflect.Value, n *Node) {
	setPlace(v, Object{node: n})
	fields := FieldsOf(v.Type())
	for i := range fields {
		f := &fields[i]
		m := n.Member(f.Name)
		dst := v.Field(f.Index)
		switch {
		case m != nil && dst.Kind() == reflect.Pointer:
			dst.Set(reflect.New(f.Type))
			Fill(dst.Elem(), m)
		case m != nil:
			Fill(dst, m)
		case f.IsObject():
			setAbsent(dst, n)
		}
	}
}

// setPlace tells an object where it stood. Object is the first field of all types.
func setPlace(v reflect.Value, o Object) { v.Field(0).Set(reflect.ValueOf(o)) }

// setAbsent makes an absent object an empty one at the place of what is around
// it, and so for the objects in it.
func setAbsent(v reflect.Value, n *Node) {
	setPlace(v, Object{n, true})
	fields := FieldsOf(v.Type())
	for i := range fields {
		if fields[i].IsObject() {
			setAbsent(v.Field(fields[i].Index), n)
		}
	}
}
