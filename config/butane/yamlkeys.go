package butane

import (
	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/yaml"
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
			case n.ShortTag() == mergeTag:
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
		case key.ShortTag() == mergeTag:
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
		case !d.spend(1, func() config.Origin { return d.at(f) }):
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
