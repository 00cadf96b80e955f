package storage

import (
	"slices"
	"sort"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/report"
)

// A block is free sectors, from start up to but not including end.
type freeBlock struct{ start, end uint64 }

func (b freeBlock) size() uint64 { return b.end - b.start }

// freeBlocks are the gaps between partitions, in order.
func freeBlocks(t gpt.Table) []freeBlock {
	entries := slices.Clone(t.Partitions)
	sort.Slice(entries, func(i, j int) bool { return entries[i].Start < entries[j].Start })
	var blocks []freeBlock
	at := t.First
	for _, e := range entries {
		if e.Start > at {
			blocks = append(blocks, freeBlock{at, min(e.Start, t.Last+1)})
		}
		at = max(at, e.End())
	}
	if at <= t.Last {
		blocks = append(blocks, freeBlock{at, t.Last + 1})
	}
	return blocks
}

// largest is the free block with most room from its first aligned sector on;
// the first one of several. It has size 0 if there is no room.
func largestFree(t gpt.Table) freeBlock {
	var best freeBlock
	for _, b := range freeBlocks(t) {
		b.start = alignUp(b.start, alignment(t))
		if b.start < b.end && b.size() > best.size() {
			best = b
		}
	}
	return best
}

func alignment(t gpt.Table) uint64 { return max(mebibyte/t.Sector, 1) }

func alignUp(n, to uint64) uint64   { return (n + to - 1) / to * to }
func alignDown(n, to uint64) uint64 { return n / to * to }

// allocate resolves a spec's start and size against what has been placed so far.
// Nil keeps what an existing partition has, unless its entry is to be wiped;
// else nil is as 0: the beginning, or the rest, of a free block.
func (p *diskPlan) allocate(w *partitionSpec) error {
	t := p.After
	w.after = gpt.Partition{Number: w.number, Name: config.ValueOr(w.Label, ""), Type: linuxData, GUID: strings.ToUpper(config.ValueOr(w.GUID, ""))}
	if config.NonZero(w.TypeGUID) {
		w.after.Type = strings.ToUpper(*w.TypeGUID)
	}
	start, startGiven, err := p.explicit(w, "startMiB", w.StartMiB, w.before.Start)
	if err != nil {
		return err
	}
	size, sizeGiven, err := p.explicit(w, "sizeMiB", w.SizeMiB, w.before.Size)
	if err != nil {
		return err
	}
	asked := start
	if !startGiven {
		start = largestFree(t).start
	}
	if start < t.First || start > t.Last {
		return p.noRoom(w, "startMiB", asked, size)
	}
	room := roomAt(t, start)
	if !sizeGiven {
		size = fillSize(start, room, alignment(t), w)
	}
	if !sizeGiven && !startGiven && size < alignment(t) && !(w.exists && w.before.Start == start) {
		size = 0 // what aligning has left over at the end of a disk is no place that anybody meant
	}
	if size == 0 || size > room {
		return p.noRoom(w, "sizeMiB", asked, size)
	}
	w.after.Start, w.after.Size = start, size
	return nil
}

// given is a start or a size in sectors that need not be searched for.
func (p *diskPlan) explicit(w *partitionSpec, member string, mib *int, existing uint64) (sectors uint64, given bool, err error) {
	switch {
	case mib != nil && (*mib < 0 || uint64(*mib) > 1<<43): // 2^63 bytes
		return 0, false, report.Conflict(w.Origin(member), "it is in MiB", "partition %s on %s: %s cannot be %d", w.title(), p.Facts.Device, member, *mib)
	case config.NonZero(mib):
		return uint64(*mib) * mebibyte / p.After.Sector, true, nil
	case w.matched, mib == nil && w.exists && !w.wipe:
		return existing, true, nil
	}
	return 0, false, nil
}

// roomAt is how many sectors are free from start on.
func roomAt(t gpt.Table, start uint64) uint64 {
	for _, b := range freeBlocks(t) {
		if b.start <= start && start < b.end {
			return b.end - start
		}
	}
	return 0
}

// fillSize is the size of a partition that takes the rest of a free block. It ends
// aligned. Older versions of sgdisk did not align the end, so that a partition
// of theirs may be somewhat larger; it counts as filling the block.
func fillSize(start, room, alignment uint64, w *partitionSpec) uint64 {
	end := alignDown(start+room, alignment)
	if w.exists && w.before.Start == start && w.before.Size <= room && w.before.End() >= end {
		return w.before.Size
	}
	if end <= start {
		return room
	}
	return end - start
}

// title is how a spec is called in messages.
func (w *partitionSpec) title() string {
	return gpt.Partition{Number: w.number, Name: config.ValueOr(w.Label, w.before.Name)}.Title()
}

// noRoom says who or what is in the way. A start of 0 is one that was searched for.
func (p *diskPlan) noRoom(w *partitionSpec, member string, start, size uint64) error {
	t := p.After
	const hint = "ask for less, or make room: wipeTable, or shouldExist: false with wipePartitionEntry: true for what is in the way"
	what := "some space"
	if size > 0 {
		what = inMiB(size * t.Sector)
	}
	free := "no space is free"
	switch largest := largestFree(t).size(); {
	case largest >= alignment(t):
		free = "the largest free block has " + inMiB(alignDown(largest, alignment(t))*t.Sector)
	case largest > 0:
		free = "not even 1 MiB is free"
	}
	if start == 0 {
		return report.Conflict(w.Origin(member), hint, "partition %s on %s needs %s but %s", w.title(), p.Facts.Device, what, free)
	}
	what += " at " + inMiB(start*t.Sector)
	for _, e := range t.Partitions {
		if start < e.End() && e.Start < start+max(size, 1) {
			return report.Conflict(w.Origin(member), hint, "partition %s on %s needs %s, where partition %s is (%s); %s",
				w.title(), p.Facts.Device, what, e.Title(), describeExtent(t, e), free)
		}
	}
	return report.Conflict(w.Origin(member), hint, "partition %s on %s needs %s; partitions can lie from %s to %s on this disk, and %s",
		w.title(), p.Facts.Device, what, inMiB(t.First*t.Sector), inMiB((t.Last+1)*t.Sector), free)
}
