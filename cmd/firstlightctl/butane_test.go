package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
)

// butaneUsageText is what --help prints; see TestHelpFitsTheScreen and below.
func butaneUsageText() string {
	var b bytes.Buffer
	butaneProgram([]string{"-h"}, nil, &b, io.Discard)
	return b.String()
}

func TestButaneHelpHasAllFlagsButTheHidden(t *testing.T) {
	text := butaneUsageText()
	for _, flag := range []string{"-h, --help", "-V, --version", "-c, --check", "-s, --strict", "-p, --pretty", "-r, --raw ", "--yaml-doc-separator ", "-o, --output", "-d, --files-dir", "--raw-errors", "--color string["} {
		if !strings.Contains(text, flag) {
			t.Errorf("there is no %s in\n%s", flag, text)
		}
	}
	for _, flag := range []string{"--colour", "--debug", "--input"} {
		if strings.Contains(text, flag) {
			t.Errorf("%s is not hidden in\n%s", flag, text)
		}
	}
}

func TestButaneFailsByClass(t *testing.T) {
	useTestFiles(t)
	for name, tc := range map[string]struct{ args, stdin, report, last string }{
		"no YAML":       {"", "a: [", "", "Error translating config: <stdin>, line "},
		"no variant":    {"", "version: 1.5.0\n", "", "Error translating config: <stdin>, line 1, column 1: there is no variant"},
		"no version":    {"", "variant: fcos\nversion: 9.9.9\n", "", "Error translating config: <stdin>, line 2, column 10: there is no version 9.9.9"},
		"a wrong type":  {"", "variant: fcos\nversion: 1.5.0\nstorage: 1\n", "", "Error translating config: <stdin>, line 3, column 10 (storage): "},
		"source":        {"--raw-errors local.bu", "", "error at $.storage.files.0.contents.local, line 7 col 16: ", "Error translating config: the source config is not valid\n"},
		"source, found": {"--raw-errors -d . local.bu", "", "error at $.storage.files.0.contents.local, line 7 col 16: ", "Error translating config: the source config is not valid\n"},
		"generated":     {"--raw-errors refused.bu", "", "error at $.storage.files.0.path, line 5 col 13: ", "Error translating config: the generated config is not valid\n"},
	} {
		var stdout, stderr strings.Builder
		status := butaneProgram(strings.Fields(tc.args), strings.NewReader(tc.stdin), &stdout, &stderr)
		rest, reported := strings.CutPrefix(stderr.String(), tc.report)
		if tc.report != "" {
			_, rest, _ = strings.Cut(rest, "\n")
		}
		if status != 1 || stdout.Len() > 0 || !reported || !strings.HasPrefix(rest, tc.last) {
			t.Errorf("%s: status %d, %s", name, status, &stderr)
		}
	}
	checkTestFiles(t)
}

func TestButaneRaw(t *testing.T) {
	useTestFiles(t)
	for _, flag := range []string{"-r", "--raw"} {
		var stdout, stderr strings.Builder
		status := butaneProgram([]string{flag, "--raw-errors", "shift.bu"}, nil, &stdout, &stderr)
		compare(t, "stdout", stdout.String(), rawShift)
		if status != 0 || !strings.HasPrefix(stderr.String(), "warning at $.openshift.fips, line 9 col 19: ") {
			t.Errorf("status %d, %s", status, &stderr)
		}
	}
}

func TestButaneSeparatesMachineConfigs(t *testing.T) {
	useTestFiles(t)
	for args, want := range map[string]string{
		"--yaml-doc-separator shift.bu":                    "---\n" + machineConfig,
		"--yaml-doc-separator --pretty shift.bu":           "---\n" + machineConfig,
		"--yaml-doc-separator=false shift.bu":              machineConfig,
		"--yaml-doc-separator --raw --raw-errors shift.bu": rawShift,
		"--yaml-doc-separator good.bu":                     goodJSON,
	} {
		var stdout, stderr strings.Builder
		if status := butaneProgram(strings.Fields(args), nil, &stdout, &stderr); status != 0 {
			t.Errorf("%s: status %d, %s", args, status, &stderr)
		}
		compare(t, args, stdout.String(), want)
	}
}

func TestButaneWritesTheFile(t *testing.T) {
	for name, args := range map[string]string{"old": "-o old good.bu", "new": "good.bu --output=new"} {
		useTestFiles(t)
		cliCase{args, "", 0, "", ""}.check(t, butaneProgram)
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, args, string(text), goodJSON)
	}
}

