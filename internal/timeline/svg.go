package timeline

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
)

// colours are the classes of both drawings, for light and for dark surroundings. Some
// programs that show SVG know neither variables nor media queries of CSS: these show the
// light ones.
const colours = `
.bar { fill: #2f6fb5; stroke: #2f6fb5; stroke-width: 1px; }
.bar.sum { fill: #9bbfe3; stroke: #6a9fd4; }
.bar.wait { fill: url(#hatch); stroke: #b07a10; }
.bar.fail { fill: #c9302c; stroke: #c9302c; }
.hatched { fill: #fdf0d0; }
.hatch { fill: #d9a030; }
.grid { stroke: #d4d9df; stroke-width: 1px; }
.tick { fill: #5b6570; font-size: 11px; }
`

const darkColours = `
.bar { fill: #5b9fe0; stroke: #5b9fe0; }
.bar.sum { fill: #2c4f74; stroke: #4d83ba; }
.bar.wait { stroke: #d9a640; }
.bar.fail { fill: #ff6b63; stroke: #ff6b63; }
.hatched { fill: #3a2f14; }
.hatch { fill: #b98a2c; }
.grid { stroke: #353c45; }
.tick { fill: #98a2ad; }
`

// hatch is the pattern of waits.
const hatch = `<defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">` +
	`<rect class="hatched" width="7" height="7"/><rect class="hatch" width="3" height="7"/></pattern></defs>`

// Sizes of the drawing in pixels.
const (
	svgWidth   = 1000
	svgMargin  = 20
	svgName    = 400 // the column of names
	svgSeconds = 80
	rowHeight  = 20
	svgTrack   = svgMargin + svgName + svgSeconds + 10
	barHeight  = 12
	svgTicks   = 8
	// How many characters there is room for, in the column of names and in a line.
	nameCells = 56
	lineCells = 135
)

// SVG draws the timeline as a picture of its own.
func (t *Timeline) SVG() []byte {
	var b strings.Builder
	y := 0
	text := func(class string, x int, text string) {
		fmt.Fprintf(&b, `<text class="%s" x="%d" y="%d">%s</text>`+"\n", class, x, y, escape(text))
	}
	y += 36
	text("headline", svgMargin, t.Headline)
	for _, line := range t.factLines() {
		y += 18
		text("fact", svgMargin, line)
	}
	for _, f := range t.Failures {
		for _, p := range f.Problems {
			y += 18
			text("broken", svgMargin, cut(f.Stage+": "+p.String(), lineCells))
		}
	}
	for _, n := range t.Notes {
		y += 18
		text("fact", svgMargin, cut("Note: "+n, lineCells))
	}
	y += 34
	gridTop := y + 8
	scale := scale{0, t.Length}
	ticks := Ticks(t.Length, svgTicks)
	b.WriteString(nested(svgTrack, y-12, 16, scale.labels(ticks)))
	y += 24
	for _, s := range t.Stages {
		y += 6
		svgRow(&b, "stage", 0, y, scale, s.Bars()...)
		y += rowHeight
		for _, row := range s.Rows {
			svgRow(&b, "row", 14, y, scale, row)
			y += rowHeight
		}
	}
	grid := nested(svgTrack, gridTop, y-gridTop-12, scale.grid(ticks))
	y += 14
	b.WriteString(t.svgLegend(svgMargin, y))
	return []byte(svgHead(t.Headline, y+20) + grid + b.String() + "</svg>\n")
}

// factLines are the facts, two to a line.
func (t *Timeline) factLines() []string {
	var lines []string
	for pair := range slices.Chunk(t.Facts, 2) {
		var parts []string
		for _, f := range pair {
			parts = append(parts, cut(f[0]+" "+f[1], lineCells/2))
		}
		lines = append(lines, strings.Join(parts, ";  "))
	}
	return lines
}

