package butane

import (
	"errors"
	"iter"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
	"github.com/firstlight-os/firstlight/internal/yaml"
)

// A decoder reads YAML into a tree: the members that the dialect has, with the right
// types, under the spec's names.
type decoder struct {
	dialect    *Dialect
	hasVariant bool // whether the document names one, known or not
	source     *doc.Source
	problems   config.Problems
	body       *yaml.Node
	second     int // the line that ends the document if there is more behind it, or 0
	root       *doc.Node
	// parameter returns what a placeholder at a place stands for. It is nil if that is not
	// known, which it has reported.
	parameter func(doc.Placeholder, config.Origin) *parameter
	used      []parameterUse
	keys      map[reflect.Type][]Key
	written   int // values and names that are written out
	budget    int // how many more nodes there may be; textOfNode bytes of text count as one
	// circular are the aliases inside of their own anchor. What is in reported was
	// reported: aliases lead to one mapping again and again.
	circular, reported map[*yaml.Node]bool
}

// open reads a text as YAML, and of its values those that the others depend on: see
// isHeader. The error, if any, is a *config.ParseError of kind ErrDocument: there is nothing
// to go on with.
func open(text []byte, name string) (*decoder, error) {
	d := newDecoder(text, name)
	if refusal := d.document(text); refusal != nil {
		if !d.hasVariant {
			if named := refusal.Recognize(text); named != refusal {
				d.problems, refusal = nil, named // whatever YAML has found in it
			}
		}
		d.problems = append(d.problems, refusal.Problems...)
		return d, refusal
	}
	return d, nil
}

func newDecoder(text []byte, name string) *decoder {
	return &decoder{source: &doc.Source{Name: name, Snake: true, Text: text},
		keys:     map[reflect.Type][]Key{},
		circular: map[*yaml.Node]bool{}, reported: map[*yaml.Node]bool{}}
}

// read reads the values. Those with problems are left out. The error is that of open.
func (d *decoder) read() error {
	d.object(d.root, d.body, configType)
	d.checkOneDocument()
	if d.budget <= 0 {
		return &config.ParseError{Kind: ErrDocument, Problems: d.problems}
	}
	return nil
}

func (d *decoder) document(text []byte) *config.ParseError {
	root, refusal := d.parse(text)
	switch {
	case refusal != nil:
		return refusal
	case root == nil:
		return d.fail(config.RuleDocumentEmpty, &yaml.Node{Line: 1, Column: 1}, "the text has nothing in it; a Butane config starts with \"variant: fcos\" or another variant")
	}
	if root.Kind != yaml.MappingNode {
		return d.fail(config.RuleDocumentKind, root, "a Butane config is a mapping, with keys such as variant, version and storage; this is %s", kindOf(root))
	}
	d.checkStructure(root, map[*yaml.Node]bool{})
	// Aliases can make a small text a very large config.
	const spare, growth = 50_000, 3
	d.budget = spare + growth*(d.written+len(text)/textOfNode)
	if err := d.selectDialect(root); err != nil {
		return err
	}
	d.body, d.root = root, d.newNode(root, nil, "", 0)
	d.header()
	return nil
}

// parse reads the first document of a text. It is nil if there is nothing in it.
func (d *decoder) parse(text []byte) (*yaml.Node, *config.ParseError) {
	document, err := yaml.Read(text)
	if err != nil {
		return nil, d.syntaxError(err)
	}
	d.second = document.Second
	return document.Root, nil
}

// selectDialect finds the dialect; it reads nothing else of the document.
func (d *decoder) selectDialect(root *yaml.Node) *config.ParseError {
	header := map[string]*yaml.Node{}
	for _, p := range d.pairs(root) {
		if value := p.value; p.key.Value == "variant" || p.key.Value == "version" {
			if value.Kind != yaml.ScalarNode {
				return d.fail(config.RuleValueType, value, "%s is %s, a string is expected", p.key.Value, kindOf(value))
			}
			if value.ShortTag() != "!!null" && value.Value != "" {
				header[p.key.Value] = value
			}
		}
	}
	if header["variant"] == nil {
		return d.fail(config.RuleVariantMissing, root, "there is no variant; it should be one of %s", strings.Join(variants(), ", "))
	}
	d.hasVariant = true
	variant := header["variant"].Value
	if header["version"] == nil {
		return d.fail(config.RuleVersionMissing, root, "there is no version; it should say which version of the variant %s this is, such as %q", variant, newest(variant))
	}
	dialect, rule, err := findDialect(variant, header["version"].Value)
	if err != nil {
		at := header["version"]
		if !slices.Contains(variants(), variant) {
			at = header["variant"]
		}
		return d.fail(rule, at, "%v", err)
	}
	d.dialect = dialect
	return nil
}

func (d *decoder) fail(r config.Rule, y *yaml.Node, format string, args ...any) *config.ParseError {
	return refuse(config.NewProblem(r, config.Error, d.at(y), format, args...))
}

