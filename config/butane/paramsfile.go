package butane

import (
	"maps"
	"slices"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/yaml"
)

// ReadParams reads values of parameters, for Options.Params, from a text in YAML: a mapping of
// names to values. Messages call it name. The error, if any, is a *config.ParseError of the
// kind ErrDocument.
func ReadParams(text []byte, name string) (map[string]ParamValue, error) {
	d := newDecoder(text, name)
	root, refusal := d.parse(text)
	switch {
	case refusal != nil:
		return nil, refusal
	case root == nil:
		return map[string]ParamValue{}, nil
	case root.Kind != yaml.MappingNode:
		return nil, d.fail(config.RuleParamValue, root, "the values of parameters are a mapping of names to values; this is %s", kindOf(root))
	}
	d.checkStructure(root, map[*yaml.Node]bool{})
	d.budget = len(root.Content) + len(text) // << can have each of them more than once
	values := map[string]ParamValue{}
	for _, p := range d.pairs(root) {
		at := d.at(p.value)
		at.Path = p.key.Value
		value := d.resolve(p.value)
		if value.Kind != yaml.ScalarNode || value.ShortTag() == "!!null" {
			d.report(config.RuleParamValue, config.Error, at, "the value of the parameter %q is %s; it should be a text, a number, true or false", p.key.Value, kindOf(value))
			continue
		}
		values[p.key.Value] = ParamValue{value.Value, at}
	}
	d.checkOneDocument()
	if d.problems.HasErrors() {
		return nil, &config.ParseError{Kind: ErrDocument, Problems: d.problems}
	}
	return values, nil
}

// checkSet reports the parameters that are set and not declared.
func (c *composition) checkSet(o Options) {
	if o.shared != nil {
		o.shared.parameters = append(o.shared.parameters, c.parameters...)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(o.Params)) {
		if c.declared(name) == nil && !c.incomplete {
			c.error(config.RuleParamUnknown, o.Params[name].Origin, "the config declares no parameter %q%s", name, c.suggestion(name))
		}
	}
}
