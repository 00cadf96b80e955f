package lsp

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
)

const quickFix = "quickfix"

type codeActionParams struct {
	Document textDocument `json:"textDocument"`
	Range    Range        `json:"range"`
	Context  struct {
		Only []string `json:"only"`
	} `json:"context"`
}

// A codeAction is a change that a client offers.
type codeAction struct {
	Title       string         `json:"title"`
	Kind        string         `json:"kind"`
	Diagnostics []diagnostic   `json:"diagnostics"`
	IsPreferred bool           `json:"isPreferred"`
	Edit        map[string]any `json:"edit"`
}

// A fix makes of a message what to write. The messages say that to people already, so
// that they are where it is taken from.
type fix struct {
	message *regexp.Regexp
	// what is replaced: the key or scalar that the problem is at.
	what func(*document, diagnostic) *place
	// with is the new text, of what was there and of the groups of the regular expression.
	with func(old string, groups []string) string
}

// A place is where a key or scalar is.
type place struct {
	span
	text string // without quotes
}

const quotedWord = `("(?:[^"\\]|\\.)*")`

var fixes = []fix{
	{regexp.MustCompile(`did you mean ` + quotedWord + `\?$`), (*document).here, firstQuoted},
	{regexp.MustCompile(`should be written ` + quotedWord + `$`), (*document).here, firstQuoted},
	{regexp.MustCompile(`is not in its simplest form; write ` + quotedWord + `$`), (*document).here, firstQuoted},
	{regexp.MustCompile(`is not absolute; it should start with a slash$`), (*document).here,
		func(old string, _ []string) string { return "/" + strings.TrimPrefix(old, "./") }},
	{regexp.MustCompile(`if you mean octal \d+, write (\d+)$`), (*document).here, first},
	{regexp.MustCompile(`a number cannot start with 0; a mode that is octal 0644 is written 420$`), (*document).number, decimal},
	{regexp.MustCompile(`; (\S+) is final, so leave out "-experimental"$`), (*document).here, first},
	{regexp.MustCompile(`; (\S+) is not final yet, so add "-experimental"$`), (*document).here,
		func(_ string, groups []string) string { return groups[0] + "-experimental" }},
	{regexp.MustCompile(`exists since \S+ (\S+)(?: and has no effect in .*)?; raise the version`), (*document).versionPlace, first},
	{regexp.MustCompile(`exists since version (\S+) of the spec, this config says \S+: it has no effect$`), (*document).versionPlace, first},
}

func first(_ string, groups []string) string { return groups[0] }

func firstQuoted(_ string, groups []string) string {
	text, err := strconv.Unquote(groups[0])
	if err != nil {
		return ""
	}
	return text
}

// decimal is an octal number as JSON has it, or "" if it is none.
func decimal(old string, _ []string) string {
	n, err := strconv.ParseUint(old, 8, 32)
	if err != nil {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

// codeAction offers the fixes of the problems in a range.
func (s *server) codeAction(p *codeActionParams) (any, error) {
	d := s.config(p.Document)
	if d == nil || !wantsFixes(p.Context.Only) {
		return nil, nil
	}
	asked := span{d.offset(p.Range.Start), d.offset(p.Range.End)}
	all := []codeAction{}
	for _, problem := range s.problemsOf(d) {
		if problem.span.start > asked.end || problem.span.end < asked.start {
			continue
		}
		if at, text := d.fixOf(problem); at != nil {
			all = append(all, codeAction{
				Title: "Write " + strings.TrimSpace(text), Kind: quickFix, Diagnostics: []diagnostic{problem}, IsPreferred: true,
				Edit: s.edit(d, textEdit{d.rangeOf(at.span), text}),
			})
		}
	}
	return all, nil
}

// wantsFixes reports whether a client asks for this kind of actions: kinds are in others.
func wantsFixes(only []string) bool {
	for _, kind := range only {
		if kind == quickFix || kind == "" || strings.HasPrefix(quickFix, kind+".") {
			return true
		}
	}
	return only == nil
}

// fixOf returns what to replace, and with which text; nil if no fix is known.
func (d *document) fixOf(problem diagnostic) (*place, string) {
	for _, f := range fixes {
		groups := f.message.FindStringSubmatch(problem.Message)
		if groups == nil {
			continue
		}
		at := f.what(d, problem)
		if at == nil {
			return nil, ""
		}
		text := f.with(at.text, groups[1:])
		if text == "" {
			return nil, ""
		}
		return at, d.likeBefore(at, text)
	}
	return d.nearestWord(problem)
}

// nearestWord is for a value that should be one of a few, and is almost one of them.
func (d *document) nearestWord(problem diagnostic) (*place, string) {
	v, at := d.find(problem.span.start)
	if v == nil || v.kind != scalar || at != v.span || problem.Severity != severities[config.Error] {
		return nil, ""
	}
	is := d.language().At(v.path()...)
	if is == nil {
		return nil, ""
	}
	best, least := "", min(len(v.text)/2, 2)+1
	for _, word := range wordsAt(d.root, d.isButane(), v.path(), is) {
		if distance := doc.Distance(word, v.text); distance < least {
			best, least = word, distance
		}
	}
	if best == "" || best == v.text {
		return nil, ""
	}
	to := &place{at, v.text}
	return to, d.likeBefore(to, best)
}

// likeBefore puts a text into the quotes that are around what it replaces.
func (d *document) likeBefore(at *place, text string) string {
	switch old := d.text.at(at.span); {
	case strings.HasPrefix(old, `"`):
		return string(encode(text))
	case strings.HasPrefix(old, "'"):
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	}
	return text
}

// here is the key or scalar that a problem is at.
func (d *document) here(problem diagnostic) *place {
	v, at := d.find(problem.span.start)
	switch {
	case v == nil || at.start != problem.span.start || v.style == '|' || v.style == '>':
		return nil
	case at == v.keySpan:
		return &place{at, v.key}
	}
	return &place{at, v.text}
}

// number is the number that a problem is in the middle of.
func (d *document) number(problem diagnostic) *place {
	v, at := d.find(problem.span.start)
	if v == nil || v.kind != scalar || v.style != 0 || at != v.span {
		return nil
	}
	return &place{at, v.text}
}

// versionPlace is where the document says its version.
func (d *document) versionPlace(diagnostic) *place {
	v := d.root.get("version")
	if !d.isButane() {
		v = d.root.get("ignition", "version")
	}
	if v == nil || v.kind != scalar {
		return nil
	}
	return &place{v.span, v.text}
}

// edit is a change of a document, for the version that it was made of if the client
// understands that.
func (s *server) edit(d *document, e textEdit) map[string]any {
	edits := []textEdit{e}
	if !s.client.documentChanges {
		return map[string]any{"changes": map[string]any{d.uri: edits}}
	}
	return map[string]any{"documentChanges": []any{map[string]any{
		"textDocument": map[string]any{"uri": d.uri, "version": d.version}, "edits": edits,
	}}}
}
