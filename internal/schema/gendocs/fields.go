package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
	"github.com/firstlight-os/firstlight/internal/doc"
	"github.com/firstlight-os/firstlight/internal/schema"
)

const head = `# Fields of configs

<!-- Made by go generate ./internal/schema from comments in config/types.go and
config/butane/schema.go. Change those, not this. -->

All members of configs, in Ignition's JSON and in Butane's YAML. Each section is
one kind of object; below its name stand the places where it can be. Names are
the same in both languages, but for their spelling: ` + "`wipeTable` is `wipe_table`" + `.
What is not required can be left out; a boolean that is left out is false, if its
meaning does not say otherwise. *Since* is the version of the spec, and for
what only Butane has that of Butane. [config.md](config.md) is an introduction.

## Versions

Each version of a Butane variant stands for one version of the spec, and has what
that version has.

`

// A reference is docs/fields.md while it is made.
type reference struct {
	strings.Builder
	spec     []*schemaOf // by version, the oldest first
	dialects []*schemaOf
	done     map[string]bool
}

// A schemaOf is the schema of a version or dialect.
type schemaOf struct {
	*node
	variant, version string
	spec             config.Version
}

func fields(string) ([]byte, error) {
	r := &reference{done: map[string]bool{}}
	for _, v := range config.Versions() {
		n, err := read(schema.Ignition(v))
		if err != nil {
			return nil, err
		}
		r.spec = append(r.spec, &schemaOf{n, "", v.String(), v})
	}
	for _, d := range butane.Dialects() {
		n, err := read(schema.Butane(d))
		if err != nil {
			return nil, err
		}
		r.dialects = append(r.dialects, &schemaOf{n, d.Variant, d.Version, d.Spec})
	}
	r.WriteString(head)
	r.versions()
	newest := r.spec[len(r.spec)-1]
	r.section("Config", newest, true)
	for _, d := range newest.Definitions {
		r.section(d.name, newest, true)
	}
	for i := len(r.dialects) - 1; i >= 0; i-- {
		for _, d := range r.dialects[i].Definitions {
			r.section(d.name, r.dialects[i], false)
		}
	}
	return []byte(r.String()), nil
}

// versions is a table of the versions of each variant.
func (r *reference) versions() {
	variants := r.variants(func(*schemaOf) bool { return true })
	fmt.Fprintf(r, "| spec | %s |\n|---%s|\n", strings.Join(variants, " | "), strings.Repeat("|---", len(variants)))
	for _, s := range r.spec {
		row := []string{s.version}
		for _, variant := range variants {
			var versions []string
			for _, d := range r.dialects {
				if d.variant == variant && d.spec == s.spec {
					versions = append(versions, d.version)
				}
			}
			row = append(row, strings.Join(versions, ", "))
		}
		fmt.Fprintf(r, "| %s |\n", strings.Join(row, " | "))
	}
}

// variants lists those that have a dialect of which something is true.
func (r *reference) variants(is func(*schemaOf) bool) []string {
	var all []string
	for _, d := range r.dialects {
		if is(d) && !slices.Contains(all, d.variant) {
			all = append(all, d.variant)
		}
	}
	return all
}

// section describes one kind of object.
func (r *reference) section(name string, in *schemaOf, inSpec bool) {
	if r.done[name] || name == "Reference" {
		return
	}
	r.done[name] = true
	d := in.definition(name)
	fmt.Fprintf(r, "\n## %s\n\n%s\n\n", name, d.Description)
	r.places(name, in, inSpec)
	r.WriteString("| JSON | Butane | type | since | required | meaning |\n|---|---|---|---|---|---|\n")
	seen := map[string]bool{}
	if inSpec {
		for _, p := range d.Properties {
			seen[doc.Snake(p.name)] = true
			r.row("`"+p.name+"`", r.butaneName(name, p.name), d, p, r.since(name, p.name))
		}
	}
	for i := len(r.dialects) - 1; i >= 0; i-- {
		for _, p := range r.dialects[i].definition(name).properties() {
			if !seen[p.name] {
				seen[p.name] = true
				r.row("", "`"+p.name+"`", r.dialects[i].definition(name), p, r.sinceInButane(name, p.name))
			}
		}
	}
}

// places lists the paths of a kind of object in both languages.
func (r *reference) places(name string, in *schemaOf, inSpec bool) {
	if name == "Config" {
		r.WriteString("This is the document itself.\n\n")
		return
	}
	for _, path := range in.paths(name) {
		snake := path
		if inSpec {
			snake = doc.Snake(path)
		}
		switch {
		case !inSpec:
			fmt.Fprintf(r, "- `%s` in Butane\n", path)
		case snake == path:
			fmt.Fprintf(r, "- `%s`\n", path)
		default:
			fmt.Fprintf(r, "- `%s`, in Butane `%s`\n", path, snake)
		}
	}
	r.WriteString("\n")
}

func (r *reference) butaneName(of, name string) string {
	for _, d := range r.dialects {
		if d.definition(of).property(doc.Snake(name)) != nil {
			return "`" + doc.Snake(name) + "`"
		}
	}
	return ""
}

func (r *reference) row(spec, butane string, of *node, p property, since string) {
	required := ""
	switch {
	case slices.Contains(of.Required, p.name):
		required = "yes"
	case slices.ContainsFunc(of.AnyOf, func(n *node) bool { return slices.Contains(n.Required, p.name) }):
		required = "one of these"
	}
	meaning := p.Description
	if meaning == "" {
		meaning = r.meaning(p.object())
	}
	if words := p.words(); words != "" {
		meaning = strings.TrimSpace(meaning + " One of: " + words + ".")
	}
	fmt.Fprintf(r, "| %s | %s | %s | %s | %s | %s |\n", spec, butane, p.typeName(), since, required, strings.ReplaceAll(meaning, "|", "\\|"))
}

// meaning is the description of a kind of object.
func (r *reference) meaning(object string) string {
	for _, in := range slices.Concat(r.spec[len(r.spec)-1:], r.dialects) {
		if d := in.definition(object); object != "" && d != nil {
			return d.Description
		}
	}
	return ""
}

// since is the first version of the spec that has a member.
func (r *reference) since(of, name string) string {
	for _, s := range r.spec {
		if s.definition(of).property(name) != nil {
			return s.version
		}
	}
	return ""
}

// sinceInButane is the first version of Fedora CoreOS's variant that has a key,
// or of each variant that does, if not all do.
func (r *reference) sinceInButane(of, name string) string {
	has := func(d *schemaOf) bool { return d.definition(of).property(name) != nil }
	var first []string
	with := r.variants(has)
	for _, variant := range with {
		i := slices.IndexFunc(r.dialects, func(d *schemaOf) bool { return d.variant == variant && has(d) })
		first = append(first, variant+" "+r.dialects[i].version)
	}
	if len(with) == len(r.variants(func(*schemaOf) bool { return true })) {
		return first[0]
	}
	return strings.Join(first, ", ")
}
