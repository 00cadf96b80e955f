package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestVerdicts(t *testing.T) {
	for name, tc := range map[string]struct {
		row     row
		verdict string
	}{
		"no goal":                 {row{figures: []float64{1, 2}}, "-"},
		"ratio reached":           {row{figures: []float64{1, 20}, goal: goal{atLeastTimes, 20}}, "ok"},
		"ratio not reached":       {row{figures: []float64{1, 19.99}, goal: goal{atLeastTimes, 20}}, "missed"},
		"ratio without reference": {row{figures: []float64{1}, goal: goal{atLeastTimes, 20}}, "not compared"},
		"ratio to nothing":        {row{figures: []float64{0, 3}, goal: goal{atLeastTimes, 20}}, "not compared"},
		"under":                   {row{figures: []float64{0.059}, goal: goal{under, 0.06}}, "ok"},
		"not under":               {row{figures: []float64{0.06}, goal: goal{under, 0.06}}, "missed"},
		"under, with reference":   {row{figures: []float64{2.4, 1}, goal: goal{under, 2.5}}, "ok"},
		"at most":                 {row{figures: []float64{11}, goal: goal{atMost, 11}}, "ok"},
		"more than at most":       {row{figures: []float64{11.1}, goal: goal{atMost, 11}}, "missed"},
	} {
		if got := tc.row.verdict(); got != tc.verdict {
			t.Errorf("%s: %s, want %s", name, got, tc.verdict)
		}
	}
}

func TestUnits(t *testing.T) {
	for want, got := range map[string]string{
		"1.2 ms": duration(0.00123), "60 ms": duration(0.06), "999 ms": duration(0.9994), "2.05 s": duration(2.05),
		"44 MB": megabytes(44_200_000), "0 MB": megabytes(1),
		"20x": times(20), "2.5x": times(2.5), "0.33x": times(0.3333), "11.03x": times(11.032), "10x": times(9.999),
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestTableSaysWhatWasMeasuredAndWhetherItIsEnough(t *testing.T) {
	samples := []sample{{100 * time.Millisecond, 80 * time.Millisecond, 30e6}, {2500 * time.Millisecond, 2 * time.Second, 90e6}}
	rows := comparison("fetch", samples, goal{atLeastTimes, 20})
	rows = append(rows, memoryOfSize("fetch", samples, 10e6),
		row{what: "growth", unit: times, figures: []float64{10.4}, goal: goal{atMost, 11}},
		row{what: "inside", unit: duration, figures: []float64{0.07}, goal: goal{under, 0.06}})
	want := strings.TrimLeft(`
case                      ours    reference  ratio  goal          met
fetch: CPU time           100 ms  2.50 s     25x    at least 20x  ok
fetch: wall time          80 ms   2.00 s     25x    -             -
fetch: peak memory        30 MB   90 MB      3x     -             -
fetch: peak to file size  3x      9x         3x     under 2.5x    missed
growth                    10.4x   -          -      at most 11x   ok
inside                    70 ms   -          -      under 60 ms   missed
`, "\n")
	var b strings.Builder
	if err := printTable(&b, rows); err != nil || b.String() != want {
		t.Errorf("error %v, table:\n%swant:\n%s", err, b.String(), want)
	}
}

func TestResultsMeetTheirGoals(t *testing.T) {
	took := func(cpu time.Duration, memory int64) sample { return sample{cpu, cpu, memory} }
	ms := time.Millisecond
	r := &results{
		fetchFew:    []sample{took(100*ms, 1), took(2100*ms, 1)},
		fetchMany:   took(1050*ms, 1),
		validateFew: []sample{took(50*ms, 1), took(900*ms, 1)},
		validateBig: []sample{took(300*ms, 88e6), took(3000*ms, 220e6)},
		bigSize:     44e6,
		files: &filesResults{
			remote: []sample{took(400*ms, 1), took(4200*ms, 1)},
			small:  []sample{took(1000*ms, 1), took(5000*ms, 1)},
			inline: []sample{took(100*ms, 90e6), took(900*ms, 270e6)},
			huge:   []sample{took(1000*ms, 30e6)},
		},
		disks:  []sample{took(6*time.Second, 1), took(15*time.Second, 1)},
		inside: map[string]float64{parseFew: 0.030, wholeFew: 0.050, parseMany: 0.345},
	}
	want := map[string]string{ // our figure, or the ratio where the goal is one, and the verdict
		"disks stage, 4 disks with 4 filesystems each: wall time":               "2.5x ok",
		"fetch stage, 5,000 files: CPU time":                                    "21x ok",
		"fetch and files, 200 remote files, 64 KiB each, 20 ms away: wall time": "10.5x ok",
		"fetch and files, 5,000 small files, 1,000 links, 200 units: wall time": "5x missed",
		"fetch and files, 32 MiB in a data URL: wall time":                      "9x ok",
		"fetch and files, 32 MiB in a data URL: peak memory":                    "3x ok",
		"fetch and files, a remote file of 2 GiB: peak memory":                  "30 MB ok",
		"parse, validate, merge 5,000 files, inside":                            "50 ms ok",
		"validate a 44 MB config: peak to file size":                            "2x ok",
		"from 5,000 to 50,000 files: fetch stage":                               "10.5x ok",
		"from 5,000 to 50,000 files: parse, validate, inside":                   "11.5x missed",
	}
	for _, row := range r.table() {
		if row.goal == (goal{}) {
			continue
		}
		figure := row.unit(row.figures[0])
		if row.goal.kind == atLeastTimes {
			n, _ := row.ratio()
			figure = times(n)
		}
		if got := figure + " " + row.verdict(); got != want[row.what] {
			t.Errorf("%s: %s, want %s", row.what, got, want[row.what])
		}
		delete(want, row.what)
	}
	if len(want) > 0 {
		t.Errorf("not in the table: %v", want)
	}
}

func TestTableWithoutReferenceHasOurFiguresOnly(t *testing.T) {
	rows := comparison("fetch", []sample{{time.Second, time.Second, 1e6}}, goal{atLeastTimes, 20})
	var b strings.Builder
	if err := printTable(&b, rows); err != nil {
		t.Fatal(err)
	}
	line := strings.Fields(strings.Split(b.String(), "\n")[1])
	if got := strings.Join(line, " "); got != "fetch: CPU time 1.00 s - - at least 20x not compared" {
		t.Errorf("%s", got)
	}
}

type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, errors.New("closed") }

func TestTableThatCannotBePrintedIsAnError(t *testing.T) {
	if err := printTable(closedPipe{}, nil); err == nil {
		t.Error("no error")
	}
}
