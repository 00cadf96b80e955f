// Package plot draws diagrams of lines as SVG, for documents: without programs, fonts or
// colours of others, in light and dark.
package plot

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A Picture is diagrams below each other, with one legend.
type Picture struct {
	Title string
	// Legend has the classes of lines, and what they mean.
	Legend []Entry
	// Band is what the bands of the diagrams mean, "" if they have none.
	Band   string
	Panels []Panel
}

// An Entry of a legend.
type Entry struct {
	Class Class
	Means string
}

// A Class is how a line looks.
type Class string

// Classes.
const (
	Ours  Class = "ours"
	Other Class = "fixed"
	Ideal Class = "ideal"
)

// A Panel is one diagram: lines over what its horizontal axis counts.
type Panel struct {
	Title  string
	Length float64 // of the horizontal axis, which begins at 0
	Unit   string  // of it
	Top    float64 // the largest value that is shown; lines above it are cut off
	Band   [2]float64
	Lines  []Line
}

// A Line is points, joined.
type Line struct {
	Class  Class
	Points [][2]float64
}

// Sizes in pixels.
const (
	width       = 860
	left, right = 60, 20
	panelHeight = 200
	panelGap    = 62
	headHeight  = 62
)

const style = `
text { font-family: system-ui, "DejaVu Sans", sans-serif; font-size: 12px; fill: #1d232a; }
.page { fill: #ffffff; }
.headline { font-size: 16px; font-weight: 600; }
.tick { fill: #5b6570; font-size: 11px; }
.grid { stroke: #d4d9df; }
.dark { fill: #eceff2; }
.line { fill: none; stroke-width: 2px; }
.ours { stroke: #2f6fb5; }
.fixed { stroke: #c9302c; stroke-width: 1.2px; }
.ideal { stroke: #6b7580; stroke-dasharray: 5 4; }
@media (prefers-color-scheme: dark) {
text { fill: #e6eaee; }
.page { fill: #14181d; }
.tick { fill: #98a2ad; }
.grid { stroke: #353c45; }
.dark { fill: #20262d; }
.ours { stroke: #5b9fe0; }
.fixed { stroke: #ff6b63; }
.ideal { stroke: #98a2ad; }
}
`

// Draw writes the picture.
func (p Picture) Draw() string {
	height := headHeight + len(p.Panels)*(panelHeight+panelGap)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img">
<title>%[3]s</title>
<style>%[4]s</style>
<rect class="page" width="100%%" height="100%%"/>
<text class="headline" x="%[5]d" y="26">%[3]s</text>
`, width, height, p.Title, style, left)
	x := left
	for _, e := range p.Legend {
		fmt.Fprintf(&b, `<line class="line %s" x1="%d" x2="%d" y1="44" y2="44"/><text x="%d" y="48">%s</text>`+"\n", e.Class, x, x+24, x+30, e.Means)
		x += 60 + 7*len(e.Means)
	}
	if p.Band != "" {
		fmt.Fprintf(&b, `<rect class="dark" x="%d" y="37" width="24" height="14"/><text x="%d" y="48">%s</text>`+"\n", x, x+30, p.Band)
	}
	for i, p := range p.Panels {
		fmt.Fprintf(&b, `<svg x="0" y="%d" width="%d" height="%d">%s</svg>`+"\n", headHeight+i*(panelHeight+panelGap), width, panelHeight+panelGap, p.draw())
	}
	return b.String() + "</svg>\n"
}

func (p Panel) draw() string {
	const top = 24
	inner := float64(width - left - right)
	x := func(at float64) float64 { return left + inner*at/p.Length }
	y := func(value float64) float64 { return top + panelHeight*(1-min(value, p.Top)/p.Top) }
	var b strings.Builder
	fmt.Fprintf(&b, `<text x="%d" y="14">%s</text>`+"\n", left, p.Title)
	if p.Band[1] > p.Band[0] {
		fmt.Fprintf(&b, `<rect class="dark" x="%.1f" y="%d" width="%.1f" height="%d"/>`+"\n", x(p.Band[0]), top, x(p.Band[1])-x(p.Band[0]), panelHeight)
	}
	for value := range ticks(p.Top) {
		fmt.Fprintf(&b, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text class="tick" text-anchor="end" x="%d" y="%.1f">%s</text>`+"\n", left, width-right, y(value), y(value), left-8, y(value)+4, strconv.FormatFloat(math.Round(value*1000)/1000, 'f', -1, 64))
	}
	unit := ""
	if p.Unit != "" {
		unit = " " + p.Unit
	}
	for at := range ticks(p.Length) {
		fmt.Fprintf(&b, `<text class="tick" text-anchor="middle" x="%.1f" y="%d">%.0f%s</text>`+"\n", x(at), top+panelHeight+16, at, unit)
	}
	for _, l := range slices.Backward(p.Lines) { // ours is on top
		var points []string
		for _, at := range l.Points {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x(min(at[0], p.Length)), y(at[1])))
		}
		fmt.Fprintf(&b, `<polyline class="line %s" points="%s"/>`+"\n", l.Class, strings.Join(points, " "))
	}
	return b.String()
}

// ticks are round numbers, five or a few more, from 0 to a last one.
func ticks(last float64) func(yield func(float64) bool) {
	step := math.Pow(10, math.Floor(math.Log10(last/5)))
	for _, factor := range []float64{5, 2} {
		if last/(step*factor) >= 5 {
			step *= factor
			break
		}
	}
	return func(yield func(float64) bool) {
		for at := 0.0; at <= last; at += step {
			if !yield(at) {
				return
			}
		}
	}
}
