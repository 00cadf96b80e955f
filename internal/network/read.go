package network

import (
	"bytes"
	"errors"
	"regexp"
	"strconv"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
	"github.com/firstlight-os/firstlight/internal/report"
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

// yamlPlace is what the YAML library begins its messages with.
var yamlPlace = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^yaml: (?:line (\d+): )?`) })

func readYAML(text []byte, src *doc.Source) (*doc.Node, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		at := config.Origin{Source: src.Name}
		if m := yamlPlace().FindStringSubmatch(err.Error()); m != nil && m[1] != "" {
			at.Column = 1
			at.Line, _ = strconv.Atoi(m[1]) // digits
		}
		return nil, report.Conflict(at, configHint, "this is neither JSON nor YAML: %s", yamlPlace().ReplaceAllString(err.Error(), ""))
	}
	if len(document.Content) == 0 {
		return nil, report.Conflict(config.Origin{Source: src.Name}, configHint, "there is nothing in it")
	}
	c := &converter{src: src, left: maxNodes}
	n := c.convert(document.Content[0], nil, 0)
	return n, c.err
}

// A converter makes nodes of those of the YAML library.
type converter struct {
	src  *doc.Source
	left int // nodes that there may be
	err  error
}

// scalarKinds are those of the tags that YAML finds.
var scalarKinds = map[string]doc.Kind{"!!null": doc.Null, "!!bool": doc.Bool, "!!int": doc.Number, "!!float": doc.Number}

func (c *converter) convert(y *yaml.Node, parent *doc.Node, depth int) *doc.Node {
	n := &doc.Node{Source: c.src, Line: int32(y.Line), Column: int32(y.Column), Parent: parent}
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
	n.Members = append(n.Members, doc.Member{Name: key.Value, Line: int32(key.Line), Column: int32(key.Column), Value: v})
}

func (c *converter) fail(n *doc.Node, err error) {
	if c.err == nil {
		c.err = report.Conflict(n.Origin(), configHint, "%v", err)
	}
}
