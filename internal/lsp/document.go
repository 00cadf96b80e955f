package lsp

import (
	"net/url"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
	"github.com/firstlight-os/firstlight/internal/schema"
)

// A document is one version of a text that is open in the client. It does not change.
type document struct {
	text
	uri, languageID string
	version         int
	root            *value // what its text says, see outline
	// fresh is set until a check of it was started.
	fresh bool
	// problems are those of the last check, nil if there was none of this text.
	problems []diagnostic
}

type textDocument struct {
	URI string `json:"uri"`
}

type didOpenParams struct {
	Document struct {
		URI        string `json:"uri"`
		LanguageID string `json:"languageId"`
		Version    int    `json:"version"`
		Text       string `json:"text"`
	} `json:"textDocument"`
}

type didChangeParams struct {
	Document struct {
		URI     string `json:"uri"`
		Version int    `json:"version"`
	} `json:"textDocument"`
	Changes []struct {
		Text string `json:"text"`
	} `json:"contentChanges"`
}

// documentParams are those of whatever is about a whole document.
type documentParams struct {
	Document textDocument `json:"textDocument"`
}

func (s *server) didOpen(p *didOpenParams) {
	d := p.Document
	s.setDocument(d.URI, d.LanguageID, d.Version, d.Text)
}

// didChange takes the text that is newest, in whatever order they come.
func (s *server) didChange(p *didChangeParams) {
	d := s.documents[p.Document.URI]
	if d == nil || p.Document.Version < d.version || len(p.Changes) == 0 {
		return
	}
	s.setDocument(d.uri, d.languageID, p.Document.Version, p.Changes[len(p.Changes)-1].Text)
}

func (s *server) setDocument(uri, languageID string, version int, text string) {
	s.documents[uri] = &document{text: newText(text, s.client.encoding), uri: uri, languageID: languageID, version: version,
		root: outline(text), fresh: true}
}

// didClose takes back what was said of a document.
func (s *server) didClose(p *documentParams) {
	if d := s.documents[p.Document.URI]; d != nil {
		delete(s.documents, d.uri)
		s.publishDiagnostics(d, []diagnostic{})
	}
}

// didSave checks everything again: a file that was saved may be a local file of any
// document.
func (s *server) didSave(*documentParams) {
	for _, d := range s.documents {
		d.fresh = true
	}
}

// isButane reports whether a document is, or will be, Butane.
func (d *document) isButane() bool {
	if butane.IsButane([]byte(d.string)) {
		return true
	}
	start := strings.TrimLeft(d.string, " \t\r\n\ufeff")
	switch path.Ext(d.uri) {
	case ".ign", ".json":
		return false
	}
	return !strings.HasPrefix(start, "{") && d.languageID != "json" && d.languageID != "ignition"
}

// isConfig reports whether a document is meant to be a config at all: editors ask about
// every YAML or JSON that is open.
func (d *document) isConfig() bool {
	if slices.Contains([]string{".bu", ".butane", ".ign"}, path.Ext(d.uri)) || slices.Contains([]string{"butane", "ignition"}, d.languageID) {
		return true
	}
	return d.root.get("ignition") != nil || slices.Contains(variants(), d.root.textOf("variant")) || d.root.get("variant") != nil && d.root.get("version") != nil
}

// config is an open document that is meant to be a config, or nil.
func (s *server) config(d textDocument) *document {
	if open := s.documents[d.URI]; open != nil && open.isConfig() {
		return open
	}
	return nil
}

// language is that of the variant and version that the document names, or the newest
// stable one if it names none, or none that exists.
func (d *document) language() *schema.Language {
	if !d.isButane() {
		plain, extended := strings.CutSuffix(d.root.textOf("ignition", "version"), config.ExtendedSuffix)
		v, err := config.ParseVersion(plain)
		if err != nil {
			v = config.Stable
		}
		if extended && slices.Contains(config.Extended(), v) {
			return schema.OfExtended(v)
		}
		return schema.OfSpec(v)
	}
	best := newestDialect(d.root.textOf("variant"))
	for _, dialect := range butane.Dialects() {
		if dialect.Variant == best.Variant && dialect.Version == d.root.textOf("version") {
			best = dialect
		}
	}
	return schema.OfDialect(best)
}

// newestDialect is the last one of a variant, or of fcos, that is not experimental.
func newestDialect(variant string) butane.Dialect {
	if !slices.Contains(variants(), variant) {
		variant = "fcos"
	}
	var newest butane.Dialect
	for _, d := range butane.Dialects() {
		if d.Variant == variant && !isExperimental(d.Version) {
			newest = d
		}
	}
	return newest
}

func isExperimental(version string) bool { return strings.Contains(version, "-") }

// variants are those of Butane.
func variants() []string {
	var all []string
	for _, d := range butane.Dialects() {
		if !slices.Contains(all, d.Variant) {
			all = append(all, d.Variant)
		}
	}
	return all
}

// pathOf is the path of a file's URI, or "" of another one.
func pathOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" || u.Path == "" {
		return ""
	}
	name := u.Path
	if runtime.GOOS == "windows" { // /c:/dir
		name = strings.TrimPrefix(name, "/")
	}
	return filepath.FromSlash(name)
}

// uriOf is the inverse of pathOf.
func uriOf(name string) string {
	name = filepath.ToSlash(name)
	if !strings.HasPrefix(name, "/") {
		name = "/" + name
	}
	return (&url.URL{Scheme: "file", Path: name}).String()
}

// filesDir is where the local files of a document are, or "" if that is not known.
func (s *server) filesDir(d *document) string {
	if s.FilesDir != "" {
		return s.FilesDir
	}
	if name := pathOf(d.uri); name != "" {
		return filepath.Dir(name)
	}
	return ""
}
