package table

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestVerdicts(t *testing.T) {
	for name, tc := range map[string]struct {
		row     Row
		verdict string
	}{
		"no goal":                 {Row{Figures: []float64{1, 2}}, "-"},
		"ratio reached":           {Row{Figures: []float64{1, 20}, Goal: Goal{Kind: AtLeastTimes, Limit: 20}}, "ok"},
		"ratio not reached":       {Row{Figures: []float64{1, 19.99}, Goal: Goal{Kind: AtLeastTimes, Limit: 20}}, "missed"},
		"ratio without reference": {Row{Figures: []float64{1}, Goal: Goal{Kind: AtLeastTimes, Limit: 20}}, "not compared"},
		"ratio to nothing":        {Row{Figures: []float64{0, 3}, Goal: Goal{Kind: AtLeastTimes, Limit: 20}}, "not compared"},
		"ratio of a difference":   {Row{Figures: []float64{1, -3}, Goal: Goal{Kind: AtLeastTimes, Limit: 20}}, "not compared"},
		"half of it":              {Row{Figures: []float64{1, 2}, Goal: Goal{Kind: AtMostShare, Limit: 0.5}}, "ok"},
		"more than half of it":    {Row{Figures: []float64{1.1, 2}, Goal: Goal{Kind: AtMostShare, Limit: 0.5}}, "missed"},
		"nothing of it":           {Row{Figures: []float64{0, 2}, Goal: Goal{Kind: AtMostShare, Limit: 0.5}}, "ok"},
		"share of nothing":        {Row{Figures: []float64{1}, Goal: Goal{Kind: AtMostShare, Limit: 0.5}}, "not compared"},
		"under":                   {Row{Figures: []float64{0.059}, Goal: Goal{Kind: Under, Limit: 0.06}}, "ok"},
		"not under":               {Row{Figures: []float64{0.06}, Goal: Goal{Kind: Under, Limit: 0.06}}, "missed"},
		"under, with reference":   {Row{Figures: []float64{2.4, 1}, Goal: Goal{Kind: Under, Limit: 2.5}}, "ok"},
		"at most":                 {Row{Figures: []float64{11}, Goal: Goal{Kind: AtMost, Limit: 11}}, "ok"},
		"more than at most":       {Row{Figures: []float64{11.1}, Goal: Goal{Kind: AtMost, Limit: 11}}, "missed"},
	} {
		if got := tc.row.Verdict(); got != tc.verdict {
			t.Errorf("%s: %s, want %s", name, got, tc.verdict)
		}
	}
}

func TestUnits(t *testing.T) {
	for want, got := range map[string]string{
		"1.2 ms": Duration.Text(0.00123), "60 ms": Duration.Text(0.06), "999 ms": Duration.Text(0.9994), "2.05 s": Duration.Text(2.05),
		"44 MB": Megabytes.Text(44_200_000), "0 MB": Megabytes.Text(1), "52 kB": Kilobytes.Text(51_900), "7": Count.Text(7),
		"20x": Times.Text(20), "2.5x": Times.Text(2.5), "0.33x": Times.Text(0.3333), "11.03x": Times.Text(11.032), "10x": Times.Text(9.999),
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

var shown = Table{"What it costs", []Row{
	{What: "a stage", Unit: Duration, Figures: []float64{0.5, 2}, Goal: Goal{AtMostShare, 0.5}},
	{What: "programs", Unit: Count, Figures: []float64{3}, Goal: Goal{AtMost, 2}},
	{What: "requests", Unit: Count, Figures: []float64{0, 4}},
}}

func TestTablesArePrintedInEachFormat(t *testing.T) {
	for format, want := range map[Format]string{
		Text: `
What it costs

case      ours    reference  ratio  goal                met
a stage   500 ms  2.00 s     4x     at most 0.5x of it  ok
programs  3       -          -      at most 2           missed
requests  0       4          -      -                   -
`,
		Markdown: `
What it costs:

| case | ours | reference | ratio | goal | met |
|---|---:|---:|---:|---|---|
| a stage | 500 ms | 2.00 s | 4x | at most 0.5x of it | ok |
| programs | 3 | - | - | at most 2 | missed |
| requests | 0 | 4 | - | - | - |
`,
	} {
		var b strings.Builder
		if err := format.Print(&b, shown); err != nil || b.String() != want {
			t.Errorf("%s: error %v, table:\n%swant:\n%s", format, err, b.String(), want)
		}
	}
}

func TestProgramsGetFiguresInTheirUnits(t *testing.T) {
	var b strings.Builder
	if err := ChooseFormat(true, false).Print(&b, shown); err != nil {
		t.Fatal(err)
	}
	var got []printedTable
	if err := json.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatal(err)
	}
	first, second := got[0].Rows[0], got[0].Rows[1]
	if *first.Reference != 2 || first.Ratio != 4 || first.Unit != "seconds" || first.Met != "ok" || second.Reference != nil || second.Met != "missed" {
		t.Errorf("got %s", b.String())
	}
}

func TestFormatsAreChosenByFlags(t *testing.T) {
	if a, b, c := ChooseFormat(false, false), ChooseFormat(false, true), ChooseFormat(true, false); a != Text || b != Markdown || c != JSON {
		t.Errorf("got %s, %s, %s", a, b, c)
	}
}

type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, errors.New("closed") }

func TestTableThatCannotBePrintedIsAnError(t *testing.T) {
	for _, format := range []Format{Text, Markdown, JSON} {
		if err := format.Print(closedPipe{}, shown); err == nil {
			t.Errorf("%s: no error", format)
		}
	}
}
