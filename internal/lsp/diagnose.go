package lsp

import (
	"path"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
	"github.com/firstlight-os/firstlight/config/rules"
	"github.com/firstlight-os/firstlight/internal/check"
)

// A diagnostic is a problem as clients show it.
type diagnostic struct {
	Range    Range  `json:"range"`
	Severity int    `json:"severity"`
	Code     string `json:"code,omitempty"`
	// CodeDescription is where the rule is explained.
	CodeDescription *codeDescription `json:"codeDescription,omitempty"`
	Source          string           `json:"source"`
	Message         string           `json:"message"`
	Related         []related        `json:"relatedInformation,omitempty"`
	// span is the range in bytes.
	span span
	rule config.Rule
}

type codeDescription struct {
	Href string `json:"href"`
}

// severities are those of the protocol.
var severities = map[config.Severity]int{config.Error: 1, config.Warning: 2, config.Note: 3}

// A checkResult is what a check says of a document.
type checkResult struct {
	of *document
	*check.Result
}

func checkDocument(d *document, filesDir string) *check.Result {
	read := check.Text
	if d.isButane() {
		read = check.Butane
	}
	return read([]byte(d.string), nameOf(d.uri), butane.Options{FilesDir: filesDir})
}

// nameOf is what messages call a document.
func nameOf(uri string) string {
	if name := path.Base(pathOf(uri)); name != "." {
		return name
	}
	return path.Base(uri)
}

// startCheck starts to check a document whose text is new, if nothing is being checked.
func (s *server) startCheck() {
	if s.checking {
		return
	}
	for _, d := range s.documents {
		if !d.fresh {
			continue
		}
		d.fresh = false
		if !d.isConfig() {
			s.publishDiagnostics(d, []diagnostic{})
			continue
		}
		s.checking = true
		dir := s.filesDir(d)
		go func() { s.checked <- checkResult{d, s.check(d, dir)} }()
		return
	}
}

// publish shows what a check has found, if its document is still the newest.
func (s *server) publish(r checkResult) {
	s.checking = false
	if d := r.of; s.documents[d.uri] == d {
		d.problems = s.diagnostics(r)
		s.publishDiagnostics(d, d.problems)
	}
}

// problemsOf are those of a document. It may be asked for them before it was checked.
func (s *server) problemsOf(d *document) []diagnostic {
	if d.problems == nil {
		d.problems = s.diagnostics(checkResult{d, s.check(d, s.filesDir(d))})
	}
	return d.problems
}

func (s *server) diagnostics(r checkResult) []diagnostic {
	all := []diagnostic{} // not nil, which JSON has null for
	for _, p := range r.Problems {
		found := diagnostic{Severity: severities[p.Severity], Source: "firstlight", Message: p.Message, rule: p.Rule}
		found.span = span{0, min(len(r.of.string), 1)} // of a problem of the whole document
		if at, ok := r.Span(p.Origin); ok {
			found.span = span{at.Start, at.End}
		} else if source := p.Origin.Source; source != "" && source != nameOf(r.of.uri) {
			s.elsewhere(r, p, &found)
		}
		found.Range = r.of.rangeOf(found.span)
		if p.Rule == config.RuleParamUnset {
			found.Severity = severities[config.Note] // it is set when the config is translated
		}
		if p.Rule != config.NoRule {
			rule := rules.Of(p.Rule)
			found.Code, found.CodeDescription = rule.ID, &codeDescription{rule.URL()}
		}
		all = append(all, found)
	}
	return all
}

func (s *server) publishDiagnostics(d *document, all []diagnostic) {
	s.send(notification("textDocument/publishDiagnostics", map[string]any{"uri": d.uri, "version": d.version, "diagnostics": all}))
}
