package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
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
func (c *cleaner) object(n *node, t reflect.Type) {
	fields := fieldsOf(t)
	kept := n.members[:0]
	for _, m := range n.members {
		f := c.lookUp(n, m, fields)
		if f == nil {
			continue
		}
		if m.value.kind == nullNode {
			if f.isObject() {
				c.report(Warning, m.value.origin(), "%s is null, an object is expected here; it counts as absent", f.name)
			}
			continue
		}
		m.name, m.value.key = f.name, f.name
		if !c.value(m.value, f.typ) {
			continue
		}
		kept = c.addMember(kept, m)
	}
	n.members = kept
}

// addMember keeps the last of two members of one name.
func (c *cleaner) addMember(kept []member, m member) []member {
	for i := range kept {
		if kept[i].name == m.name {
			c.report(Warning, m.value.origin(), "%q was given before at line %d, column %d; only this one counts", m.name, kept[i].line, kept[i].column)
			kept[i] = m
			return kept
		}
	}
	return append(kept, m)
}

// lookUp finds the field that a member's name means. Like the reference it
// forgives a wrong case, with a warning.
func (c *cleaner) lookUp(n *node, m member, fields []field) *field {
	var found *field
	for i := range fields {
		if fields[i].name == m.name {
			found = &fields[i]
			break
		}
		if found == nil && strings.EqualFold(fields[i].name, m.name) {
			found = &fields[i]
		}
	}
	warn := func(format string, args ...any) {
		at := Origin{Source: n.source.name(), Line: int(m.line), Column: int(m.column), Path: m.value.path()}
		c.report(Warning, at, format, args...)
	}
	switch {
	case found == nil:
		warn("%q is not a key of the spec here and has no effect", m.name)
	case found.sinceIn(n) > c.version:
		warn("%q exists since version %s of the spec, this config says %s: it has no effect", m.name, found.sinceIn(n), c.version)
		return nil
	case found.name != m.name:
		warn("%q should be written %q", m.name, found.name)
	}
	return found
}

// value cleans n, and tells whether it is of type t.
func (c *cleaner) value(n *node, t reflect.Type) bool {
	want := kindOf(t)
	if n.kind != want {
		c.report(Error, n.origin(), "this is %s, but %s is expected", n.kind, want)
		return false
	}
	switch want {
	case objectNode:
		c.object(n, t)
	case arrayNode:
		return c.list(n, t.Elem())
	case numberNode:
		number, err := strconv.ParseInt(n.text, 10, 64)
		if err != nil {
			c.report(Error, n.origin(), "%s is not a whole number that fits 64 bits, written in plain digits", n.text)
			return false
		}
		n.text = strconv.FormatInt(number, 10) // -0 is 0
	}
	return true
}

// list cleans the items of n. A null stands for an empty item, as in the reference.
func (c *cleaner) list(n *node, item reflect.Type) bool {
	ok := true
	for _, i := range n.items {
		if i.kind == nullNode {
			i.kind = kindOf(item)
			if i.kind == objectNode {
				c.report(Warning, i.origin(), "this item is null, an object is expected here; it counts as an empty one")
			}
			continue
		}
		ok = c.value(i, item) && ok
	}
	return ok
}

func kindOf(t reflect.Type) nodeKind {
	switch t.Kind() {
	case reflect.Struct:
		return objectNode
	case reflect.Slice:
		return arrayNode
	case reflect.String:
		return stringNode
	case reflect.Bool:
		return boolNode
	default:
		return numberNode
	}
}

// fill sets v, and what is in it, from a clean tree.
func fill(v reflect.Value, n *node) {
	switch n.kind {
	case objectNode:
		fillObject(v, n)
	case arrayNode:
		v.Set(reflect.MakeSlice(v.Type(), len(n.items), len(n.items)))
		for i, item := range n.items {
			fill(v.Index(i), item)
		}
	case stringNode:
		v.SetString(n.text)
	case boolNode:
		v.SetBool(n.text == "true")
	case numberNode:
		number, _ := strconv.ParseInt(n.text, 10, 64)
		v.SetInt(number)
	}
}

func fillObject(v reflect.Value, n *node) {
	setPlace(v, n)
	fields := fieldsOf(v.Type())
	for i := range fields {
		f := &fields[i]
		m := n.member(f.name)
		dst := v.Field(f.index)
		switch {
		case m != nil && dst.Kind() == reflect.Pointer:
			dst.Set(reflect.New(f.typ))
			fill(dst.Elem(), m)
		case m != nil:
			fill(dst, m)
		case f.isObject():
			setAbsent(dst, n)
		}
	}
}

// setPlace tells an object where it stood. Object is the first field of all types.
func setPlace(v reflect.Value, n *node) { v.Field(0).Set(reflect.ValueOf(Object{n})) }

// setAbsent makes an absent object an empty one at the place of what is around
// it, and so for the objects in it.
func setAbsent(v reflect.Value, n *node) {
	setPlace(v, n)
	fields := fieldsOf(v.Type())
	for i := range fields {
		if fields[i].isObject() {
			setAbsent(v.Field(fields[i].index), n)
		}
	}
}
