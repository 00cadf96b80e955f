package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/config"
	failure "github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/internal/timeline"
)

// largeRecord is that of a boot with 5,000 operations.
func largeRecord() string {
	start := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	at := func(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }
	files := failure.Stage{Stage: "files", Started: at(0.5), Seconds: 41.5, Waits: []failure.Wait{{For: "mirror.example.com: 503 Service Unavailable", Started: at(20), Seconds: 8}}}
	add := func(name string, i int, seconds float64) {
		files.Operations = append(files.Operations, failure.Outcome{
			Name: name, Started: at(0.5 + 40*float64(i)/5000), Seconds: seconds,
			Origin: config.Origin{Source: "user config", Line: 10 + 4*i, Column: 7, Path: fmt.Sprintf("storage.files[%d]", i)},
		})
	}
	for i := range 4900 {
		add(fmt.Sprintf("creating file /srv/www/%02d/%04d.html", i%100, i), i, 0.004)
	}
	for i := range 80 {
		add(fmt.Sprintf("masking unit job-%d.service", i), 4900+i, 0.001)
	}
	for i := range 20 {
		add(fmt.Sprintf("creating file /srv/images/%d.iso", i), 200*i, 1.5+float64(i)/4)
	}
	r := failure.Record{
		Version: failure.RecordVersion, Boot: "0f5c6d1b2a3948e7a6b5c4d3e2f10987", Agent: "0.9.0", Platform: "metal", Started: start, Seconds: 42, Outcome: failure.Provisioned,
		Machine: failure.Machine{Architecture: "amd64", Kernel: "6.12.0", Processors: 64, Memory: 512 << 30},
		Stages:  []failure.Stage{{Stage: "fetch-offline", Started: start, Seconds: 0.4}, files},
	}
	text, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// runReportOn returns what is printed for a record on standard input.
func runReportOn(t *testing.T, record string, flags ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if status := run(append([]string{"report", "-"}, flags...), strings.NewReader(record), &stdout, &stderr); status != 0 || stderr.Len() > 0 {
		t.Fatalf("%v: status %d, %s", flags, status, &stderr)
	}
	return stdout.String()
}

// With UPDATE_GOLDEN set the files are written; look at the pages before they are
// committed.
func TestRecordsAreDrawnAsInTheGoldenFiles(t *testing.T) {
	t.Setenv("COLUMNS", "")
	records := map[string]string{"large": largeRecord()}
	for _, name := range []string{"good", "failed"} {
		records[name] = testkit.ReadFile(t, "testdata/report/"+name+".json")
	}
	for name, record := range records {
		for _, format := range []string{"text", "svg", "html"} {
			got := runReportOn(t, record, "--format", format)
			golden := fmt.Sprintf("testdata/report/%s.%s", name, format)
			if os.Getenv("UPDATE_GOLDEN") != "" {
				testkit.WriteFile(t, golden, got)
			}
			compare(t, golden, got, testkit.ReadFile(t, golden))
			if len(got) > 100_000 {
				t.Errorf("%s has %d bytes", golden, len(got))
			}
		}
	}
}

func TestBarsFitTheTerminal(t *testing.T) {
	for _, columns := range []int{50, 80, 200} {
		t.Setenv("COLUMNS", fmt.Sprint(columns))
		for line := range strings.Lines(runReportOn(t, largeRecord())) {
			if n := width(strings.TrimSuffix(line, "\n")); n > columns {
				t.Errorf("this has %d columns of %d: %s", n, columns, line)
			}
		}
	}
}

func TestRecordAsJSONIsARecordAgain(t *testing.T) {
	record := runReportOn(t, testkit.ReadFile(t, "testdata/report/failed.json"), "--format=json")
	compare(t, "the record of the record", runReportOn(t, record, "--format=json"), record)
	testkit.Contains(t, "the record", record, `"version": 1`, `"hint": "see /proc/mounts`)
	testkit.Contains(t, "the trace", runReportOn(t, record, "--format=trace"), `"traceEvents"`)
}

func TestRecordIsReadFromAServer(t *testing.T) {
	record := testkit.ReadFile(t, "testdata/report/good.json")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/boot.json" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, record)
	}))
	defer server.Close()
	var fetched, stderr bytes.Buffer
	if status := run([]string{"report", server.URL + "/boot.json"}, nil, &fetched, &stderr); status != 0 {
		t.Fatalf("status %d: %s", status, &stderr)
	}
	compare(t, "the record", fetched.String(), runReportOn(t, record))
	if status := run([]string{"report", server.URL + "/other?token=secret"}, nil, io.Discard, &stderr); status != exitError {
		t.Errorf("a record that is not there: status %d", status)
	}
	testkit.Contains(t, "the error", stderr.String(), "reading the record", "/other?...", "404")
	if strings.Contains(stderr.String(), "secret") {
		t.Errorf("the token is in %s", &stderr)
	}
}

