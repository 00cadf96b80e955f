package check

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
)

func TestToSaysWhatAVersionCannotSay(t *testing.T) {
	for _, c := range []struct {
		text string
		to   config.Version
		want string // the problem, at its place; empty if there is none
	}{
		{goodJSON, config.V3_0, ""},
		{goodJSON, config.Stable, ""},
		{`{"ignition": {"version": "3.6.0"}, "storage": {"files": [{"path": "/a", "mode": 2541}]}}`, config.V3_4, "2541: translated to version 3.4.0: "},
		{`{"ignition": {"version": "3.6.0"}, "kernelArguments": {"shouldExist": ["quiet"]}}`, config.V3_1, "{: translated to version 3.1.0: "},
		{shift, config.Stable, ": the version in a MachineConfig belongs to the release of OpenShift"},
	} {
		r := Text([]byte(c.text), "x", butane.Options{}).To(c.to)
		if refused := r.Config == nil; refused != (c.want != "") || refused != (r.JSON == nil) || refused != r.Problems.HasErrors() {
			t.Errorf("%s as %s: %s\n%s", c.text, c.to, r.JSON, r.Problems)
			continue
		}
		if c.want == "" {
			if want := `"version":"` + c.to.String() + `"`; !bytes.Contains(r.JSON, []byte(want)) {
				t.Errorf("%s has not %s", r.JSON, want)
			}
			continue
		}
		p := r.Problems[len(r.Problems)-1]
		span, _ := r.Span(p.Origin)
		if got := c.text[span.Start:span.End] + ": " + p.Message; !strings.HasPrefix(got, c.want) {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	if r := Text([]byte("x"), "x", butane.Options{}); r.To(config.Stable) != r {
		t.Error("a refused config is another one in another version")
	}
}

// A document is translated to another version as its translation is.
func TestToOfTheCorpus(t *testing.T) {
	documents, err := filepath.Glob("../../config/butane/testdata/corpus/*.bu")
	if err != nil || len(documents) < 80 {
		t.Fatalf("%d documents: %v", len(documents), err)
	}
	for _, document := range documents {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		r := Text(text, "x", butane.Options{Raw: true})
		if r.Config == nil {
			continue
		}
		for _, v := range []config.Version{config.V3_0, config.V3_3, config.Stable} {
			to := r.To(v)
			var want []byte
			cfg, _, err := config.Parse(r.JSON, "x")
			if err == nil {
				cfg, err = cfg.TranslateTo(v)
			}
			if err == nil {
				want, err = cfg.MarshalJSON()
			}
			if !bytes.Equal(to.JSON, want) {
				t.Errorf("%s as %s: %v\n%s\nwant\n%s", document, v, err, to.JSON, want)
			}
		}
	}
}
