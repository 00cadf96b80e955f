package config

import (
	"reflect"
	"strings"
	"sync"
)

// A field is what the tags of types.go say of one member of an object.
type field struct {
	name   string
	index  int // in the struct
	since  Version
	inRefs Version      // since, in references to configs and certificates
	typ    reflect.Type // without the pointer of an optional scalar
	key    string       // how items of this list are told apart; "" appends
	shared bool
}

// Kinds of fields, by the Go type that they are.
func (f *field) isList() bool   { return f.typ.Kind() == reflect.Slice }
func (f *field) isObject() bool { return f.typ.Kind() == reflect.Struct }

var schemas sync.Map // reflect.Type -> []field

// fieldsOf lists the members of an object type in the order of types.go.
func fieldsOf(t reflect.Type) []field {
	if cached, ok := schemas.Load(t); ok {
		return cached.([]field)
	}
	var fields []field
	for i := range t.NumField() {
		sf := t.Field(i)
		if sf.Anonymous {
			continue
		}
		f := field{name: sf.Tag.Get("json"), index: i, typ: sf.Type}
		if f.typ.Kind() == reflect.Pointer {
			f.typ = f.typ.Elem()
		}
		f.readTag(sf.Tag.Get("spec"))
		fields = append(fields, f)
	}
	schemas.Store(t, fields)
	return fields
}

func (f *field) readTag(tag string) {
	for part := range strings.SplitSeq(tag, ",") {
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "since":
			f.since = sinceVersion(value)
		case "inReferences":
			f.inRefs = sinceVersion(value)
		case "key":
			f.key = value
		case "shared":
			f.shared = true
		}
	}
}

// sinceIn is since when the field exists in a given object.
func (f *field) sinceIn(n *node) Version {
	if f.inRefs > f.since && n.isReference() {
		return f.inRefs
	}
	return f.since
}

// isReference tells whether n is a resource that is a config or certificate.
func (n *node) isReference() bool {
	if n.parent != nil && n.parent.kind == arrayNode {
		n = n.parent
	}
	switch n.key {
	case "merge", "replace", "certificateAuthorities":
		return true
	}
	return false
}

// keyOf is what tells an item of this list from the others, and whether it can
// be told at all.
func (f *field) keyOf(item *node) (string, bool) {
	switch f.key {
	case "":
		return "", false
	case ".":
		return item.text, true
	case "number|label":
		if n := item.member("number"); n != nil && n.text != "0" {
			return "number " + n.text, true
		}
		if l := item.member("label"); l != nil {
			return "label " + l.text, true
		}
		return "", true
	}
	if n := item.member(f.key); n != nil {
		return n.text, true
	}
	return "", true
}
