package config

import (
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// Extensions are what Firstlight has and the spec has not: members that are tagged so, where
// they belong, or else in the member "firstlight". The text of the version says so with a
// suffix, which other programs refuse. As it follows from what is in a config,
// Ignition.Version is the version of the spec alone; the suffix is read by Parse and Load,
// and printed by MarshalJSON and Save.

// ExtendedSuffix follows the version of the spec in configs with extensions:
// "3.6.0+firstlight.1".
const ExtendedSuffix = extensionsName + "1"

const (
	firstlight     = "firstlight" // the member that has all extensions
	extensionsName = "+firstlight."
	// firstExtended is the first version of the spec that can have extensions.
	firstExtended = V3_6
)

// Extended returns the versions of the spec that can have extensions, oldest first.
func Extended() []Version { return Versions()[firstExtended-V3_0:] }

// cutExtensions returns a version without the suffix of extensions, if it has it. It is a
// fault if only something like that follows the version.
func cutExtensions(normal string) (plain string, extended bool, f *fault) {
	plain, build, _ := strings.Cut(normal, "+")
	if !strings.HasPrefix(strings.ToLower(build), firstlight) {
		return normal, false, nil
	}
	known, isKnown := lookupVersion(plain)
	example := firstExtended.String() + ExtendedSuffix
	number := strings.TrimPrefix("+"+build, extensionsName)
	switch {
	case isKnown && known < firstExtended:
		return "", false, newFault(RuleVersionUnknown, "the extensions in version %s of the spec exist since version %s; write %q", quote(normal), firstExtended, example)
	case number == "1":
		return plain, true, nil
	case isWholeNumber(number):
		return "", false, newFault(RuleVersionNewer, "version %s of the spec has extensions of Firstlight that this program does not know: it knows %q; update this program", quote(normal), example)
	}
	return "", false, newFault(RuleVersionUnknown, "%s in version %s of the spec is unknown; extensions of Firstlight are %q, as in %q", quote("+"+build), quote(normal), ExtendedSuffix, example)
}

// isWholeNumber reports whether a text is a number above 0.
func isWholeNumber(s string) bool {
	return s != "" && s[0] != '0' && strings.Trim(s, "0123456789") == ""
}

// IsExtended reports whether a config has extensions.
func (c *Config) IsExtended() bool { return c.isExtended(c.encode()) }

// isExtended is IsExtended for a config with its tree.
func (c *Config) isExtended(tree *doc.Node) bool {
	found := false
	doc.EachExtension(configType, tree, func(string, *doc.Node) { found = true })
	c.eachResource(func(r *Resource) { found = found || IsSecret(ValueOr(r.Source, "")) })
	return found
}

// CheckPlain returns nil if a config has no extensions, and else a *ParseError of the kind
// ErrNotInVersion, with the place of each.
func (c *Config) CheckPlain() error {
	var problems Problems
	const without = "the plain spec"
	doc.EachExtension(configType, c.encode(), func(name string, n *doc.Node) { problems.addLost(name, n, without) })
	problems.addLostSecrets(c, without)
	if len(problems) == 0 {
		return nil
	}
	return &ParseError{ErrNotInVersion, problems}
}

// addLost adds what is wrong with an extension where there can be none. Of the member for
// those without a place of their own in the spec it is each of them.
func (p *Problems) addLost(name string, n *doc.Node, without string) {
	if name != firstlight {
		p.Add(NewProblem(RuleTranslationLoss, Error, n.Origin(), "this is an extension of Firstlight (%s), and %s does not have it; docs/extensions.md says what to write instead", name, without))
		return
	}
	for _, m := range n.Members {
		items := m.Value.Items
		if m.Value.Kind != doc.List {
			items = []*doc.Node{m.Value}
		}
		for _, item := range items {
			p.addLost(name+"."+m.Name, item, without)
		}
	}
}

// addLostSecrets adds what is wrong with sources of secrets where there can be none.
func (p *Problems) addLostSecrets(c *Config, without string) {
	c.synced().eachResource(func(r *Resource) {
		s, _ := findSecretScheme(ValueOr(r.Source, ""))
		inside := slices.ContainsFunc(*p, func(of Problem) bool { return strings.HasPrefix(r.Origin().Path, of.Origin.Path) })
		if s != nil && !inside { // else what it is in is an extension
			p.Add(NewProblem(RuleTranslationLoss, Error, r.Origin("source"), "this is an extension of Firstlight (%s), and %s does not have it; docs/extensions.md says what to write instead", s.form, without))
		}
	})
}

// printed returns the tree of a config, with the text of its version as it is printed.
func (c *Config) printed(v Version) *doc.Node {
	tree := c.saying(v.String()).encode()
	if c.isExtended(tree) {
		return c.saying(v.String() + ExtendedSuffix).encode()
	}
	return tree
}
