package fleet_test

import (
	"encoding/xml"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/tests/plot"
)

// perSecond is the line of counts by seconds.
func perSecond(class plot.Class, counts []int) plot.Line {
	l := plot.Line{Class: class}
	for second, n := range counts {
		l.Points = append(l.Points, [2]float64{float64(second), float64(n)}, [2]float64{float64(second + 1), float64(n)})
	}
	return l
}

// soFar is the line of how many there were at each time.
func soFar(class plot.Class, times []time.Duration) plot.Line {
	l := plot.Line{Class: class, Points: [][2]float64{{0, 0}}}
	for i, at := range times {
		if every := len(times)/400 + 1; i%every == 0 || i == len(times)-1 {
			l.Points = append(l.Points, [2]float64{at.Seconds(), float64(i + 1)})
		}
	}
	return l
}

// A comparison is a scenario with our policy and with the other one.
type comparison struct{ ours, fixed result }

// drawAll writes the pictures of docs/performance.md.
func drawAll(dir string, all []comparison) error {
	var requests, done []plot.Panel
	for _, c := range all {
		s := c.ours.scenario
		length := math.Ceil(max(c.ours.last(), c.fixed.last()).Seconds()/10+0.5) * 10
		base := plot.Panel{Length: length, Unit: "s", Band: [2]float64{s.darkFrom.Seconds(), (s.darkFrom + s.dark).Seconds()}}
		r := base
		r.Title, r.Top = "requests per second: "+s.title(), float64(4*s.rate)
		r.Lines = []plot.Line{perSecond(plot.Ours, c.ours.arrived), perSecond(plot.Other, c.fixed.arrived), {Class: plot.Ideal, Points: [][2]float64{{0, float64(s.rate)}, {length, float64(s.rate)}}}}
		requests = append(requests, r)
		d := base
		d.Title, d.Top = "machines done: "+s.title(), float64(s.machines)
		d.Lines = []plot.Line{soFar(plot.Ours, c.ours.done), soFar(plot.Other, c.fixed.done), soFar(plot.Ideal, c.ours.ideal)}
		done = append(done, d)
	}
	for name, picture := range map[string]plot.Picture{
		"fleet-requests.svg": {Title: "What the server gets", Panels: requests},
		"fleet-done.svg":     {Title: "How far the fleet is", Panels: done},
	} {
		picture.Band = "the server is dark"
		picture.Legend = []plot.Entry{{Class: plot.Ours, Means: "Firstlight"}, {Class: plot.Other, Means: "doubling to 5 s without jitter"}, {Class: plot.Ideal, Means: "ideal"}}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(picture.Draw()), 0o644); err != nil {
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