func svgHead(title string, height int) string {
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img">
<title>%[3]s</title>
<style>
text { font-family: system-ui, "DejaVu Sans", sans-serif; font-size: 12px; fill: #1d232a; }
.page { fill: #ffffff; }
.headline { font-size: 20px; font-weight: 600; }
.fact, .seconds { fill: #5b6570; }
.stage { font-weight: 600; }
.broken { fill: #b3261e; }
.seconds { text-anchor: end; }
%[4]s@media (prefers-color-scheme: dark) {
text { fill: #e6eaee; }
.page { fill: #14181d; }
.fact, .seconds { fill: #98a2ad; }
.broken { fill: #ff8a80; }
%[5]s}
</style>
%[6]s
<rect class="page" width="100%%" height="100%%"/>
`, svgWidth, height, escape(title), colours, darkColours, hatch)
}

// svgRow draws the name and the seconds of the first bar, and all of them.
func svgRow(b *strings.Builder, class string, indent, y int, s scale, bars ...Row) {
	r := bars[0]
	if r.Style == Broken {
		class += " broken"
	}
	fmt.Fprintf(b, `<text class="%s" x="%d" y="%d">%s</text>`, class, svgMargin+indent, y, escape(cut(r.Name, nameCells-indent/7)))
	fmt.Fprintf(b, `<text class="seconds" x="%d" y="%d">%s</text>`, svgMargin+svgName+svgSeconds, y, Duration(r.Seconds))
	b.WriteString(nested(svgTrack, y-barHeight, rowHeight, s.bars(bars)))
}

// nested puts a drawing, of which x is in percent, at a place in another.
func nested(x, y, height int, drawing string) string {
	return fmt.Sprintf(`<svg x="%d" y="%d" width="%d" height="%d">%s</svg>`+"\n", x, y, svgWidth-svgMargin-x, height, drawing)
}

func (t *Timeline) svgLegend(x, y int) string {
	var b strings.Builder
	for _, s := range t.Legend() {
		fmt.Fprintf(&b, `<rect class="bar %s" x="%d" y="%d" width="22" height="10" rx="2"/><text class="fact" x="%d" y="%d">%s</text>`+"\n", s.Style, x, y-9, x+30, y, s.Means)
		x += 60 + 7*len(s.Means)
	}
	return b.String()
}

// A scale is the part of the boot that a track shows, in seconds.
type scale struct{ start, length float64 }

// percent is the place of a second of the boot.
func (s scale) percent(at float64) float64 { return 100 * (at - s.start) / s.length }

// leastPercent keeps short bars visible.
const leastPercent = 0.3

// bar draws a row's bar with x in percent, so that it is right at any width.
func (s scale) bar(r Row) string {
	length := max(100*r.Length/s.length, leastPercent)
	start := min(max(s.percent(r.Start), 0), 100-leastPercent)
	return fmt.Sprintf(`<rect class="bar %s" x="%.2f%%" y="1.5" width="%.2f%%" height="%d" rx="2"/>`, r.Style, start, min(length, 100-start), barHeight)
}

func (s scale) bars(rows []Row) string {
	var b strings.Builder
	for _, r := range rows {
		b.WriteString(s.bar(r))
	}
	return b.String()
}

// grid has a line for each tick.
func (s scale) grid(ticks []Tick) string {
	var b strings.Builder
	for _, t := range ticks {
		fmt.Fprintf(&b, `<line class="grid" x1="%.2f%%" x2="%.2[1]f%%" y1="0" y2="100%%"/>`, s.percent(s.start+t.At))
	}
	return b.String()
}

// labels of ticks: the last one is left of its tick if it would be cut off.
func (s scale) labels(ticks []Tick) string {
	var b strings.Builder
	for _, t := range ticks {
		at, anchor := s.percent(s.start+t.At), "middle"
		switch {
		case t.At == 0:
			anchor = "start"
		case at > 95:
			anchor = "end"
		}
		fmt.Fprintf(&b, `<text class="tick" x="%.2f%%" y="12" text-anchor="%s">%s</text>`, at, anchor, t.Label)
	}
	return b.String()
}

// cut shortens a text to what there is room for. The characters of East Asia, which are
// about twice as wide as others, begin at U+2E80.
func cut(text string, cells int) string {
	all, n := []rune(text), 0
	for _, r := range all {
		n++
		if r >= 0x2e80 {
			n++
		}
	}
	if n <= cells {
		return text
	}
	return shorten(text, max(4, cells*len(all)/n))
}

// escape makes a text of what may be markup, for SVG and HTML. What XML cannot have
// becomes U+FFFD.
func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder takes everything
	return b.String()
}
