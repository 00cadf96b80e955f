package schema

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
)

var example = regexp.MustCompile("(?s)```(json|yaml)\n(.*?)```")

// examples are those of docs/config.md in one language.
func examples(t *testing.T, language string) []string {
	t.Helper()
	all := examplesOf(t, language, "config.md")
	if len(all) < 2 {
		t.Fatalf("there are only %d examples in %s", len(all), language)
	}
	return all
}

// examplesOf are those of some documents in one language.
func examplesOf(t *testing.T, language string, names ...string) []string {
	t.Helper()
	var all []string
	for _, name := range names {
		for _, m := range example.FindAllStringSubmatch(readFile(t, "../../docs/"+name), -1) {
			if m[1] == language {
				all = append(all, m[2])
			}
		}
	}
	if len(all) == 0 {
		t.Fatalf("%v have no examples in %s", names, language)
	}
	return all
}

func TestExamplesOfExtensionsAreValid(t *testing.T) {
	pages := []string{"extensions.md"}
	files, err := os.ReadDir("../../docs/extensions")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		pages = append(pages, "extensions/"+f.Name())
	}
	text, err := Extended(config.V3_6)
	j := newJudge(t, text, err)
	for _, text := range examplesOf(t, "json", pages...) {
		cfg, problems, err := config.Parse([]byte(text), "example")
		if err != nil || len(problems) > 0 || !cfg.IsExtended() {
			t.Errorf("%v: %v in\n%s", err, problems, text)
		}
		if c := j.complaints(t, parseJSON(t, text)); c != nil {
			t.Errorf("the schema complains of %q in\n%s", c, text)
		}
	}
	j = judgeOfButane(t, dialect(t, "firstlight 1.0.0"))
	texts := examplesOf(t, "yaml", pages...)
	local := fstest.MapFS{}
	for _, text := range texts {
		if name := fileName(text); name != "" {
			local[name] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	for _, text := range texts {
		var o butane.Options
		if fileName(text) != "" {
			o.Files, o.Params = local, map[string]butane.ParamValue{"hostname": {Text: "web1"}}
		}
		result, problems, err := butane.Translate([]byte(text), "example", o)
		if err != nil || len(problems) > 0 || !result.Config.IsExtended() && fileName(text) == "" {
			t.Errorf("%v: %v in\n%s", err, problems, text)
		}
		if c := j.complaints(t, parseYAML(t, text)); c != nil {
			t.Errorf("the schema complains of %q in\n%s", c, text)
		}
	}
}

// fileName is that of an example which others refer to: its first line is "# NAME.bu".
func fileName(example string) string {
	line, _, _ := strings.Cut(example, "\n")
	name, ok := strings.CutPrefix(line, "# ")
	if !ok || !strings.HasSuffix(name, ".bu") {
		return ""
	}
	return name
}

func TestExamplesInJSONAreValid(t *testing.T) {
	j := judgeOf(t, config.V3_5)
	for _, text := range examples(t, "json") {
		if _, problems, err := config.Parse([]byte(text), "example"); err != nil || len(problems) > 0 {
			t.Errorf("%v: %v in\n%s", err, problems, text)
		}
		if c := j.complaints(t, parseJSON(t, text)); c != nil {
			t.Errorf("the schema complains of %q in\n%s", c, text)
		}
	}
}

func TestExamplesInYAMLAreValid(t *testing.T) {
	j := judgeOfButane(t, dialect(t, "fcos 1.6.0"))
	for _, text := range examples(t, "yaml") {
		if _, problems, err := butane.Translate([]byte(text), "example", butane.Options{}); err != nil || len(problems) > 0 {
			t.Errorf("%v: %v in\n%s", err, problems, text)
		}
		if c := j.complaints(t, parseYAML(t, text)); c != nil {
			t.Errorf("the schema complains of %q in\n%s", c, text)
		}
	}
}

// parse reads an example as it is at boot.
func parse(t *testing.T, text string) *config.Config {
	t.Helper()
	cfg, _, err := config.Parse([]byte(text), "example")
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func marshal(t *testing.T, c *config.Config) string {
	t.Helper()
	text, err := c.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheExampleOfMergingIsRight(t *testing.T) {
	all := examples(t, "json")
	fleet, web1, result := parse(t, all[1]), parse(t, all[2]), parse(t, all[3])
	got, want := parseJSON(t, marshal(t, config.Merge(fleet, web1))), parseJSON(t, marshal(t, result))
	if !reflect.DeepEqual(got, want) {
		t.Errorf("merging gives\n%v\nthe example says\n%v", got, want)
	}
}

func TestBothExamplesOfAConfigSayTheSame(t *testing.T) {
	translated, _, err := butane.Translate([]byte(examples(t, "yaml")[0]), "example", butane.Options{})
	if err != nil {
		t.Fatal(err)
	}
	// What Butane says of compression means nothing.
	text := strings.Replace(string(translated.JSON), `,"compression":""`, "", 1)
	got, want := parseJSON(t, text), parseJSON(t, examples(t, "json")[0])
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Butane's is\n%v\nIgnition's\n%v", got, want)
	}
}
