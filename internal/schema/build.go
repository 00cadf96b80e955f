package schema

import (
	"reflect"
	"slices"
	"strconv"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// A key is a member of an object in one of the two languages.
type key struct {
	doc.Field
	name string // as it is written
	of   string // the object that has it, or "sugar" if Butane adds it to one of the spec
	// optional scalars can be null, which means absent.
	optional bool
}

// specKeys are those of the spec, and of its extensions if they are asked for.
func specKeys(extended bool) func(reflect.Type) []key {
	return func(t reflect.Type) []key {
		var keys []key
		for _, f := range doc.FieldsOf(t) {
			if extended || !f.Extension {
				keys = append(keys, key{f, f.Name, t.Name(), isPointer(t, f)})
			}
		}
		return keys
	}
}

func butaneKeys(d *butane.Dialect) func(reflect.Type) []key {
	spec := reflect.TypeFor[config.Config]().PkgPath()
	return func(t reflect.Type) []key {
		var keys []key
		for _, k := range d.Keys(t) {
			if k.Sugar && t.PkgPath() == spec {
				keys = append(keys, key{k.Field, k.Name, "sugar", !required["sugar."+k.Field.Name]})
				continue
			}
			keys = append(keys, key{k.Field, k.Name, t.Name(), isPointer(t, k.Field)})
		}
		return keys
	}
}

func isPointer(t reflect.Type, f doc.Field) bool {
	return t.Field(f.Index).Type.Kind() == reflect.Pointer
}

// A builder makes one schema.
type builder struct {
	version     config.Version
	suffix      string          // of the version, if there are extensions
	dialect     *butane.Dialect // nil for the spec
	keys        func(reflect.Type) []key
	describe    func(name string) string
	definitions properties
}

// object returns the schema of objects of a type. In spec 3.0.0 it depends on the
// path, at, for resources.
func (b *builder) object(t reflect.Type, at *doc.Node) *node {
	s := &node{Description: b.describe(t.Name()), Type: types{"object"}, Additional: false}
	for _, k := range b.keys(t) {
		if k.SinceIn(at) > b.version {
			continue
		}
		s.Properties = append(s.Properties, property{k.name, b.member(k, at)})
		if required[k.of+"."+k.Field.Name] {
			s.Required = append(s.Required, k.name)
		}
	}
	if more := objectRules[t.Name()]; more != nil {
		more(b, s)
	}
	return s
}

// member returns the schema of the values of one member.
func (b *builder) member(k key, around *doc.Node) *node {
	at := &doc.Node{Kind: k.Kind, Parent: around, Key: k.Field.Name}
	s := b.value(k.Type, at)
	name := k.of + "." + k.Field.Name
	if own := b.describe(name); own != "" {
		s.Description = own
	}
	if k.optional && k.isScalar() && b.version >= nullableSince[name] {
		s.Type = append(s.Type, "null")
	}
	if rule := rules[name]; rule != nil {
		rule(b, s)
	}
	if len(s.Enum) > 0 && slices.Contains(s.Type, "null") {
		s.Enum = append(s.Enum, nil)
	}
	if b.dialect != nil && b.dialect.HasParams() && !isLiteral[name] {
		s.markFilled()
	}
	return s
}

// isLiteral has the members in which there are no placeholders.
var isLiteral = set("sugar.variant", "sugar.version", "sugar.facts", "sugar.include", "sugar.params", "Param.type", "Param.default", "Param.description")

// markFilled says of a scalar, or of the scalars of a list, that they can have placeholders
// in them.
func (n *node) markFilled() {
	switch {
	case n.Items != nil:
		n.Items.markFilled()
	case n.Ref != "" || len(n.AllOf) > 0 || n.Additional != nil:
	case len(n.Type) > 0 && n.Type[0] == "string" && n.Pattern == "" && n.Enum == nil && n.MaxLength == 0:
		// Any text will do.
	default:
		n.filled = true
	}
}

// isScalar reports whether the value is no object, list or map.
func (k *key) isScalar() bool { return !k.IsList() && !k.IsObject() && k.Type.Kind() != reflect.Map }

func (b *builder) value(t reflect.Type, at *doc.Node) *node {
	switch t.Kind() {
	case reflect.Struct:
		return &node{Ref: "#/definitions/" + b.define(t, at)}
	case reflect.Slice:
		item := &doc.Node{Kind: doc.KindOf(t.Elem()), Parent: at}
		return &node{Type: types{"array"}, Items: b.value(t.Elem(), item)}
	case reflect.Map:
		value := b.value(t.Elem(), at)
		if value.Ref != "" {
			value = &node{AnyOf: []*node{value, {Type: types{"null"}}}}
		} else {
			value.Type = append(value.Type, "null") // Butane takes a key without a value for ""
		}
		return &node{Type: types{"object"}, Additional: value}
	case reflect.Bool:
		return &node{Type: types{"boolean"}}
	case reflect.Int:
		return &node{Type: types{"integer"}}
	}
	if b.dialect != nil {
		// Butane accepts an unquoted 10 or yes as a string.
		return &node{Type: types{"string", "number", "boolean"}}
	}
	return &node{Type: types{"string"}}
}

// define adds the definition of a type if it is missing, and returns its name.
func (b *builder) define(t reflect.Type, at *doc.Node) string {
	name := t.Name()
	if b.version == config.V3_0 && name == "Resource" && isReference(at) {
		name = "Reference"
	}
	if slices.ContainsFunc(b.definitions, func(p property) bool { return p.name == name }) {
		return name
	}
	// It comes before the definitions of the types in it.
	i := len(b.definitions)
	b.definitions = append(b.definitions, property{name: name})
	b.definitions[i].node = b.object(t, at)
	return name
}

// isReference reports whether a resource is a config or certificate rather than the
// contents of a file: in spec 3.0.0 those have fewer members.
func isReference(at *doc.Node) bool {
	for _, f := range doc.FieldsOf(reflect.TypeFor[config.Resource]()) {
		if f.SinceIn(at) != f.Since {
			return true
		}
	}
	return false
}

// enum returns the values of an enumeration. In YAML some of them look like numbers.
func (b *builder) enum(words ...string) []any {
	var values []any
	for _, w := range words {
		values = append(values, w)
		if n, err := strconv.Atoi(w); err == nil && b.dialect != nil {
			values = append(values, n)
		}
	}
	return values
}
