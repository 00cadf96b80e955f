package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
	"github.com/firstlight-os/firstlight/internal/doc"
)

const head = `# Fields of configs

<!-- Made by go generate ./internal/schema from comments in config/types.go and
config/butane/schema.go. Change those, not this. -->

All members of configs, in Ignition's JSON and in Butane's YAML. Each section is
one kind of object; below its name are the paths at which it can be. Names are
the same in both languages, but for their spelling: ` + "`wipeTable` is `wipe_table`" + `.
What is not required may be absent; an absent boolean is false unless its
meaning says otherwise. *Since* is the version of the spec, or of Butane for
what only Butane has. [config.md](config.md) is an introduction.

## Versions

Each version of a Butane variant is translated to one version of the spec, and has
its fields.

`

// Fields returns docs/fields.md, the reference of all fields in Markdown.
func Fields() []byte {
	r := &fieldsDoc{done: map[string]bool{}}
	for _, v := range config.Versions() {
		r.spec = append(r.spec, &schemaOf{ignition(v), "", v.String(), v})
	}
	for _, v := range config.Extended() {
		r.spec = append(r.spec, &schemaOf{extended(v), "", v.String() + config.ExtendedSuffix, v})
	}
	for _, d := range butane.Dialects() {
		r.dialects = append(r.dialects, &schemaOf{ofDialect(d), d.Variant, d.Version, d.Spec})
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
	return []byte(r.String())
}

// A fieldsDoc is docs/fields.md while it is written.
type fieldsDoc struct {
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

// isExtended reports whether it has the extensions of Firstlight.
func (s *schemaOf) isExtended() bool { return s.definition("DiskMatch") != nil }

// versions is a table of the versions of each variant.
func (r *fieldsDoc) versions() {
	variants := r.variants(func(*schemaOf) bool { return true })
	fmt.Fprintf(r, "| spec | %s |\n|---%s|\n", strings.Join(variants, " | "), strings.Repeat("|---", len(variants)))
	for _, s := range r.spec {
		row := []string{s.version}
		for _, variant := range variants {
			var versions []string
			for _, d := range r.dialects {
				if d.variant == variant && d.spec == s.spec && d.isExtended() == s.isExtended() {
					versions = append(versions, d.version)
				}
			}
			row = append(row, strings.Join(versions, ", "))
		}
		fmt.Fprintf(r, "| %s |\n", strings.Join(row, " | "))
	}
}

// variants returns the variants with a dialect for which is returns true.
func (r *fieldsDoc) variants(is func(*schemaOf) bool) []string {
	var all []string
	for _, d := range r.dialects {
		if is(d) && !slices.Contains(all, d.variant) {
			all = append(all, d.variant)
		}
	}
	return all
}

// section describes one kind of object.
func (r *fieldsDoc) section(name string, in *schemaOf, inSpec bool) {
	if r.done[name] || name == "Reference" {
		return
	}
	r.done[name] = true
	d := in.definition(name)
	fmt.Fprintf(r, "\n## %s\n\n%s\n\n", name, d.Description)
	r.paths(name, in, inSpec)
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

// paths lists the paths of a kind of object in both languages.
func (r *fieldsDoc) paths(name string, in *schemaOf, inSpec bool) {
	if name == "Config" {
		r.WriteString("This is the document itself.\n\n")
		return
	}
	inButane := r.dialects[len(r.dialects)-1].pathsOf(name)
	for _, path := range in.pathsOf(name) {
		snake := path
		if inSpec {
			snake = doc.Snake(path)
		}
		switch {
		case strings.HasPrefix(path, "firstlight"):
			fmt.Fprintf(r, "- `%s` in JSON\n", path)
			for _, path := range inButane {
				fmt.Fprintf(r, "- `%s` in Butane\n", path)
			}
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

func (r *fieldsDoc) butaneName(of, name string) string {
	for _, d := range r.dialects {
		if d.definition(of).property(doc.Snake(name)) != nil {
			return "`" + doc.Snake(name) + "`"
		}
	}
	return ""
}

func (r *fieldsDoc) row(spec, butane string, of *node, p property, since string) {
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
	if values := p.values(); values != "" {
		meaning = strings.TrimSpace(meaning + " One of: " + values + ".")
	}
	fmt.Fprintf(r, "| %s | %s | %s | %s | %s | %s |\n", spec, butane, p.typeName(linked), since, required, strings.ReplaceAll(meaning, "|", "\\|"))
}

// meaning is the description of a kind of object.
func (r *fieldsDoc) meaning(object string) string {
	for _, in := range slices.Concat(r.spec[len(r.spec)-1:], r.dialects) {
		if d := in.definition(object); object != "" && d != nil {
			return d.Description
		}
	}
	return ""
}

// since is the first version of the spec that has a member.
func (r *fieldsDoc) since(of, name string) string {
	for _, s := range r.spec {
		if s.definition(of).property(name) != nil {
			return s.version
		}
	}
	return ""
}

// sinceInButane returns the first version of fcos that has a key, or of each variant
// that has it if not all do.
func (r *fieldsDoc) sinceInButane(of, name string) string {
	has := func(d *schemaOf) bool { return d.definition(of).property(name) != nil }
	var first []string
	with := r.variants(has)
	for _, variant := range with {
		i := slices.IndexFunc(r.dialects, func(d *schemaOf) bool { return d.variant == variant && has(d) })
		first = append(first, variant+" "+r.dialects[i].version)
	}
	isMissing := func(variant string) bool { return !slices.Contains(with, variant) }
	if !slices.ContainsFunc(r.variants(func(d *schemaOf) bool { return !d.isExtended() }), isMissing) {
		return first[0]
	}
	return strings.Join(first, ", ")
}

// definition returns the schema of a kind of object, or nil.
func (n *node) definition(name string) *node {
	if name == "Config" {
		return n
	}
	for _, d := range n.Definitions {
		if d.name == name {
			return d.node
		}
	}
	return nil
}

func (n *node) properties() properties {
	if n == nil {
		return nil
	}
	return n.Properties
}

func (n *node) property(name string) *node {
	for _, p := range n.properties() {
		if p.name == name {
			return p.node
		}
	}
	return nil
}

// object returns the kind of object that values are, or "".
func (n *node) object() string {
	switch {
	case len(n.AllOf) > 0:
		n = n.AllOf[0]
	case len(n.AnyOf) > 0:
		n = n.AnyOf[0]
	}
	return strings.TrimPrefix(n.Ref, "#/definitions/")
}

// named returns the schema of the values of a mapping of names to objects, or nil.
func (n *node) named() *node {
	if value, ok := n.Additional.(*node); ok && value.object() != "" {
		return value
	}
	return nil
}

// pathsOf returns the paths at which objects of a kind can be.
func (n *node) pathsOf(of string) []string {
	var all []string
	var walk func(*node, string)
	walk = func(at *node, path string) {
		for _, p := range at.Properties {
			here, value := path+p.name, p.node
			switch {
			case value.Items != nil:
				here, value = here+"[]", value.Items
			case value.named() != nil:
				here, value = here+".NAME", value.named()
			}
			name := value.object()
			if name == of {
				all = append(all, here)
			}
			if name != "" {
				walk(n.definition(name), here+".")
			}
		}
	}
	walk(n, "")
	return all
}

// linked is the name of an object with a link to its section.
func linked(name string) string { return fmt.Sprintf("[%s](#%s)", name, strings.ToLower(name)) }

func unlinked(name string) string { return name }

// typeName describes the type of a value; show writes the name of an object.
func (n *node) typeName(show func(name string) string) string {
	switch {
	case n.object() != "":
		return show(n.object())
	case n.Items != nil && n.Items.object() != "":
		return "list of " + show(n.Items.object())
	case n.Items != nil:
		return "list of " + n.Items.typeName(show) + "s"
	case n.named() != nil:
		return show(n.named().object()) + " by name"
	case n.Type[0] == "object":
		return "strings by name"
	}
	return n.Type[0]
}

// values lists the strings of an enumeration; numbers and null are other forms of
// them.
func (n *node) values() string {
	var all []string
	for _, word := range n.enumerated() {
		all = append(all, "`"+word+"`")
	}
	return strings.Join(all, ", ")
}

func (n *node) enumerated() []string {
	var all []string
	for _, value := range n.Enum {
		if word, ok := value.(string); ok && word != "" {
			all = append(all, word)
		}
	}
	return all
}
