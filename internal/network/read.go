package network

import (
	"bytes"
	"errors"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/yaml"
)

// maxNodes bounds the values of a document: aliases make a small text a large one.
const maxNodes = 100_000

// maxDepth bounds how deep they are in each other.
const maxDepth = 100

// ReadDocument reads a text in JSON or YAML, which has to be an object or a list. Messages
// call it name. Keys that are no scalars are left out, and << is a key like others.
func ReadDocument(text []byte, name string) (*doc.Node, error) {
	src := &doc.Source{Name: name}
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') {
		if n, err := doc.ReadJSON(text, src); err == nil {
			return n, nil
		}
	}
	n, err := readYAML(text, src)
	if err == nil && n.Kind != doc.Map && n.Kind != doc.List {
		err = report.Conflict(n.Origin(), configHint, "this is neither an object nor a list")
	}
	return n, err
}

func readYAML(text []byte, src *doc.Source) (*doc.Node, error) {
	document, err := yaml.Read(text)
	if e := (*yaml.SyntaxError)(nil); errors.As(err, &e) {
		return nil, report.Conflict(config.Origin{Source: src.Name, Line: e.Line, Column: e.Column}, configHint, "this is neither JSON nor YAML: %s", e.Message)
	}
	if err != nil {
		return nil, err
	}
	if document.Root == nil {
		return nil, report.Conflict(config.Origin{Source: src.Name}, configHint, "there is nothing in it")
	}
	c := &converter{src: src, left: maxNodes}
	n := c.convert(document.Root, nil, 0)
	return n, c.err
}

// A converter makes nodes of those of YAML.
type converter struct {
	src  *doc.Source
	left int // nodes that there may be
	err  error
}

// scalarKinds are those of the tags of plain text.
var scalarKinds = map[string]doc.Kind{"!!null": doc.Null, "!!bool": doc.Bool, "!!int": doc.Number, "!!float": doc.Number}

func (c *converter) convert(y *yaml.Node, parent *doc.Node, depth int) *doc.Node {
	n := &doc.Node{Source: c.src, Line: y.Line, Column: y.Column, Parent: parent}
	for y.Kind == yaml.AliasNode {
		y = y.Alias
	}
	if c.left--; c.left < 0 || depth > maxDepth {
		c.fail(n, errors.New("this document has more values, or deeper ones, than a network can have"))
		return n
	}
	switch y.Kind {
	case yaml.MappingNode:
		n.Kind = doc.Map
		for i := 0; i+1 < len(y.Content) && c.err == nil; i += 2 {
			c.member(n, y.Content[i], y.Content[i+1], depth)
		}
	case yaml.SequenceNode:
		n.Kind = doc.List
		for i := 0; i < len(y.Content) && c.err == nil; i++ {
			item := c.convert(y.Content[i], n, depth+1)
			item.Index = int32(i)
			n.Items = append(n.Items, item)
		}
	default:
		n.Kind, n.Text = doc.String, y.Value
		if kind, plain := scalarKinds[y.ShortTag()]; plain {
			n.Kind = kind
		}
	}
	return n
}

func (c *converter) member(n *doc.Node, key, value *yaml.Node, depth int) {
	for key.Kind == yaml.AliasNode {
		key = key.Alias
	}
	if key.Kind != yaml.ScalarNode {
		return // nothing in these languages has one
	}
	v := c.convert(value, n, depth+1)
	v.Key = key.Value
	n.Members = append(n.Members, doc.Member{Name: key.Value, Line: key.Line, Column: key.Column, Value: v})
}

func (c *converter) fail(n *doc.Node, err error) {
	if c.err == nil {
		c.err = report.Conflict(n.Origin(), configHint, "%v", err)
	}
}
