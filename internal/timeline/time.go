package timeline

import (
	"fmt"
	"math"
	"time"

	"github.com/firstlight-os/firstlight/internal/report"
)

// maxGap is the longest time between two stages that is believed; a machine whose clock
// is set in its first boot may have been in 1970 before.
const maxGap = 24 * time.Hour

// A placement places stages in time, one after the other.
type placement struct {
	start time.Time // of the boot
	shift float64   // seconds that the clock was set by
	end   float64   // of the stage before, in seconds since the start
}

// next returns the second at which a stage starts, and reports whether the clock was set
// before it.
func (p *placement) next(s report.Stage) (start float64, jumped bool) {
	const rounding = 0.05 // seconds
	start = s.Started.Sub(p.start).Seconds() + p.shift
	if s.Started.IsZero() {
		start = p.end // it is not known
	} else if start < p.end-rounding || start > p.end+maxGap.Seconds() {
		p.shift += p.end - start
		start, jumped = p.end, true
	}
	start = max(start, p.end)
	p.end = start + s.Seconds
	return start, jumped
}

// within places what happened in a stage that starts at a second of the boot. Clocks that
// were set in between do not lead out of the stage.
func within(s report.Stage, stageStart float64, started time.Time, seconds float64) (start, length float64) {
	offset := min(max(started.Sub(s.Started).Seconds(), 0), s.Seconds)
	return stageStart + offset, min(seconds, s.Seconds-offset)
}

// Duration prints seconds as people read them: "0.012 s", "4.1 s", "3 min 20 s".
func Duration(seconds float64) string {
	whole := int(math.Round(seconds))
	switch {
	case seconds < 0.9995:
		return fmt.Sprintf("%.3f s", seconds)
	case whole < 60:
		return fmt.Sprintf("%.1f s", seconds)
	case whole < 3600:
		return fmt.Sprintf("%d min %d s", whole/60, whole%60)
	case whole < 48*3600:
		return fmt.Sprintf("%d h %d min", whole/3600, whole%3600/60)
	}
	return fmt.Sprintf("%d days", whole/(24*3600))
}

// A Tick is a mark of an axis.
type Tick struct {
	At    float64 // seconds
	Label string
}

// steps between ticks, in seconds; smaller ones are 1, 2 and 5 of a power of ten.
var steps = []float64{10, 20, 30, 60, 120, 300, 600, 1800, 3600, 2 * 3600, 6 * 3600, 12 * 3600, 24 * 3600, 7 * 24 * 3600, 30 * 24 * 3600, 100 * 24 * 3600}

// Ticks returns the marks of an axis of that many seconds: from nothing, at most one more
// than most.
func Ticks(length float64, most int) []Tick {
	step := stepFor(length / float64(most))
	var all []Tick
	for i := 0; i <= most && float64(i)*step <= length; i++ {
		all = append(all, Tick{float64(i) * step, tickLabel(float64(i)*step, step)})
	}
	return all
}

// stepFor returns the smallest sensible step of at least that many seconds.
func stepFor(least float64) float64 {
	if least <= 5 {
		power := math.Pow(10, math.Floor(math.Log10(max(least, 1e-6))))
		for _, n := range []float64{1, 2, 5} {
			if n*power >= least {
				return n * power
			}
		}
		return 10 * power
	}
	for _, s := range steps {
		if s >= least {
			return s
		}
	}
	return least
}

// tickLabel is as exact as the step needs.
func tickLabel(at, step float64) string {
	switch {
	case at == 0:
		return "0"
	case step >= 24*3600:
		return fmt.Sprintf("%.0f d", at/(24*3600))
	case step >= 3600:
		return fmt.Sprintf("%.0f h", at/3600)
	case step >= 60:
		return fmt.Sprintf("%.0f min", at/60)
	}
	digits := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	return fmt.Sprintf("%.*f s", digits, at)
}
