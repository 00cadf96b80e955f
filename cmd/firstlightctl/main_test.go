package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/spf13/cobra"
)

// testFiles are in the working directory of every case.
var testFiles = map[string]string{
	"good.ign":    `{"ignition": {"version": "3.4.0"}}`,
	"warned.ign":  "{\"ignition\": {\"version\": \"3.4.0\"},\n \"unknown\": 1}",
	"refused.ign": "{\"ignition\": {\"version\": \"3.4.0\"},\n \"storage\": {\"files\": [{\"path\": 1}]}}",
	"empty.ign":   "",
	"good.bu":     "variant: fcos\nversion: 1.5.0\n",
	"warned.bu":   "variant: fcos\nversion: 1.5.0\nunknown: 1\n",
	"refused.bu":  "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: a\n",
	"local.bu":    "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /a\n      contents:\n        local: hello\n",
	"shift.bu":    "variant: openshift\nversion: 4.19.0\nmetadata:\n  name: m\n  labels: {machineconfiguration.openshift.io/role: worker}\nstorage:\n  files:\n    - {path: /a, mode: 0644, contents: {source: \"data:,\"}}\nopenshift: {fips: false}\n",
	"dir/hello":   "hello",
	"old":         "what was here before",
}

// A cliCase is one call of a program and everything that it prints.
type cliCase struct {
	args   string
	stdin  string
	status int
	stdout string
	stderr string
}

type program func(args []string, stdin io.Reader, stdout, stderr io.Writer) int

// useTestFiles changes to a new directory with the test files.
func useTestFiles(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	testkit.NoError(t, writeTestFiles("."))
}

func writeTestFiles(dir string) error {
	var errs []error
	for name, text := range testFiles {
		path := filepath.Join(dir, name)
		errs = append(errs, os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644))
	}
	return errors.Join(errs...)
}

func (s cliCase) check(t *testing.T, run program) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if status := run(strings.Fields(s.args), strings.NewReader(s.stdin), &stdout, &stderr); status != s.status {
		t.Errorf("exit status %d, want %d", status, s.status)
	}
	compare(t, "stdout", stdout.String(), s.stdout)
	compare(t, "stderr", stderr.String(), s.stderr)
}

func compare(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n%s\nwant:\n%s", what, got, want)
	}
}

func checkTestFiles(t *testing.T) {
	t.Helper()
	for name, want := range testFiles {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Error(err)
		}
		compare(t, name, string(text), want)
	}
	entries, err := os.ReadDir(".")
	if err != nil || len(entries) != len(testFiles) {
		t.Errorf("there are other files than before: %v, %v", entries, err)
	}
}

// brokenWriter is a pipe that nobody reads, or a full disk.
type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("it is full") }

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		var stdout bytes.Buffer
		if status := run([]string{"completion", shell}, nil, &stdout, io.Discard); status != 0 || !strings.Contains(stdout.String(), "firstlightctl") {
			t.Errorf("%s: status %d", shell, status)
		}
	}
}

func TestHelpFitsTheScreen(t *testing.T) {
	var all []string
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		all = append(all, c.Long+"\n"+c.UsageString())
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(command())
	var butane bytes.Buffer
	butaneProgram([]string{"--help"}, nil, &butane, io.Discard)
	for _, text := range append(all, butane.String()) {
		for line := range strings.SplitSeq(text, "\n") {
			if width(line) > 80 {
				t.Errorf("this takes %d columns: %s", width(line), line)
			}
		}
	}
}

func TestHelpTellsTheExitStatus(t *testing.T) {
	for _, name := range []string{"validate", "translate"} {
		var stdout bytes.Buffer
		if status := run([]string{name, "--help"}, nil, &stdout, io.Discard); status != 0 || !strings.Contains(stdout.String(), exitHelp) {
			t.Errorf("%s: status %d, %s", name, status, &stdout)
		}
	}
}
