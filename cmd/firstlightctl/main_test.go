package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/firstlight-os/firstlight/internal/system"
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
	if err := os.Mkdir("dir", 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range testFiles {
		writeFile(t, name, text)
	}
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
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

// checkAll runs each case in a new directory, whose files must not change.
func checkAll(t *testing.T, run program, cases map[string]cliCase) {
	for name, s := range cases {
		t.Run(name, func(t *testing.T) {
			useTestFiles(t)
			s.check(t, run)
			checkTestFiles(t)
		})
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

func TestWrongUsage(t *testing.T) {
	checkAll(t, run, map[string]cliCase{
		"unknown command":             {"frob", "", 2, "", "firstlightctl: unknown command \"frob\" for \"firstlightctl\"\n"},
		"unknown flag":                {"validate --frob good.ign", "", 2, "", "firstlightctl: unknown flag: --frob; see firstlightctl validate --help\n"},
		"version takes nothing":       {"version x", "", 2, "", "firstlightctl: unknown command \"x\" for \"firstlightctl version\"\n"},
		"schema takes nothing":        {"schema x", "", 2, "", "firstlightctl: unknown command \"x\" for \"firstlightctl schema\"\n"},
		"nothing to validate":         {"validate", "", 2, "", "firstlightctl: no config is given; name at least one FILE, - is standard input\n"},
		"standard input twice":        {"validate - good.ign -", "", 2, "", "firstlightctl: - is given twice, but standard input can be read only once\n"},
		"unknown format":              {"validate --format xml good.ign", "", 2, "", "firstlightctl: there is no format \"xml\"; there are text, json, sarif, github\n"},
		"merged with local files":     {"validate --merged -d dir good.ign", "", 2, "", "firstlightctl: --merged and --files-dir do not go together: machines have no local files; translate the config first\n"},
		"two files to translate":      {"translate good.ign good.bu", "", 2, "", "firstlightctl: more than one FILE is given; translate them one by one\n"},
		"unknown version of the spec": {"translate --to 3.9.0 good.ign", "", 2, "", "firstlightctl: there is no version \"3.9.0\" of the spec; there are 3.0.0, 3.1.0, 3.2.0, 3.3.0, 3.4.0, 3.5.0, 3.6.0, 3.7.0-experimental\n"},
	})
}

func TestVersion(t *testing.T) {
	text := "firstlightctl " + system.Version + "\n"
	checkAll(t, run, map[string]cliCase{
		"command": {"version", "", 0, text, ""},
		"flag":    {"--version", "", 0, text, ""},
	})
}

// TestMain lets this program be any of the three, for TestPersonalities.
func TestMain(m *testing.M) {
	if os.Getenv("FIRSTLIGHTCTL_TEST_MAIN") != "" {
		main()
	}
	os.Exit(m.Run())
}

func TestPersonalities(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	useTestFiles(t)
	for _, tc := range []struct {
		name, args string
		status     int
		out        string
	}{
		{"firstlightctl", "validate good.ign", 0, ""},
		{"firstlightctl", "validate refused.ign", 1, refusedText + "1 error in refused.ign\n"},
		{"firstlightctl", "validate", 2, "firstlightctl: no config is given; name at least one FILE, - is standard input\n"},
		{"anything", "version", 0, "firstlightctl " + system.Version + "\n"},
		{"ignition-validate", "-version", 0, "Ignition " + system.Version + "\n"},
		{"butane", "--version", 0, "Butane " + system.Version + "\n"},
		{"butane", "--raw-errors refused.bu", 1, rawRefusal},
	} {
		link := filepath.Join(t.TempDir(), tc.name)
		if err := os.Symlink(self, link); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(link, strings.Fields(tc.args)...)
		cmd.Env = append(os.Environ(), "FIRSTLIGHTCTL_TEST_MAIN=1")
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil {
			t.Fatal(err)
		}
		if status := cmd.ProcessState.ExitCode(); status != tc.status {
			t.Errorf("%s %s: exit status %d, want %d", tc.name, tc.args, status, tc.status)
		}
		compare(t, tc.name+" "+tc.args, string(out), tc.out)
	}
}

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
