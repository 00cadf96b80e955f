package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestApply(t *testing.T) {
	const config = `{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/f", "contents": {"source": "data:,x"}}]}}`
	t.Setenv("container", "")
	for name, c := range map[string]struct {
		args   []string
		stdin  string
		status int
		says   string
	}{
		"a config":           {[]string{"--root=ROOT", "-"}, config, exitOK, "[finished] writing file /f"},
		"quietly":            {[]string{"--root=ROOT", "-q", "-"}, config, exitOK, ""},
		"a broken config":    {[]string{"--root=ROOT", "-"}, "{", exitRefused, "the config has to be fixed"},
		"for a machine":      {[]string{"--root=ROOT", "-"}, `{"ignition": {"version": "3.4.0"}, "passwd": {"users": [{"name": "core"}]}}`, exitRefused, "users and groups cannot be"},
		"that, ignored":      {[]string{"--root=ROOT", "--ignore-unsupported", "-"}, `{"ignition": {"version": "3.4.0"}, "passwd": {"users": [{"name": "core"}]}}`, exitOK, ""},
		"without a root":     {[]string{"-"}, config, exitError, `required flag(s) "root" not set`},
		"to no directory":    {[]string{"--root=ROOT/none", "-"}, config, exitError, "no such file or directory"},
		"a file that is not": {[]string{"--root=ROOT", "ROOT/none"}, "", exitError, "no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			args := []string{"apply"}
			for _, a := range c.args {
				args = append(args, strings.ReplaceAll(a, "ROOT", root))
			}
			var out, errs bytes.Buffer
			if status := run(args, strings.NewReader(c.stdin), &out, &errs); status != c.status {
				t.Errorf("status %d, want %d\n%s%s", status, c.status, &out, &errs)
			}
			said := out.String() + errs.String()
			if !strings.Contains(strings.Join(strings.Fields(strings.ReplaceAll(said, "|", "")), " "), c.says) || name == "quietly" && said != "" {
				t.Errorf("%q is not in\n%s", c.says, said)
			}
			if _, err := os.Stat(filepath.Join(root, "f")); (err == nil) != (c.status == exitOK && c.stdin == config) {
				t.Errorf("the file: %v", err)
			}
		})
	}
}