// newNode makes a node without a value.
func (d *decoder) newNode(y *yaml.Node, parent *doc.Node, key string, index int) *doc.Node {
	return &doc.Node{Source: d.source, Line: y.Line, Column: y.Column, Parent: parent, Key: key, Index: int32(index)}
}

// object decodes the members of n.
func (d *decoder) object(n *doc.Node, y *yaml.Node, t reflect.Type) {
	n.Kind = doc.Map
	keys, ok := d.keys[t]
	if !ok {
		keys = d.dialect.Keys(t)
		d.keys[t] = keys
	}
	for _, p := range d.pairs(y) {
		if y == d.body && d.isHeader(p.key.Value) {
			continue
		}
		i := slices.IndexFunc(keys, func(k Key) bool { return k.Name == p.key.Value })
		if i < 0 || keys[i].SinceIn(n) > d.dialect.Spec {
			d.unknown(n, p.key, t)
			continue
		}
		value := d.newNode(p.value, n, p.key.Value, 0)
		if d.value(value, d.resolve(p.value), keys[i].Type) {
			d.add(n, keys[i].Field.Name, p.key, value)
		}
	}
}

// add adds a member with the position of its key.
func (d *decoder) add(n *doc.Node, name string, key *yaml.Node, value *doc.Node) {
	n.Members = append(n.Members, doc.Member{Name: name, Line: key.Line, Column: key.Column, Value: value})
}

// unknown reports a key that the dialect does not have.
func (d *decoder) unknown(n *doc.Node, key *yaml.Node, t reflect.Type) {
	at := d.at(key)
	at.Path = strings.TrimPrefix(n.Path()+"."+key.Value, ".")
	name := key.Value
	if i := slices.IndexFunc(allKeys(t), func(k Key) bool { return k.Name == name }); i >= 0 {
		d.tolerate(config.RuleKeySince, at, "%q %s", name, d.dialect.elsewhere(allKeys(t)[i], n))
		return
	}
	d.tolerate(config.RuleKeyUnknown, at, "%q is not a key of %s here and has no effect%s", name, d.dialect, d.keyFinder().Hint(n, t, name))
}

// tolerate warns about what Butane tolerates, as the variant firstlight does not.
func (d *decoder) tolerate(r config.Rule, at config.Origin, format string, args ...any) {
	if d.dialect.Variant == firstlight {
		d.report(config.RuleExtensionKey, config.Error, at, format, args...)
		return
	}
	d.report(r, config.Warning, at, format, args...)
}

func (d *decoder) keyFinder() *doc.KeyFinder {
	return &doc.KeyFinder{Root: configType, Keys: func(object reflect.Type) iter.Seq2[string, reflect.Type] {
		return func(yield func(string, reflect.Type) bool) {
			for _, k := range d.dialect.Keys(object) {
				if !yield(k.Name, k.Type) {
					return
				}
			}
		}
	}}
}

// textOfNode is how many bytes of text take about as much memory as a node.
const textOfNode = 100

// spend reports whether there may be so many more nodes. What is first refused is
// reported.
func (d *decoder) spend(nodes int, at func() config.Origin) bool {
	if d.budget > 0 && d.budget <= nodes {
		what := "aliases make"
		if len(d.used) > 0 {
			what = "aliases or parameters make"
		}
		d.report(config.RuleAliasGrowth, config.Error, at(), "the %s this config far larger than its text; write the values out", what)
	}
	d.budget = max(d.budget-nodes, 0)
	return d.budget > 0
}

// value decodes n, and reports whether it is set.
func (d *decoder) value(n *doc.Node, y *yaml.Node, t reflect.Type) bool {
	if !d.spend(1+len(y.Value)/textOfNode, n.Origin) {
		return false
	}
	if y.Kind == yaml.ScalarNode && y.ShortTag() == "!!null" {
		if t.Kind() == reflect.Struct || t.Kind() == reflect.Map {
			d.tolerate(config.RuleValueNull, n.Origin(), "there is nothing in %s; it counts as absent", n.Key)
		}
		return false
	}
	if y = d.filled(n, y); y == nil {
		return false
	}
	want, ok := kinds[t.Kind()]
	if y.Kind != want {
		d.report(config.RuleValueType, config.Error, n.Origin(), "this is %s, but %s is expected", kindOf(y), expected(t))
		return false
	}
	switch t.Kind() {
	case reflect.Struct:
		d.object(n, y, t)
	case reflect.Map:
		d.stringMap(n, y, t.Elem())
	case reflect.Slice:
		d.list(n, y, t.Elem())
	default:
		if ok = d.scalar(n, y, t.Kind()); !ok {
			d.report(config.RuleValueType, config.Error, n.Origin(), "this is %s, but %s is expected", kindOf(y), expected(t))
		}
	}
	return ok
}

