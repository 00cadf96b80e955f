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

func TestProgramsByName(t *testing.T) {
	for path, want := range map[string]string{
		"butane": "butane", "/usr/bin/ignition-validate": "ignition-validate", `C:\Tools\butane.exe`: "butane", `C:\Tools\BUTANE.EXE`: "BUTANE", "./x.d/firstlightctl": "firstlightctl",
	} {
		if got := programName(path); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

// What editors and shells of Windows write is read, or named.
func TestTextsOfWindows(t *testing.T) {
	const utf16 = "UTF-16, and no config; save it as UTF-8: Windows PowerShell's > writes UTF-16, its Out-File -Encoding utf8 does not\n"
	const refused = "variant: fcos\r\nversion: 1.5.0\r\nstorage: {files: [{path: etc/a}]}\r\n"
	for name, c := range map[string]struct {
		args   []string
		stdin  string
		status int
		stdout string
	}{
		"lines that end with CR LF": {[]string{"translate", "-"}, "\xef\xbb\xbfvariant: fcos\r\nversion: 1.5.0\r\nstorage:\r\n  files:\r\n    - path: /a\r\n      contents:\r\n        inline: |\r\n          one\r\n          two\r\n", exitOK,
			`{"ignition":{"version":"3.4.0"},"storage":{"files":[{"path":"/a","contents":{"source":"data:,one%0Atwo%0A","compression":""}}]}}` + "\n"},
		"a problem in them": {[]string{"validate", "-"}, refused, exitRefused, "<stdin>:3:26: error: the path \"etc/a\" is not absolute; it should start with a slash (storage.files[0].path) [path-relative]\n" +
			" 3 | storage: {files: [{path: etc/a}]}\n   |                          ^^^^^\n1 error in <stdin>\n"},
		"a redirection of PowerShell": {[]string{"validate", "-"}, "\xff\xfe{\x00\r\x00\n\x00}\x00", exitRefused,
			"<stdin>: error: this is " + strings.TrimSuffix(utf16, "\n") + " [document-foreign]\n1 error in <stdin>\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout bytes.Buffer
			if status := run(c.args, strings.NewReader(c.stdin), &stdout, io.Discard); status != c.status {
				t.Errorf("status %d, want %d", status, c.status)
			}
			compare(t, "stdout", stdout.String(), c.stdout)
		})
	}
	redirected := filepath.Join(t.TempDir(), "web1")
	testkit.WriteFile(t, redirected, "\xff\xfe{\x00\r\x00\n\x00}\x00")
	for name, program := range personalities {
		var stdout, stderr bytes.Buffer
		status := program([]string{redirected}, nil, &stdout, &stderr)
		if got := stdout.String() + stderr.String(); status != exitRefused || !strings.HasSuffix(got, "this is "+utf16) {
			t.Errorf("%s: status %d, %s", name, status, got)
		}
	}
	var stderr bytes.Buffer
	if status := run([]string{"validate", `C:\configs\web1.bu`}, nil, io.Discard, &stderr); status != exitError || !strings.Contains(stderr.String(), `open C:\configs\web1.bu:`) {
		t.Errorf("an argument with a drive is no file: status %d, %s", status, &stderr)
	}
}
