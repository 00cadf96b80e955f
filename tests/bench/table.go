package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"text/tabwriter"
)

// A unit prints a figure.
type unit func(float64) string

func duration(seconds float64) string {
	switch {
	case seconds < 0.010:
		return fmt.Sprintf("%.1f ms", seconds*1e3)
	case seconds < 1:
		return fmt.Sprintf("%.0f ms", seconds*1e3)
	}
	return fmt.Sprintf("%.2f s", seconds)
}

func megabytes(bytes float64) string { return fmt.Sprintf("%.0f MB", bytes/1e6) }

// times has at most two digits after the point.
func times(n float64) string {
	return strconv.FormatFloat(math.Round(n*100)/100, 'f', -1, 64) + "x"
}

// A row is a line of the table.
type row struct {
	what    string
	unit    unit
	figures []float64 // ours, and the reference's if there is one
	goal    goal
}

// ratio is how many times better we are.
func (r row) ratio() (float64, bool) {
	if len(r.figures) < 2 || r.figures[0] <= 0 {
		return 0, false
	}
	return r.figures[1] / r.figures[0], true
}

// A goal is a limit to our figure, or to the ratio.
type goal struct {
	kind  kind
	limit float64
}

type kind int

const (
	noGoal       kind = iota
	atLeastTimes      // the ratio
	under             // our figure
	atMost            // our figure
)

func (g goal) words(u unit) string {
	switch g.kind {
	case atLeastTimes:
		return "at least " + times(g.limit)
	case under:
		return "under " + u(g.limit)
	case atMost:
		return "at most " + u(g.limit)
	}
	return "-"
}

// verdict says in a word whether the goal of a row was met.
func (r row) verdict() string {
	met := false
	switch r.goal.kind {
	case noGoal:
		return "-"
	case atLeastTimes:
		ratio, known := r.ratio()
		if !known {
			return "not compared"
		}
		met = ratio >= r.goal.limit
	case under:
		met = r.figures[0] < r.goal.limit
	case atMost:
		met = r.figures[0] <= r.goal.limit
	}
	if met {
		return "ok"
	}
	return "missed"
}

// comparison makes rows of what work took. The goal is for the processor time.
func comparison(what string, samples []sample, g goal) []row {
	rows := []row{
		{what: what + ": CPU time", unit: duration, goal: g},
		{what: what + ": wall time", unit: duration},
		{what: what + ": peak memory", unit: megabytes},
	}
	for _, s := range samples {
		for i, figure := range []float64{s.cpu.Seconds(), s.wall.Seconds(), float64(s.memory)} {
			rows[i].figures = append(rows[i].figures, figure)
		}
	}
	return rows
}

// wallTime is a row for work where it counts how long people wait.
func wallTime(what string, samples []sample, g goal) row {
	r := row{what: what + ": wall time", unit: duration, goal: g}
	for _, s := range samples {
		r.figures = append(r.figures, s.wall.Seconds())
	}
	return r
}

// memory is a row for the peak.
func memory(what string, samples []sample, g goal) row {
	r := row{what: what + ": peak memory", unit: megabytes, goal: g}
	for _, s := range samples {
		r.figures = append(r.figures, float64(s.memory))
	}
	return r
}

// memoryOfSize is the peak against the size of the config.
func memoryOfSize(what string, samples []sample, size int64) row {
	r := row{what: what + ": peak to file size", unit: times, goal: goal{under, 2.5}}
	for _, s := range samples {
		r.figures = append(r.figures, float64(s.memory)/float64(size))
	}
	return r
}

func printTable(w io.Writer, rows []row) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "case\tours\treference\tratio\tgoal\tmet")
	for _, r := range rows {
		reference, ratio := "-", "-"
		if n, known := r.ratio(); known {
			reference, ratio = r.unit(r.figures[1]), times(n)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", r.what, r.unit(r.figures[0]), reference, ratio, r.goal.words(r.unit), r.verdict())
	}
	return t.Flush()
}
