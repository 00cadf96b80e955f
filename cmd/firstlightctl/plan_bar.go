package main

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/storage"
)

// A segment of a bar is a partition, or free space without a number.
type segment struct {
	part  storage.PartitionPreview
	size  uint64
	least int // cells
	cells int
}

func (s segment) free() bool { return s.part.Number == 0 }

// leastFree is the smallest gap that a bar shows; smaller ones come from
// alignment and from the table itself.
const leastFree = 1 << 20

// bar draws a disk in a number of cells. Each partition has room for its mark
// and number if possible, even if that is not to scale.
func (d drawing) bar(l storage.Layout, size uint64, cells int) string {
	segments := cut(l.Partitions, size)
	if !share(segments, cells) {
		return "(too many partitions for a bar of this width)"
	}
	var b strings.Builder
	for _, s := range segments {
		b.WriteString(d.segment(s, l))
	}
	return b.String()
}

// cut are the partitions and gaps of a disk, in order.
func cut(parts []storage.PartitionPreview, size uint64) []segment {
	parts = slices.SortedFunc(slices.Values(parts), func(a, b storage.PartitionPreview) int { return cmp.Compare(a.Start, b.Start) })
	var all []segment
	at := uint64(0)
	gap := func(to uint64) {
		if to > at+leastFree {
			all = append(all, segment{size: to - at, least: 1})
		}
	}
	for _, p := range parts {
		gap(p.Start)
		mark := looks[p.State].mark
		all = append(all, segment{part: p, size: p.Size, least: len(mark+strconv.Itoa(p.Number)) + 2})
		at = p.Start + p.Size
	}
	if gap(size); len(all) == 0 {
		all = append(all, segment{size: max(size, 1), least: 1})
	}
	return all
}

// share gives every segment its least cells and the rest by size: each cell in
// turn goes to whom it makes most difference.
func share(segments []segment, cells int) bool {
	for i := range segments {
		segments[i].cells = segments[i].least
		cells -= segments[i].least
	}
	for ; cells > 0; cells-- {
		best := 0
		for i, s := range segments {
			// size/cells is largest where the scale is worst
			if b := segments[best]; float64(s.size)/float64(s.cells) > float64(b.size)/float64(b.cells) {
				best = i
			}
		}
		segments[best].cells++
	}
	return cells == 0
}

func (d drawing) segment(s segment, l storage.Layout) string {
	if s.free() && l.Table == "" && l.Whole.What != "" {
		return "[" + fit(l.Whole.What, s.cells-2) + "]"
	}
	if s.free() {
		return strings.Repeat(".", s.cells)
	}
	text := looks[s.part.State].mark + strconv.Itoa(s.part.Number)
	if s.part.Label != "" {
		text += " " + s.part.Label
	}
	return d.state(s.part.State, "["+fit(text, s.cells-2)+"]")
}

// fit makes a text exactly so wide.
func fit(text string, cells int) string {
	var b strings.Builder
	for _, r := range printable(text) {
		if runeWidth(r) > cells {
			break
		}
		b.WriteRune(r)
		cells -= runeWidth(r)
	}
	return b.String() + strings.Repeat(" ", max(cells, 0))
}
