package butane

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
	"github.com/firstlight-os/firstlight/internal/yaml"
)

// A ParamValue sets a parameter from outside of the documents.
type ParamValue struct {
	// Text is the value as YAML has it, without quotes: hello, 0644, true. Nothing in it is
	// looked for placeholders.
	Text string
	// Origin says where it is set: a place in a file, or the name of a flag as the Source.
	Origin config.Origin
}

// A composition is a document with all that it includes. Their parameters are one namespace.
type composition struct {
	// documents are in the order in which they are merged. What a document includes is
	// before it.
	documents []*translation
	// incomplete reports whether there are documents that could not be opened, so that
	// parameters may be missing.
	incomplete bool
	parameters []*parameter    // in the order of their declarations
	problems   config.Problems // of the whole
}

// placeholderKinds are those that a translation fills in.
var placeholderKinds = []string{"param"}

// HasParams reports whether documents of a dialect can have parameters, and include others.
func (d *Dialect) HasParams() bool { return d.Variant == firstlight }

// A parameter has one type and one value, in whatever documents it is declared.
type parameter struct {
	name     string
	declared config.Origin // by the first document that does
	kind     string        // "" is that of a text
	text     string
	tag      string // that YAML would have for the value
	isSet    bool
	from     config.Origin // of the value
	// broken is where an error was told of it, if there is one.
	broken   *config.Origin
	defaults []paramDefault
}

type paramDefault struct {
	of   *translation
	node *doc.Node
}

// The types of parameters.
const (
	stringParam = "string"
	intParam    = "int"
	boolParam   = "bool"
)

// ParamTypes returns the types that parameters can have.
func ParamTypes() []string { return []string{stringParam, intParam, boolParam} }

// settle finds the values of all parameters.
func (c *composition) settle(o Options) {
	for _, t := range c.documents {
		if params := t.document.Member("params"); params != nil {
			for _, m := range params.Members {
				c.declare(t, m)
			}
		}
	}
	for _, p := range c.parameters {
		c.checkDefaults(p)
		c.set(p, o)
	}
}

// declared returns the parameter of a name, or nil.
func (c *composition) declared(name string) *parameter {
	for _, p := range c.parameters {
		if p.name == name {
			return p
		}
	}
	return nil
}

func (c *composition) error(r config.Rule, at config.Origin, format string, args ...any) {
	c.problems.Add(config.NewProblem(r, config.Error, at, format, args...))
}

// refuse reports an error of a parameter, which has no value then.
func (c *composition) refuse(p *parameter, r config.Rule, at config.Origin, format string, args ...any) {
	c.error(r, at, format, args...)
	p.broken = &at
}

// declare adds what a document says of a parameter.
func (c *composition) declare(t *translation, m doc.Member) {
	at := m.Value.Origin()
	at.Line, at.Column = int(m.Line), int(m.Column) // those of the name
	if !doc.IsPlaceholderName(m.Name) {
		c.error(config.RuleParamDeclaration, at, "%q cannot be the name of a parameter, which has letters, digits, \"-\" and \"_\", and begins with a letter", m.Name)
		return
	}
	p := c.declared(m.Name)
	if p == nil {
		p = &parameter{name: m.Name, declared: at}
		c.parameters = append(c.parameters, p)
	}
	kind := text(m.Value, "type")
	switch {
	case kind == "":
	case !slices.Contains(ParamTypes(), kind):
		c.refuse(p, config.RuleParamDeclaration, originOf(m.Value, "type"), "%q is no type of parameters; there are %s", kind, strings.Join(ParamTypes(), ", "))
	case p.kind != "" && p.kind != kind:
		c.refuse(p, config.RuleParamDeclaration, originOf(m.Value, "type"), "the parameter %q is of type %s here, and of type %s in another declaration (the first is at %s); it has one type in all documents", p.name, kind, p.kind, p.declared)
	default:
		p.kind = kind
	}
	if value := m.Value.Member("default"); value != nil {
		p.defaults = append(p.defaults, paramDefault{t, value})
	}
}

// checkDefaults checks that all defaults of a parameter are of its type, and that the last
// one is that of the document that includes the others.
func (c *composition) checkDefaults(p *parameter) {
	for i, d := range p.defaults {
		if _, ok := p.tagOf(d.node.Text); !ok && p.broken == nil {
			c.errorOfValue(p, d.node.Origin())
		}
		last := p.defaults[len(p.defaults)-1]
		if i < len(p.defaults)-1 && d.node.Text != last.node.Text && !last.of.includes(d.of) {
			c.refuse(p, config.RuleParamDeclaration, last.node.Origin(), "the parameter %q has another default at %s, and neither document includes the other; set it in the one that includes both", p.name, d.node.Origin())
			return
		}
	}
}

