package providers

import (
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// maxYAMLNodes bounds what aliases make of a document.
const maxYAMLNodes = 100_000

// readYAML reads a document of a platform, which is YAML or JSON. Keys that are no
// scalars are left out.
func readYAML(text []byte) (*doc.Node, error) {
	var y yaml.Node
	if err := yaml.Unmarshal(text, &y); err != nil {
		return nil, fmt.Errorf("it is not YAML: %w", err)
	}
	if len(y.Content) == 0 {
		return &doc.Node{}, nil
	}
	left := maxYAMLNodes
	n := nodeOfYAML(y.Content[0], &left, 0)
	if left <= 0 {
		return nil, errors.New("its aliases make it far larger than its text")
	}
	return n, nil
}

func nodeOfYAML(y *yaml.Node, left *int, depth int) *doc.Node {
	const deepest = 100
	for y.Kind == yaml.AliasNode {
		y = y.Alias
	}
	n := &doc.Node{Text: y.Value, Line: int32(y.Line), Column: int32(y.Column)}
	if *left--; *left <= 0 || depth > deepest {
		*left = 0
		return n
	}
	switch y.Kind {
	case yaml.MappingNode:
		n.Kind = doc.Map
		for i := 0; i+1 < len(y.Content); i += 2 {
			if key := y.Content[i]; key.Kind == yaml.ScalarNode {
				n.Members = append(n.Members, doc.Member{Name: key.Value, Value: nodeOfYAML(y.Content[i+1], left, depth+1)})
			}
		}
	case yaml.SequenceNode:
		n.Kind = doc.List
		for _, item := range y.Content {
			n.Items = append(n.Items, nodeOfYAML(item, left, depth+1))
		}
	default:
		n.Kind = map[string]doc.Kind{"!!null": doc.Null, "!!bool": doc.Bool, "!!int": doc.Number, "!!float": doc.Number}[y.ShortTag()]
		if n.Kind == doc.Null && y.ShortTag() != "!!null" {
			n.Kind = doc.String
		}
	}
	return n
}
