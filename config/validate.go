package config

import (
	"fmt"
	"path"
	"reflect"
	"strings"
)

// validate checks a filled config by the rules of one version.
func validate(c *Config, version Version) Problems {
	v := &validator{version: version}
	v.config(c)
	v.duplicates(configType, c.node)
	return v.problems
}

// Check applies the rules of the newest version to a config that was merged
// from several. Each of them was valid, yet together they may not be: one gives
// a user's id, another the name. Duplicates cannot come from merging and are
// not looked for.
func (c *Config) Check() Problems {
	v := &validator{version: Newest}
	v.config(c)
	return v.problems
}

// A validator collects what breaks the rules of one version. Its methods follow
// the objects of the spec, in the order of their names.
type validator struct {
	version  Version
	problems Problems
}

func (v *validator) error(at Origin, format string, args ...any) {
	v.problems = append(v.problems, Problem{Error, at, fmt.Sprintf(format, args...)})
}

func (v *validator) warn(at Origin, format string, args ...any) {
	v.problems = append(v.problems, Problem{Warning, at, fmt.Sprintf(format, args...)})
}

// config checks everything but duplicates. There are no rules for kernel
// arguments, users and groups: what they may be is up to the system's programs.
func (v *validator) config(c *Config) {
	v.ignition(&c.Ignition)
	v.storage(&c.Storage)
	v.systemd(&c.Systemd)
	v.unitFiles(c)
}

// absolute checks that a value is an absolute path in its simplest form.
func (v *validator) absolute(value string, o Object, at ...any) {
	switch simple := path.Clean(value); {
	case value == "":
		v.error(o.Origin(at...), "a path is missing here; it should be absolute, like \"/dev/disk/by-id/virtio-data\" or \"/etc/hostname\"")
	case value[0] != '/':
		v.error(o.Origin(at...), "the path %s is not absolute; it should start with a slash", quote(value))
	case simple != value:
		v.error(o.Origin(at...), "the path %s is not in its simplest form; write %s", quote(value), quote(simple))
	}
}

// bytesAtMost checks the length of a label. Limits are in bytes, not letters.
func (v *validator) bytesAtMost(limit int, what, value string, o Object, member string) {
	if len(value) > limit {
		v.error(o.Origin(member), "%s is %d bytes long, at most %d are possible", what, len(value), limit)
	}
}

// duplicates walks the whole tree. What makes two items of a list the same is
// in the spec tags of types.go.
func (v *validator) duplicates(t reflect.Type, n *node) {
	fields := fieldsOf(t)
	shared := map[string]*node{}
	for i := range fields {
		f := &fields[i]
		m := n.member(f.name)
		switch {
		case m == nil:
		case f.isObject():
			v.duplicates(f.typ, m)
		case f.isList():
			seen := shared
			if !f.shared {
				seen = make(map[string]*node, len(m.items))
			}
			v.duplicateItems(f, m.items, seen)
		}
	}
}

func (v *validator) duplicateItems(f *field, items []*node, seen map[string]*node) {
	for _, item := range items {
		// Partitions have stricter rules of their own.
		if key, ok := f.keyOf(item); ok && f.key != "number|label" {
			if first := seen[key]; first != nil {
				v.error(item.origin(), "%s is already %s, line %d, column %d; leave one of the two",
					f.describe(key), first.path(), first.line, first.column)
			} else {
				seen[key] = item
			}
		}
		if f.typ.Elem().Kind() == reflect.Struct {
			v.duplicates(f.typ.Elem(), item)
		}
	}
}

// describe names an item by its key. A source may hold secrets.
func (f *field) describe(key string) string {
	switch f.key {
	case ".":
		return quote(key)
	case "source":
		return "this source"
	}
	return fmt.Sprintf("the %s %s", f.key, quote(key))
}

// quote is a value for messages, which must stay readable on a console.
func quote(s string) string {
	const longest = 80 // bytes, one line of a console
	if len(s) > longest {
		return fmt.Sprintf("%q...", strings.ToValidUTF8(s[:longest], ""))
	}
	return fmt.Sprintf("%q", s)
}
