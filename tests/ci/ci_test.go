// Package ci runs what .pre-commit-hooks.yaml and action.yml say in a repository with
// configs, as pre-commit and the runners of GitHub do.
package ci

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

const (
	right = "variant: fcos\nversion: 1.6.0\nstorage:\n  files:\n    - path: /etc/motd\n"
	// unformatted is right, and wrong is an error.
	unformatted = "variant: fcos\nversion: 1.6.0\nstorage:\n  files:\n  - path: /etc/motd\n"
	wrong       = "variant: fcos\nversion: 1.6.0\nstorage:\n  files:\n    - path: etc/motd\n"
	local       = "variant: fcos\nversion: 1.6.0\nstorage:\n  files:\n    - path: /etc/motd\n      contents:\n        local: motd\n"
	warned      = `{"ignition": {"version": "3.5.0"}, "x": 1}`
)

// newRepository returns the directory of a repository of git with files.
func newRepository(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		testkit.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		testkit.WriteFile(t, filepath.Join(dir, name), text)
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}} {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args[0], err, out)
		}
	}
	return dir
}

// root is the top of this repository.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	testkit.NoError(t, err)
	return dir
}

func readYAML(t *testing.T, name string, into any) {
	t.Helper()
	d := yaml.NewDecoder(strings.NewReader(testkit.ReadFile(t, filepath.Join(root(t), name))))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

type hook struct {
	ID, Name, Description, Entry, Language, Files string
	RequireSerial                                 bool `yaml:"require_serial"`
}

func TestHooks(t *testing.T) {
	var hooks []hook
	readYAML(t, ".pre-commit-hooks.yaml", &hooks)
	files := map[string]string{"right.bu": right, "sub dir/unformatted.bu": unformatted, "wrong.butane": wrong, "warned.ign": warned, "README.md": "x", "bu": "x"}
	for id, c := range map[string]struct {
		args   []string
		files  string
		status int
		output []string
	}{
		"firstlight-validate": {[]string{"--strict"}, "right.bu sub dir/unformatted.bu warned.ign wrong.butane", 1, []string{"wrong.butane:5:13: error:", "[path-relative]\n", "warned.ign:1:36: warning:", "[key-unknown]\n"}},
		"firstlight-fmt":      {nil, "right.bu sub dir/unformatted.bu wrong.butane", 0, nil},
	} {
		t.Run(id, func(t *testing.T) {
			dir := newRepository(t, files)
			h := lookUp(t, hooks, id)
			var matching []string
			for _, name := range []string{"README.md", "bu", "right.bu", "sub dir/unformatted.bu", "warned.ign", "wrong.butane"} {
				if regexp.MustCompile(h.Files).MatchString(name) {
					matching = append(matching, name)
				}
			}
			testkit.Equal(t, "files", strings.Join(matching, " "), c.files)
			entry := strings.Fields(h.Entry) // a script is below the hook's own checkout
			args := append(append(entry[1:], c.args...), matching...)
			status, output := run(t, dir, nil, filepath.Join(root(t), entry[0]), args...)
			if status != c.status {
				t.Errorf("status %d, want %d\n%s", status, c.status, output)
			}
			testkit.Contains(t, "output", output, c.output...)
			if id == "firstlight-fmt" {
				testkit.Equal(t, "the formatted file", testkit.ReadFile(t, filepath.Join(dir, "sub dir/unformatted.bu")), right)
			}
		})
	}
}

func lookUp(t *testing.T, hooks []hook, id string) hook {
	t.Helper()
	for _, h := range hooks {
		if h.ID == id && h.Language == "script" && h.RequireSerial {
			return h
		}
	}
	t.Fatalf("there is no script %s in %+v", id, hooks)
	return hook{}
}

// run returns the exit status of a program, and what it printed.
func run(t *testing.T, dir string, env []string, program string, args ...string) (int, string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), output.String()
}

// An action is what GitHub reads of action.yml.
type action struct {
	Name, Description string
	Inputs            map[string]struct{ Description, Default string }
	Outputs           map[string]struct{ Description, Value string }
	Runs              struct {
		Using string
		Steps []struct {
			ID, If, Uses, Shell, Run string
			With, Env                map[string]string
		}
	}
}

var expression = regexp.MustCompile(`\$\{\{ (\S+) \}\}`)

