package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// With one set of types little is left to do for another version: what did not exist is
// absent, and what is absent means the same in all versions. But what an old version
// allows though it means nothing, later ones refuse or do: that is idle.

// TranslateTo returns a config of another version that means the same; c is not changed.
// In a later version all can be said. In an earlier one it is an error if something
// cannot: a *ParseError of the kind ErrNotInVersion with all places. Errors that c has in
// its own version, too, are not among them, nor are warnings.
func (c *Config) TranslateTo(v Version) (*Config, error) {
	from, err := c.Version()
	if err != nil {
		return nil, err
	}
	if v >= from {
		return fromTree(c.at(v.String()).encode()), nil
	}
	tree, problems := fit(c.saying(v.String()).encode(), v)
	if v < firstExtended {
		problems.addLostSecrets(c, fmt.Sprintf("version %s of the spec", v))
	}
	lower := fromTree(tree)
	var lost []Origin
	lower.idle(v, from, func(i idle) {
		if i.saysNothing {
			i.drop()
		} else {
			lost = append(lost, i.at)
		}
	})
	lower = lower.synced()
	found := validate(lower, v)
	known := validate(c.synced(), from)
	for _, p := range found {
		if p.Severity == Error && !slices.Contains(known, p) {
			p.Rule = RuleTranslationLoss
			problems.Add(p)
		}
	}
	for _, at := range lost {
		problems.Add(idleProblem(found, at, v))
	}
	if len(problems) > 0 {
		return nil, &ParseError{ErrNotInVersion, problems}
	}
	return lower, nil
}

// idleProblem is what is wrong with something that a version allows, but that does
// nothing there.
func idleProblem(found Problems, at Origin, v Version) Problem {
	i := slices.IndexFunc(found, func(p Problem) bool { return p.Origin == at })
	if i < 0 {
		return NewProblem(RuleTranslationLoss, Error, at, "this has no effect in version %s of the spec", v)
	}
	p := found[i]
	p.Severity, p.Rule = Error, RuleTranslationLoss
	return p
}

// fit returns a tree without the members that a version does not have, and problems with
// those of them that say something.
func fit(tree *doc.Node, v Version) (*doc.Node, Problems) {
	var problems Problems
	fitted := doc.Fit(configType, tree, v, func(m doc.Member, f *doc.Field, since Version) {
		if f.Extension {
			problems.addLost(m.Name, m.Value, fmt.Sprintf("version %s of the spec", v))
			return
		}
		at := m.Value.Origin()
		problems.Add(NewProblem(RuleTranslationLoss, Error, at, "%q exists since version %s of the spec, and %s does not have it", at.Key(m.Name), since, v))
	})
	return fitted, problems
}

// at returns a config that means what c means in its own version, and says that it is of
// another one, which is not earlier.
func (c *Config) at(version string) *Config {
	older, knowsOlder := lookupVersion(strings.TrimSuffix(c.Ignition.Version, ExtendedSuffix))
	newer, knowsNewer := lookupVersion(strings.TrimSuffix(version, ExtendedSuffix))
	if knowsOlder && knowsNewer {
		c = c.withoutIdle(older, newer)
	}
	return c.saying(version)
}

// saying returns a config that says a version. All else is the same.
func (c *Config) saying(version string) *Config {
	if c.Ignition.Version == version {
		return c
	}
	out := *c
	out.Ignition.Version = version
	return &out
}

// withoutIdle returns c if there is nothing idle in it, or else a copy without that.
func (c *Config) withoutIdle(older, newer Version) *Config {
	found := false
	c.idle(older, newer, func(idle) { found = true })
	if !found {
		return c
	}
	out := c.Clone()
	out.idle(older, newer, func(i idle) { i.drop() })
	return out
}

// dropIdle drops what is idle in a config of a version that was just read.
func (c *Config) dropIdle(version Version) *Config {
	dropped := false
	c.idle(version, Newest, func(i idle) { i.drop(); dropped = true })
	if dropped {
		return c.synced()
	}
	return c
}

// Type idle is a value that has no effect in an older version of the spec, and that a
// newer one refuses, or where it has an effect.
type idle struct {
	at          Origin
	drop        func()
	saysNothing bool
}

// idle visits all that is idle between two versions.
func (c *Config) idle(older, newer Version, visit func(idle)) {
	crosses := func(since Version) bool { return older < since && since <= newer }
	if crosses(V3_1) {
		idleReferences(&c.Ignition.Config, visit)
	}
	if crosses(V3_3) {
		idlePins(c.Storage.Luks, visit)
	}
	if crosses(V3_6) {
		for i := range c.Storage.Files {
			idleBits(&c.Storage.Files[i].Object, c.Storage.Files[i].Mode, visit)
		}
		for i := range c.Storage.Directories {
			idleBits(&c.Storage.Directories[i].Object, c.Storage.Directories[i].Mode, visit)
		}
	}
}

// idleBits visits setuid, setgid and sticky bits, which had no effect before version
// 3.6.0.
func idleBits(o *Object, mode *int, visit func(idle)) {
	const permissions = 0o777
	if ValueOr(mode, 0) > permissions {
		visit(idle{at: o.Origin("mode"), drop: func() { *mode &= permissions }})
	}
}

// idleReferences visits references to configs that lead nowhere, and the hash of a
// replacing config without source. Version 3.0.0 allowed both.
func idleReferences(r *ConfigReferences, visit func(idle)) {
	for i := len(r.Merge) - 1; i >= 0; i-- {
		if m := &r.Merge[i]; !NonZero(m.Source) {
			visit(idle{at: m.Origin(), drop: func() { r.Merge = slices.Delete(r.Merge, i, i+1) }})
		}
	}
	if v := &r.Replace.Verification; r.Replace.Source == nil && (v.IsPresent() || v.Hash != nil) {
		visit(idle{v.Origin("hash"), func() { *v = Verification{} }, v.Hash == nil})
	}
}

// idlePins visits custom clevis pins that say nothing but that they need the network,
// which version 3.2.0 allowed.
func idlePins(volumes []Luks, visit func(idle)) {
	for i := range volumes {
		if c := &volumes[i].Clevis.Custom; !NonZero(c.Pin) && (c.IsPresent() || c.NeedsNetwork != nil) {
			visit(idle{c.Origin(), func() { *c = ClevisCustom{} }, c.NeedsNetwork == nil && !NonZero(c.Config)})
		}
	}
}
