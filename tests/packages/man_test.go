package packages

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestManualPagesOfAllProgramsAreCleanAndInstalled(t *testing.T) {
	bin, root := t.TempDir(), t.TempDir()
	output(t, top, nil, "make", "man", "VERSION=2.99.0", "BUILT=2026-11-29T01:02:03Z", "BIN="+bin)
	for _, name := range []string{"firstlight", "firstlightctl"} {
		if err := os.WriteFile(filepath.Join(bin, name), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	output(t, top, nil, "make", "install", "GO=false", "BIN="+bin, "DESTDIR="+root)
	var pages []string
	err := filepath.WalkDir(filepath.Join(root, "usr/share/man"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		pages = append(pages, d.Name())
		if said := output(t, top, nil, "mandoc", "-Tlint", "-Wwarning", path); said != "" {
			t.Errorf("%s", said)
		}
		text, err := os.ReadFile(path)
		for _, want := range []string{"2026-11-29 \"Firstlight 2.99.0\"\n", ".SH NAME\n", ".SH SYNOPSIS\n", ".SH DESCRIPTION\n", ".SH OPTIONS\n"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s: %q is missing in\n%s", d.Name(), want, text)
			}
		}
		if group := strings.Contains(string(text), "COMMAND [flags]"); !group && !strings.Contains(string(text), ".SH EXAMPLES\n") && d.Name() != "firstlightctl-version.1" {
			t.Errorf("%s has no examples", d.Name())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"firstlight.8", "ignition-apply.8", "ignition-rmcfg.8", "distribution.conf.5", "butane.1", "ignition-validate.1", "firstlightctl.1",
		"firstlightctl-validate.1", "firstlightctl-translate.1", "firstlightctl-plan.1", "firstlightctl-apply.1", "firstlightctl-pack.1", "firstlightctl-schema.1"} {
		if !slices.Contains(pages, want) {
			t.Errorf("there is no page %s", want)
		}
	}
	for _, name := range []string{"bash-completion/completions/firstlightctl", "zsh/site-functions/_firstlightctl", "fish/vendor_completions.d/firstlightctl.fish"} {
		if text, err := os.ReadFile(filepath.Join(root, "usr/share", name)); err != nil || !strings.Contains(string(text), "firstlightctl") {
			t.Errorf("%s: %v, %d bytes", name, err, len(text))
		}
	}
}
