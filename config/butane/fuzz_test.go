package butane

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/firstlight-os/firstlight/config"
)

func FuzzButane(f *testing.F) {
	documents, err := filepath.Glob(corpus + "*.bu")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range documents {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add(document("fcos 1.5.0", "storage: &s {files: [{<<: [*s], path: !!binary YQ==, mode: 1e3}]}\n"))
	f.Add(document("firstlight 1.0.0", "storage: {disks: [{as: a, match: {size: '> 1GB'}, pick: largest, partitions: [{number: 1}]}, {as: b, match: {}}, {device: /dev/c}]}\n"))
	f.Add(document("firstlight 1.0.0", "params: {a: {type: int, default: 0644}, b: {default: x}}\nstorage: {files: [{path: '/${param:b}', mode: '${param:a}', contents: {inline: '$${param:b} ${param:a}'}}]}\n"))
	f.Add(document("firstlight 1.0.0", "include: [a.bu]\nfacts: true\nparams: {a: , b: {type: list, default: ['${param:a}']}}\nstorage: {links: [{path: /l, target: '${param:a}${fact:b}'}]}\n"))
	f.Add([]byte("users:"))
	f.Add([]byte(`{"variant": "fcos", "version": "1.7.0", "storage": {"files": [{"path": "/a"}]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		IsButane(text)
		checkPositions(t, text)
		for _, o := range []Options{{}, {Raw: true}} {
			result, problems, err := Translate(text, "fuzz", o)
			if (err != nil) != (result == nil) || problems.HasErrors() && err == nil {
				t.Fatalf("result %v, error %v, problems %s", result, err, problems)
			}
			if result == nil || result.MachineConfig {
				continue
			}
			// The translated config is valid, and has the same meaning.
			written, problems, err := config.Parse(result.JSON, "written")
			if err != nil {
				t.Fatalf("%s: %v", result.JSON, err)
			}
			for _, p := range problems {
				if p.Severity == config.Error {
					t.Fatalf("%s: %s", result.JSON, p)
				}
			}
			if direct, err := parseCompressed(text); err == nil && !config.Equal(direct, written) {
				t.Fatalf("read directly:\n%+v\ntranslated first:\n%s", direct, result.JSON)
			}
		}
	})
}

// parseCompressed is Parse, but compresses contents as Translate does.
func parseCompressed(text []byte) (*config.Config, error) {
	t, err := translate(text, "fuzz", Options{}, newWorkstation())
	if err != nil {
		return nil, err
	}
	cfg, _, err := t.finished()
	return cfg, err
}

// checkPositions checks that the positions of problems are inside of the document.
func checkPositions(t *testing.T, text []byte) {
	_, problems, _ := Parse(text, "fuzz")
	_ = problems.String()
	// YAML ends lines at CR and some characters of Unicode, too.
	lines := 2 + bytes.Count(text, []byte("\n")) + bytes.Count(text, []byte("\r")) + bytes.Count(text, []byte("\u0085")) + bytes.Count(text, []byte("\u2028")) + bytes.Count(text, []byte("\u2029"))
	for _, p := range problems {
		if p.Rule == config.RuleDocumentForeign {
			continue // it is about the whole
		}
		if p.Origin.Line < 1 || p.Origin.Column < 1 || p.Origin.Line > lines {
			t.Fatalf("a problem at an impossible place: %s", p)
		}
	}
}
