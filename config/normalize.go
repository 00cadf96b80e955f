package config

import (
	"iter"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/internal/doc"
)

var configType = reflect.TypeFor[Config]()

// A normalizer compares a document with the types of one version. What it leaves
// has only known members, spelled right, each once, of the right type, and no
// nulls.
type normalizer struct {
	root    reflect.Type
	version Version
	// extended reports whether the version has extensions. Strict is set in them: no
	// program that tolerates anything there has to be agreed with.
	extended, strict bool
	problems         Problems
}

// Normalize compares a document with the type of its root in one version, and
// leaves of it what fits. It is for package spec2, whose types are others.
func Normalize(root *doc.Node, t reflect.Type, version Version) Problems {
	c := &normalizer{root: t, version: version}
	c.object(root, t)
	return c.problems
}

func (c *normalizer) report(r Rule, s Severity, o Origin, format string, args ...any) {
	if c.strict && s != Error {
		r, s = RuleExtensionKey, Error
	}
	c.problems.Add(NewProblem(r, s, o, format, args...))
}

// object normalizes n, which is of type t, in place.
func (c *normalizer) object(n *doc.Node, t reflect.Type) {
	fields := doc.FieldsOf(t)
	kept := n.Members[:0]
	for _, m := range n.Members {
		f := c.lookUp(n, m, t, fields)
		if f == nil {
			continue
		}
		if m.Value.Kind == doc.Null {
			if f.IsObject() {
				c.report(RuleValueNull, Warning, m.Value.Origin(), "%s is null, an object is expected here; it counts as absent", f.Name)
			} else {
				kept = c.unset(kept, f.Name, m.Value)
			}
			continue
		}
		// Butane's keys stay: they are what the user sees.
		if m.Name != f.Name {
			m.Name, m.Value.Key = f.Name, f.Name
		}
		if !c.value(m.Value, f) {
			continue
		}
		kept = c.addMember(kept, m)
	}
	n.Members = kept
}

// addMember keeps the last of two members of one name. Two objects are one, as
// in the reference. As only names of the spec are kept, there are few to look
// through.
func (c *normalizer) addMember(kept []doc.Member, m doc.Member) []doc.Member {
	for i := range kept {
		before := &kept[i]
		switch {
		case before.Name != m.Name:
			continue
		case m.Value.Kind == doc.Map:
			c.report(RuleKeyTwice, Warning, m.Value.Origin(), "%q was given before at line %d, column %d; the two count as one", m.Name, before.Line, before.Column)
			for _, more := range m.Value.Members {
				before.Value.Members = c.addMember(before.Value.Members, more)
			}
		default:
			c.report(RuleKeyTwice, Warning, m.Value.Origin(), "%q was given before at line %d, column %d; only this one counts", m.Name, before.Line, before.Column)
			*before = m
		}
		return kept
	}
	return append(kept, m)
}

// unset removes a member that a later null of the same name takes back.
func (c *normalizer) unset(kept []doc.Member, name string, null *doc.Node) []doc.Member {
	for i := range kept {
		if kept[i].Name == name {
			c.report(RuleKeyTwice, Warning, null.Origin(), "%q was given before at line %d, column %d; this null takes it back", name, kept[i].Line, kept[i].Column)
			return slices.Delete(kept, i, i+1)
		}
	}
	return kept
}

// lookUp returns the field that a member's name stands for. Like the reference it
// accepts a wrong case, with a warning.
func (c *normalizer) lookUp(n *doc.Node, m doc.Member, t reflect.Type, fields []doc.Field) *doc.Field {
	f := find(fields, func(f *doc.Field) bool { return f.Name == m.Name })
	if f == nil {
		f = find(fields, func(f *doc.Field) bool { return strings.EqualFold(f.Name, m.Name) })
	}
	switch {
	case f == nil:
		c.warn(RuleKeyUnknown, n, m, "%q is not a key of the spec here and has no effect%s", m.Name, c.keyFinder().Hint(n, t, m.Name))
	case f.Extension && !c.extended:
		c.report(RuleExtensionVersion, Error, m.Value.Origin(), "%q has extensions of Firstlight, which version %s of the spec does not have; write \"version\": %q, so that programs without them refuse this config",
			f.Name, c.version, max(c.version, firstExtended).String()+ExtendedSuffix)
		return nil
	case f.SinceIn(n) > c.version:
		c.warn(RuleKeySince, n, m, "%q exists since version %s of the spec, this config says %s: it has no effect", m.Name, f.SinceIn(n), c.version)
		return nil
	case f.Name != m.Name:
		c.warn(RuleKeyCase, n, m, "%q should be written %q", m.Name, f.Name)
	}
	return f
}

