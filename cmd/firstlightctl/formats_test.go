package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/system"
)

// someReport has one problem of each kind.
func someReport() *report {
	r := &report{}
	r.add(input{name: "dir/a b.bu", text: []byte("x: 1\n\"é\": {y: 2}\n")}, config.Problems{
		{Severity: config.Error, Rule: config.RulePathRelative, Origin: config.Origin{Source: "dir/a b.bu", Line: 2, Column: 8, Path: "é.y"}, Message: "100% wrong:\r\nall, of it"},
		{Severity: config.Warning, Rule: config.RuleKeyUnknown, Origin: config.Origin{Source: "dir/a b.bu", Line: 1, Column: 1}, Message: "odd"},
	})
	r.add(input{name: "/c,d:e"}, config.Problems{{Severity: config.Error, Rule: config.RuleDocumentEmpty, Origin: config.Origin{Source: "/c,d:e"}, Message: "empty"}})
	r.add(input{name: stdinName, text: []byte("z")}, config.Problems{
		{Severity: config.Error, Rule: config.RulePathRelative, Origin: config.Origin{Source: stdinName, Line: 1, Column: 1}, Message: "stdin"},
		{Severity: config.Error, Rule: config.RuleValueType, Message: "nowhere"},
	})
	return r
}

func printed(t *testing.T, format string, r *report) string {
	t.Helper()
	show, err := lookupFormat(format)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := show(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWhatIsPrintedIsNoCommandToARunner(t *testing.T) {
	for text, want := range map[string]string{
		"::error file=a,line=1::b": ":?error file=a,line=1::b", "a ::add-mask::b": "a :?add-mask::b", "##[error]a": "#?[error]a",
		"##vso[task.x]a": "#?vso[task.x]a", "http://[fe80::1]/ and ::1": "http://[fe80::1]/ and ::1", "a\n::b": "a?::b",
	} {
		compare(t, text, printable(text), want)
	}
	r := &report{}
	const name = "::error::a.ign"
	r.add(input{name: name}, config.Problems{{Rule: config.RuleKeyUnknown, Origin: config.Origin{Source: name, Line: 1, Path: "::debug::x"}, Message: "a:\nb\n::error::c"}})
	compare(t, "text", printed(t, "text", r), ":?error::a.ign:1:0: warning: a: b; :?error::c (:?debug::x) [key-unknown]\n1 warning in :?error::a.ign\n")
}

func TestTextFormat(t *testing.T) {
	compare(t, "text", printed(t, "text", someReport()), `dir/a b.bu:2:7: error: 100% wrong:?; all, of it (é.y) [path-relative]
 2 | "é": {y: 2}
   |       ^
dir/a b.bu:1:1: warning: odd [key-unknown]
 1 | x: 1
   | ^
/c,d:e: error: empty [document-empty]
<stdin>:1:1: error: stdin [path-relative]
 1 | z
   | ^
error: nowhere [value-type]
4 errors, 1 warning in 3 configs
`)
}

func TestSummary(t *testing.T) {
	problems := func(severities ...config.Severity) config.Problems {
		var all config.Problems
		for _, s := range severities {
			all = append(all, config.Problem{Severity: s})
		}
		return all
	}
	a, b := input{name: "a"}, input{name: "b"}
	for want, r := range map[string]report{
		"1 error in a":                                {inputs: []input{a}, problems: problems(config.Error)},
		"1 error in a (unpacked: base64, gzip)":       {inputs: []input{{name: "a", encodings: []string{"base64", "gzip"}}}, problems: problems(config.Error)},
		"2 warnings in a":                             {inputs: []input{a}, problems: problems(config.Warning, config.Warning)},
		"2 errors, 1 warning in 2 configs":            {inputs: []input{a, b}, problems: problems(config.Error, config.Warning, config.Error)},
		"1 warning in a, refused by --strict":         {inputs: []input{a}, problems: problems(config.Warning), strict: true},
		"1 error, 1 warning in a":                     {inputs: []input{a}, problems: problems(config.Warning, config.Error), strict: true},
		"1 warning in 2 configs, refused by --strict": {inputs: []input{a, b}, problems: problems(config.Warning), strict: true},
	} {
		compare(t, "summary", summary(&r), want)
	}
}

func TestJSONFormat(t *testing.T) {
	var all []map[string]any
	if err := json.Unmarshal([]byte(printed(t, "json", someReport())), &all); err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{
		{"file": "dir/a b.bu", "severity": "error", "line": 2., "column": 7., "path": "é.y", "message": "100% wrong:?; all, of it", "rule": "path-relative"},
		{"file": "dir/a b.bu", "severity": "warning", "line": 1., "column": 1., "path": "", "message": "odd", "rule": "key-unknown"},
		{"file": "/c,d:e", "severity": "error", "line": 0., "column": 0., "path": "", "message": "empty", "rule": "document-empty"},
		{"file": "<stdin>", "severity": "error", "line": 1., "column": 1., "path": "", "message": "stdin", "rule": "path-relative"},
		{"file": "", "severity": "error", "line": 0., "column": 0., "path": "", "message": "nowhere", "rule": "value-type"},
	}
	if len(all) != len(want) {
		t.Fatalf("%d problems, want %d", len(all), len(want))
	}
	for i := range want {
		if len(all[i]) != len(want[i]) {
			t.Errorf("members: %v, want those of %v", all[i], want[i])
		}
		for member, value := range want[i] {
			if all[i][member] != value {
				t.Errorf("%d: %s is %v, want %v", i, member, all[i][member], value)
			}
		}
	}
}

func TestFormatsWithoutProblems(t *testing.T) {
	for format, want := range map[string]string{"text": "", "json": "[]\n", "github": ""} {
		compare(t, format, printed(t, format, &report{}), want)
	}
	if got := printed(t, "sarif", &report{}); !strings.Contains(got, `"results": []`) {
		t.Errorf("sarif: %s", got)
	}
}

func TestGitHubFormat(t *testing.T) {
	compare(t, "github", printed(t, "github", someReport()), `::error file=dir/a b.bu,line=2,col=7::100%25 wrong:?; all, of it (é.y) [path-relative]
::warning file=dir/a b.bu,line=1,col=1::odd [key-unknown]
::error file=/c%2Cd%3Ae::empty [document-empty]
::error::stdin [path-relative]
::error::nowhere [value-type]
`)
	r := &report{}
	r.add(input{name: "50%\r\n"}, config.Problems{{Rule: config.RuleKeyUnknown, Origin: config.Origin{Source: "50%\r\n"}, Message: "m"}})
	compare(t, "escapes", printed(t, "github", r), "::warning file=50%25??::m [key-unknown]\n")
}

// A sarifReader is what code scanning reads of a report.
type sarifReader struct {
	Schema  string `json:"$schema"`
	Version string
	Runs    []struct {
		Tool struct {
			Driver struct {
				Name, Version, InformationURI string
				Rules                         []struct {
					ID                   string
					ShortDescription     struct{ Text string }
					FullDescription      struct{ Text string }
					HelpURI              string
					Help                 struct{ Text, Markdown string }
					DefaultConfiguration struct{ Level string }
				}
			}
		}
		ColumnKind string
		Results    []sarifReaderResult
	}
}

type sarifReaderResult struct {
	RuleID    string
	RuleIndex int
	Level     string
	Message   struct{ Text string }
	Locations []struct {
		PhysicalLocation struct {
			ArtifactLocation struct{ URI string }
			Region           *struct{ StartLine, StartColumn int }
		}
		LogicalLocations []struct{ FullyQualifiedName string }
	}
}

func readSARIF(t *testing.T) sarifReader {
	t.Helper()
	var log sarifReader
	d := json.NewDecoder(strings.NewReader(printed(t, "sarif", someReport())))
	d.DisallowUnknownFields()
	if err := d.Decode(&log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || !strings.Contains(log.Schema, "sarif-2.1.0") || len(log.Runs) != 1 || len(log.Runs[0].Results) != 5 {
		t.Fatalf("%+v", log)
	}
	return log
}

func TestSARIFNamesTheProgramAndItsRules(t *testing.T) {
	run := readSARIF(t).Runs[0]
	driver := run.Tool.Driver
	if driver.Name != "firstlightctl" || driver.Version != system.Version || len(driver.Rules) != 4 || run.ColumnKind != "unicodeCodePoints" {
		t.Errorf("driver %+v, columns are %s", driver, run.ColumnKind)
	}
	for i, got := range run.Results {
		rule := driver.Rules[got.RuleIndex]
		if rule.ID != got.RuleID || rule.DefaultConfiguration.Level != got.Level || rule.ShortDescription.Text == "" ||
			!strings.HasSuffix(rule.HelpURI, "#"+rule.ID) || !strings.Contains(rule.Help.Markdown, rule.Help.Text) {
			t.Errorf("%d: rule %+v of result %+v", i, rule, got)
		}
	}
}

func TestSARIFPlaces(t *testing.T) {
	results := readSARIF(t).Runs[0].Results
	for i, want := range []string{
		"error dir/a%20b.bu 2:7 é.y: 100% wrong:?; all, of it",
		"warning dir/a%20b.bu 1:1: odd",
		"error file:///c,d:e: empty",
		"error %3Cstdin%3E 1:1: stdin",
		"error: nowhere",
	} {
		compare(t, "result", results[i].String(), want)
	}
}

func (r sarifReaderResult) String() string {
	text := r.Level
	for _, l := range r.Locations {
		text += " " + l.PhysicalLocation.ArtifactLocation.URI
		if region := l.PhysicalLocation.Region; region != nil {
			text += fmt.Sprintf(" %d:%d", region.StartLine, region.StartColumn)
		}
		for _, p := range l.LogicalLocations {
			text += " " + p.FullyQualifiedName
		}
	}
	return text + ": " + r.Message.Text
}
