package config

import (
	"reflect"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// Extensions are what Firstlight has and the spec has not: the member "firstlight". The
// text of the version says so with a suffix, which other programs refuse. As it follows
// from what is in a config, Ignition.Version is the version of the spec alone; the suffix is
// read by Parse and Load, and printed by MarshalJSON and Save.

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

// IsExtended reports whether a config has extensions: members of Firstlight.
func (c *Config) IsExtended() bool { return !doc.SaysNothing(c.Firstlight.encode()) }

func (f *Firstlight) encode() *doc.Node { return doc.Encode(reflect.ValueOf(f).Elem()) }

// CheckPlain returns nil if a config has no extensions, and else a *ParseError of the kind
// ErrNotInVersion, with the place of each.
func (c *Config) CheckPlain() error {
	problems := notPlain(c.Firstlight.encode(), "the plain spec")
	if len(problems) == 0 {
		return nil
	}
	return &ParseError{ErrNotInVersion, problems}
}

// notPlain has a problem for each extension in the member that has them.
func notPlain(extensions *doc.Node, without string) (problems Problems) {
	for _, m := range extensions.Members {
		items := m.Value.Items
		if m.Value.Kind != doc.List {
			items = []*doc.Node{m.Value}
		}
		for _, item := range items {
			problems.Add(NewProblem(RuleTranslationLoss, Error, item.Origin(), "this is an extension of Firstlight (%s.%s), and %s does not have it; docs/extensions.md says what to write instead", firstlight, m.Name, without))
		}
	}
	return problems
}

// printed returns a config with the text of its version as it is printed.
func (c *Config) printed(v Version) *Config {
	if c.IsExtended() {
		return c.saying(v.String() + ExtendedSuffix)
	}
	return c.saying(v.String())
}

// withoutIdleExtensions returns a tree without the member for extensions if there is nothing
// in it.
func withoutIdleExtensions(root *doc.Node) *doc.Node {
	m := root.Member(firstlight)
	if m == nil || !doc.SaysNothing(m) {
		return root
	}
	out := *root
	out.Members = slices.Clone(root.Members)
	out.Remove(firstlight)
	return &out
}
