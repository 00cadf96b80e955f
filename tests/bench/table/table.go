package table

import (
	"fmt"
	"math"
	"strconv"
)

// A Unit prints a figure. Its name is that of the unit in which figures are kept.
type Unit struct {
	name string
	text func(float64) string
}

// Text is a figure in words.
func (u Unit) Text(figure float64) string { return u.text(figure) }

// Units.
var (
	Duration  = Unit{"seconds", duration}
	Megabytes = Unit{"bytes", func(bytes float64) string { return fmt.Sprintf("%.0f MB", bytes/1e6) }}
	Kilobytes = Unit{"bytes", func(bytes float64) string { return fmt.Sprintf("%.0f kB", bytes/1e3) }}
	Times     = Unit{"times", times}
	Figure    = Unit{"", func(n float64) string { return strconv.FormatFloat(n, 'g', 3, 64) }}
	Count     = Unit{"count", func(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }}
)

func duration(seconds float64) string {
	switch {
	case seconds < 0.010:
		return fmt.Sprintf("%.1f ms", seconds*1e3)
	case seconds < 1:
		return fmt.Sprintf("%.0f ms", seconds*1e3)
	}
	return fmt.Sprintf("%.2f s", seconds)
}

// times has at most two digits after the point.
func times(n float64) string {
	return strconv.FormatFloat(math.Round(n*100)/100, 'f', -1, 64) + "x"
}

// A Row is a line of a table.
type Row struct {
	What    string
	Unit    Unit
	Figures []float64 // ours, and the reference's if there is one
	Goal    Goal
}

// Ratio is how many times better we are. Differences may be below zero and have none.
func (r Row) Ratio() (float64, bool) {
	if len(r.Figures) < 2 || r.Figures[0] <= 0 || r.Figures[1] < 0 {
		return 0, false
	}
	return r.Figures[1] / r.Figures[0], true
}

// A Goal is a limit to our figure, or to the ratio.
type Goal struct {
	Kind  Kind
	Limit float64
}

// A Kind of goal says what is limited.
type Kind int

// Kinds of goals.
const (
	None         Kind = iota
	AtLeastTimes      // the ratio
	AtMostShare       // our share of what the reference has
	Under             // our figure
	AtMost            // our figure
)

func (g Goal) words(u Unit) string {
	switch g.Kind {
	case AtLeastTimes:
		return "at least " + times(g.Limit)
	case AtMostShare:
		return "at most " + times(g.Limit) + " of it"
	case Under:
		return "under " + u.text(g.Limit)
	case AtMost:
		return "at most " + u.text(g.Limit)
	}
	return "-"
}

// Verdict says in a word whether the goal of a row was met.
func (r Row) Verdict() string {
	met := false
	switch r.Goal.Kind {
	case None:
		return "-"
	case AtLeastTimes:
		ratio, known := r.Ratio()
		if !known {
			return "not compared"
		}
		met = ratio >= r.Goal.Limit
	case AtMostShare:
		if len(r.Figures) < 2 {
			return "not compared"
		}
		met = r.Figures[0] <= r.Goal.Limit*r.Figures[1]
	case Under:
		met = r.Figures[0] < r.Goal.Limit
	case AtMost:
		met = r.Figures[0] <= r.Goal.Limit
	}
	if met {
		return "ok"
	}
	return "missed"
}
