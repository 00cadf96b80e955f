package fleet_test

import (
	"encoding/xml"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A panel is one diagram of a picture: lines over seconds.
type panel struct {
	title  string
	length float64 // seconds
	top    float64 // the largest value that is shown; lines above it are cut off
	band   [2]float64
	lines  []line
}

type line struct {
	class  string // of the style sheet
	points [][2]float64
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

// legend has the classes of lines, and what they mean.
var legend = [][2]string{{"ours", "Firstlight"}, {"fixed", "doubling to 5 s without jitter"}, {"ideal", "ideal"}}

func draw(title string, panels ...panel) string {
	height := headHeight + len(panels)*(panelHeight+panelGap)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img">
<title>%[3]s</title>
<style>%[4]s</style>
<rect class="page" width="100%%" height="100%%"/>
<text class="headline" x="%[5]d" y="26">%[3]s</text>
`, width, height, title, style, left)
	x := left
	for _, entry := range legend {
		fmt.Fprintf(&b, `<line class="line %s" x1="%d" x2="%d" y1="44" y2="44"/><text x="%d" y="48">%s</text>`+"\n", entry[0], x, x+24, x+30, entry[1])
		x += 60 + 7*len(entry[1])
	}
	fmt.Fprintf(&b, `<rect class="dark" x="%d" y="37" width="24" height="14"/><text x="%d" y="48">the server is dark</text>`+"\n", x, x+30)
	for i, p := range panels {
		fmt.Fprintf(&b, `<svg x="0" y="%d" width="%d" height="%d">%s</svg>`+"\n", headHeight+i*(panelHeight+panelGap), width, panelHeight+panelGap, p.draw())
	}
	return b.String() + "</svg>\n"
}

func (p panel) draw() string {
	const top = 24
	inner := float64(width - left - right)
	x := func(second float64) float64 { return left + inner*second/p.length }
	y := func(value float64) float64 { return top + panelHeight*(1-min(value, p.top)/p.top) }
	var b strings.Builder
	fmt.Fprintf(&b, `<text x="%d" y="14">%s</text>`+"\n", left, p.title)
	fmt.Fprintf(&b, `<rect class="dark" x="%.1f" y="%d" width="%.1f" height="%d"/>`+"\n", x(p.band[0]), top, x(p.band[1])-x(p.band[0]), panelHeight)
	for value := range ticks(p.top) {
		fmt.Fprintf(&b, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text class="tick" text-anchor="end" x="%d" y="%.1f">%.0f</text>`+"\n", left, width-right, y(value), y(value), left-8, y(value)+4, value)
	}
	for second := range ticks(p.length) {
		fmt.Fprintf(&b, `<text class="tick" text-anchor="middle" x="%.1f" y="%d">%.0f s</text>`+"\n", x(second), top+panelHeight+16, second)
	}
	for _, l := range slices.Backward(p.lines) { // ours is on top
		var points []string
		for _, at := range l.points {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x(min(at[0], p.length)), y(at[1])))
		}
		fmt.Fprintf(&b, `<polyline class="line %s" points="%s"/>`+"\n", l.class, strings.Join(points, " "))
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

// perSecond is the line of counts by seconds.
func perSecond(class string, counts []int) line {
	l := line{class: class}
	for second, n := range counts {
		l.points = append(l.points, [2]float64{float64(second), float64(n)}, [2]float64{float64(second + 1), float64(n)})
	}
	return l
}

// soFar is the line of how many there were at each time.
func soFar(class string, times []time.Duration) line {
	l := line{class: class, points: [][2]float64{{0, 0}}}
	for i, at := range times {
		if every := len(times)/400 + 1; i%every == 0 || i == len(times)-1 {
			l.points = append(l.points, [2]float64{at.Seconds(), float64(i + 1)})
		}
	}
	return l
}

// A comparison is a scenario with our policy and with the other one.
type comparison struct{ ours, fixed result }

// drawAll writes the pictures of docs/performance.md.
func drawAll(dir string, all []comparison) error {
	var requests, done []panel
	for _, c := range all {
		s := c.ours.scenario
		length := math.Ceil(max(c.ours.last(), c.fixed.last()).Seconds()/10+0.5) * 10
		base := panel{length: length, band: [2]float64{s.darkFrom.Seconds(), (s.darkFrom + s.dark).Seconds()}}
		r := base
		r.title, r.top = "requests per second: "+s.title(), float64(4*s.rate)
		r.lines = []line{perSecond("ours", c.ours.arrived), perSecond("fixed", c.fixed.arrived), {class: "ideal", points: [][2]float64{{0, float64(s.rate)}, {length, float64(s.rate)}}}}
		requests = append(requests, r)
		d := base
		d.title, d.top = "machines done: "+s.title(), float64(s.machines)
		d.lines = []line{soFar("ours", c.ours.done), soFar("fixed", c.fixed.done), soFar("ideal", c.ours.ideal)}
		done = append(done, d)
	}
	for name, picture := range map[string]string{
		"fleet-requests.svg": draw("What the server gets", requests...),
		"fleet-done.svg":     draw("How far the fleet is", done...),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(picture), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func TestPicturesAreDrawn(t *testing.T) {
	r := result{scenario: atOnce(1000), arrived: []int{900, 60, 3}, done: []time.Duration{time.Second, 3 * time.Second}, ideal: []time.Duration{time.Second, 2 * time.Second}}
	dir := t.TempDir()
	if err := drawAll(dir, []comparison{{r, r}}); err != nil {
		t.Fatal(err)
	}
	for name, wants := range map[string][]string{
		"fleet-requests.svg": {"requests per second: 1000 machines, at once", `<polyline class="line ours" points="60.0,24.0 138.0,24.0 138.0,164.0`, ">200</text>", ">10 s</text>"},
		"fleet-done.svg":     {"machines done: 1000 machines, at once", `<polyline class="line fixed" points="60.0,224.0 138.0,223.8`, ">1000</text>"},
	} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := xml.Unmarshal(text, new(struct{ XMLName xml.Name })); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range wants {
			if !strings.Contains(string(text), want) {
				t.Errorf("%q is not in %s:\n%s", want, name, text)
			}
		}
	}
}
