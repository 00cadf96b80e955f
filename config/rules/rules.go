// Package rules explains the rules of package config: for each its id, which stays, what a
// person has done wrong and why it matters, and a config that breaks it beside one that does
// not. The agent does not import it.
package rules

//go:generate go run ./page ../../docs/rules.md

import (
	"maps"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// A Rule is what there is to say of a config.Rule.
type Rule struct {
	// Rule is what problems have. Its number can be another one in the next version.
	Rule config.Rule
	// ID is lower-case words with hyphens between. It does not change.
	ID string
	// Title is what is wrong, in a few words.
	Title string
	// Severities are those that problems of the rule can have, the worst first.
	Severities []config.Severity
	// Why explains, in one paragraph, what comes of it and what to do.
	Why string
	// Source is where the rule comes from.
	Source string
	// Bad is a config that breaks this rule, and Good the same one without the mistake.
	Bad, Good string
	// Besides are the ids of other rules that Bad breaks; only few cannot be broken alone.
	Besides []string
	// Command has the arguments of firstlightctl that show the problem in Bad, without the
	// file; it is "validate" in most cases.
	Command string
	// Files are the local files of the two, by path.
	Files map[string]string
}

// Severities of most rules.
var (
	refused = []config.Severity{config.Error}
	warned  = []config.Severity{config.Warning}
	noted   = []config.Severity{config.Note}
	// either is for what is a warning or an error by the version, or by whether other
	// configs can still be merged.
	either = []config.Severity{config.Error, config.Warning}
)

// all are the rules in the order of the pages.
var all = slices.Concat(documents, values, paths, files, resources, disks, volumes, system, extensions, facts, subvolumeRules, butane, composition, translation)

// All returns all rules, in the order of docs/rules.md.
func All() []Rule { return slices.Clone(all) }

// Of returns what there is to say of a rule. Problems of this program have rules that are
// known.
func Of(r config.Rule) Rule {
	return all[slices.IndexFunc(all, func(known Rule) bool { return known.Rule == r })]
}

// ID returns the id of a rule, or "" for config.NoRule.
func ID(r config.Rule) string {
	if r == config.NoRule {
		return ""
	}
	return Of(r).ID
}

// Lookup returns the rule with an id, and whether there is one.
func Lookup(id string) (Rule, bool) {
	i := slices.IndexFunc(all, func(r Rule) bool { return r.ID == id })
	if i < 0 {
		return Rule{}, false
	}
	return all[i], true
}

// Nearest returns the id that is most like a text, or "" if none is: it has few letters
// that differ, or has the text in it.
func Nearest(text string) string {
	text = strings.ToLower(strings.Trim(text, "[]"))
	best, least := "", min(len(text)/3, 3)+1
	for _, r := range all {
		if d := doc.Distance(r.ID, text); d < least {
			best, least = r.ID, d
		}
	}
	const word = 4 // letters of one
	if best == "" && len(text) >= word {
		i := slices.IndexFunc(all, func(r Rule) bool { return strings.Contains(r.ID, text) })
		if i >= 0 {
			best = all[i].ID
		}
	}
	return best
}

// URL is the page of a rule.
func (r Rule) URL() string {
	return "https://github.com/firstlight-os/firstlight/blob/main/docs/rules.md#" + r.ID
}

// Page is the explanation, without a heading, in lines of some columns at most. It is plain
// text, and Markdown, too.
func (r Rule) Page(columns int) string {
	bad := "Wrong"
	if r.Command != "" {
		bad += ", as `firstlightctl " + r.Command + "` says"
	}
	if len(r.Files) > 0 {
		bad += ", with the local files " + strings.Join(slices.Sorted(maps.Keys(r.Files)), ", ")
	}
	return fill(r.Title+" ("+r.severities()+").", columns) + "\n" + fill(r.Why, columns) + "\n" +
		fill("Source: "+r.Source+".", columns) + "\n" + fill(bad+":", columns) + "\n" + block(r.Bad) + "\nRight:\n\n" + block(r.Good)
}

// fill is a text in lines of some columns at most.
func fill(text string, columns int) string {
	var b strings.Builder
	column := 0
	for word := range strings.FieldsSeq(text) {
		switch {
		case column == 0:
		case column+1+len(word) > columns:
			b.WriteByte('\n')
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String() + "\n"
}

func (r Rule) severities() string {
	var names []string
	for _, s := range r.Severities {
		names = append(names, s.String())
	}
	return strings.Join(names, " or ")
}

// block is a text as a block of code.
func block(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimRight(text, "\n") + "\n") {
		if line != "\n" {
			b.WriteString("    ")
		}
		b.WriteString(line)
	}
	return b.String()
}

// fcos is a Butane config with some sections.
func fcos(sections string) string {
	return "variant: fcos\nversion: 1.6.0\n" + strings.Trim(sections, "\n") + "\n"
}

// ignition is a config of the spec with some sections.
func ignition(sections string) string {
	return "{\n  \"ignition\": {\"version\": \"3.5.0\"},\n" + indent(sections) + "\n}\n"
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.Trim(text, "\n"), "\n", "\n  ")
}
