package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// A node is a schema, as far as the reference shows it.
type node struct {
	Ref         string     `json:"$ref"`
	Description string     `json:"description"`
	Type        types      `json:"type"`
	Enum        []any      `json:"enum"`
	Items       *node      `json:"items"`
	Required    []string   `json:"required"`
	Properties  properties `json:"properties"`
	AllOf       []*node    `json:"allOf"`
	AnyOf       []*node    `json:"anyOf"`
	Definitions properties `json:"definitions"`
}

type types []string

// UnmarshalJSON reads one type or a list of them.
func (t *types) UnmarshalJSON(text []byte) error {
	if text[0] == '"' {
		*t = types{""}
		return json.Unmarshal(text, &(*t)[0])
	}
	return json.Unmarshal(text, (*[]string)(t))
}

// properties are in their order.
type properties []property

type property struct {
	name string
	*node
}

// UnmarshalJSON reads an object.
func (p *properties) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		one := property{fmt.Sprint(name), new(node)}
		if err := d.Decode(one.node); err != nil {
			return err
		}
		*p = append(*p, one)
	}
	return nil
}

func read(text []byte, err error) (*node, error) {
	if err != nil {
		return nil, err
	}
	n := new(node)
	return n, json.Unmarshal(text, n)
}

// definition is that of a kind of object; it is nil if there is none.
func (n *node) definition(name string) *node {
	if name == "Config" {
		return n
	}
	for _, d := range n.Definitions {
		if d.name == name {
			return d.node
		}
	}
	return nil
}

func (n *node) properties() properties {
	if n == nil {
		return nil
	}
	return n.Properties
}

func (n *node) property(name string) *node {
	for _, p := range n.properties() {
		if p.name == name {
			return p.node
		}
	}
	return nil
}

// object names the kind of object that values are, or "".
func (n *node) object() string {
	if len(n.AllOf) > 0 {
		n = n.AllOf[0]
	}
	return strings.TrimPrefix(n.Ref, "#/definitions/")
}

// paths lists where objects of a kind can be.
func (n *node) paths(of string) []string {
	var all []string
	var walk func(*node, string)
	walk = func(at *node, path string) {
		for _, p := range at.Properties {
			here, value := path+p.name, p.node
			if value.Items != nil {
				here, value = here+"[]", value.Items
			}
			name := value.object()
			if name == of {
				all = append(all, here)
			}
			if name != "" {
				walk(n.definition(name), here+".")
			}
		}
	}
	walk(n, "")
	return all
}

// typeName says in words what a value is, with links to objects.
func (n *node) typeName() string {
	link := func(name string) string { return fmt.Sprintf("[%s](#%s)", name, strings.ToLower(name)) }
	switch {
	case n.object() != "":
		return link(n.object())
	case n.Items != nil && n.Items.object() != "":
		return "list of " + link(n.Items.object())
	case n.Items != nil:
		return "list of " + n.Items.typeName() + "s"
	case n.Type[0] == "object":
		return "strings by name"
	}
	return n.Type[0]
}

// words are the values of an enumeration. Numbers and null are other forms of
// strings.
func (n *node) words() string {
	var all []string
	for _, value := range n.Enum {
		if word, ok := value.(string); ok && word != "" {
			all = append(all, "`"+word+"`")
		}
	}
	return strings.Join(all, ", ")
}
