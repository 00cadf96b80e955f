package schema

import (
	"bytes"
	"encoding/json"
	"reflect"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// The descriptions are the comments of the Go types. The second command embeds the
// output of the first.
//
//go:generate go run ./gendocs descriptions.json
//go:generate go run ./gendocs ../../docs/fields.md

// draft is the newest draft of JSON Schema that all editors understand.
const draft = "http://json-schema.org/draft-07/schema#"

// Ignition returns the schema of configs of one version of the spec, indented.
func Ignition(v config.Version) ([]byte, error) {
	return print(ignition(v))
}

func ignition(v config.Version) *node {
	b := &builder{version: v, keys: specKeys(false), describe: describe}
	return b.ignition()
}

// Extended returns the schema of configs of one version of the spec with the extensions of
// Firstlight, indented. See config.Extended.
func Extended(v config.Version) ([]byte, error) {
	return print(extended(v))
}

func extended(v config.Version) *node {
	b := &builder{version: v, suffix: config.ExtendedSuffix, keys: specKeys(true), describe: describe}
	return b.ignition()
}

func (b *builder) ignition() *node {
	version := b.version.String() + b.suffix
	return b.document("urn:firstlight:ignition:"+version, "Ignition config "+version)
}

// Butane returns the schema of documents of one dialect, indented. It is for YAML
// 1.1, which Butane reads: an editor that reads 0644 as decimal misses some wrong
// modes.
func Butane(d butane.Dialect) ([]byte, error) {
	return print(ofDialect(d))
}

func ofDialect(d butane.Dialect) *node {
	b := &builder{version: d.Spec, keys: butaneKeys(&d), describe: describeInButane, dialect: &d}
	return b.document("urn:firstlight:butane:"+d.Variant+":"+d.Version, "Butane config "+d.String())
}

func (b *builder) document(id, title string) *node {
	root := b.object(reflect.TypeFor[config.Config](), new(doc.Node))
	root.Schema, root.ID, root.Title, root.Definitions = draft, id, title, b.definitions
	return root
}

func print(root *node) ([]byte, error) {
	text, err := encode(root)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = json.Indent(&out, text, "", "  ")
	return out.Bytes(), err
}

// A node is a schema; it has the keywords that are used here.
type node struct {
	Schema      string     `json:"$schema,omitempty"`
	ID          string     `json:"$id,omitempty"`
	Ref         string     `json:"$ref,omitempty"`
	Title       string     `json:"title,omitempty"`
	Description string     `json:"description,omitempty"`
	Type        types      `json:"type,omitempty"`
	Const       string     `json:"const,omitempty"`
	Enum        []any      `json:"enum,omitempty"`
	Pattern     string     `json:"pattern,omitempty"`
	MinLength   int        `json:"minLength,omitempty"`
	MaxLength   int        `json:"maxLength,omitempty"`
	MinItems    int        `json:"minItems,omitempty"`
	Minimum     *int       `json:"minimum,omitempty"`
	Maximum     *int       `json:"maximum,omitempty"`
	Items       *node      `json:"items,omitempty"`
	Properties  properties `json:"properties,omitempty"`
	Required    []string   `json:"required,omitempty"`
	// Additional is false or a *node.
	Additional  any        `json:"additionalProperties,omitempty"`
	AllOf       []*node    `json:"allOf,omitempty"`
	AnyOf       []*node    `json:"anyOf,omitempty"`
	If          *node      `json:"if,omitempty"`
	Then        *node      `json:"then,omitempty"`
	Else        *node      `json:"else,omitempty"`
	Definitions properties `json:"definitions,omitempty"`
	// filled reports whether a text with placeholders can stand in place of the value.
	filled bool
}

// placeholder is the schema of a text with one in it.
var placeholder = &node{Type: types{"string"}, Pattern: `\$\{param:[A-Za-z][A-Za-z0-9_-]*\}`}

// MarshalJSON writes the keywords that are used.
func (n *node) MarshalJSON() ([]byte, error) {
	type plain node
	if !n.filled {
		return encode((*plain)(n))
	}
	value := *n
	value.filled, value.Description = false, ""
	return encode(&plain{Description: n.Description, AnyOf: []*node{&value, placeholder}})
}

// types are the JSON types that a value may have.
type types []string

// MarshalJSON writes a single one as a string, as is customary.
func (t types) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return json.Marshal(t[0])
	}
	return json.Marshal([]string(t))
}

// properties keep the order of the Go types, which puts the important ones first.
type properties []property

type property struct {
	name string
	*node
}

// MarshalJSON writes an object.
func (p properties) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, one := range p {
		if i > 0 {
			out = append(out, ',')
		}
		name, err := encode(one.name)
		if err != nil {
			return nil, err
		}
		value, err := encode(one.node)
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, name...), ':'), value...)
	}
	return append(out, '}'), nil
}

// encode is json.Marshal, but leaves <, > and & as they are.
func encode(value any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(value)
	return bytes.TrimSpace(out.Bytes()), err
}
