package check

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
)

const (
	goodButane = "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /etc/motd # ä\n      contents:\n        inline: hello\n"
	goodJSON   = "{\"ignition\": {\"version\": \"3.4.0\"},\n  \"storage\": {\"files\": [{\"path\": \"/etc/motd\", \"mode\": 420}]}}\n"
	shift      = "variant: openshift\nversion: 4.14.0\nmetadata:\n  name: motd\n  labels:\n    machineconfiguration.openshift.io/role: worker\n" +
		"storage:\n  files:\n    - path: /etc/motd\n      contents:\n        inline: hello\n"
)

func TestTextFindsTheLanguageAndTheVersion(t *testing.T) {
	for _, c := range []struct {
		name, text       string
		butane           bool
		variant, version string
		refused          bool
	}{
		{"butane", goodButane, true, "fcos", "1.5.0", false},
		{"butane that is broken below", goodButane + "  }\n", true, "fcos", "1.5.0", true},
		{"butane with quotes", "version: \"1.5.0\"\n'variant': 'fcos'\n", true, "fcos", "1.5.0", false},
		{"butane in flow style", `{variant: fcos, version: 1.5.0}`, true, "fcos", "1.5.0", false},
		{"butane of an unknown variant", "variant: new # one\nversion: 9.9\n", true, "new", "9.9", true},
		{"json", goodJSON, false, "", "3.4.0", false},
		{"json that is cut off", `{"ignition": {"version": "3.4.0"`, false, "", "3.4.0", true},
		{"json of an unknown version", `{"ignition": {"version": "9.0.0"}}`, false, "", "9.0.0", true},
		{"nothing", "", false, "", "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := Text([]byte(c.text), "x", butane.Options{})
			if r.Butane != c.butane || r.Variant != c.variant || r.Version != c.version {
				t.Errorf("got Butane %t, variant %q, version %q", r.Butane, r.Variant, r.Version)
			}
			if refused := r.Config == nil; refused != c.refused || refused != (r.JSON == nil) || refused != r.Problems.HasErrors() {
				t.Errorf("config %v, JSON %s, problems:\n%s", r.Config, r.JSON, r.Problems)
			}
		})
	}
}

func TestSpanIsWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - {path: /ä, mode: many} # x\n", "many"},
		{"variant: fcos\nversion: 1.5.0\nunknown: 1\n", "unknown"},
		{"variant: firstlight\nversion: 1.0.0\nstorage:\n  files:\n    - path: ${param:a} # x\n", "${param:a}"},
		{"variant: firstlight\nversion: 1.0.0\nstorage:\n  files:\n    - path: $${param:a}, b # x\n", "$${param:a}"},
		{"variant: fcos\nversion: 1.5.0\nstorage:\n  disks:\n    - device: \"vda # x\"\n", `"vda # x"`},
		{"variant: fcos\r\nversion: 1.5.0\r\nstorage: [1]\r\n", "["},
		{`{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "a\"b, c"}]}}`, `"a\"b, c"`},
		{`{"ignition": {"version": "3.4.0"`, ""},
	} {
		r := Text([]byte(c.text), "x", butane.Options{})
		if len(r.Problems) == 0 {
			t.Errorf("%s: no problem", c.text)
			continue
		}
		span, ok := r.Span(r.Problems[0].Origin)
		if got := c.text[span.Start:span.End]; !ok || got != c.want {
			t.Errorf("%s: got %q, want %q: %s", c.text, got, c.want, r.Problems[0])
		}
	}
	r := Text([]byte(goodJSON), "x", butane.Options{})
	for _, o := range []config.Origin{{}, {Source: "x"}, {Source: "another", Line: 1, Column: 1}} {
		if span, ok := r.Span(o); ok {
			t.Errorf("%v is at %v", o, span)
		}
	}
}

