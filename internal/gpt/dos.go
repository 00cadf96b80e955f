package gpt

import (
	"encoding/binary"
	"io"
)

// maxLogical bounds the chain of logical partitions. Linux has devices for fewer.
const maxLogical = 256

// MBRPartitions returns the partitions of an MBR: the primary ones, 1 to 4, and from 5
// on the logical ones, each of which has a boot record of its own with a link to the
// next (see "Extended boot record" in the kernel's block/partitions/msdos.c). The
// extended partition itself is only where those are. Of a broken chain it returns what
// comes before. Size and sector are those of the disk in bytes.
func MBRPartitions(r io.ReaderAt, size, sector uint64) []Partition {
	s := section{r, size, sector}
	var all []Partition
	extended := uint64(0)
	for i, e := range s.bootRecord(0) {
		switch {
		case e.size == 0:
		case !e.extended:
			all = append(all, Partition{Number: i + 1, Start: e.start, Size: e.size})
		case extended == 0:
			extended = e.start
		}
	}
	for record, n := extended, 0; record != 0 && n < maxLogical; n++ {
		next := uint64(0)
		for _, e := range s.bootRecord(record) {
			switch {
			case e.size == 0:
			case e.extended && next == 0:
				next = extended + e.start
			case !e.extended:
				all = append(all, Partition{Number: 5 + n, Start: record + e.start, Size: e.size})
			}
		}
		if next <= record { // the chain of every known program goes forward
			break
		}
		record = next
	}
	return all
}

// A bootRecordEntry is in sectors. Those that are empty have size 0.
type bootRecordEntry struct {
	start, size uint64
	extended    bool
}

// bootRecord reads the entries of the master boot record, in sector 0, or of an
// extended one.
func (s section) bootRecord(lba uint64) (entries [4]bootRecordEntry) {
	b := s.bytes(lba*s.sector, 512)
	if b == nil || b[mbrSignature] != 0x55 || b[mbrSignature+1] != 0xaa {
		return entries
	}
	for i := range entries {
		e := b[mbrEntries+16*i : mbrEntries+16*i+16]
		if kind := e[4]; kind != 0 {
			entries[i] = bootRecordEntry{uint64(binary.LittleEndian.Uint32(e[8:])), uint64(binary.LittleEndian.Uint32(e[12:])),
				kind == 0x05 || kind == 0x0f || kind == 0x85}
		}
	}
	return entries
}