func (c *composition) errorOfValue(p *parameter, at config.Origin) {
	what := "true or false"
	if p.kind == intParam {
		what = "a whole number that fits 64 bits"
	}
	c.refuse(p, config.RuleParamValue, at, "this should be %s: the parameter %q is of type %s, declared at %s", what, p.name, p.kind, p.declared)
}

// tagOf returns the tag that YAML has for a value, and reports whether it is of the type of
// the parameter.
func (p *parameter) tagOf(value string) (tag string, ok bool) {
	plain := &yaml.Node{Kind: yaml.ScalarNode, Plain: true, Value: value}
	switch p.kind {
	case intParam:
		_, ok = wholeNumber(plain)
		return plain.ShortTag(), ok
	case boolParam:
		return "!!bool", value == "true" || value == "false"
	}
	return "!!str", true
}

// set gives a parameter its value: that of the options, or the last default.
func (c *composition) set(p *parameter, o Options) {
	given, isGiven := o.Params[p.name]
	switch {
	case p.broken != nil:
		return
	case isGiven:
		p.text, p.from = given.Text, given.Origin
	case len(p.defaults) > 0:
		last := p.defaults[len(p.defaults)-1].node
		p.text, p.from = last.Text, last.Origin()
	default:
		c.error(config.RuleParamUnset, p.declared, "the parameter %q has no value: set it with --set %s=VALUE or in a file with --params, or give it a default", p.name, p.name)
		return
	}
	tag, ok := p.tagOf(p.text)
	if !ok {
		c.errorOfValue(p, p.from)
		return
	}
	p.tag, p.isSet = tag, true
}

// includes reports whether a document includes another one, or documents that do.
func (t *translation) includes(other *translation) bool {
	return slices.ContainsFunc(t.included, func(i *translation) bool { return i == other || i.includes(other) })
}

// declares reports whether a document or one that it includes declares a parameter.
func (t *translation) declares(name string) bool {
	return t.document.Member("params").Member(name) != nil || slices.ContainsFunc(t.included, func(i *translation) bool { return i.declares(name) })
}

// parameter is that of a decoder.
func (t *translation) parameter(use doc.Placeholder, at config.Origin) *parameter {
	p := t.composition.declared(use.Name)
	switch {
	case p == nil && t.incomplete:
		t.decoder.report(config.RuleParamUnknown, config.Error, at, "the parameter %q is not declared in the documents that can be read", use.Name)
		return nil
	case p == nil:
		t.decoder.report(config.RuleParamUnknown, config.Error, at, "the parameter %q is not declared%s; for the text itself double the dollar", use.Name, t.suggestion(use.Name))
		return nil
	case !t.declares(use.Name):
		t.decoder.report(config.RuleParamUnknown, config.Error, at, "this document and those that it includes do not declare the parameter %q, which is declared at %s; declare it under params here, too", use.Name, p.declared)
		return nil
	case p.broken != nil:
		t.decoder.report(config.RuleParamValue, config.Error, at, "the parameter %q has no value, as there is an error at %s", use.Name, p.broken)
		return nil
	case !p.isSet:
		t.decoder.report(config.RuleParamUnset, config.Error, at, "the parameter %q has no value; it is declared without a default at %s", use.Name, p.declared)
		return nil
	}
	return p
}

// suggestion says what may be meant by a parameter that is not declared.
func (c *composition) suggestion(name string) string {
	best, least := "", min(len(name)/3, 2)+1
	var all []string
	for _, p := range c.parameters {
		all = append(all, p.name)
		if d := doc.Distance(p.name, name); d < least {
			best, least = p.name, d
		}
	}
	const few = 8
	switch {
	case best != "":
		return fmt.Sprintf("; did you mean %q?", best)
	case len(all) == 0:
		return "; parameters are declared under params, in the variant firstlight"
	case len(all) > few:
		all = append(all[:few], "others")
	}
	return "; there are " + strings.Join(all, ", ")
}