func TestButaneSaysThatTheResultIsLost(t *testing.T) {
	useTestFiles(t)
	var stderr strings.Builder
	status := butaneProgram([]string{"good.bu"}, nil, brokenWriter{}, &stderr)
	if status != 1 || stderr.String() != "Error writing the translated config: it is full\n" {
		t.Errorf("status %d, %s", status, &stderr)
	}
}

func TestButaneColours(t *testing.T) {
	useTestFiles(t)
	for flag, want := range map[string]bool{
		"--color": true, "--color=always": true, "--color=yes": true, "--colour": true, "--colour=yes": true,
		"--color=never": false, "--color=no": false, "--color=auto": false, "--color=pink": false, "--colour=no": false, "-c": false,
	} {
		var stderr strings.Builder
		if status := butaneProgram([]string{flag, "warned.bu"}, nil, io.Discard, &stderr); status != 0 {
			t.Errorf("%s: status %d", flag, status)
		}
		if got := strings.Contains(stderr.String(), "\x1b[1;33mwarning\x1b[0m[$.unknown]:\n  \x1b[1;34m-->\x1b[0m warned.bu"); got != want || want != strings.Contains(stderr.String(), "\x1b") {
			t.Errorf("%s: %q", flag, &stderr)
		}
	}
}

func TestButaneReport(t *testing.T) {
	text := "é: aa bb\n\tx: \"passwd\"\npassword_hash: hunter2\n3\n4\n5\n6\n7\n8\n9\n10"
	r := &report{inputs: []input{{name: "f", text: []byte(text)}}}
	at := func(line, column int, path string) config.Problem {
		return config.Problem{Severity: config.Error, Origin: config.Origin{Source: "f", Line: line, Column: column, Path: path}, Message: "m"}
	}
	for name, tc := range map[string]struct {
		problem         config.Problem
		pretty, oneLine string
	}{
		"characters count": {at(1, 5, "é[0].b"),
			"error[$.é.0.b]:\n  --> f:1:4\n   |\n 1 | é: aa bb\n   |    ^^ m\n 2 | \tx: \"passwd\"\n 3 | password_hash: *******\n   |\n",
			"error at $.é.0.b, line 1 col 4: m\n"},
		"a tab": {at(2, 5, ""),
			"error:\n  --> f:2:5\n   |\n 1 | é: aa bb\n 2 | \tx: \"passwd\"\n   | \t   ^^^^^^^^ m\n 3 | password_hash: *******\n 4 | 3\n   |\n",
			"error at line 2 col 5: m\n"},
		"the gutter grows": {at(8, 1, ""),
			"error:\n  --> f:8:1\n    |\n  6 | 5\n  7 | 6\n  8 | 7\n    | ^ m\n  9 | 8\n 10 | 9\n    |\n",
			"error at line 8 col 1: m\n"},
		"the last line": {at(11, 1, ""),
			"error:\n  --> f:11:1\n    |\n  9 | 8\n 10 | 9\n 11 | 10\n    | ^^ m\n    |\n",
			"error at line 11 col 1: m\n"},
		"after the line":    {at(11, 3, "a"), "error at $.a, line 11 col 3: m\n", "error at $.a, line 11 col 3: m\n"},
		"no place":          {at(0, 0, "a"), "error at $.a: m\n", "error at $.a: m\n"},
		"no place, no path": {at(0, 0, ""), "error: m\n", "error: m\n"},
	} {
		compare(t, name, butanePretty(r, config.Problems{tc.problem}, false), tc.pretty)
		compare(t, name, butaneLines(r, config.Problems{tc.problem}), tc.oneLine)
	}
	two := butanePretty(r, config.Problems{at(0, 0, "a"), at(0, 0, "b")}, false)
	compare(t, "two problems", two, "error at $.a: m\n\nerror at $.b: m\n")
}

func TestButaneReportHidesBlocksOfText(t *testing.T) {
	text := "a: 1\nb:\n  inline: |\n    hunter2\n    hunter3\nc: 2"
	r := &report{inputs: []input{{name: "f", text: []byte(text)}}}
	p := config.Problem{Severity: config.Warning, Origin: config.Origin{Source: "f", Line: 3, Column: 3, Path: "b.inline"}, Message: "m"}
	want := fmt.Sprintf("warning[$.b.inline]:\n  --> f:3:3\n   |\n 1 | a: 1\n 2 | b:\n 3 |   inline: |\n   |   ^^^^^^^ m\n 4 |     %[1]s\n 5 |     %[1]s\n   |\n", "*******")
	compare(t, "report", butanePretty(r, config.Problems{p}, false), want)
}
