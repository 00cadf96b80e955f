package butane

import (
	"bytes"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/firstlight-os/firstlight/config"
)

// checkStructure reports keys that a mapping has twice, and finds the aliases inside
// of their own anchor. Open are the nodes around y.
func (d *decoder) checkStructure(y *yaml.Node, open map[*yaml.Node]bool) {
	d.written++
	if y.Kind == yaml.AliasNode {
		d.circular[y] = open[y.Alias]
		return
	}
	open[y] = true
	var seen map[string]*yaml.Node
	if y.Kind == yaml.MappingNode {
		seen = map[string]*yaml.Node{}
	}
	for i, n := range y.Content {
		if y.Kind == yaml.MappingNode && i%2 == 0 && n.Kind == yaml.ScalarNode {
			switch first := seen[n.Value]; {
			case first == nil:
			case n.Tag == mergeTag:
				d.report(config.RuleKeyTwice, config.Error, d.at(n), "<< was given before at line %d; give all mappings in one list, as in <<: [*a, *b]", first.Line)
			default:
				d.report(config.RuleKeyTwice, config.Error, d.at(n), "%q was given before at line %d; remove one of the two", n.Value, first.Line)
			}
			seen[n.Value] = n
		}
		d.checkStructure(n, open)
	}
	delete(open, y)
}

const mergeTag = "!!merge"

type pair struct{ key, value *yaml.Node }

// pairs returns the keys and values of a mapping, including those merged by <<,
// which its own keys override.
func (d *decoder) pairs(y *yaml.Node) []pair {
	var pairs, more []pair
	has := map[string]bool{}
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, value := d.resolve(y.Content[i]), y.Content[i+1]
		switch {
		case key.Tag == mergeTag:
			more = append(more, d.merged(value)...)
		case key.Kind != yaml.ScalarNode:
			d.reportOnce(config.RuleKeyType, key, "this key is %s, but a string is expected", kindOf(key))
		default:
			has[key.Value] = true
			pairs = append(pairs, pair{key, value})
		}
	}
	for _, p := range more {
		if !has[p.key.Value] {
			has[p.key.Value] = true
			pairs = append(pairs, p)
		}
	}
	return pairs
}

// merged returns the keys and values that << merges: those of a mapping or of a list
// of mappings.
func (d *decoder) merged(y *yaml.Node) []pair {
	from := []*yaml.Node{y}
	if y.Kind == yaml.SequenceNode {
		from = y.Content
	}
	var pairs []pair
	for _, f := range from {
		mapping := d.resolve(f)
		switch {
		case !d.spend(1, d.at(f)):
		case mapping.Kind == yaml.MappingNode:
			pairs = append(pairs, d.pairs(mapping)...)
		case !d.circular[f]:
			d.reportOnce(config.RuleYAMLMerge, f, "<< merges mappings, this is %s; give it the alias of a mapping, or a list of such aliases", kindOf(mapping))
		}
	}
	return pairs
}

// resolve follows an alias. One inside of its own anchor leads nowhere.
func (d *decoder) resolve(y *yaml.Node) *yaml.Node {
	switch {
	case y.Kind != yaml.AliasNode:
		return y
	case d.circular[y]:
		d.reportOnce(config.RuleAliasCircular, y, "*%s is inside of its own anchor &%s, so it would contain itself without an end; name another anchor", y.Value, y.Value)
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	}
	return y.Alias
}

func (d *decoder) reportOnce(r config.Rule, y *yaml.Node, format string, args ...any) {
	if !d.reported[y] {
		d.reported[y] = true
		d.report(r, config.Error, d.at(y), format, args...)
	}
}

// checkOneDocument reports text behind the end of the first document, whose root is
// given, and which the parser has read. YAML has no other lines that start with --- or ...
// than those between documents.
func (d *decoder) checkOneDocument(root *yaml.Node, parser *yaml.Decoder) {
	border := 0
	for i := root.Line; i < len(d.text.rows); i++ {
		row := bytes.TrimSpace(d.text.rows[i])
		marker := isDocumentMarker(d.text.rows[i])
		if marker {
			border = i + 1
			row = bytes.TrimSpace(row[3:])
		}
		if border > 0 && len(row) > 0 && row[0] != '#' {
			at := config.Origin{Source: d.source.Name, Line: border, Column: 1}
			d.report(config.RuleDocumentSecond, config.Error, at, "a second document starts here, and only the first would be read; "+
				"join the two, or make this one a config of its own and refer to it under ignition.config.merge")
			return
		}
	}
	if line := linesRead(parser); line > 0 {
		d.report(config.RuleSyntaxYAML, config.Error, config.Origin{Source: d.source.Name, Line: line + 1, Column: 1},
			"the document ends before this line, so that this would not be read; is the indentation that of the first key, or is a brace closed too early?")
	}
}

// linesRead returns how many lines a parser has read of a text that goes on behind the end
// of its document without a line between documents, or 0. The library does not read on,
// and says nothing.
func linesRead(parser *yaml.Decoder) int {
	err := parser.Decode(new(yaml.Node))
	if err == nil {
		return 0
	}
	text, ok := strings.CutSuffix(err.Error(), ": did not find expected <document start>")
	line, digits := strconv.Atoi(strings.TrimPrefix(text, "yaml: line "))
	if !ok || digits != nil {
		return 0
	}
	return line
}

// isDocumentMarker reports whether a line is one of those between documents.
func isDocumentMarker(row []byte) bool {
	return (bytes.HasPrefix(row, []byte("---")) || bytes.HasPrefix(row, []byte("..."))) &&
		(len(row) == 3 || bytes.IndexByte([]byte(" \t\r"), row[3]) >= 0)
}
