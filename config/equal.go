package config

import (
	"reflect"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// Equal reports whether two configs say the same in the same version, wherever their values
// came from. Empty lists and objects are as if unset.
func Equal(a, b *Config) bool {
	return equalObjects(doc.FieldsOf(configType), reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem())
}

func equalObjects(fields []doc.Field, a, b reflect.Value) bool {
	for i := range fields {
		f := &fields[i]
		if !equalValues(f, a.Field(f.Index), b.Field(f.Index)) {
			return false
		}
	}
	return true
}

func equalValues(f *doc.Field, a, b reflect.Value) bool {
	switch isPointer := a.Kind() == reflect.Pointer; {
	case isPointer && (a.IsNil() || b.IsNil()):
		return a.IsNil() && b.IsNil()
	case isPointer:
		return equalValues(f, a.Elem(), b.Elem())
	case f.IsObject():
		return equalObjects(f.Fields, a, b)
	case f.IsList():
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !equalValues(f.Item, a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	}
	return a.Equal(b)
}

// Clone returns a copy that shares nothing that can be changed with c. Its values have the
// same origins.
func (c *Config) Clone() *Config { return fromTree(c.encode()) }
