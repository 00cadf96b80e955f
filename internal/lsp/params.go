package lsp

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// paramKind is that of the placeholders for parameters.
const paramKind = "param"

// paramTrigger is what is typed last before the name of a parameter.
const paramTrigger = ":"

// largestIncluded bounds the documents that are read for what they declare, in bytes.
const largestIncluded = 16 << 20

// hasParams reports whether a document can have parameters and include others.
func (d *document) hasParams() bool { return d.isButane() && d.root.textOf("variant") == "firstlight" }

// A declaration is that of a parameter.
type declaration struct {
	of    *document
	value *value
}

// declarations are those of the parameters that a document can use: its own, and those of
// what it includes.
func (s *server) declarations(d *document) []declaration {
	var all []declaration
	for _, of := range s.withIncluded(d) {
		for _, p := range children(of.root.get("params")) {
			all = append(all, declaration{of, p})
		}
	}
	return all
}

// withIncluded returns a document, and those that it includes, each once.
func (s *server) withIncluded(d *document) []*document {
	if !d.hasParams() {
		return nil
	}
	dir := s.filesDir(d)
	all := []*document{d}
	for i := 0; i < len(all); i++ {
		for _, item := range children(all[i].root.get("include")) {
			file := includedFile(dir, item)
			if file == "" || slices.ContainsFunc(all, func(known *document) bool { return known.uri == uriOf(file) }) {
				continue
			}
			if included := s.documentAt(file); included != nil && included.hasParams() {
				all = append(all, included)
			}
		}
	}
	return all
}

// includedFile is the file that an item of include names, or "".
func includedFile(dir string, item *value) string {
	name := filepath.FromSlash(item.text)
	if dir == "" || name == "" || !filepath.IsLocal(name) {
		return ""
	}
	return filepath.Join(dir, name)
}

// documentAt returns the document of a file, as it is open or else as it was saved. It is nil
// if there is none.
func (s *server) documentAt(file string) *document {
	uri := uriOf(file)
	if open := s.documents[uri]; open != nil {
		return open
	}
	info, err := os.Stat(file)
	if err != nil || !info.Mode().IsRegular() || info.Size() > largestIncluded {
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	return &document{text: newText(string(text), s.client.encoding), uri: uri, root: outline(string(text))}
}

// paramAt is the placeholder of a parameter at an offset, and where it is in the document. Its
// name is "" if there is none.
func (d *document) paramAt(offset int) (name string, at span) {
	if !d.hasParams() {
		return "", span{}
	}
	line, _ := d.Position(offset)
	start := d.Offset(line, 1)
	doc.FillPlaceholders(string(d.Line(line)), []string{paramKind}, func(p doc.Placeholder) string {
		if here := (span{start + p.Start, start + p.End}); p.Fault == "" && here.contains(offset) {
			name, at = p.Name, here
		}
		return ""
	})
	return name, at
}

// paramDefinition is where a parameter is declared.
func (s *server) paramDefinition(d *document, name string) []location {
	var all []location
	for _, p := range s.declarations(d) {
		if p.value.key == name {
			all = append(all, location{p.of.uri, p.of.rangeOf(p.value.keySpan)})
		}
	}
	return all
}

// describe says what a declaration says, in Markdown.
func (p *declaration) describe() string {
	kind := p.value.textOf("type")
	if kind == "" {
		kind = "string"
	}
	text := fmt.Sprintf("**%s** (parameter, %s)", p.value.key, kind)
	if about := p.value.textOf("description"); about != "" {
		text += "\n\n" + about
	}
	if value := p.value.get("default"); value != nil {
		text += fmt.Sprintf("\n\nDefault: `%s`.", value.text)
	}
	return text
}

// params offers the names of parameters behind ${param:, and is nil elsewhere.
func (s *server) params(d *document, offset int) []completionItem {
	if !d.hasParams() {
		return nil
	}
	return d.placeholders(offset, paramKind, func(offer func(name, about string)) {
		for _, p := range s.declarations(d) {
			offer(p.value.key, p.describe())
		}
	})
}

// placeholders offers the names behind ${kind:, each once, and is nil elsewhere.
func (d *document) placeholders(offset int, kind string, all func(offer func(name, about string))) []completionItem {
	line, _ := d.Position(offset)
	before := d.string[d.Offset(line, 1):offset]
	open := strings.LastIndex(before, "${"+kind+":")
	if open < 0 {
		return nil
	}
	name := before[open+len("${"+kind+":"):]
	escaped := len(before[:open]) - len(strings.TrimRight(before[:open], "$"))
	if name != "" && !doc.IsPlaceholderName(name) || escaped%2 == 1 {
		return nil
	}
	start, end := offset-len(name), offset
	for end < len(d.string) && doc.IsPlaceholderName("x"+d.string[end:end+1]) {
		end++
	}
	closing := "}"
	if strings.HasPrefix(d.string[end:], "}") {
		closing = ""
	}
	items := []completionItem{}
	all(func(name, about string) {
		if slices.ContainsFunc(items, func(i completionItem) bool { return i.Label == name }) {
			return
		}
		items = append(items, completionItem{
			Label: name, Kind: valueItem, FilterText: name, SortText: fmt.Sprintf("%03d", len(items)),
			Documentation: &markdown{"markdown", about},
			TextEdit:      textEdit{d.rangeOf(span{start, end}), name + closing},
		})
	})
	return items
}

// A related place is one that a problem is about, too.
type related struct {
	Location location `json:"location"`
	Message  string   `json:"message"`
}

// elsewhere shows a problem of a document that is included at what includes it.
func (s *server) elsewhere(r checkResult, p config.Problem, found *diagnostic) {
	d, dir := r.of, s.filesDir(r.of)
	place := p.Origin
	if inside, err := filepath.Rel(dir, place.Source); err == nil {
		place.Source = filepath.ToSlash(inside)
	}
	found.Message = place.String() + ": " + p.Message
	if include := d.root.get("include"); include != nil {
		found.span = include.keySpan
		for _, item := range include.children {
			if includedFile(dir, item) == p.Origin.Source {
				found.span = item.span
			}
		}
	}
	if other := s.documentAt(p.Origin.Source); other != nil && p.Origin.Line > 0 {
		at := other.Offset(p.Origin.Line, p.Origin.Column)
		found.Related = []related{{location{other.uri, other.rangeOf(span{at, at})}, p.Message}}
	}
}
