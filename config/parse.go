package config

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// Parse reads a config of any supported version and validates it by the rules of that
// version, which it keeps: it is what is printed, unless TranslateTo is asked for another.
// The name says in messages which config this is.
//
// The text has to be plain; see Unpack. It must not be changed afterwards: strings of the
// config are parts of it. A text that is no config is named if it is known what it is.
//
// What an old version allows though it means nothing is left out of the config: special
// bits of modes before 3.6.0, references without a source in 3.0.0, custom pins of clevis
// without a name before 3.3.0. So the config means the same in all later versions.
//
// The problems are complete whether the config is refused or not. The error, if
// any, is a *ParseError and wraps ErrEmpty, ErrInvalid, ErrNoVersion or
// ErrUnknownVersion.
func Parse(text []byte, name string) (*Config, Problems, error) {
	if len(text) == 0 {
		return nil, nil, &ParseError{Kind: ErrEmpty}
	}
	root, err := doc.ReadJSON(text, &doc.Source{Name: name})
	if err != nil {
		refusal := SyntaxError(err).Recognize(text)
		return nil, refusal.Problems, refusal
	}
	cfg, problems, err := FromTree(root)
	var refusal *ParseError
	if errors.Is(err, ErrNoVersion) && errors.As(err, &refusal) {
		refusal = refusal.Recognize(text)
		return nil, refusal.Problems, refusal
	}
	return cfg, problems, err
}

// ParseUpTo is Parse for programs that know no version after a certain one: a newer config
// is refused, with ErrUnknownVersion, and one with extensions, with ErrNotInVersion.
func ParseUpTo(newest Version, text []byte, name string) (*Config, Problems, error) {
	cfg, problems, err := Parse(text, name)
	if err != nil {
		return nil, problems, err
	}
	if err := cfg.CheckPlain(); err != nil {
		return nil, err.(*ParseError).Problems, err
	}
	if version, _ := cfg.Version(); version > newest {
		refusal := &ParseError{ErrUnknownVersion, Problems{NewProblem(RuleVersionNewer, Error, cfg.Ignition.Origin("version"),
			"version %s of the spec is newer than %s, up to which configs are accepted here; lower it with \"firstlightctl translate --to %s\"", quote(version.String()), newest, newest)}}
		return nil, refusal.Problems, refusal
	}
	return cfg, problems, nil
}

// SyntaxError turns what the reader of JSON in package doc returns into a refusal.
func SyntaxError(err error) *ParseError {
	at := new(doc.SyntaxError)
	if !errors.As(err, &at) {
		at.Message = err.Error()
	}
	kind, rule := ErrInvalid, RuleSyntaxJSON
	if at.CutOff {
		kind, rule = ErrCutOff, RuleDocumentCutOff
	}
	return &ParseError{kind, Problems{NewProblem(rule, Error, at.Origin, "%s", at.Message)}}
}

// FromTree is Parse after the syntax. It is for package butane, whose trees
// come from YAML. It takes the tree over.
func FromTree(root *doc.Node) (*Config, Problems, error) {
	version, extended, err := versionOf(root)
	if err != nil {
		return nil, err.Problems, err
	}
	c := &normalizer{root: configType, version: version, extended: extended}
	c.object(root, configType)
	cfg := fromTree(doc.WithoutIdleExtensions(configType, root))
	problems := append(c.problems, unrelated(validateRead(cfg, version, extended), c.problems)...)
	if problems.HasErrors() {
		return nil, problems, &ParseError{ErrInvalid, problems}
	}
	cfg.setVersion(version)
	return cfg.dropIdle(version), problems, nil
}

// setVersion sets the version in a config that was just read, without what NormalVersion
// drops, and without the suffix of extensions, which follows from what is in it.
func (c *Config) setVersion(v Version) {
	c.Ignition.Version = v.String()
	doc.NodeOf(c.Ignition.Object).Member("version").Text = c.Ignition.Version
}

// unrelated returns those of the problems found by rules that do not follow from errors
// of types: what has the wrong type was dropped, so that it is missing in its object.
func unrelated(found, types Problems) Problems {
	if !types.HasErrors() {
		return found
	}
	var wrong []string // paths
	objects := map[string]bool{}
	for _, p := range types {
		if p.Severity == Error {
			wrong = append(wrong, p.Origin.Path)
			objects[objectOf(p.Origin.Path)] = true
		}
	}
	slices.Sort(wrong)
	return slices.DeleteFunc(found, func(p Problem) bool {
		path := p.Origin.Path
		i, _ := slices.BinarySearch(wrong, path)
		holdsWrong := i < len(wrong) && strings.HasPrefix(wrong[i], path)
		return p.Severity != Error || objects[objectOf(path)] || holdsWrong
	})
}

// objectOf is the path of the object, or list, that a value is in.
func objectOf(path string) string {
	return path[:max(strings.LastIndexAny(path, ".["), 0)]
}

// fromTree makes the typed form of a normalized tree.
func fromTree(root *doc.Node) *Config {
	cfg := new(Config)
	doc.Decode(reflect.ValueOf(cfg).Elem(), root)
	return cfg
}

