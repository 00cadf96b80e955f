package main

import (
	"io"
	"strings"
	"testing"
)

const (
	warnedText = `warned.ign:2:2: warning: "unknown" is not a key of the spec here and has no effect (unknown)
 2 |  "unknown": 1}
   |  ^^^^^^^^^
`
	refusedText = `refused.ign:2:33: error: this is a number, but a string is expected (storage.files[0].path)
 2 |  "storage": {"files": [{"path": 1}]}}
   |                                 ^
`
)

func TestValidate(t *testing.T) {
	checkAll(t, run, map[string]cliCase{
		"valid":               {"validate good.ign", "", 0, "", ""},
		"valid Butane":        {"validate good.bu", "", 0, "", ""},
		"valid for OpenShift": {"validate shift.bu", "", 0, "", ""},
		"valid, from stdin":   {"validate -", testFiles["good.ign"], 0, "", ""},
		"Butane, from stdin":  {"validate -", testFiles["good.bu"], 0, "", ""},
		"warning":             {"validate warned.ign", "", 0, warnedText + "1 warning in warned.ign\n", ""},
		"warning, strict":     {"validate --strict warned.ign", "", 1, warnedText + "1 warning in warned.ign, refused by --strict\n", ""},
		"valid, strict":       {"validate --strict good.ign", "", 0, "", ""},
		"error":               {"validate refused.ign", "", 1, refusedText + "1 error in refused.ign\n", ""},
		"error, strict":       {"validate --strict refused.ign", "", 1, refusedText + "1 error in refused.ign\n", ""},
		"several files": {"validate good.ign warned.ign refused.ign good.bu", "", 1,
			warnedText + refusedText + "1 error, 1 warning in 4 configs\n", ""},
		"several files, strict": {"validate --strict warned.ign good.ign", "", 1,
			warnedText + "1 warning in 2 configs, refused by --strict\n", ""},
		"Butane, refused": {"validate refused.bu", "", 1, `refused.bu:5:13: error: the path "a" is not absolute; it should start with a slash (storage.files[0].path)
 5 |     - path: a
   |             ^
1 error in refused.bu
`, ""},
		"Butane, warned, from stdin": {"validate -", testFiles["warned.bu"], 0, `<stdin>:3:1: warning: "unknown" is not a key of fcos 1.5.0 here and has no effect (unknown)
 3 | unknown: 1
   | ^^^^^^^
1 warning in <stdin>
`, ""},
		"local file, found":        {"validate --files-dir dir local.bu", "", 0, "", ""},
		"local file, short flag":   {"validate -d dir local.bu", "", 0, "", ""},
		"empty":                    {"validate empty.ign", "", 1, "empty.ign: error: the config is empty\n1 error in empty.ign\n", ""},
		"unreadable":               {"validate none.ign", "", 2, "", "firstlightctl: reading a config: open none.ign: no such file or directory\n"},
		"a directory":              {"validate dir", "", 2, "", "firstlightctl: reading a config: read dir: is a directory\n"},
		"unreadable among others":  {"validate none.ign refused.ign dir", "", 2, refusedText + "1 error in refused.ign\n", "firstlightctl: reading a config: open none.ign: no such file or directory\nfirstlightctl: reading a config: read dir: is a directory\n"},
		"a file named like a flag": {"validate -- -x", "", 2, "", "firstlightctl: reading a config: open -x: no such file or directory\n"},
		"the end of the text": {"validate -", "{\"ignition\": ", 1, `<stdin>:1:14: error: this is not valid JSON: the text ends too early, a bracket, brace or quote is not closed
 1 | {"ignition":
   |              ^
1 error in <stdin>
`, ""},
		"unknown version": {"validate -", `{"ignition": {"version": "2.2.0"}}`, 1, `<stdin>:1:26: error: version "2.2.0" of the spec is not supported; supported are 3.0.0, 3.1.0, 3.2.0, 3.3.0, 3.4.0, 3.5.0, 3.6.0, 3.7.0-experimental (ignition.version)
 1 | {"ignition": {"version": "2.2.0"}}
   |                          ^^^^^^^
1 error in <stdin>
`, ""},
	})
}

func TestValidateLocalFileMissing(t *testing.T) {
	useTestFiles(t)
	for _, args := range []string{"validate local.bu", "validate -d . local.bu"} {
		var out strings.Builder
		if status := run(strings.Fields(args), nil, &out, io.Discard); status != 1 || !strings.HasPrefix(out.String(), "local.bu:7:16: error: ") {
			t.Errorf("%s: status %d\n%s", args, status, &out)
		}
	}
}

func TestValidateSaysThatTheReportIsLost(t *testing.T) {
	useTestFiles(t)
	for _, format := range formats {
		var stderr strings.Builder
		status := run([]string{"validate", "--format", format.name, "warned.ign"}, nil, brokenWriter{}, &stderr)
		if status != 2 || stderr.String() != "firstlightctl: writing the report: it is full\n" {
			t.Errorf("%s: status %d, %s", format.name, status, &stderr)
		}
	}
}
