package timeline

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// at is a time some seconds after noon.
func at(seconds float64) time.Time { return noon.Add(time.Duration(seconds * float64(time.Second))) }

func record(stages ...report.Stage) report.Record {
	return report.Record{Version: report.RecordVersion, Started: noon, Outcome: report.Provisioned, Stages: stages}
}

func TestRowsAreInTheOrderOfTime(t *testing.T) {
	s := report.Stage{
		Stage: "fetch", Started: at(1), Seconds: 3,
		Operations: []report.Outcome{
			{Name: "b", Started: at(2.5), Seconds: 1, Error: "it is broken", Origin: config.Origin{Source: "c.bu", Line: 1, Column: 2}},
			{Name: "a", Started: at(1), Seconds: 0.5},
		},
		Waits: []report.Wait{{For: "a route", Started: at(1.5), Seconds: 1}},
	}
	wait := Row{Name: "waiting for a route", Style: Waiting, Start: 1.5, Length: 1, Seconds: 1}
	want := []Row{
		{Name: "a", Style: Work, Start: 1, Length: 0.5, Seconds: 0.5},
		wait,
		{Name: "b", Style: Broken, Start: 2.5, Length: 1, Seconds: 1, Error: "it is broken", Origin: "c.bu, line 1, column 2"},
	}
	got := New(record(report.Stage{Stage: "fetch-offline", Started: noon, Seconds: 0.5}, s))
	if rows := got.Stages[1].Rows; !reflect.DeepEqual(rows, want) {
		t.Errorf("got  %+v\nwant %+v", rows, want)
	}
	if bars := got.Stages[1].Bars(); len(bars) != 2 || bars[1] != wait {
		t.Errorf("the stage's bars are %+v", bars)
	}
	testkit.Equal(t, "length", got.Length, 4)
}

// manyOperations are one that has failed, 30 long ones and many short ones.
func manyOperations(n int) report.Stage {
	s := report.Stage{Stage: "files", Started: noon, Seconds: 10}
	for i := range n {
		s.Operations = append(s.Operations, report.Outcome{Name: fmt.Sprintf("creating file /srv/%d", i), Started: at(float64(i) / float64(n)), Seconds: 0.001})
	}
	s.Operations[n/2].Error = "no room"
	for i := range 30 {
		s.Operations = append(s.Operations, report.Outcome{Name: fmt.Sprintf("masking unit %d.service", i), Started: at(5), Seconds: 1 + float64(i)/100})
	}
	return s
}

func TestManyOperationsAreSummedUpByKind(t *testing.T) {
	rows := New(record(manyOperations(5000))).Stages[0].Rows
	if len(rows) != maxAlone+2 {
		t.Fatalf("%d rows: %+v", len(rows), rows)
	}
	byName := map[string]Row{}
	for _, r := range rows {
		byName[r.Name] = r
	}
	if r := byName["creating file /srv/2500"]; r.Error != "no room" {
		t.Errorf("the one that has failed is %+v", r)
	}
	if r := byName["masking unit 29.service"]; r.Seconds != 1.29 {
		t.Errorf("the longest is %+v", r)
	}
	files := byName["creating file: 4999 operations"]
	if files.Style != Summed || fmt.Sprintf("%.3f %.3f", files.Seconds, files.Length) != "4.999 1.001" {
		t.Errorf("the files are %+v", files)
	}
	if units := byName["masking unit: 11 operations"]; units.Style != Summed || units.Start != 5 {
		t.Errorf("the units are %+v", units)
	}
}

func TestFewOperationsAreNotSummedUp(t *testing.T) {
	if rows := New(record(manyOperations(10))).Stages[0].Rows; len(rows) != maxRows {
		t.Errorf("%d rows: %+v", len(rows), rows)
	}
}

func TestManyShortOperationsAreNotAlone(t *testing.T) {
	s := manyOperations(5000)
	s.Operations = s.Operations[:5000]
	rows := New(record(s)).Stages[0].Rows
	if len(rows) != 2 || rows[0].Name != "creating file: 4999 operations" || rows[1].Error != "no room" {
		t.Errorf("%+v", rows)
	}
}