// runAction runs the step of the action in a repository, and returns its status, what it
// prints and what it writes as SARIF.
func runAction(t *testing.T, dir string, inputs map[string]string) (status int, output, sarif string) {
	t.Helper()
	var a action
	readYAML(t, "action.yml", &a)
	temp := t.TempDir()
	values := map[string]string{"runner.temp": temp}
	for name, input := range a.Inputs {
		values["inputs."+name] = input.Default
	}
	for name, value := range inputs {
		if _, known := a.Inputs[name]; !known {
			t.Fatalf("the action has no input %s", name)
		}
		values["inputs."+name] = value
	}
	for _, s := range a.Runs.Steps {
		if s.Run == "" {
			continue
		}
		outputs := filepath.Join(temp, "outputs")
		env := []string{"GITHUB_ACTION_PATH=" + root(t), "GITHUB_OUTPUT=" + outputs}
		for name, value := range s.Env {
			env = append(env, name+"="+expression.ReplaceAllStringFunc(value, func(e string) string {
				known, ok := values[expression.FindStringSubmatch(e)[1]]
				if !ok {
					t.Errorf("%s is not known", e)
				}
				return known
			}))
		}
		status, output = run(t, dir, env, "bash", "-e", "-c", s.Run)
		name := strings.TrimPrefix(strings.TrimSpace(testkit.ReadFile(t, outputs)), "sarif=")
		if _, err := os.Stat(name); err == nil {
			sarif = testkit.ReadFile(t, name)
		}
	}
	return status, output, sarif
}

func TestTheAction(t *testing.T) {
	motd := map[string]string{"web.bu": local, "files/motd": "hello\n"}
	for name, c := range map[string]struct {
		files  map[string]string
		inputs map[string]string
		status int
		output string
		rules  string
	}{
		"right":              {map[string]string{"a.bu": right, "b/c.ign": `{"ignition": {"version": "3.5.0"}}`}, nil, 0, "", ""},
		"an error":           {map[string]string{"a/b c.bu": wrong}, nil, 1, "::error file=a/b c.bu,line=5,col=13::the path \"etc/motd\" is not absolute; it should start with a slash (storage.files[0].path) [path-relative]\n", "path-relative"},
		"a warning":          {map[string]string{"a.ign": warned}, nil, 0, "::warning file=a.ign,line=1,col=36::\"x\" is not a key of the spec here and has no effect (x) [key-unknown]\n", "key-unknown"},
		"a warning, strict":  {map[string]string{"a.ign": warned}, map[string]string{"strict": "true"}, 1, "::warning file=a.ign,line=1,col=36::\"x\" is not a key of the spec here and has no effect (x) [key-unknown]\n", "key-unknown"},
		"unformatted":        {map[string]string{"a.bu": unformatted}, nil, 1, "::error file=a.bu::this is not formatted; run firstlightctl fmt --write\n", ""},
		"unformatted, taken": {map[string]string{"a.bu": unformatted}, map[string]string{"format": "false"}, 0, "", ""},
		"some files":         {map[string]string{"a.yaml": right, "b.bu": wrong}, map[string]string{"files": "*.yaml\n"}, 0, "", ""},
		"local files":        {motd, map[string]string{"files-dir": "files"}, 0, "", ""},
		"no configs":         {map[string]string{"README.md": "x"}, nil, 2, "::error::no file of this repository has a name that is asked for in files\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			status, output, sarif := runAction(t, newRepository(t, c.files), c.inputs)
			if status != c.status {
				t.Errorf("status %d, want %d", status, c.status)
			}
			testkit.Equal(t, "output", output, c.output)
			if c.status == 2 {
				return
			}
			var log struct {
				Runs []struct{ Results []struct{ RuleID string } }
			}
			if err := json.Unmarshal([]byte(sarif), &log); err != nil || len(log.Runs) != 1 {
				t.Fatalf("SARIF: %v\n%s", err, sarif)
			}
			var broken []string
			for _, r := range log.Runs[0].Results {
				broken = append(broken, r.RuleID)
			}
			testkit.Equal(t, "rules in SARIF", fmt.Sprint(broken), fmt.Sprint(strings.Fields(c.rules)))
		})
	}
}

func TestTheActionUploadsWhateverItFinds(t *testing.T) {
	var a action
	readYAML(t, "action.yml", &a)
	steps := a.Runs.Steps
	last := steps[len(steps)-1]
	testkit.Equal(t, "condition", last.If, "${{ !cancelled() && inputs.upload == 'true' }}")
	testkit.Equal(t, "file", last.With["sarif_file"], a.Outputs["sarif"].Value)
	if a.Runs.Using != "composite" || !strings.HasPrefix(last.Uses, "github/codeql-action/upload-sarif@") {
		t.Errorf("%+v", a.Runs)
	}
}
