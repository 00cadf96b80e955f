package schema

import (
	"slices"
	"sync"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
)

// A Language is one version of the spec, or one dialect of Butane, as editors ask for
// it: what can be at a path. It is safe for concurrent use.
type Language struct {
	root *node
	// version is that of the spec or the variant.
	version string
	// family returns the versions of the spec, or of the variant, the oldest first.
	family func() []*Language
}

var languages sync.Map // title -> *Language

// OfSpec returns the language of configs of one version of the spec.
func OfSpec(v config.Version) *Language {
	return cached("Ignition "+v.String(), func() *Language {
		return &Language{ignition(v), v.String(), func() []*Language {
			var all []*Language
			for _, v := range config.Versions() {
				all = append(all, OfSpec(v))
			}
			return all
		}}
	})
}

// OfExtended returns the language of configs of one version of the spec with extensions.
func OfExtended(v config.Version) *Language {
	version := v.String() + config.ExtendedSuffix
	return cached("Ignition "+version, func() *Language {
		return &Language{extended(v), version, func() []*Language {
			all := OfSpec(v).family()
			for _, v := range config.Extended() {
				all = append(all, OfExtended(v))
			}
			return all
		}}
	})
}

// OfDialect returns the language of documents of one dialect of Butane.
func OfDialect(d butane.Dialect) *Language {
	return cached(d.String(), func() *Language {
		return &Language{ofDialect(d), d.Version, func() []*Language {
			var all []*Language
			for _, other := range butane.Dialects() {
				if other.Variant == d.Variant {
					all = append(all, OfDialect(other))
				}
			}
			return all
		}}
	})
}

func cached(title string, build func() *Language) *Language {
	if l, ok := languages.Load(title); ok {
		return l.(*Language)
	}
	l, _ := languages.LoadOrStore(title, build())
	return l.(*Language)
}

// A Place is what a config can have at a path.
type Place struct {
	// Name is the last key of the path; "" for the root and for items of lists.
	Name string
	// Description is a paragraph of fields.md, in plain text.
	Description string
	// Type is what is expected: string, integer, boolean, the name of an object, or a
	// list of one of these.
	Type string
	// Required reports whether the object must have it.
	Required bool
	// Values are those that it can have, nil if it is not an enumeration.
	Values []string
	// Keys are those of an object, in the order of the documentation.
	Keys []string
	// List reports whether it is a list; Description, Values and Keys are those of its
	// items then.
	List bool
}

// At returns what can be at a path of keys, or nil if nothing can. Lists have no step
// of their own: "storage", "files" leads to the files and to each file.
func (l *Language) At(path ...string) *Place {
	around, at := (*node)(nil), l.root
	for _, key := range path {
		if value := at.named(); value != nil {
			around, at = nil, value
			continue
		}
		around = l.object(at)
		if at = around.property(key); at == nil {
			return nil
		}
	}
	place := &Place{Type: at.typeName(unlinked)}
	if around != nil {
		place.Name = path[len(path)-1]
		place.Required = slices.Contains(around.Required, place.Name)
	}
	place.List = at.Items != nil
	object := l.object(at)
	for _, p := range object.properties() {
		place.Keys = append(place.Keys, p.name)
	}
	place.Description = at.Description
	if place.Description == "" && object != nil {
		place.Description = object.Description
	}
	item := at
	if at.Items != nil {
		item = at.Items
	}
	place.Values = item.words()
	return place
}

// Since returns the first version of the spec, or of the variant, that has something at
// a path.
func (l *Language) Since(path ...string) string {
	for _, older := range l.family() {
		if older.At(path...) != nil {
			return older.version
		}
	}
	return ""
}

// object returns the object that a value, or each item of a list, is; nil if it is none.
func (l *Language) object(n *node) *node {
	if n != nil && n.Items != nil {
		n = n.Items
	}
	switch {
	case n == nil || n == l.root:
		return n
	case n.object() == "":
		return nil
	}
	return l.root.definition(n.object())
}

// words lists the values of an enumeration, nil if it is none.
func (n *node) words() []string {
	switch {
	case n.Const != "":
		return []string{n.Const}
	case len(n.Type) > 0 && n.Type[0] == "boolean":
		return []string{"true", "false"}
	}
	return n.enumerated()
}
