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
		"schema --variant openshift":                         of("openshift", "5.0.0"),
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

func TestSchemaSaysThatItCannotBeWritten(t *testing.T) {
	if status := run([]string{"schema"}, nil, brokenWriter{}, io.Discard); status != 2 {
		t.Errorf("exit status %d", status)
	}
}
