package main

import (
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/tests/plot"
)

func TestThePictureOfAGrowth(t *testing.T) {
	g := growth{title: "seconds by files", axis: "seconds of CPU", unit: "MiB", sizes: []int{10, 40}}
	ours := [][2]float64{{10, 1}, {40, 4}}
	p := g.picture([][][2]float64{ours, {{10, 8}}})
	if panel := p.Panels[0]; panel.Top != 8 || panel.Length != 40 || len(panel.Lines) != 2 || panel.Lines[1].Class != plot.Other {
		t.Errorf("got %+v", panel)
	}
	if text := p.Draw(); !strings.Contains(text, ">the reference</text>") || !strings.Contains(text, ">40 MiB</text>") {
		t.Errorf("got\n%s", text)
	}
	if alone := g.picture([][][2]float64{ours}); len(alone.Legend) != 1 || alone.Panels[0].Top != 4 {
		t.Errorf("without a reference: %+v", alone)
	}
}