func TestNewestRecordOfThisMachineIsShown(t *testing.T) {
	dir := t.TempDir()
	was, wasBoot := keptRecords, bootRecords
	t.Cleanup(func() { keptRecords, bootRecords = was, wasBoot })
	keptRecords, bootRecords = dir+"/log/*.json", []string{dir + "/record.json", dir + "/report.json"}
	shown := func() string {
		var out bytes.Buffer
		run([]string{"report"}, nil, &out, &out)
		first, _, _ := strings.Cut(out.String(), "\n")
		return first
	}
	testkit.Contains(t, "without any", shown(), "this machine has no record of a first boot that you may read", "run this as root, or name a FILE")
	testkit.WriteFile(t, dir+"/report.json", `{"stage":"kargs"}`)
	compare(t, "of the stages", shown(), "First boot: unfinished after 0.000 s and 1 stage")
	testkit.WriteFile(t, dir+"/record.json", `{"version":1,"outcome":"of /run"}`)
	compare(t, "of this boot", shown(), "First boot: of /run after 0.000 s")
	testkit.NoError(t, os.Mkdir(dir+"/log", 0o700))
	for i, name := range []string{"b", "c", "a"} {
		path := filepath.Join(dir, "log", name+".json")
		testkit.WriteFile(t, path, `{"version":1,"outcome":"of `+name+`"}`)
		changed := time.Unix(int64(1000+i), 0)
		testkit.NoError(t, os.Chtimes(path, changed, changed))
	}
	compare(t, "the newest", shown(), "First boot: of a after 0.000 s")
}

func TestReportErrors(t *testing.T) {
	for _, c := range []struct{ args, stdin, want string }{
		{"report a b", "", "report takes one FILE or URL; - is standard input"},
		{"report --format pdf -", "", `there is no format "pdf"; there are text, html, svg, json, trace`},
		{"report none.json", "", "reading the record: open none.json: "},
		{"report -", "", "reading the record <stdin>: it is empty"},
		{"report -", `{"version":9}`, "reading the record <stdin>: its format has version 9, and this program knows version 1"},
		{"report -", `{"version":1`, "reading the record <stdin>: "},
		{"report -o no/such/file -", `{"version":1}`, "writing the report: open no/such/file"},
	} {
		var stderr bytes.Buffer
		if status := run(strings.Fields(c.args), strings.NewReader(c.stdin), io.Discard, &stderr); status != exitError {
			t.Errorf("%s: status %d", c.args, status)
		}
		testkit.Contains(t, c.args, stderr.String(), "firstlightctl: "+c.want)
	}
	var stderr bytes.Buffer
	if status := run([]string{"report", "-"}, strings.NewReader(`{"version":1}`), brokenWriter{}, &stderr); status != exitError {
		t.Errorf("a full disk: status %d", status)
	}
	testkit.Contains(t, "a full disk", stderr.String(), "writing the report: it is full")
}

