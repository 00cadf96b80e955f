package doc

import (
	"reflect"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// A Field is what the tags of types.go say about one member of an object.
type Field struct {
	Name   string       // of the member, in JSON
	Index  int          // in the struct
	place  layout       // of the values
	Since  Version      // 0 is from the beginning
	inRefs Version      // since, in references to configs and certificates
	Type   reflect.Type // without the pointer of an optional scalar
	Kind   Kind         // what values of the type are read from
	Fields []Field      // the members, if the type is that of an object
	Item   *Field       // what the items are, if the type is that of a list
	Key    string       // what identifies items of this list; "" appends
	Shared bool         // the keys of all shared lists are one namespace
	// Extension reports whether it is one of Firstlight, and no part of the spec.
	Extension bool
	// extended reports whether it is, or has one at any depth.
	extended bool
	// A child's item without this member removes the parent's.
	removal string
}

// IsList reports whether values of the field are lists.
func (f *Field) IsList() bool { return f.Kind == List }

// IsObject reports whether values of the field are objects.
func (f *Field) IsObject() bool { return f.Kind == Map }

var schemas sync.Map // reflect.Type -> []Field

// FieldsOf lists the members of an object type in the order of types.go.
func FieldsOf(t reflect.Type) []Field {
	if cached, ok := schemas.Load(t); ok {
		return cached.([]Field)
	}
	var fields []Field
	for i := range t.NumField() {
		sf := t.Field(i)
		if sf.Anonymous {
			continue
		}
		f := fieldOf(sf.Type)
		f.Name, f.Index, f.place.offset = sf.Tag.Get("json"), i, sf.Offset
		f.readTag(sf.Tag.Get("spec"))
		f.extended = f.extended || f.Extension
		fields = append(fields, f)
	}
	schemas.Store(t, fields)
	return fields
}

// fieldOf is what a type says of a field, with all that is in it. Types of
// configs are not recursive.
func fieldOf(t reflect.Type) Field {
	place := layout{size: t.Size(), optional: t.Kind() == reflect.Pointer}
	if place.optional {
		t = t.Elem()
	}
	f := Field{Type: t, Kind: KindOf(t), place: place}
	switch f.Kind {
	case Map:
		f.Fields = FieldsOf(t)
		f.extended = slices.ContainsFunc(f.Fields, func(f Field) bool { return f.extended })
	case List:
		item := fieldOf(t.Elem())
		f.Item, f.extended = &item, item.extended
	}
	return f
}

func (f *Field) readTag(tag string) {
	for part := range strings.SplitSeq(tag, ",") {
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "since":
			f.Since = sinceVersion(value)
		case "inReferences":
			f.inRefs = sinceVersion(value)
		case "key":
			f.Key = value
		case "removal":
			f.removal = value
		case "shared":
			f.Shared = true
		case "extension":
			f.Extension = true
		}
	}
}

// SinceIn is since when the field exists in a given object.
func (f *Field) SinceIn(n *Node) Version {
	if f.inRefs > f.Since && n.isReference() {
		return f.inRefs
	}
	return f.Since
}

// isReference reports whether n is a resource that is a config or certificate.
func (n *Node) isReference() bool {
	if n.Parent != nil && n.Parent.Kind == List {
		n = n.Parent
	}
	switch n.Key {
	case "merge", "replace", "certificateAuthorities", "certificate_authorities":
		return true
	}
	return false
}

// KeyOf returns what identifies an item of this list, and whether items have
// such a key at all.
func (f *Field) KeyOf(item *Node) (string, bool) {
	switch f.Key {
	case "":
		return "", false
	case ".":
		return item.Text, true
	case "number|label":
		if n := item.Member("number"); n != nil && n.Text != "0" {
			return "number " + n.Text, true
		}
		if l := item.Member("label"); l != nil {
			return "label " + l.Text, true
		}
		return "", true
	}
	if n := item.Member(f.Key); n != nil {
		return n.Text, true
	}
	return "", true
}

// Snake is the name of a member in Butane: sizeMiB is size_mib.
func Snake(name string) string {
	name = strings.Replace(name, "MiB", "Mib", 1)
	var b strings.Builder
	for i, c := range name {
		if 'A' <= c && c <= 'Z' && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}
