package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestIgnitionValidate(t *testing.T) {
	useTestFiles(t)
	for name, tc := range map[string]struct {
		args           string
		stdin          string
		status         int
		stdout, stderr string
	}{
		"valid":            {"good.ign", "", 0, "", ""},
		"from stdin":       {"-", testFiles["good.ign"], 0, "", ""},
		"warning":          {"warned.ign", "", 0, "warning at $.unknown, line 2 col 2: ", ""},
		"error":            {"refused.ign", "", 1, "error at $.storage.files.0.path, line 2 col 33: this is a number, but a string is expected", ""},
		"syntax":           {"-", "{", 1, "error at line 1 col 2: this is not valid JSON", ""},
		"empty":            {"empty.ign", "", 1, "", "couldn't parse config: the config is empty"},
		"old version":      {"-", `{"ignition": {"version": "2.2.0"}}`, 1, "", `version "2.2.0" is of spec 2`},
		"unreadable":       {"none", "", 1, "", "couldn't read config: open none: no such file"},
		"no argument":      {"", "", 1, "", "Usage"},
		"two arguments":    {"a b", "", 1, "", "Usage"},
		"unknown flag":     {"-frob", "", 2, "", "-frob"},
		"help":             {"-help", "", 0, "", "Usage"},
		"version":          {"-version more", "", 0, "Ignition ", ""},
		"percent in key":   {"-", `{"ignition": {"version": "3.4.0"}, "100%": 1}`, 0, `"100%" is not a key`, ""},
		"bytes, not runes": {"-", `{"ignition": {"version": "3.4.0"}, "é": 1, "x": 1}`, 0, "warning at $.x, line 1 col 45: ", ""},
		"Butane":           {"good.bu", "", 0, "", ""},
		"Butane, warning":  {"-", testFiles["warned.bu"], 0, "warning at $.unknown, line 3 col 1: ", ""},
		"Butane, error":    {"refused.bu", "", 1, "error at $.storage.files.0.path, line 5 col 13: ", ""},
		"Butane, local":    {"local.bu", "", 1, "error at $.storage.files.0.contents.local, line 7 col 16: ", ""},
		"Butane, no YAML":  {"-", "variant: fcos\nversion: [\n", 1, "error at line ", ""},
		"for OpenShift":    {"shift.bu", "", 1, "error at $.variant, line 1 col 10: ", ""},
	} {
		var stdout, stderr bytes.Buffer
		status := ignitionValidate(strings.Fields(tc.args), strings.NewReader(tc.stdin), &stdout, &stderr)
		if status != tc.status || !strings.Contains(stdout.String(), tc.stdout) || !strings.Contains(stderr.String(), tc.stderr) ||
			tc.stdout == "" && stdout.Len() > 0 || tc.stderr == "" && stderr.Len() > 0 {
			t.Errorf("%s: status %d, stdout %q, stderr %q", name, status, &stdout, &stderr)
		}
	}
	checkTestFiles(t)
}
