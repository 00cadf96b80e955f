package doc

import (
	"reflect"
	"strconv"
	"unsafe"
)

// A place is where a value of a config is in memory. Decode and Encode reach values by the
// layout of their types, which is known, instead of by package reflect, which looks at the
// type again for each value: that took half of their time.
//
// There are few sorts of values: objects (structs that begin with an Object), lists
// (slices), and texts, numbers (int) and booleans. All but lists are optional if they are
// pointers; an object that is rare in objects of which there are many should be.
type place = unsafe.Pointer

// A layout is how values of a field are in memory.
type layout struct {
	offset   uintptr // in the object, in bytes
	size     uintptr // in bytes
	optional bool    // whether it is a pointer to a value
}

// placeOf is where a variable is.
func placeOf(v reflect.Value) place { return v.Addr().UnsafePointer() }

// in is where the field is in an object.
func (f *Field) in(object place) place { return unsafe.Add(object, f.place.offset) }

// item is where the i-th item of a list is.
func (f *Field) item(items place, i int) place {
	return unsafe.Add(items, uintptr(i)*f.place.size)
}

// object is the origin of an object, which is the first field of all types.
func object(at place) *Object { return (*Object)(at) }

// list is the variable of a list.
func (f *Field) list(at place) reflect.Value { return reflect.NewAt(f.Type, at).Elem() }

// isAlways reports whether the field is an object that is there even if it is unset.
func (f *Field) isAlways() bool { return f.IsObject() && !f.place.optional }

// isZero reports whether a value is that of a new object. It is not for objects that are
// always there.
func (f *Field) isZero(at place) bool {
	switch {
	case f.place.optional:
		return *(*unsafe.Pointer)(at) == nil
	case f.Kind == List:
		return f.list(at).IsNil()
	case f.Kind == String:
		return *(*string)(at) == ""
	case f.Kind == Bool:
		return !*(*bool)(at)
	}
	return *(*int)(at) == 0
}

// target is where the value itself is that is not unset.
func (f *Field) target(at place) place {
	if f.place.optional {
		return *(*place)(at)
	}
	return at
}

// isOf reports whether a scalar is what n says. Target has returned where it is.
func (f *Field) isOf(at place, n *Node) bool {
	if n.Kind != f.Kind {
		return false
	}
	switch f.Kind {
	case String:
		return n.Text == *(*string)(at)
	case Bool:
		return n.Text == strconv.FormatBool(*(*bool)(at))
	case Number:
		number, err := strconv.ParseInt(n.Text, 10, 64)
		return err == nil && number == int64(*(*int)(at))
	}
	return false
}

// textOf is what a node says that isOf a scalar.
func (f *Field) textOf(at place) string {
	switch f.Kind {
	case String:
		return *(*string)(at)
	case Bool:
		return strconv.FormatBool(*(*bool)(at))
	}
	return strconv.Itoa(*(*int)(at))
}