// keyFinder finds keys of the config's version.
func (c *normalizer) keyFinder() *doc.KeyFinder {
	return &doc.KeyFinder{Root: c.root, Keys: func(object reflect.Type) iter.Seq2[string, reflect.Type] {
		return func(yield func(string, reflect.Type) bool) {
			for _, f := range doc.FieldsOf(object) {
				if f.Since <= c.version && (c.extended || !f.Extension) && !yield(f.Name, f.Type) {
					return
				}
			}
		}
	}}
}

func find(fields []doc.Field, is func(*doc.Field) bool) *doc.Field {
	for i := range fields {
		if is(&fields[i]) {
			return &fields[i]
		}
	}
	return nil
}

// warn is about the name of a member of n.
func (c *normalizer) warn(r Rule, n *doc.Node, m doc.Member, format string, args ...any) {
	at := Origin{Source: n.Source.String(), Line: int(m.Line), Column: int(m.Column), Path: m.Value.Path()}
	c.report(r, Warning, at, format, args...)
}

// value normalizes n, and reports whether it is of the kind of f.
func (c *normalizer) value(n *doc.Node, f *doc.Field) bool {
	if n.Kind != f.Kind {
		c.report(RuleValueType, Error, n.Origin(), "this is %s, but %s is expected", n.Kind, f.Kind)
		return false
	}
	if f.Extension && !c.strict {
		c.strict = true
		defer func() { c.strict = false }()
	}
	switch f.Kind {
	case doc.Map:
		c.object(n, f.Type)
	case doc.List:
		c.list(n, f.Item)
	case doc.String:
		c.noNUL(n, f)
		if f.Name == "source" && !c.extended {
			return c.plainSource(n)
		}
	case doc.Number:
		if _, err := strconv.ParseInt(n.Text, 10, 64); err != nil {
			c.report(RuleNumberForm, Error, n.Origin(), "%s is not a whole number that fits 64 bits, written in plain digits", n.Text)
			return false
		}
		if n.Text == "-0" { // the only whole number that JSON has two spellings of
			n.Text = "0"
		}
	}
	return true
}

// noNUL refuses the character that ends what is passed to the system, in all values
// that are: a path, a name or an argument. What is written into files may have it, and
// URLs have rules of their own.
func (c *normalizer) noNUL(n *doc.Node, f *doc.Field) {
	switch f.Name {
	case "contents", "source", "version":
	default:
		if strings.IndexByte(n.Text, 0) >= 0 {
			c.report(RuleNULCharacter, Error, n.Origin(), "there is a NUL character in this, which is not possible")
		}
	}
}

// plainSource reports whether a source is one of the spec.
func (c *normalizer) plainSource(n *doc.Node) bool {
	s, _ := findSecretScheme(n.Text)
	if s == nil {
		return true
	}
	c.report(RuleExtensionVersion, Error, n.Origin(), "sources like %s are extensions of Firstlight, which version %s of the spec does not have; write \"version\": %q, so that programs without them refuse this config",
		s.form, c.version, max(c.version, firstExtended).String()+ExtendedSuffix)
	return false
}

// list normalizes the items of n. A null stands for an empty item, as in the reference.
func (c *normalizer) list(n *doc.Node, item *doc.Field) {
	kept := n.Items[:0]
	for _, i := range n.Items {
		if i.Kind == doc.Null {
			i.Kind = item.Kind
			if i.Kind == doc.Map {
				c.report(RuleValueNull, Warning, i.Origin(), "this item is null, an object is expected here; it counts as an empty one")
			}
		} else if !c.value(i, item) {
			continue
		}
		kept = append(kept, i)
	}
	n.Items = kept
}