// Each value is listed as TEXT <- TEXT OF ITS ORIGIN.
func TestValuesHaveTheirOrigins(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"butane", goodButane, []string{"{} <- variant", "{} <- variant", `"3.4.0" <- 1.5.0`, "{} <- files", "[] <- -", "{} <- path", `"/etc/motd" <- /etc/motd`, "{} <- inline", `"data:,hello" <- hello`, `"" <- hello`}},
		{"json", goodJSON, []string{"{} <- {", "{} <- {", `"3.4.0" <- "3.4.0"`, "{} <- {", "[] <- [", "{} <- {", `"/etc/motd" <- "/etc/motd"`, "420 <- 420"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := Text([]byte(c.text), "x", butane.Options{})
			var got []string
			for _, v := range r.Values(r.JSON) {
				value := string(r.JSON[v.Start:v.End])
				if IsPunctuation(value, 0) { // an object or a list
					value = value[:1] + value[len(value)-1:]
				}
				span, _ := r.Span(v.Origin)
				got = append(got, value+" <- "+c.text[span.Start:span.End])
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestValuesOfAMachineConfig(t *testing.T) {
	r := Text([]byte(shift), "x", butane.Options{})
	var got []string
	for _, v := range r.Values(r.JSON) {
		if v.Origin.Path != "" {
			got = append(got, fmt.Sprint(v.Origin.Path))
		}
	}
	want := "storage storage.files storage.files[0] storage.files[0].path"
	if !r.MachineConfig || !strings.Contains(strings.Join(got, " "), want) {
		t.Errorf("got %q in %s", got, r.JSON)
	}
}

// Every value of the corpus comes from somewhere, in the order of its text.
func TestValuesOfTheCorpus(t *testing.T) {
	documents, err := filepath.Glob("../../config/butane/testdata/corpus/*.bu")
	if err != nil || len(documents) < 80 {
		t.Fatalf("%d documents: %v", len(documents), err)
	}
	for _, document := range documents {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		r := Text(text, "x", butane.Options{FilesDir: strings.TrimSuffix(document, ".bu") + ".files", Raw: true})
		values := r.Values(r.JSON)
		if (r.Config == nil) != (len(values) == 0) {
			t.Errorf("%s: %d values", document, len(values))
		}
		for i, v := range values {
			if _, ok := r.Span(v.Origin); !ok {
				t.Errorf("%s: byte %d comes from %v", document, v.Start, v.Origin)
			}
			if !json.Valid(r.JSON[v.Start:v.End]) {
				t.Errorf("%s: a value is %q", document, r.JSON[v.Start:v.End])
			}
			if i > 0 && values[i-1].Start >= v.Start {
				t.Errorf("%s: byte %d after %d", document, v.Start, values[i-1].Start)
			}
		}
	}
}

func TestLinesKnowPlaces(t *testing.T) {
	l := NewLines([]byte("ab\r\n\ncd"))
	for _, c := range []struct{ line, column, offset int }{{1, 1, 0}, {1, 2, 1}, {2, 1, 4}, {3, 1, 5}, {3, 3, 7}} {
		if at := l.Offset(c.line, c.column); at != c.offset {
			t.Errorf("%d:%d is at %d, want %d", c.line, c.column, at, c.offset)
		}
		if line, column := l.Position(c.offset); line != c.line || column != c.column {
			t.Errorf("%d is at %d:%d, want %d:%d", c.offset, line, column, c.line, c.column)
		}
	}
	for _, c := range []struct{ line, column, offset int }{{0, 0, 0}, {1, 9, 2}, {2, 2, 4}, {4, 1, 7}, {9, 9, 7}} {
		if at := l.Offset(c.line, c.column); at != c.offset {
			t.Errorf("%d:%d is at %d, want %d", c.line, c.column, at, c.offset)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, text := range []string{goodButane, goodJSON, shift, "", "variant: fcos\n\x00", "{\"ignition\":", "\ufeff{}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r := Text(text, "x", butane.Options{})
		for _, p := range r.Problems {
			if span, ok := r.Span(p.Origin); ok && (span.Start < 0 || span.End < span.Start || span.End > len(text)) {
				t.Errorf("%v is at %v of %d bytes", p, span, len(text))
			}
		}
		for _, v := range r.Values(r.JSON) {
			if value := r.JSON[v.Start:v.End]; !json.Valid(value) {
				t.Errorf("a value is %q", value)
			}
		}
	})
}
