package main

import (
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/tests/bench/table"
)

func TestTableSaysWhatWasMeasuredAndWhetherItIsEnough(t *testing.T) {
	samples := []sample{{100 * time.Millisecond, 80 * time.Millisecond, 30e6}, {2500 * time.Millisecond, 2 * time.Second, 90e6}}
	rows := comparison("fetch", samples, table.Goal{Kind: table.AtLeastTimes, Limit: 20})
	rows = append(rows, memoryOfSize("fetch", "file size", samples, 10e6, table.Goal{Kind: table.Under, Limit: 2.5}),
		table.Row{What: "growth", Unit: table.Times, Figures: []float64{10.4}, Goal: table.Goal{Kind: table.AtMost, Limit: 11}},
		table.Row{What: "inside", Unit: table.Duration, Figures: []float64{0.07}, Goal: table.Goal{Kind: table.Under, Limit: 0.06}})
	want := `
What it costs

case                      ours    reference  ratio  goal          met
fetch: CPU time           100 ms  2.50 s     25x    at least 20x  ok
fetch: wall time          80 ms   2.00 s     25x    -             -
fetch: peak memory        30 MB   90 MB      3x     -             -
fetch: peak to file size  3x      9x         3x     under 2.5x    missed
growth                    10.4x   -          -      at most 11x   ok
inside                    70 ms   -          -      under 60 ms   missed
`
	var b strings.Builder
	if err := table.Text.Print(&b, table.Table{Title: "What it costs", Rows: rows}); err != nil || b.String() != want {
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
			huge:   []sample{took(1000*ms, 30e6)}, hugePacked: []sample{took(1000*ms, 33e6)},
		},
		disks:  []sample{took(6*time.Second, 1), took(15*time.Second, 1)},
		inside: map[string]float64{parseFew: 0.030, wholeFew: 0.050, parseMany: 0.345},
	}
	want := map[string]string{ // our figure, or the ratio where the goal is one, and the verdict
		"disks stage, 4 disks with 4 filesystems each: wall time":                     "2.5x ok",
		"fetch stage, 5,000 files: CPU time":                                          "21x ok",
		"fetch and files, 200 remote files, 64 KiB each, 20 ms away: wall time":       "10.5x ok",
		"fetch and files, 5,000 small files, 1,000 links, 200 units: wall time":       "5x missed",
		"fetch and files, 32 MiB in a data URL: wall time":                            "9x ok",
		"fetch and files, 32 MiB in a data URL: peak memory":                          "3x ok",
		"fetch and files, 32 MiB in a data URL: peak to the bytes":                    "2.68x ok",
		"fetch and files, a remote file of 1 GiB with its hash: peak memory":          "30 MB ok",
		"fetch and files, a remote file of 1 GiB with its hash, in gzip: peak memory": "33 MB missed",
		"parse, validate, merge 5,000 files, inside":                                  "50 ms ok",
		"validate a 44 MB config: peak to file size":                                  "2x ok",
		"from 5,000 to 50,000 files: fetch stage":                                     "10.5x ok",
		"from 5,000 to 50,000 files: parse, validate, inside":                         "11.5x missed",
	}
	for _, row := range r.rows() {
		if row.Goal == (table.Goal{}) {
			continue
		}
		figure := row.Unit.Text(row.Figures[0])
		if row.Goal.Kind == table.AtLeastTimes {
			n, _ := row.Ratio()
			figure = table.Times.Text(n)
		}
		if got := figure + " " + row.Verdict(); got != want[row.What] {
			t.Errorf("%s: %s, want %s", row.What, got, want[row.What])
		}
		delete(want, row.What)
	}
	if len(want) > 0 {
		t.Errorf("not in the table: %v", want)
	}
}