// list decodes the items of n; null items are skipped.
func (d *decoder) list(n *doc.Node, y *yaml.Node, t reflect.Type) {
	n.Kind = doc.List
	for i, item := range y.Content {
		node := d.newNode(item, n, "", i)
		if item.ShortTag() == "!!null" {
			continue
		}
		if d.value(node, d.resolve(item), t) {
			n.Items = append(n.Items, node)
		}
	}
}

func (d *decoder) stringMap(n *doc.Node, y *yaml.Node, t reflect.Type) {
	n.Kind = doc.Map
	for _, p := range d.pairs(y) {
		value := d.newNode(p.value, n, p.key.Value, 0)
		if p.value.ShortTag() == "!!null" {
			value.Kind = doc.String // a key without a value has the empty string
		} else if !d.value(value, d.resolve(p.value), t) {
			continue
		}
		d.add(n, p.key.Value, p.key, value)
	}
}

// booleans holds the booleans of YAML 1.1, which may be lower case, capitalised or
// upper case. As in the reference, those that YAML 1.2 does not know may be quoted:
// there they are strings anyway.
var booleans = map[string]string{
	"true": "true", "y": "true", "yes": "true", "on": "true",
	"false": "false", "n": "false", "no": "false", "off": "false",
}

func (d *decoder) scalar(n *doc.Node, y *yaml.Node, kind reflect.Kind) bool {
	switch kind {
	case reflect.String:
		n.Kind, n.Text = doc.String, y.Value
		if y.ShortTag() == "!!binary" {
			decoded, ok := y.Binary()
			n.Text = decoded
			return ok
		}
	case reflect.Bool:
		word := y.Value
		if lower := strings.ToLower(word); word != strings.ToUpper(word) && word != lower && word[1:] != lower[1:] {
			return false
		}
		n.Kind, n.Text = doc.Bool, booleans[strings.ToLower(word)]
		known := strings.EqualFold(word, n.Text)
		return n.Text != "" && (!known || y.ShortTag() == "!!bool")
	default:
		whole, ok := wholeNumber(y)
		n.Kind, n.Text = doc.Number, strconv.FormatInt(whole, 10)
		return ok
	}
	return true
}

// wholeNumber decodes a number of 64 bits. One with a fraction is refused: without it
// 0.5 MiB of a partition would be all that is free.
func wholeNumber(y *yaml.Node) (whole int64, ok bool) {
	if number, isFloat := y.Float(); isFloat { // 1e3, 10.0, 08
		return int64(number), !hasFraction(number) && math.Abs(number) < 1<<63
	}
	return y.Int()
}

func hasFraction(number float64) bool { return number != math.Trunc(number) }

var kinds = map[reflect.Kind]yaml.Kind{
	reflect.Struct: yaml.MappingNode, reflect.Map: yaml.MappingNode, reflect.Slice: yaml.SequenceNode,
	reflect.String: yaml.ScalarNode, reflect.Bool: yaml.ScalarNode, reflect.Int: yaml.ScalarNode,
}

func expected(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "a mapping"
	case reflect.Slice:
		return "a list"
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	}
	return "a whole number that fits 64 bits"
}

func kindOf(y *yaml.Node) string {
	switch y.Kind {
	case yaml.MappingNode:
		if len(y.Content) == 2 && y.Content[0].Kind == yaml.MappingNode {
			return "a placeholder of a template that was not filled in" // {{ this }} is YAML
		}
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch y.ShortTag() {
	case "!!null":
		return "nothing"
	case "!!binary":
		return "not valid base64"
	case "!!bool":
		return "a boolean"
	case "!!int", "!!float":
		if number, ok := y.Float(); ok && hasFraction(number) {
			return "a number with a fraction"
		}
		return "a number"
	}
	return "a string"
}

func (d *decoder) report(r config.Rule, s config.Severity, at config.Origin, format string, args ...any) {
	d.problems.Add(config.NewProblem(r, s, at, format, args...))
}

// at returns where a value starts.
func (d *decoder) at(y *yaml.Node) config.Origin {
	return config.Origin{Source: d.source.Name, Line: int(y.Line), Column: int(y.Column)}
}

// syntaxError is the refusal of a text that is not YAML.
func (d *decoder) syntaxError(err error) *config.ParseError {
	at := config.Origin{Source: d.source.Name, Line: 1, Column: 1}
	message := err.Error()
	if e := (*yaml.SyntaxError)(nil); errors.As(err, &e) {
		at.Line, at.Column, message = e.Line, e.Column, e.Message
	}
	return refuse(config.NewProblem(config.RuleSyntaxYAML, config.Error, at, "this is not valid YAML: %s", message))
}

// checkOneDocument reports text behind the end of the first document.
func (d *decoder) checkOneDocument() {
	if d.second > 0 {
		at := config.Origin{Source: d.source.Name, Line: d.second, Column: 1}
		d.report(config.RuleDocumentSecond, config.Error, at, "a second document starts here, and only the first would be read; "+
			"join the two, or make this one a config of its own and refer to it under ignition.config.merge")
	}
}
