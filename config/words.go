package config

import (
	"reflect"
	"regexp"
	"strings"
	"sync"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// camelCase finds words, and what is in quotes as one.
var camelCase = regexp.MustCompile(`"[^"]*"|[a-z]+[A-Z][A-Za-z]*`)

// InUserSyntax is a text about a value in the words of the config that the value is
// from: where that is in Butane, wipeTable is wipe_table.
func InUserSyntax(o Origin, text string) string {
	if !o.Butane {
		return text
	}
	return camelCase.ReplaceAllStringFunc(text, func(word string) string {
		if members()[word] {
			return doc.Snake(word)
		}
		return word
	})
}

// members are the names that the spec and Butane write differently.
var members = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{}
	var add func(t reflect.Type)
	add = func(t reflect.Type) {
		for _, f := range doc.FieldsOf(t) {
			if f.Name != strings.ToLower(f.Name) {
				names[f.Name] = true
			}
			switch {
			case f.IsObject():
				add(f.Type)
			case f.IsList() && f.Type.Elem().Kind() == reflect.Struct:
				add(f.Type.Elem())
			}
		}
	}
	add(configType)
	return names
})
