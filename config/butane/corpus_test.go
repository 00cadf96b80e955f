package butane

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vincent-petithory/dataurl"
	"go.yaml.in/yaml/v3"

	"github.com/firstlight-os/firstlight/config"
)

// The corpus holds documents and what the reference makes of them: NAME.ign is
// its output, NAME.err its exit status and reports, NAME.files the files
// directory.
const corpus = "testdata/corpus/"

func TestCorpus(t *testing.T) {
	documents, err := filepath.Glob(corpus + "*.bu")
	if err != nil || len(documents) < 80 {
		t.Fatalf("%d documents: %v", len(documents), err)
	}
	for _, document := range documents {
		stem := strings.TrimSuffix(document, ".bu")
		t.Run(filepath.Base(stem), func(t *testing.T) { testCorpus(t, stem) })
	}
}

func testCorpus(t *testing.T, stem string) {
	document := read(t, stem+".bu")
	o := Options{Raw: strings.HasSuffix(stem, ".raw")}
	if _, err := os.Stat(stem + ".files"); err == nil {
		o.FilesDir = stem + ".files"
	}
	result, problems, err := Translate(document, "", o)
	refused := err != nil || strings.HasSuffix(stem, ".strict") && len(problems) > 0
	want := reference(t, stem)
	if refused != want.refused {
		t.Fatalf("refused is %t, want %t: %v\n%s", refused, want.refused, err, problems)
	}
	// The reference says nothing but a message of what it cannot read at all.
	if !errors.Is(err, ErrDocument) {
		compareProblems(t, slices.DeleteFunc(problems, isOurs), want.problems, errors.Is(err, ErrSource))
	}
	if !refused {
		compareResults(t, stem+".ign", result)
	}
}

// isOurs reports whether a warning is one that the reference does not have.
func isOurs(p config.Problem) bool {
	return p.Severity == config.Warning && (strings.Contains(p.Message, "which stand in the config") || strings.Contains(p.Message, "not the certificate of an authority") || strings.Contains(p.Message, "not the hash of a password"))
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

type expectation struct {
	refused  bool
	problems []string
}

var reported = regexp.MustCompile(`^(error|warning) at (?:\$\.(\S+), )?line (\d+) col (\d+): `)

// reference reads NAME.err. Without one there was nothing to say.
func reference(t *testing.T, stem string) expectation {
	t.Helper()
	text, err := os.ReadFile(stem + ".err")
	if err != nil {
		return expectation{}
	}
	reports, _, _ := strings.Cut(string(text), "=== pretty")
	e := expectation{refused: strings.HasPrefix(reports, "exit 1")}
	for line := range strings.Lines(reports) {
		if m := reported.FindStringSubmatch(line); m != nil {
			e.problems = append(e.problems, fmt.Sprintf("%s at %s, line %s, column %s", m[1], m[2], m[3], m[4]))
		}
	}
	return e
}

// compareProblems compares places. If the document itself has errors, the reference stops
// there, and there can be more errors: those of what would have been generated.
func compareProblems(t *testing.T, problems config.Problems, want []string, more bool) {
	t.Helper()
	var got []string
	for _, p := range problems {
		path := strings.NewReplacer("[", ".", "]", "").Replace(p.Origin.Path)
		got = append(got, fmt.Sprintf("%s at %s, line %d, column %d", p.Severity, path, p.Origin.Line, p.Origin.Column))
	}
	slices.Sort(got)
	slices.Sort(want)
	// Some things the reference says twice.
	got, want = slices.Compact(got), slices.Compact(want)
	if more {
		got = slices.DeleteFunc(got, func(p string) bool { return strings.HasPrefix(p, "error") && !slices.Contains(want, p) })
	}
	if !slices.Equal(got, want) {
		t.Errorf("got problems\n\t%s\nwant\n\t%s\nour words:\n%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"), problems)
	}
}

func compareResults(t *testing.T, name string, result *Result) {
	t.Helper()
	var got, want any
	if err := json.Unmarshal(result.JSON, &got); err != nil {
		t.Fatal(err)
	}
	text := read(t, name)
	if result.MachineConfig {
		if err := yaml.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		text, _ = json.Marshal(want)
		want = nil
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	got, want = decoded(t, got), decoded(t, want)
	if !reflect.DeepEqual(got, want) {
		g, _ := json.MarshalIndent(got, "", " ")
		w, _ := json.MarshalIndent(want, "", " ")
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
}

// decoded replaces data URLs by what they say.
func decoded(t *testing.T, value any) any {
	t.Helper()
	switch value := value.(type) {
	case []any:
		for i := range value {
			value[i] = decoded(t, value[i])
		}
	case map[string]any:
		for name := range value {
			value[name] = decoded(t, value[name])
		}
		source, _ := value["source"].(string)
		if !strings.HasPrefix(source, "data:") {
			break
		}
		u, err := dataurl.DecodeString(source)
		if err != nil {
			t.Fatal(err)
		}
		contents := u.Data
		if value["compression"] == "gzip" {
			r, err := gzip.NewReader(bytes.NewReader(contents))
			if err == nil {
				contents, err = io.ReadAll(r)
			}
			// The user's own word for it is not checked.
			if err != nil {
				contents = u.Data
			}
		}
		value["source"] = "data:" + string(contents)
	}
	return value
}
