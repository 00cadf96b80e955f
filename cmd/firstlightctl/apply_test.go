package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
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

func TestApplyTranslatesAsTranslateDoes(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"local.txt": "local\n", "params.yaml": "name: web2\nport: 81\n",
		"base.bu": "variant: firstlight\nversion: 1.0.0\nparams: {port: {type: int, default: 80}}\nstorage:\n  files:\n    - {path: /port, contents: {inline: \"${param:port}\"}}\n",
		"web.bu": "variant: firstlight\nversion: 1.0.0\ninclude: [base.bu]\nparams: {name: {}}\nstorage:\n  files:\n" +
			"    - {path: /name, contents: {inline: \"${param:name}\"}}\n    - {path: /local, contents: {local: local.txt}}\n",
		"openshift.bu": "variant: openshift\nversion: 4.14.0\nmetadata: {name: x, labels: {machineconfiguration.openshift.io/role: worker}}\n",
		"plain.ign":    `{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/name"}]}}`,
	} {
		testkit.WriteFile(t, filepath.Join(dir, name), text)
	}
	for name, c := range map[string]struct {
		args   string
		status int
		wrote  string // of the files name, port and local
		says   []string
	}{
		"set":                     {"-d DIR --set name=web1 DIR/web.bu", exitOK, "web1 80 local\n", nil},
		"a file of parameters":    {"-d DIR --params DIR/params.yaml DIR/web.bu", exitOK, "web2 81 local\n", nil},
		"both":                    {"-d DIR --params DIR/params.yaml --set port=82 DIR/web.bu", exitOK, "web2 82 local\n", nil},
		"an int that is none":     {"-d DIR --set name=x --set port=many DIR/web.bu", exitRefused, "", []string{"--set port", `the parameter "port" is of type int`}},
		"one that is not set":     {"-d DIR DIR/web.bu", exitRefused, "", []string{"web.bu, line 4", `"name"`, "--set name="}},
		"one that is not there":   {"-d DIR --set nam=x DIR/web.bu", exitRefused, "", []string{`"nam"`, `"name"`}},
		"no value":                {"--set name DIR/web.bu", exitError, "", []string{"write --set name=VALUE"}},
		"for JSON":                {"--set name=x DIR/plain.ign", exitRefused, "", []string{"a config in JSON has no parameters", "--set name"}},
		"local files for JSON":    {"-d DIR DIR/plain.ign", exitOK, "", nil},
		"without a directory":     {"--set name=x DIR/web.bu", exitRefused, "", []string{"--files-dir"}},
		"a MachineConfig":         {"-d DIR DIR/openshift.bu", exitRefused, "", []string{"the variant openshift makes a MachineConfig"}},
		"no file of parameters":   {"--params DIR/none DIR/web.bu", exitError, "", []string{"reading the values of parameters", "no such file"}},
		"parameters that are not": {"--params DIR/local.txt DIR/web.bu", exitError, "", []string{"reading the values of parameters", "local.txt"}},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			args := append([]string{"apply", "--root", root}, strings.Fields(strings.ReplaceAll(c.args, "DIR", dir))...)
			var out, errs bytes.Buffer
			testkit.Equal(t, "status", run(args, nil, &out, &errs), c.status)
			testkit.Contains(t, "what it says", strings.Join(strings.Fields(strings.ReplaceAll(errs.String(), "|", " ")), " "), c.says...)
			if c.wrote != "" {
				testkit.Equal(t, "files", testkit.ReadFile(t, root+"/name")+" "+testkit.ReadFile(t, root+"/port")+" "+testkit.ReadFile(t, root+"/local"), c.wrote)
			}
		})
	}
}
