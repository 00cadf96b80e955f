package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
)

// The judge of these tests is a checker of schemas that is not ours. It also
// holds each schema against the schema of schemas.

// A judge is a compiled schema.
type judge struct{ *jsonschema.Schema }

func newJudge(t *testing.T, text []byte, err error) judge {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return judge{s}
}

func judgeOf(t *testing.T, v config.Version) judge {
	t.Helper()
	text, err := Ignition(v)
	return newJudge(t, text, err)
}

func judgeOfButane(t *testing.T, d butane.Dialect) judge {
	t.Helper()
	text, err := Butane(d)
	return newJudge(t, text, err)
}

// complaints lists the places that the schema does not accept, "" being the
// root, or nil.
func (j judge) complaints(t *testing.T, document any) []string {
	t.Helper()
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	refusal, ok := j.Validate(value).(*jsonschema.ValidationError)
	if !ok {
		return nil
	}
	var all []string
	var walk func(*jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		if len(e.Causes) == 0 {
			all = append(all, strings.Join(e.InstanceLocation, "."))
		}
		for _, cause := range e.Causes {
			walk(cause)
		}
	}
	walk(refusal)
	return all
}

func parseJSON(t *testing.T, text string) any {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value
}

// boolean are YAML 1.1's words, which the library of the tests leaves to those
// who know the type.
var boolean = regexp.MustCompile(`^(?i:y|yes|on|n|no|off)$`)

// parseYAML reads a document as an editor does that is set to YAML 1.1.
func parseYAML(t *testing.T, text string) any {
	t.Helper()
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(text), &n); err != nil {
		t.Fatal(err)
	}
	var plain func(*yaml.Node) any
	plain = func(n *yaml.Node) any {
		switch n.Kind {
		case yaml.DocumentNode:
			return plain(n.Content[0])
		case yaml.AliasNode:
			return plain(n.Alias)
		case yaml.SequenceNode:
			all := []any{}
			for _, item := range n.Content {
				all = append(all, plain(item))
			}
			return all
		case yaml.MappingNode:
			all := map[string]any{}
			for i := 0; i < len(n.Content); i += 2 {
				all[n.Content[i].Value] = plain(n.Content[i+1])
			}
			return all
		}
		var value any
		if n.Style == 0 && boolean.MatchString(n.Value) {
			return strings.ContainsAny(strings.ToLower(n.Value)[:1], "y") || strings.EqualFold(n.Value, "on")
		}
		if n.ShortTag() == "!!timestamp" {
			return n.Value
		}
		if err := n.Decode(&value); err != nil {
			t.Fatal(err)
		}
		return value
	}
	return plain(&n)
}

const corpus = "../../config/butane/testdata/corpus/"

// accepted lists the documents of the corpus that the reference accepts.
func accepted(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob(corpus + "*.bu")
	if err != nil {
		t.Fatal(err)
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		_, err := os.Stat(strings.TrimSuffix(name, ".bu") + ".ign")
		return err != nil
	})
	if len(names) < 50 {
		t.Fatalf("the corpus has only %d documents", len(names))
	}
	return names
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// said is what a document says of itself.
func said(document any, key string) string {
	root, _ := document.(map[string]any)
	return fmt.Sprint(root[key])
}

func TestConfigsOfTheCorpusAreValid(t *testing.T) {
	judges := map[string]judge{}
	for _, v := range config.Versions() {
		judges[v.String()] = judgeOf(t, v)
	}
	count := 0
	for _, name := range accepted(t) {
		text := readFile(t, strings.TrimSuffix(name, ".bu")+".ign")
		if !strings.HasPrefix(text, "{") {
			continue // a MachineConfig
		}
		document := parseJSON(t, text)
		ignition, _ := document.(map[string]any)["ignition"]
		j, known := judges[said(ignition, "version")]
		if !known {
			t.Fatalf("%s: there is no schema of its version", name)
		}
		count++
		if c := j.complaints(t, document); c != nil {
			t.Errorf("%s: the schema refuses %q", name, c)
		}
	}
	if count < 50 {
		t.Errorf("only %d configs were judged", count)
	}
}

// oddities are what the schema refuses in documents that Butane accepts, some
// of them with a warning. An editor is right to underline these.
var oddities = map[string][]string{
	// Keys that this version does not have.
	"h71-unused-keys.bu": {"", "passwd.users.0", "storage.files.0.contents", "storage.filesystems.0", "storage.luks.0"},
	// kernel_arguments came to the spec later.
	"h51-openshift-raw.raw.bu": {""},
	// The version is written 01.5.0.
	"h95-yaml-scalar-coercion.bu": {"version"},
}

func TestButaneDocumentsOfTheCorpusAreValid(t *testing.T) {
	judges := map[string]judge{}
	for _, d := range butane.Dialects() {
		judges[d.String()] = judgeOfButane(t, d)
	}
	for _, name := range accepted(t) {
		document := parseYAML(t, readFile(t, name))
		version := strings.TrimPrefix(said(document, "version"), "0")
		j, known := judges[said(document, "variant")+" "+version]
		if !known {
			t.Fatalf("%s: there is no schema of its variant and version", name)
		}
		got, want := j.complaints(t, document), slices.Clone(oddities[filepath.Base(name)])
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: the schema refuses %q, expected %q", name, got, want)
		}
	}
}