func TestFailedBootIsShownWithStatusZero(t *testing.T) {
	text := runReportOn(t, testkit.ReadFile(t, "testdata/report/failed.json"))
	if !strings.HasSuffix(text, "+\n") {
		t.Errorf("the box is not the last:\n%s", text)
	}
}

func TestColoursMeanWhatTheCharactersMean(t *testing.T) {
	a := axis{length: 4, cells: 8}
	d := drawing{columns: 80, color: true}
	bars := []timeline.Row{{Style: timeline.Work, Start: 1, Length: 2.5}, {Style: timeline.Waiting, Start: 2, Length: 1}}
	compare(t, "the bars", d.cells(a, bars), "  \x1b[1;34m##\x1b[0m\x1b[1;33m//\x1b[0m\x1b[1;34m#\x1b[0m")
}

// Nothing in a record is a command to what runs this program.
func TestRecordsHoldNoCommandsToRunners(t *testing.T) {
	text := runReportOn(t, `{"version":1,"outcome":"::error::x","stages":[{"stage":"::error::x","warnings":["##[error]x"],"operations":[{"operation":"::set-output name=a::b"}],"problems":[{"cause":"::error::x"}]}]}`)
	if commands.MatchString(text) {
		t.Errorf("there is one:\n%s", text)
	}
}

func TestReportShowsWhatAResetHasDone(t *testing.T) {
	shown := runReportOn(t, `{"version": 1, "outcome": "provisioned", "stages": [{"stage": "mount"}], "reset": {"request": "0123", "requested": "2026-11-29T23:00:00Z",
		"kept": [{"path": "/var/home\u001b[31m", "files": 2, "bytes": 3000}, {"path": "/srv", "files": 1, "bytes": 4}], "removed": {"files": 6, "bytes": 5120}, "machineID": true}}`)
	testkit.Contains(t, "the report", strings.Join(strings.Fields(shown), " "), "reset request 0123", "removed 6 files, 5 KiB", "kept /var/home", "(2 files, 2.9 KiB), /srv (1 file, 4 B), the machine ID")
	if strings.Contains(shown, "\x1b[31m") {
		t.Errorf("a path has become a command to the terminal: %q", shown)
	}
}

func TestReportShowsWhatIsForOtherMachines(t *testing.T) {
	r := failure.Record{Version: failure.RecordVersion, Platform: "aws", Outcome: failure.Provisioned, Stages: []failure.Stage{{Stage: "fetch"}},
		Skipped: []failure.Skipped{
			{Origin: config.Origin{Source: "user config", Line: 9, Path: "storage.files[1]"}, Name: "/etc/x\x1b[31m", Fact: "region", Pattern: "eu-*", Value: "us<b>"},
			{Origin: config.Origin{Path: "ignition.config.merge[0]"}, Fact: "zone", Pattern: "a", Value: "b"}}}
	record, err := json.Marshal(r)
	testkit.NoError(t, err)
	for format, want := range map[string][]string{
		"text": {`skipped: storage.files[1] ("/etc/x`, `region is "us<b>", not "eu-*"`, `skipped: ignition.config.merge[0]: zone is "b", not "a"`},
		"html": {"<h2>Skipped, as they are for other machines</h2>", `region is &#34;us&lt;b&gt;&#34;, not &#34;eu-*&#34;`, "ignition.config.merge[0]: zone is"},
		"json": {`"skipped"`, `"pattern": "eu-*"`},
	} {
		shown := runReportOn(t, string(record), "--format", format)
		testkit.Contains(t, format, shown, want...)
		if strings.Contains(shown, "\x1b") || strings.Contains(shown, `\u001b`) {
			t.Errorf("%s: a control character is in %s", format, shown)
		}
	}
	if shown := runReportOn(t, `{"version": 1, "stages": []}`); strings.Contains(shown, "skipped") {
		t.Errorf("nothing was skipped: %s", shown)
	}
}
