package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	good    = `{"ignition": {"version": "3.4.0"}}`
	warned  = "{\"ignition\": {\"version\": \"3.4.0\"},\n \"unknown\": 1}"
	refused = "{\"ignition\": {\"version\": \"3.4.0\"},\n \"storage\": {\"files\": [{\"path\": 1}]}}"
)

func file(t *testing.T, text string) string {
	name := filepath.Join(t.TempDir(), "c.ign")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestIgnitionValidate(t *testing.T) {
	for name, tc := range map[string]struct {
		args           []string
		stdin          string
		status         int
		stdout, stderr string
	}{
		"valid":          {[]string{file(t, good)}, "", 0, "", ""},
		"from stdin":     {[]string{"-"}, good, 0, "", ""},
		"warning":        {[]string{file(t, warned)}, "", 0, "warning at $.unknown, line 2 col 2: ", ""},
		"error":          {[]string{file(t, refused)}, "", 1, "error at $.storage.files.0.path, line 2 col 33: this is a number, but a string is expected", ""},
		"syntax":         {[]string{"-"}, "{", 1, "error at line 1 col 2: this is not valid JSON", ""},
		"empty":          {[]string{"-"}, "", 1, "", "couldn't parse config: the config is empty"},
		"old version":    {[]string{"-"}, `{"ignition": {"version": "2.2.0"}}`, 1, "", `version "2.2.0" of the spec is not supported`},
		"unreadable":     {[]string{"/none"}, "", 1, "", "no such file"},
		"no argument":    {nil, "", 1, "", "Usage"},
		"two arguments":  {[]string{"a", "b"}, "", 1, "", "Usage"},
		"unknown flag":   {[]string{"-frob"}, "", 2, "", "-frob"},
		"help":           {[]string{"-help"}, "", 0, "", "Usage"},
		"version":        {[]string{"-version", "more"}, "", 0, "Ignition ", ""},
		"percent in key": {[]string{"-"}, `{"ignition": {"version": "3.4.0"}, "100%": 1}`, 0, `"100%" is not a key`, ""},
	} {
		var stdout, stderr bytes.Buffer
		status := ignitionValidate(tc.args, strings.NewReader(tc.stdin), &stdout, &stderr)
		if status != tc.status || !strings.Contains(stdout.String(), tc.stdout) || !strings.Contains(stderr.String(), tc.stderr) ||
			tc.stdout == "" && stdout.Len() > 0 || tc.stderr == "" && stderr.Len() > 0 {
			t.Errorf("%s: status %d, stdout %q, stderr %q", name, status, &stdout, &stderr)
		}
	}
}

func TestValidateListsAllFiles(t *testing.T) {
	var out bytes.Buffer
	c := command()
	c.SetArgs([]string{"validate", file(t, good), file(t, warned), file(t, refused), "-"})
	c.SetOut(&out)
	c.SetIn(strings.NewReader(""))
	if err := c.Execute(); err == nil {
		t.Error("it succeeded")
	}
	for _, want := range []string{"c.ign, line 2, column 2 (unknown): \"unknown\" is not a key", "line 2, column 33 (storage.files[0].path): this is a number", "error: -: the config is empty"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, &out)
		}
	}
}