func TestKindsOfOperations(t *testing.T) {
	for name, want := range map[string]string{
		"creating file /etc/hosts":                "creating file",
		"masking unit a.service":                  "masking unit",
		"making xfs on /dev/vda":                  "making xfs",
		"making ext4 on /dev/vda":                 "making",
		`writing the SSH keys of user "core"`:     "writing",
		"writing everything through to the disks": "writing everything through to the disks",
		"wiping /dev/vda":                         "wiping",
		"/dev/vda":                                "others",
		"":                                        "others",
		strings.Repeat("very ", 30) + "long /a":   strings.Repeat("very ", 5) + "ver" + "..." + strings.Repeat("very ", 5) + "long",
	} {
		if got := kind(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// Whatever a record has, there is only so much that is drawn, and what is left out is
// said.
func TestDrawingsAreBounded(t *testing.T) {
	long := strings.Repeat("x", 3000)
	s, r := report.Stage{Stage: long, Started: noon, Seconds: 1}, record()
	for i := range 300 {
		name := strings.Repeat(string(rune('a'+i%26)), 1+i/26) + " /"
		s.Operations = append(s.Operations, report.Outcome{Name: name + long, Error: long, Started: noon, Seconds: 1, Origin: config.Origin{Source: long}})
		s.Waits = append(s.Waits, report.Wait{For: long, Started: noon, Seconds: 1})
		for range 4 {
			s.Planned = append(s.Planned, long)
		}
		s.Warnings = append(s.Warnings, long)
		r.Skipped = append(r.Skipped, report.Skipped{Name: long, Fact: "zone", Value: long, Pattern: long})
		s.Problems = append(s.Problems, report.Problem{Operation: long, Cause: long, Detail: long, Hint: long})
	}
	for range 60 {
		r.Stages = append(r.Stages, s)
		r.Units = append(r.Units, long)
		r.Sources = append(r.Sources, report.Source{Kind: "user", Name: "a"})
	}
	drawn := New(r)
	for _, s := range drawn.Stages {
		if most := maxAlone + maxKinds + maxWaits + 1; len(s.Rows) > most {
			t.Fatalf("a stage has %d rows", len(s.Rows))
		}
	}
	testkit.Equal(t, "stages", len(drawn.Stages), maxStages)
	testkit.Equal(t, "warnings", len(drawn.Warnings), maxWarnings)
	testkit.Equal(t, "skipped", len(drawn.Skipped), maxSkipped)
	testkit.Equal(t, "problems", len(drawn.Failures[0].Problems), maxProblems)
	testkit.Equal(t, "problems left out", drawn.Failures[0].More, 300-maxProblems)
	testkit.Equal(t, "configs", len(drawn.Sources), maxSources)
	testkit.Contains(t, "notes", strings.Join(drawn.Notes, "\n"), "10 stages more are not shown", "10 configs more are not shown", "14800 warnings more are not shown", "10 units more are not shown", "100 skipped items more are not shown", "71800 planned operations more are not shown")
	html, err := drawn.HTML()
	testkit.NoError(t, err)
	for name, text := range map[string][]byte{"HTML": html, "SVG": drawn.SVG()} {
		if len(text) > 20<<20 {
			t.Errorf("%s has %d bytes", name, len(text))
		}
	}
}

func TestClockThatIsSetLeavesTheOrder(t *testing.T) {
	for name, started := range map[string]time.Time{"forward": noon.AddDate(56, 0, 0), "back": noon.AddDate(-20, 0, 0)} {
		later := started.Add(3 * time.Second)
		drawn := New(record(
			report.Stage{Stage: "fetch", Started: noon, Seconds: 2},
			report.Stage{Stage: "disks", Started: started, Seconds: 1, Operations: []report.Outcome{{Name: "wiping /dev/vda", Started: noon, Seconds: 1}}},
			report.Stage{Stage: "files", Started: later, Seconds: 1},
		))
		for i, want := range []float64{0, 2, 5} {
			if got := drawn.Stages[i].Start; got < want-0.001 || got > want+0.001 {
				t.Errorf("%s: stage %d starts at %v, want %v", name, i, got, want)
			}
		}
		if row := drawn.Stages[1].Rows[0]; row.Start < 2 || row.Start+row.Length > 3 {
			t.Errorf("%s: the operation is not in its stage: %+v", name, row)
		}
		testkit.Equal(t, "notes", strings.Join(drawn.Notes, "\n"), "the clock was set before the stage disks, which is drawn right after the one before it")
	}
}

func TestStagesWithoutTimesFollowEachOther(t *testing.T) {
	drawn := New(report.Record{Stages: []report.Stage{{Stage: "fetch", Seconds: 2}, {Stage: "disks", Seconds: 1}}})
	if drawn.Stages[1].Start != 2 || len(drawn.Notes) > 0 {
		t.Errorf("%+v", drawn)
	}
}

func TestHeadlines(t *testing.T) {
	broken := report.Stage{Stage: "disks", Problems: []report.Problem{{Cause: "x"}}}
	for want, r := range map[string]report.Record{
		"First boot: provisioned in 4.1 s":                      {Outcome: report.Provisioned, Seconds: 4.1},
		"First boot: failed after 4.1 s, in the stage disks":    {Outcome: report.Failed, Seconds: 4.1, Stages: []report.Stage{{Stage: "fetch"}, broken}},
		"First boot: failed after 4.1 s":                        {Outcome: report.Failed, Seconds: 4.1},
		"First boot: unfinished after 0.500 s and 1 stage":      {Outcome: report.Unfinished, Seconds: 0.5, Stages: []report.Stage{{}}},
		"First boot: paused after 0.500 s":                      {Outcome: "paused", Seconds: 0.5},
		"First boot: failed after 4.1 s, by the unit x.service": {Outcome: report.Failed, Seconds: 4.1, Units: []string{"x.service", "y.service"}},
		"First boot: 2 operations planned, nothing done":        {Outcome: report.Unfinished, Stages: []report.Stage{{Planned: []string{"disks: wiping /dev/vda"}}, {Planned: []string{"files: creating file /a"}}}},
	} {
		testkit.Equal(t, "headline", New(r).Headline, want)
	}
}

func TestDurations(t *testing.T) {
	for seconds, want := range map[float64]string{
		0: "0.000 s", 0.0123: "0.012 s", 0.9999: "1.0 s", 4.14: "4.1 s", 59.4: "59.4 s", 59.6: "1 min 0 s", 200: "3 min 20 s", 7500: "2 h 5 min", 200000: "2 days",
	} {
		testkit.Equal(t, fmt.Sprint(seconds), Duration(seconds), want)
	}
}

func TestTicks(t *testing.T) {
	for length, want := range map[float64]string{
		0.001: "0 0.0002 s 0.0004 s 0.0006 s 0.0008 s 0.0010 s",
		0.7:   "0 0.2 s 0.4 s 0.6 s",
		4.1:   "0 1 s 2 s 3 s 4 s",
		104.6: "0 30 s 60 s 90 s",
		500:   "0 2 min 4 min 6 min 8 min",
		86400: "0 6 h 12 h 18 h 24 h",
		3e7:   "0 100 d 200 d 300 d",
	} {
		var labels []string
		for _, tick := range Ticks(length, 5) {
			labels = append(labels, tick.Label)
		}
		testkit.Equal(t, fmt.Sprint(length), strings.Join(labels, " "), want)
	}
}
