package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/timeline"
)

// barStyles are the cells and the colour of each style of bar.
var barStyles = map[timeline.Style]struct{ cell, colour string }{
	timeline.Work:    {"#", blue},
	timeline.Waiting: {"/", yellow},
	timeline.Summed:  {"=", blue},
	timeline.Broken:  {"!", red},
}

// secondsWidth is the width of the column of durations.
const secondsWidth = 11

// record draws a record: what happened as bars, then the texts, of which the most
// important is the last.
func (d drawing) record(t *timeline.Timeline) string {
	var b strings.Builder
	colour := map[string]string{"provisioned": green, "failed": red}[t.Record.Outcome]
	if colour == "" {
		colour = yellow
	}
	b.WriteString(d.color.bold(colour, printable(t.Headline)) + "\n")
	for _, f := range t.Facts {
		b.WriteString(d.wrap(fmt.Sprintf("%s%-11s", margin, f[0]), f[1]))
	}
	b.WriteString("\n" + d.timeline(t))
	if len(t.Sources) > 0 {
		b.WriteString("\nConfigs:\n")
	}
	for _, s := range t.Sources {
		text := s.Name
		if s.Bytes > 0 {
			text += ", " + system.FormatSize(uint64(s.Bytes))
		}
		if s.Referenced {
			text += ", referenced by another"
		}
		if s.Signer != "" {
			text += ", signed with the " + s.Signer
		}
		if s.Digest != "" {
			text += ", " + shortDigest(s.Digest)
		}
		b.WriteString(d.wrap(fmt.Sprintf("%s%-6s", margin, fit(s.Kind, 5)), text))
	}
	if len(t.Planned) > 0 {
		b.WriteString("\nPlanned:\n")
	}
	for i, name := range t.Planned {
		b.WriteString(d.listItem(i, name))
	}
	if len(t.Skipped)+len(t.Units)+len(t.Warnings)+len(t.Notes)+len(t.Failures) > 0 {
		b.WriteByte('\n')
	}
	for _, s := range t.Skipped {
		b.WriteString(d.wrap("skipped: ", s))
	}
	for _, w := range t.Warnings {
		b.WriteString(d.wrap("warning: ", w.Stage+": "+w.Text))
	}
	for _, n := range t.Notes {
		b.WriteString(d.wrap("note: ", n))
	}
	for _, u := range t.Units {
		b.WriteString(d.color.bold(red, printable("this unit has failed: "+u)) + "\n")
	}
	for _, f := range t.Failures {
		for line := range strings.Lines(f.Box) {
			b.WriteString(printable(strings.TrimSuffix(line, "\n")) + "\n")
		}
	}
	return b.String()
}

// shortDigest has enough of a digest to compare it by eye.
func shortDigest(digest string) string {
	const digits = len("sha512-") + 16
	if len(digest) <= digits {
		return digest
	}
	return strings.ToValidUTF8(digest[:digits], "") + "..."
}

// timeline draws the stages and their rows below an axis.
func (d drawing) timeline(t *timeline.Timeline) string {
	var b strings.Builder
	name := (d.columns - secondsWidth) * 3 / 5
	axis := axis{t.Length, d.columns - name - secondsWidth - 1}
	b.WriteString(strings.Repeat(" ", name+secondsWidth+1) + axis.labels() + "\n")
	for _, s := range t.Stages {
		b.WriteString(d.row("", name, axis, s.Bars()))
		for _, r := range s.Rows {
			b.WriteString(d.row(margin, name, axis, []timeline.Row{r}))
		}
	}
	var legend []string
	for _, l := range t.Legend() {
		legend = append(legend, barStyles[l.Style].cell+" "+l.Means)
	}
	if len(legend) > 0 {
		b.WriteString("\n" + d.wrap(margin, strings.Join(legend, ", ")))
	}
	return b.String()
}

// row is the name of the first bar, its seconds, and all of the bars, later ones over
// earlier ones.
func (d drawing) row(indent string, name int, a axis, bars []timeline.Row) string {
	r := bars[0]
	label := fit(indent+middleCut(printable(r.Name), name-len(indent)), name)
	if indent == "" || r.Style == timeline.Broken {
		label = d.color.bold(barStyles[r.Style].colour, label)
	}
	return label + fmt.Sprintf("%*s ", secondsWidth, timeline.Duration(r.Seconds)) + d.cells(a, bars) + "\n"
}

// cells draws bars in a line.
func (d drawing) cells(a axis, bars []timeline.Row) string {
	line := make([]timeline.Style, a.cells)
	last := 0
	for _, r := range bars {
		from, to := a.place(r)
		for i := from; i < to; i++ {
			line[i] = r.Style
		}
		last = max(last, to)
	}
	var b strings.Builder
	for i := 0; i < last; {
		style, n := line[i], 1
		for i+n < last && line[i+n] == style {
			n++
		}
		if style == "" {
			b.WriteString(strings.Repeat(" ", n))
		} else {
			b.WriteString(d.color.bold(barStyles[style].colour, strings.Repeat(barStyles[style].cell, n)))
		}
		i += n
	}
	return b.String()
}

// middleCut cuts the middle out of a text that is too wide: paths differ at their ends.
func middleCut(text string, cells int) string {
	if width(text) <= cells {
		return text
	}
	runes := []rune(text)
	head, tail := 0, len(runes)
	for at := len("..."); ; {
		front := head < len(runes)-tail
		r := runes[head]
		if !front {
			r = runes[tail-1]
		}
		if at += runeWidth(r); at > cells {
			return string(runes[:head]) + "..." + string(runes[tail:])
		}
		if front {
			head++
		} else {
			tail--
		}
	}
}

// An axis maps seconds to cells.
type axis struct {
	length float64
	cells  int
}

// place returns the first cell of a bar and the one after its last: one at least is its
// own.
func (a axis) place(r timeline.Row) (from, to int) {
	from = min(a.cell(r.Start), a.cells-1)
	return from, max(min(a.cell(r.Start+r.Length), a.cells), from+1)
}

func (a axis) cell(seconds float64) int {
	return int(math.Round(seconds / a.length * float64(a.cells)))
}

// labels are the ticks that there is room for. Each begins at its place, the last one may
// end at it.
func (a axis) labels() string {
	line := ""
	for _, tick := range timeline.Ticks(a.length, max(a.cells/6, 1)) {
		at := min(a.cell(tick.At), a.cells-len(tick.Label))
		if at > len(line) || line == "" {
			line += strings.Repeat(" ", at-len(line)) + tick.Label
		}
	}
	return line
}
