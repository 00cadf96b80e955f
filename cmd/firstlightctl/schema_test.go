package main

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
	"github.com/firstlight-os/firstlight/internal/schema"
)

func TestSchema(t *testing.T) {
	dialect := func(variant, version string) butane.Dialect {
		for _, d := range butane.Dialects() {
			if d.Variant == variant && d.Version == version {
				return d
			}
		}
		t.Fatalf("there is no %s %s", variant, version)
		return butane.Dialect{}
	}
	ignition := func(v config.Version) []byte { text, _ := schema.Ignition(v); return text }
	of := func(variant, version string) []byte { text, _ := schema.Butane(dialect(variant, version)); return text }
	for args, want := range map[string][]byte{
		"schema":                                             ignition(config.Stable),
		"schema --version 3.1.0":                             ignition(config.V3_1),
		"schema --version 3.7.0-experimental":                ignition(config.V3_7Experimental),
		"schema --variant fcos":                              of("fcos", "1.7.0"),
		"schema --variant openshift":                         of("openshift", "4.22.0"),
		"schema --variant r4e --version=1.0.0":               of("r4e", "1.0.0"),
		"schema --variant fiot --version 1.1.0-experimental": of("fiot", "1.1.0-experimental"),
	} {
		var stdout, stderr strings.Builder
		status := run(strings.Fields(args), nil, &stdout, &stderr)
		if status != 0 || stderr.Len() > 0 || !json.Valid([]byte(stdout.String())) {
			t.Errorf("%s: status %d, %s", args, status, &stderr)
		}
		compare(t, args, stdout.String(), strings.TrimSpace(string(want))+"\n")
	}
}

func TestSchemaOfWhatThereIsNot(t *testing.T) {
	checkAll(t, run, map[string]cliCase{
		"version":            {"schema --version 2.3.0", "", 2, "", "firstlightctl: there is no version \"2.3.0\" of the spec; there are 3.0.0, 3.1.0, 3.2.0, 3.3.0, 3.4.0, 3.5.0, 3.6.0, 3.7.0-experimental\n"},
		"variant":            {"schema --variant rhcos", "", 2, "", "firstlightctl: there is no variant \"rhcos\" of Butane; there are fcos, flatcar, r4e, fiot, openshift\n"},
		"version of variant": {"schema --variant fiot --version 3.4.0", "", 2, "", "firstlightctl: there is no version \"3.4.0\" of the variant fiot; there are 1.0.0, 1.1.0-experimental\n"},
	})
	if status := run([]string{"schema"}, nil, brokenWriter{}, io.Discard); status != 2 {
		t.Errorf("exit status %d when the schema cannot be written", status)
	}
}
