package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/system"
)

const (
	prettyWarning = `warning[$.unknown]:
  --> warned.bu:3:1
   |
 1 | variant: fcos
 2 | version: 1.5.0
 3 | unknown: 1
   | ^^^^^^^^ "unknown" is not a key of fcos 1.5.0 here and has no effect
 4 | ` + `
   |
`
	rawWarning   = "warning at $.unknown, line 3 col 1: \"unknown\" is not a key of fcos 1.5.0 here and has no effect\n"
	rawRefusal   = "error at $.storage.files.0.path, line 5 col 13: the path \"a\" is not absolute; it should start with a slash\nError translating config: the generated config is not valid\n"
	strictLine   = "The config has warnings, which --strict refuses.\n"
	missingLocal = "Error translating config: the source config is not valid\n"
)

func TestButane(t *testing.T) {
	checkAll(t, butaneProgram, map[string]cliCase{
		"a file":                {"good.bu", "", 0, goodJSON, ""},
		"stdin":                 {"", testFiles["good.bu"], 0, goodJSON, ""},
		"hidden input":          {"--input good.bu", "", 0, goodJSON, "Flag --input has been deprecated, name the file without a flag\n"},
		"flags after the file":  {"good.bu --pretty", "", 0, goodPretty, ""},
		"bundled":               {"-ps good.bu", "", 0, goodPretty, ""},
		"pretty":                {"-p good.bu", "", 0, goodPretty, ""},
		"check":                 {"-c good.bu", "", 0, "", ""},
		"check, long":           {"--check good.bu", "", 0, "", ""},
		"check with output":     {"-c -o old good.bu", "", 0, "", ""},
		"warning":               {"warned.bu", "", 0, goodJSON, prettyWarning},
		"raw errors":            {"--raw-errors warned.bu", "", 0, goodJSON, rawWarning},
		"raw errors from stdin": {"--raw-errors", testFiles["warned.bu"], 0, goodJSON, rawWarning},
		"pretty from stdin":     {"", testFiles["warned.bu"], 0, goodJSON, strings.Replace(prettyWarning, "warned.bu", "<stdin>", 1)},
		"strict":                {"-s --raw-errors warned.bu", "", 1, "", rawWarning + strictLine},
		"strict, pretty":        {"--strict warned.bu", "", 1, "", prettyWarning + strictLine},
		"strict, check":         {"-sc --raw-errors warned.bu", "", 1, "", rawWarning + strictLine},
		"strict, output":        {"-s --raw-errors -o old warned.bu", "", 1, "", rawWarning + strictLine},
		"refused":               {"--raw-errors refused.bu", "", 1, "", rawRefusal},
		"refused, output":       {"--raw-errors -o old refused.bu", "", 1, "", rawRefusal},
		"refused, new output":   {"--raw-errors --output new refused.bu", "", 1, "", rawRefusal},
		"refused, strict":       {"--raw-errors -s refused.bu", "", 1, "", rawRefusal},
		"local":                 {"-d dir local.bu", "", 0, withHello, ""},
		"local, long":           {"--files-dir=dir local.bu", "", 0, withHello, ""},
		"MachineConfig":         {"shift.bu", "", 0, machineConfig, ""},
		"MachineConfig, pretty": {"-p shift.bu", "", 0, machineConfig, ""},
		"raw without effect":    {"-r good.bu", "", 0, goodJSON, ""},
		"debug without effect":  {"-D --debug good.bu", "", 0, goodJSON, ""},
		"colour takes no word":  {"--color always good.bu", "", 2, "", butaneUsageText()},
		"version":               {"-V", "", 0, "Butane " + system.Version + "\n", ""},
		"version, long":         {"--version none.bu", "", 0, "Butane " + system.Version + "\n", ""},
		"help":                  {"-h", "", 0, butaneUsageText(), ""},
		"help before version":   {"-V --help", "", 0, butaneUsageText(), ""},
		"two files":             {"a b", "", 2, "", butaneUsageText()},
		"two files, help":       {"--help a b", "", 2, "", butaneUsageText()},
		"two files, version":    {"-V a b", "", 2, "", butaneUsageText()},
		"file and input":        {"--input a b", "", 2, "", "Flag --input has been deprecated, name the file without a flag\n" + butaneUsageText()},
		"unknown flag":          {"--frob", "", 2, "", "unknown flag: --frob\n" + butaneUsageText()},
		"unknown short flag":    {"-x", "", 2, "", "unknown shorthand flag: 'x' in -x\n" + butaneUsageText()},
		"flag without a value":  {"-o", "", 2, "", "flag needs an argument: 'o' in -o\n" + butaneUsageText()},
		"unreadable":            {"none.bu", "", 1, "", "Error reading the config: open none.bu: no such file or directory\n"},
		"a directory":           {"dir", "", 1, "", "Error reading the config: read dir: is a directory\n"},
		"- is a file":           {"-", testFiles["good.bu"], 1, "", "Error reading the config: open -: no such file or directory\n"},
		"after --":              {"-- -p", "", 1, "", "Error reading the config: open -p: no such file or directory\n"},
		"output is a directory": {"-o dir good.bu", "", 1, "", "Error writing the translated config: open dir: is a directory\n"},
		"output below nothing":  {"-o none/x good.bu", "", 1, "", "Error writing the translated config: open none/x: no such file or directory\n"},
		"empty":                 {"empty.ign", "", 1, "", "Error translating config: the config is empty\n"},
	})
}

// butaneUsageText is what --help prints; see TestHelpFitsTheScreen and below.
func butaneUsageText() string {
	var b bytes.Buffer
	butaneProgram([]string{"-h"}, nil, &b, io.Discard)
	return b.String()
}

func TestButaneHelpHasAllFlagsButTheHidden(t *testing.T) {
	text := butaneUsageText()
	for _, flag := range []string{"-h, --help", "-V, --version", "-c, --check", "-s, --strict", "-p, --pretty", "-r, --raw ", "-o, --output", "-d, --files-dir", "--raw-errors", "--color string["} {
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
	r := &report{inputs: []input{{"f", []byte(text)}}}
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
	r := &report{inputs: []input{{"f", []byte(text)}}}
	p := config.Problem{Severity: config.Warning, Origin: config.Origin{Source: "f", Line: 3, Column: 3, Path: "b.inline"}, Message: "m"}
	want := fmt.Sprintf("warning[$.b.inline]:\n  --> f:3:3\n   |\n 1 | a: 1\n 2 | b:\n 3 |   inline: |\n   |   ^^^^^^^ m\n 4 |     %[1]s\n 5 |     %[1]s\n   |\n", "*******")
	compare(t, "report", butanePretty(r, config.Problems{p}, false), want)
}
