package timeline

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// hostile texts would be markup, end what they are in, or turn text around.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onload='alert(1)`, `]]><svg/onload=alert(1)>`, `</style><style>*{display:none}`,
	`</title><script>`, `-->`, `<!--`, `{{.Policy}}`, "\u202etxt.exe", "\ufffe\uffff", "&lt;b&gt;", "javascript:alert(1)", "</pre></details></svg>",
}

// hostileRecord has a text in all its places.
func hostileRecord(t *testing.T, text string) report.Record {
	t.Helper()
	origin := config.Origin{Source: text, Line: 1, Column: 1, Path: text}
	r := record(report.Stage{
		Stage: text, Started: noon, Seconds: 1, Warnings: []string{text}, Planned: []string{text},
		Operations: []report.Outcome{{Name: text, Error: text, Origin: origin, Started: noon, Seconds: 1}},
		Waits:      []report.Wait{{For: text, Started: noon, Seconds: 1}},
		Problems:   []report.Problem{{Operation: text, Cause: text, Detail: text, Hint: text, Origin: origin}},
	})
	r.Boot, r.Agent, r.Platform, r.Outcome = text, text, text, text
	r.Units = []string{text}
	r.Machine = report.Machine{Architecture: text, Kernel: text}
	r.Sources = []report.Source{{Kind: text, Name: text, Digest: text, Signer: text}}
	r.Reset = &report.Reset{Request: text, Removed: &report.Amount{Path: text, Files: -1}, Kept: []report.Amount{{Path: text, Bytes: -1}}}
	r.Skipped = []report.Skipped{{Origin: origin, Name: text, Fact: text, Pattern: text, Value: text}}
	encoded, err := json.Marshal(r)
	testkit.NoError(t, err)
	r, err = Parse(encoded)
	testkit.NoError(t, err)
	return r
}

var tag = regexp.MustCompile(`<[^>]*>`)

// The tags of a drawing are those of one with a harmless text: no text has become one,
// or a part of one.
func TestTextsOfARecordAreNoMarkup(t *testing.T) {
	tagsOf := func(text string) (html, svg string) {
		drawn := New(hostileRecord(t, text))
		page, err := drawn.HTML()
		testkit.NoError(t, err)
		for _, bad := range []string{"<script", "\u202e", "\u200f"} {
			if strings.Contains(string(page)+string(drawn.SVG()), bad) {
				t.Errorf("%q: there is %q in a drawing", text, bad)
			}
		}
		wellFormed(t, drawn.SVG())
		return strings.Join(tag.FindAllString(string(page), -1), "\n"), strings.Join(tag.FindAllString(string(drawn.SVG()), -1), "\n")
	}
	wantHTML, wantSVG := tagsOf("harmless")
	for _, text := range hostile {
		html, svg := tagsOf(text)
		testkit.Equal(t, "the tags of the page with "+text, html, wantHTML)
		testkit.Equal(t, "the tags of the picture with "+text, svg, wantSVG)
	}
}

// A page in a ticket must not load anything, or run anything.
func TestPageLoadsNothing(t *testing.T) {
	page, err := New(hostileRecord(t, "https://example.com/")).HTML()
	testkit.NoError(t, err)
	text := string(page)
	testkit.Contains(t, "the page", text, `content="default-src &#39;none&#39;; style-src &#39;sha256-`, "prefers-color-scheme: dark", `<meta name="viewport"`)
	for _, bad := range []string{" src=", " href=", "@import", "url(http", "<script", " style=", "<link", "<img", "<iframe", "http-equiv=\"refresh"} {
		if strings.Contains(text, bad) {
			t.Errorf("there is %q in the page", bad)
		}
	}
}

// The rules are those of the Trace Event Format: metadata events have names, complete
// events a time and a duration, and on a thread they do not overlap.
func TestTraceFollowsItsFormat(t *testing.T) {
	s := manyOperations(50)
	s.Waits = []report.Wait{{For: "a", Started: at(1), Seconds: 2}, {For: "b", Started: at(2), Seconds: 2}}
	s.Warnings, s.Problems = []string{"a warning"}, []report.Problem{{Cause: "no room"}}
	text, err := Trace(record(report.Stage{Stage: "fetch", Started: noon, Seconds: 0.5}, s))
	testkit.NoError(t, err)
	var trace struct {
		Unit   string `json:"displayTimeUnit"`
		Events []struct {
			Name, Cat, Ph string
			Ts, Dur       *float64
			Pid, Tid      *int
			Args          map[string]any
		} `json:"traceEvents"`
	}
	testkit.NoError(t, json.Unmarshal(text, &trace))
	testkit.Equal(t, "the unit", trace.Unit, "ms")
	ends, count, processes := map[[2]int]float64{}, map[string]int{}, map[int]any{}
	for _, e := range trace.Events {
		if e.Name == "" || e.Ts == nil || e.Pid == nil || e.Tid == nil {
			t.Fatalf("this has no name, time, process or thread: %+v", e)
		}
		switch e.Ph {
		case "M":
			testkit.Equal(t, "metadata", e.Name, "process_name")
			processes[*e.Pid] = e.Args["name"]
		case "X":
			thread := [2]int{*e.Pid, *e.Tid}
			if *e.Ts < ends[thread] || e.Dur == nil || *e.Dur < 0 {
				t.Errorf("%q overlaps another of thread %v, or has no duration", e.Name, thread)
			}
			ends[thread] = *e.Ts + *e.Dur
			count[e.Cat]++
		default:
			t.Errorf("there is a phase %q", e.Ph)
		}
	}
	for id, name := range map[int]string{1: "stages", 2: "waits", 3: "operations"} {
		if processes[id] != name {
			t.Errorf("the processes are %v", processes)
		}
	}
	if count["stages"] != 2 || count["waits"] != 2 || count["operations"] != 80 {
		t.Errorf("there are %v", count)
	}
	testkit.Contains(t, "the trace", string(text), `"error": "no room"`, `"a warning"`, `"cause": "no room"`)
}