// versionOf returns the version of a document, and whether it can have extensions. It
// looks at nothing else of the document.
func versionOf(root *doc.Node) (v Version, extended bool, refusal *ParseError) {
	at, normal, err := VersionText(root)
	if err != nil {
		return 0, false, err
	}
	fail := func(r Rule, kind error, format string, args ...any) (Version, bool, *ParseError) {
		return 0, false, &ParseError{kind, Problems{NewProblem(r, Error, at.Origin(), format, args...)}}
	}
	normal, extended, f := cutExtensions(normal)
	if f != nil {
		return fail(f.rule, ErrUnknownVersion, "%s", f.message)
	}
	if known, ok := lookupVersion(normal); ok {
		return known, extended, nil
	}
	if strings.HasPrefix(normal, "2.") {
		return fail(RuleVersionSpec2, ErrSpec2, "version %s is of spec 2, another language than spec 3; translate the config with \"firstlightctl translate\"", quote(at.Text))
	}
	if isNewer(normal) {
		return fail(RuleVersionNewer, ErrUnknownVersion, "version %s of the spec is newer than this program knows, which is up to %s; lower it with \"firstlightctl translate --to\" of a newer release, or update this program", quote(at.Text), Newest)
	}
	return fail(RuleVersionUnknown, ErrUnknownVersion, "version %s of the spec is not supported; supported are %s", quote(at.Text), versionList())
}

// VersionText returns the version of a document as it should be written, known or
// not, and where it stands. It looks at nothing else of the document. The error
// has the kind ErrNoVersion or ErrInvalid.
func VersionText(root *doc.Node) (at *doc.Node, normal string, err *ParseError) {
	fail := func(r Rule, kind error, n *doc.Node, format string, args ...any) (*doc.Node, string, *ParseError) {
		return nil, "", &ParseError{kind, Problems{NewProblem(r, Error, n.Origin(), format, args...)}}
	}
	if root.Kind == doc.Null {
		return fail(RuleVersionMissing, ErrNoVersion, root, "this is null and has no ignition.version")
	}
	if root.Kind != doc.Map {
		return fail(RuleDocumentKind, ErrInvalid, root, "a config is a JSON object, this is %s", root.Kind)
	}
	at = memberAnyCase(root, "ignition", "version")
	if first := root.Member("ignitionVersion"); at == nil && first != nil {
		return fail(RuleVersionSpec1, ErrNoVersion, first, "this is a config of spec 1, which is translated no more; write it anew, in Butane or in version %s of the spec", Stable)
	}
	if at == nil || at.Kind == doc.Null {
		return fail(RuleVersionMissing, ErrNoVersion, root, "there is no ignition.version; a config starts with {\"ignition\": {\"version\": \"%s\"}}", Stable)
	}
	if at.Kind != doc.Map {
		return fail(RuleValueType, ErrInvalid, at, "ignition is %s, an object is expected", at.Kind)
	}
	v := memberAnyCase(at, "version", "")
	switch {
	case v == nil || v.Kind == doc.Null || v.Kind == doc.String && v.Text == "":
		return fail(RuleVersionMissing, ErrNoVersion, at, "there is no ignition.version; it should say which version of the spec this is, such as %q", Stable)
	case v.Kind != doc.String:
		return fail(RuleValueType, ErrInvalid, v, "ignition.version is %s, a string is expected", v.Kind)
	}
	normal, ok := doc.NormalVersion(v.Text)
	if !ok {
		return fail(RuleVersionForm, ErrNoVersion, v, "%s is not a version of the spec; it should be like %q", quote(v.Text), Stable)
	}
	return v, normal, nil
}

// isNewer reports whether a version that is not known is one after the newest.
func isNewer(normal string) bool {
	return slices.Compare(versionNumbers(normal), versionNumbers(Newest.String())) >= 0
}

// versionNumbers returns the three numbers of a version.
func versionNumbers(normal string) (numbers []int) {
	core, _, _ := strings.Cut(normal, "-")
	core, _, _ = strings.Cut(core, "+")
	for part := range strings.SplitSeq(core, ".") {
		number, _ := strconv.Atoi(part) // a whole number, or normal would be no version
		numbers = append(numbers, number)
	}
	return numbers
}

// memberAnyCase is Member without regard to case, as the reference accepts it. Of
// several that are objects the last is taken that has a certain member, if any.
func memberAnyCase(n *doc.Node, name, with string) *doc.Node {
	var last *doc.Node
	for _, m := range slices.Backward(n.Members) {
		if !strings.EqualFold(m.Name, name) {
			continue
		}
		if with == "" || m.Value.Kind != doc.Map || memberAnyCase(m.Value, with, "") != nil {
			return m.Value
		}
		last = cmp.Or(last, m.Value)
	}
	return last
}

func versionList() string {
	var names []string
	for _, v := range Versions() {
		names = append(names, v.String())
	}
	return strings.Join(names, ", ")
}

// New returns a config with nothing but its version, to be filled in.
func New(v Version) *Config {
	return &Config{Ignition: Ignition{Version: v.String()}}
}

// Version returns the version of the spec that a config says, in which it is printed,
// whether it has extensions or not; see IsExtended. The
// error is a *ParseError of the kind ErrNoVersion if it is unset, and ErrUnknownVersion if
// this package does not know it.
func (c *Config) Version() (Version, error) {
	v, known := lookupVersion(strings.TrimSuffix(c.Ignition.Version, ExtendedSuffix))
	if known {
		return v, nil
	}
	rule, kind, message := RuleVersionUnknown, ErrUnknownVersion, fmt.Sprintf("there is no version %s of the spec; there are %s", quote(c.Ignition.Version), versionList())
	if c.Ignition.Version == "" {
		rule, kind, message = RuleVersionMissing, ErrNoVersion, "ignition.version is not set; config.New sets it"
	}
	return 0, &ParseError{kind, Problems{NewProblem(rule, Error, c.Ignition.Origin("version"), "%s", message)}}
}