// filled returns a scalar with the values of its placeholders, or nil if one has none, which
// is reported. Of one that is a placeholder and nothing else the value has its type.
//
// This is done with nodes, after YAML was read, so that whatever is in a value stays there.
func (d *decoder) filled(n *doc.Node, y *yaml.Node) *yaml.Node {
	isText := !d.dialect.HasParams() || d.parameter == nil && n.Key == "description"
	if y.Kind != yaml.ScalarNode || isText || !doc.HasPlaceholders(y.Value, placeholderKinds) {
		return y
	}
	out := *y
	var used []*parameter
	complete := true
	hasFacts := isTrue(d.root, "facts")
	out.Value = doc.FillPlaceholders(y.Value, placeholderKinds, func(use doc.Placeholder) string {
		p := d.fillIn(use, n.OriginIn(y.Value, use.Start))
		if p == nil {
			complete = false
			return ""
		}
		if use.Start == 0 && use.End == len(y.Value) && y.ShortTag() == "!!str" {
			out.Tag = p.tag
		}
		if !slices.Contains(used, p) {
			used = append(used, p)
		}
		if hasFacts {
			return doc.EscapePlaceholders(p.text, factKinds)
		}
		return p.text
	})
	if hasFacts && complete && factsIn(out.Value) != factsIn(y.Value) {
		d.report(config.RulePlaceholderForm, config.Error, n.Origin(), "the value of a parameter and the text beside it make a placeholder for a fact, or unmake one; write something between the two")
		return nil
	}
	if !complete || !d.spend(max(len(out.Value)-len(y.Value), 0)/textOfNode, n.Origin) {
		return nil
	}
	d.used = append(d.used, parameterUse{n.Line, n.Column, used})
	return &out
}

// factsIn lists the placeholders for facts in a text.
func factsIn(text string) (names string) {
	doc.FillPlaceholders(text, factKinds, func(p doc.Placeholder) string {
		names += p.Name + p.Fault + "\n"
		return ""
	})
	return names
}

func (d *decoder) fillIn(use doc.Placeholder, at config.Origin) *parameter {
	switch {
	case use.Fault != "":
		d.report(config.RulePlaceholderForm, config.Error, at, "this is no placeholder: %s", use.Fault)
		return nil
	case d.parameter == nil:
		d.report(config.RulePlaceholderForm, config.Error, at, "parameters do not depend on each other, nor does what is included depend on them; write the value itself")
		return nil
	}
	return d.parameter(use, at)
}

// headerTypes are the keys of the document that are read before the others.
var headerTypes = map[string]reflect.Type{
	"include": reflect.TypeFor[[]string](), "params": reflect.TypeFor[map[string]Param](), "facts": reflect.TypeFor[bool](),
}

// header reads what is included, the declarations of parameters, and whether there are facts.
func (d *decoder) header() {
	for _, p := range d.pairs(d.body) {
		t, isHeader := headerTypes[p.key.Value]
		if !isHeader || !d.dialect.HasParams() {
			continue
		}
		value := d.newNode(p.value, d.root, p.key.Value, 0)
		if d.value(value, d.resolve(p.value), t) {
			d.add(d.root, p.key.Value, p.key, value)
		}
	}
	d.root.Kind = doc.Map
}

// isHeader reports whether a key of the document is read before the others.
func (d *decoder) isHeader(key string) bool {
	return d.dialect.HasParams() && headerTypes[key] != nil
}

// A parameterUse is a value with parameters in it.
type parameterUse struct {
	line, column int32
	of           []*parameter
}

// withParameters adds to problems of values with parameters in them where these come from.
func (c *composition) withParameters(problems config.Problems) config.Problems {
	for _, t := range c.documents {
		if t.decoder != nil {
			for i := range problems {
				t.decoder.addUses(&problems[i])
			}
		}
	}
	return problems
}

func (d *decoder) addUses(p *config.Problem) {
	for _, u := range d.used {
		if p.Origin.Line != int(u.line) || p.Origin.Column != int(u.column) || p.Origin.Source != d.source.Name {
			continue
		}
		for i, of := range u.of {
			word := "; this has in it"
			if i > 0 {
				word = ", and"
			}
			p.Message += fmt.Sprintf("%s the parameter %q, which is set by %s", word, of.name, cmp.Or(of.from.String(), "the options"))
		}
		return
	}
}

// openIncluded opens what a document includes, where there are files.
func (t *translation) openIncluded() {
	list := t.document.Member("include")
	switch {
	case list == nil || len(list.Items) == 0:
	case t.workstation == nil || t.Files == nil:
		t.error(config.RuleLocalFilesDir, list.Origin(), "what is included are files below the files directory, and there is none; set one with \"firstlightctl translate --files-dir DIR\". Neither a machine that reads this config itself has one nor a page in the browser: give them the translated config")
		t.incomplete = true
	default:
		t.workstation.include(t)
	}
}
