package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/config/internal/tree"
)

var configType = reflect.TypeFor[Config]()

// A cleaner compares a document with the types of one version. What it leaves
// has only known members, spelled right, each once, of the right type, and no
// nulls.
type cleaner struct {
	version  Version
	problems Problems
}

func (c *cleaner) report(s Severity, o Origin, format string, args ...any) {
	c.problems = append(c.problems, Problem{s, o, fmt.Sprintf(format, args...)})
}

// object cleans n in place.
func (c *cleaner) object(n *tree.Node, t reflect.Type) {
	fields := tree.FieldsOf(t)
	kept := n.Members[:0]
	for _, m := range n.Members {
		f := c.lookUp(n, m, fields)
		if f == nil {
			continue
		}
		if m.Value.Kind == tree.Null {
			if f.IsObject() {
				c.report(Warning, m.Value.Origin(), "%s is null, an object is expected here; it counts as absent", f.Name)
			}
			continue
		}
		if m.Name != f.Name {
			m.Name, m.Value.Key = f.Name, f.Name
		}
		if !c.value(m.Value, f.Type) {
			continue
		}
		kept = c.addMember(kept, m)
	}
	n.Members = kept
}

// addMember keeps the last of two members of one name.
func (c *cleaner) addMember(kept []tree.Member, m tree.Member) []tree.Member {
	for i := range kept {
		if kept[i].Name == m.Name {
			c.report(Warning, m.Value.Origin(), "%q was given before at line %d, column %d; only this one counts", m.Name, kept[i].Line, kept[i].Column)
			kept[i] = m
			return kept
		}
	}
	return append(kept, m)
}

// lookUp finds the field that a member's name means. Like the reference it
// forgives a wrong case, with a warning.
func (c *cleaner) lookUp(n *tree.Node, m tree.Member, fields []tree.Field) *tree.Field {
	var found *tree.Field
	for i := range fields {
		if fields[i].Name == m.Name {
			found = &fields[i]
			break
		}
		if found == nil && strings.EqualFold(fields[i].Name, m.Name) {
			found = &fields[i]
		}
	}
	warn := func(format string, args ...any) {
		at := Origin{Source: n.Source.String(), Line: int(m.Line), Column: int(m.Column), Path: m.Value.Path()}
		c.report(Warning, at, format, args...)
	}
	switch {
	case found == nil:
		warn("%q is not a key of the spec here and has no effect", m.Name)
	case found.SinceIn(n) > c.version:
		warn("%q exists since version %s of the spec, this config says %s: it has no effect", m.Name, found.SinceIn(n), c.version)
		return nil
	case found.Name != m.Name:
		warn("%q should be written %q", m.Name, found.Name)
	}
	return found
}

// value cleans n, and tells whether it is of type t.
func (c *cleaner) value(n *tree.Node, t reflect.Type) bool {
	want := tree.KindOf(t)
	if n.Kind != want {
		c.report(Error, n.Origin(), "this is %s, but %s is expected", n.Kind, want)
		return false
	}
	switch want {
	case tree.Map:
		c.object(n, t)
	case tree.List:
		return c.list(n, t.Elem())
	case tree.Number:
		number, err := strconv.ParseInt(n.Text, 10, 64)
		if err != nil {
			c.report(Error, n.Origin(), "%s is not a whole number that fits 64 bits, written in plain digits", n.Text)
			return false
		}
		n.Text = strconv.FormatInt(number, 10) // -0 is 0
	}
	return true
}

// list cleans the items of n. A null stands for an empty item, as in the reference.
func (c *cleaner) list(n *tree.Node, item reflect.Type) bool {
	ok := true
	for _, i := range n.Items {
		if i.Kind == tree.Null {
			i.Kind = tree.KindOf(item)
			if i.Kind == tree.Map {
				c.report(Warning, i.Origin(), "this item is null, an object is expected here; it counts as an empty one")
			}
			continue
		}
		ok = c.value(i, item) && ok
	}
	return ok
}
