package plan

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/report"
)

// mebibyte is the unit of the spec and the alignment of what is allocated
// freely: a multiple of every sector, erase block and stripe size in common use.
const mebibyte = 1 << 20

// A freeBlock is free sectors, from start up to but not including end.
type freeBlock struct{ start, end uint64 }

func (b freeBlock) size() uint64 { return b.end - b.start }

// freeBlocks are the gaps between partitions, in order.
func freeBlocks(t gpt.Table) []freeBlock {
	partitions := slices.Clone(t.Partitions)
	// Not package slices, whose sorting is compiled again for each type.
	sort.SliceStable(partitions, func(i, j int) bool { return partitions[i].Start < partitions[j].Start })
	var blocks []freeBlock
	at := t.First
	for _, p := range partitions {
		if p.Start > at {
			blocks = append(blocks, freeBlock{at, min(p.Start, t.Last+1)})
		}
		at = max(at, p.End())
	}
	if at <= t.Last {
		blocks = append(blocks, freeBlock{at, t.Last + 1})
	}
	return blocks
}

// largestFree is the free block with most room from its first aligned sector on;
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

// freeFrom is how many sectors are free from start on.
func freeFrom(t gpt.Table, start uint64) uint64 {
	for _, b := range freeBlocks(t) {
		if b.start <= start && start < b.end {
			return b.end - start
		}
	}
	return 0
}

func alignment(t gpt.Table) uint64 { return max(mebibyte/t.Sector, 1) }

func alignUp(n, to uint64) uint64   { return (n + to - 1) / to * to }
func alignDown(n, to uint64) uint64 { return n / to * to }

// allocate returns the partition that the config wants, with start and size
// beside those that have been allocated so far. Nil keeps what an existing
// partition has, unless its entry is to be wiped; else nil is as 0: the
// beginning, or the rest, of a free block.
func (d *Disk) allocate(s *partitionSpec) (gpt.Partition, error) {
	t := d.After
	want := gpt.Partition{Number: s.number, Name: config.ValueOr(s.Label, ""), Type: linuxData, GUID: strings.ToUpper(config.ValueOr(s.GUID, ""))}
	if config.NonZero(s.TypeGUID) {
		want.Type = strings.ToUpper(*s.TypeGUID)
	}
	configStart, startFixed, err := d.fixed(s, "startMiB", s.StartMiB, s.existing.Start)
	if err != nil {
		return want, err
	}
	size, sizeFixed, err := d.fixed(s, "sizeMiB", s.SizeMiB, s.existing.Size)
	if err != nil {
		return want, err
	}
	start := configStart
	if !startFixed {
		start = largestFree(t).start
	}
	if start < t.First || start > t.Last {
		return want, d.noRoom(s, "startMiB", configStart, size)
	}
	room := freeFrom(t, start)
	if !sizeFixed {
		size = s.fill(start, room, alignment(t))
	}
	if !sizeFixed && !startFixed && size < alignment(t) && !(s.exists() && s.existing.Start == start) {
		size = 0 // the unaligned rest at the end of a disk has to be asked for
	}
	if size == 0 || size > room {
		return want, d.noRoom(s, "sizeMiB", configStart, size)
	}
	want.Start, want.Size = start, size
	return want, nil
}

// fixed is a start or a size in sectors, and whether it need not be searched for.
func (d *Disk) fixed(s *partitionSpec, member string, mib *int, existing uint64) (sectors uint64, ok bool, err error) {
	switch {
	case mib != nil && (*mib < 0 || uint64(*mib) > 1<<43): // 2^63 bytes
		return 0, false, report.Conflict(s.Origin(member), "it is in MiB", "partition %s on %s: %s cannot be %d", s.title(), d.Facts.Device, member, *mib)
	case config.NonZero(mib):
		return uint64(*mib) * mebibyte / d.After.Sector, true, nil
	case s.matched, mib == nil && s.exists() && !s.wipe:
		return existing, true, nil
	}
	return 0, false, nil
}

// fill is the size of a partition that takes the rest of a free block. It ends
// aligned. Older versions of sgdisk did not align the end, so that a partition
// of theirs may be somewhat larger; it counts as filling the block.
func (s *partitionSpec) fill(start, room, alignment uint64) uint64 {
	end := alignDown(start+room, alignment)
	if s.exists() && s.existing.Start == start && s.existing.Size <= room && s.existing.End() >= end {
		return s.existing.Size
	}
	if end <= start {
		return room
	}
	return end - start
}

// noRoom says who or what is in the way. A start of 0 is one that was searched for.
func (d *Disk) noRoom(s *partitionSpec, member string, start, size uint64) error {
	t := d.After
	hint := fmt.Sprintf("ask for less, or make room: %s, or %s: false with %s: true for what is in the way",
		s.Key("wipeTable"), s.Key("shouldExist"), s.Key("wipePartitionEntry"))
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
		return report.Conflict(s.Origin(member), hint, "partition %s on %s needs %s but %s", s.title(), d.Facts.Device, what, free)
	}
	what += " at " + inMiB(start*t.Sector)
	for _, p := range t.Partitions {
		if start < p.End() && p.Start < start+max(size, 1) {
			return report.Conflict(s.Origin(member), hint, "partition %s on %s needs %s, where partition %s is (%s); %s",
				s.title(), d.Facts.Device, what, p.Title(), extent(p, t.Sector), free)
		}
	}
	return report.Conflict(s.Origin(member), hint, "partition %s on %s needs %s; partitions can lie from %s to %s on this disk, and %s",
		s.title(), d.Facts.Device, what, inMiB(t.First*t.Sector), inMiB((t.Last+1)*t.Sector), free)
}

// extent is the size and the start of a partition, for a message.
func extent(p gpt.Partition, sector uint64) string {
	return fmt.Sprintf("%s at %s", inMiB(p.Size*sector), inMiB(p.Start*sector))
}

// inMiB prints a number of bytes in the unit of the config. What is not a whole
// number of it has decimals, enough to show one sector, and the bytes.
func inMiB(bytes uint64) string {
	whole, rest := bytes/mebibyte, bytes%mebibyte
	if rest == 0 {
		return fmt.Sprintf("%d MiB", whole)
	}
	// Not rounded up, so that it never reads as the next whole number.
	decimals := strings.TrimRight(fmt.Sprintf("%04d", rest*10000/mebibyte), "0")
	return fmt.Sprintf("%s MiB (%d bytes)", strings.TrimSuffix(fmt.Sprintf("%d.%s", whole, decimals), "."), bytes)
}
