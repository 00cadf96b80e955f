package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/firstlight-os/firstlight/tests/bench/table"
	"github.com/firstlight-os/firstlight/tests/plot"
)

// A growth is work that is done in several sizes.
type growth struct {
	title  string
	file   string // of the picture
	unit   string // of the size
	axis   string // what is measured, in the words of the picture
	sizes  []int
	figure func(sample) float64
	work   func(b *bencher, url string, size int) (work, error)
	// most is the largest size that the reference is given: it would take minutes.
	most int
}

func cpuSeconds(s sample) float64  { return s.cpu.Seconds() }
func wallSeconds(s sample) float64 { return s.wall.Seconds() }
func peakMB(s sample) float64      { return float64(s.memory) / 1e6 }

var growths = []growth{
	{title: "fetch and files stages, CPU seconds by files", file: "files.svg", axis: "seconds of CPU", sizes: []int{500, 2_000, 5_000, 10_000, 20_000, 50_000}, most: 5_000,
		figure: cpuSeconds, work: func(b *bencher, _ string, n int) (work, error) {
			c, err := writeConfig(b.dir, fmt.Sprintf("files%d.ign", n), func(w io.Writer) {
				fmt.Fprintf(w, `{"ignition": {"version": %q}, "storage": {`, specVersion)
				list(w, "files", n, func(i int) {
					fmt.Fprintf(w, `{"path": "/bench/%d/%d", "contents": {"source": "data:,%d"}}`, i%100, i, i)
				})
				io.WriteString(w, "}}\n")
			})
			return provisionWork(c, n, 0), err
		}},
	{title: "fetch and files stages, peak MB by MiB in a data URL", file: "bytes.svg", unit: "MiB", axis: "MB of memory", sizes: []int{1, 4, 16, 32, 64}, most: 32,
		figure: peakMB, work: func(b *bencher, _ string, n int) (work, error) {
			c, err := writeConfig(b.dir, fmt.Sprintf("bytes%d.ign", n), dataURLConfig("/bench/big", int64(n)<<20))
			return provisionWork(c, 1, int64(n)<<20), err
		}},
	{title: "fetch and files stages, seconds by URLs, 20 ms away", file: "urls.svg", axis: "seconds", sizes: []int{10, 50, 100, 200, 400}, most: 200,
		figure: wallSeconds, work: func(b *bencher, url string, n int) (work, error) {
			c, err := writeConfig(b.dir, fmt.Sprintf("urls%d.ign", n), func(w io.Writer) {
				fmt.Fprintf(w, `{"ignition": {"version": %q}, "storage": {`, specVersion)
				list(w, "files", n, func(i int) { fmt.Fprintf(w, `{"path": "/bench/%d", "contents": {"source": "%s/%d"}}`, i, url, i) })
				io.WriteString(w, "}}\n")
			})
			return provisionWork(c, n, int64(n)*remoteSize), err
		}},
}

// grow does all work in all sizes, draws a picture of each, and returns the figures.
func (b *bencher) grow(ctx context.Context, dir string) ([]table.Table, error) {
	url, stop, err := serve("")
	if err != nil {
		return nil, err
	}
	defer stop()
	var tables []table.Table
	for _, g := range growths {
		lines := make([][][2]float64, len(b.tools))
		var rows []table.Row
		for _, size := range g.sizes {
			w, err := g.work(b, url, size)
			if err != nil {
				return nil, err
			}
			some := *b
			if size > g.most {
				some.tools = b.tools[:1]
			}
			samples, err := some.inTurn(ctx, some.each(w))
			if err != nil {
				return nil, err
			}
			r := table.Row{What: fmt.Sprint(size), Unit: table.Figure}
			for i, s := range samples {
				lines[i] = append(lines[i], [2]float64{float64(size), g.figure(s)})
				r.Figures = append(r.Figures, g.figure(s))
			}
			rows = append(rows, r)
		}
		tables = append(tables, table.Table{Title: g.title, Rows: rows})
		if err := os.WriteFile(filepath.Join(dir, g.file), []byte(g.picture(lines).Draw()), 0o644); err != nil {
			return nil, err
		}
	}
	return tables, nil
}

// picture has the lines of our agent and of the reference, if there is one.
func (g growth) picture(lines [][][2]float64) plot.Picture {
	classes := []plot.Entry{{Class: plot.Ours, Means: "Firstlight"}, {Class: plot.Other, Means: "the reference"}}[:len(lines)]
	panel := plot.Panel{Title: g.axis, Unit: g.unit, Length: float64(g.sizes[len(g.sizes)-1])}
	for i, points := range lines {
		panel.Lines = append(panel.Lines, plot.Line{Class: classes[i].Class, Points: points})
		for _, p := range points {
			panel.Top = max(panel.Top, p[1])
		}
	}
	return plot.Picture{Title: g.title, Legend: classes, Panels: []plot.Panel{panel}}
}
