//go:build linux && !portable

package main

import (
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/storage/plan"
)

// A segment of a bar is a partition, or free space if its number is 0.
type segment struct {
	part     plan.PartitionPreview
	size     uint64
	minCells int // cells
	cells    int
}

func (s segment) free() bool { return s.part.Number == 0 }

// bar draws a disk in a number of cells. Each partition is wide enough for its
// mark and number, even if that is not to scale.
func (d drawing) bar(l plan.Layout, size uint64, cells int) string {
	segments := segmentsOf(l, size)
	if !distributeCells(segments, cells) {
		return "(too many partitions for a bar of this width)"
	}
	var b strings.Builder
	for _, s := range segments {
		b.WriteString(d.segment(s, l))
	}
	return b.String()
}

// segmentsOf returns the partitions and gaps of a disk, in order.
func segmentsOf(l plan.Layout, size uint64) []segment {
	var all []segment
	for _, p := range l.Parts(size) {
		s := segment{part: p, size: p.Size, minCells: 1}
		if !s.free() {
			s.minCells = len(changeStyles[p.State].mark+strconv.Itoa(p.Number)) + 2
		}
		all = append(all, s)
	}
	if len(all) == 0 {
		all = append(all, segment{size: max(size, 1), minCells: 1})
	}
	return all
}

// distributeCells gives every segment its minimum, and each cell that is left to
// the segment whose scale is worst. It reports whether there were enough cells.
func distributeCells(segments []segment, cells int) bool {
	for i := range segments {
		segments[i].cells = segments[i].minCells
		cells -= segments[i].minCells
	}
	for ; cells > 0; cells-- {
		best := 0
		for i, s := range segments {
			// size/cells is largest where the scale is worst.
			if b := segments[best]; float64(s.size)/float64(s.cells) > float64(b.size)/float64(b.cells) {
				best = i
			}
		}
		segments[best].cells++
	}
	return cells == 0
}

func (d drawing) segment(s segment, l plan.Layout) string {
	if s.free() && l.Table == "" && l.Whole.What != "" {
		return "[" + fit(l.Whole.What, s.cells-2) + "]"
	}
	if s.free() {
		return strings.Repeat(".", s.cells)
	}
	text := changeStyles[s.part.State].mark + strconv.Itoa(s.part.Number)
	if s.part.Label != "" {
		text += " " + s.part.Label
	}
	return d.colorize(s.part.State, "["+fit(text, s.cells-2)+"]")
}
