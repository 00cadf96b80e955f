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
	refusedText = `refused.ign:2:33: error: this is a number, but a string is expected (storage.files[0].path) [value-type]
 2 |  "storage": {"files": [{"path": 1}]}}
   |                                 ^
`
)

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
