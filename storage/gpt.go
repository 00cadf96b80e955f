package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/diskfs/go-diskfs/partition/gpt"

	"github.com/firstlight-os/firstlight/internal/blkprobe"
)

// Reading partition tables. The entries are read by go-diskfs. What it leaves
// out is done here:
//
//   - Headers are checked before it sees them: it believes their numbers, and
//     would allocate or read whatever they say.
//   - It does not tell the usable sectors, nor whether the backup is intact.
//   - It looks at the protective MBR in the last bytes of the sector, which is
//     wrong for sectors larger than 512 bytes, and takes one whose size does
//     not fit exactly (grown disks, more than 2 TiB) for none.

// A header is what we need of a GPT header; see UEFI 2.10, section 5.3.2.
type header struct {
	self, other uint64 // sectors of this header and of the other one
	first, last uint64 // usable sectors
	array       uint64 // first sector of the entries
	slots       uint32
	entrySize   uint32
	entriesSum  uint32
}

// maxArray bounds the entries that are read, in bytes; 128 entries have 16 KiB.
const maxArray = 1 << 20

// errNoHeader tells that there is not even a signature.
var errNoHeader = errors.New("there is no GPT header")

// readHeader reads and checks one header and its array of entries.
func readHeader(v *view, sector, lba uint64) (header, error) {
	b := v.bytes(int64(lba*sector), int64(sector))
	if b == nil || string(b[:8]) != "EFI PART" {
		return header{}, errNoHeader
	}
	le := binary.LittleEndian
	h := header{self: le.Uint64(b[24:]), other: le.Uint64(b[32:]), first: le.Uint64(b[40:]), last: le.Uint64(b[48:]),
		array: le.Uint64(b[72:]), slots: le.Uint32(b[80:]), entrySize: le.Uint32(b[84:]), entriesSum: le.Uint32(b[88:])}
	const headerSize = 92
	if size := le.Uint32(b[12:]); size != headerSize {
		return h, fmt.Errorf("the header has %d bytes instead of %d", size, headerSize)
	}
	sum := le.Uint32(b[16:])
	clear(b[16:20])
	if crc32.ChecksumIEEE(b[:headerSize]) != sum {
		return h, errors.New("the checksum of the header is wrong")
	}
	return h, h.check(v, sector, lba)
}

func (h header) check(v *view, sector, lba uint64) error {
	size := uint64(h.slots) * uint64(h.entrySize)
	switch {
	case h.self != lba:
		return fmt.Errorf("the header says that it is in sector %d but is in sector %d", h.self, lba)
	case h.entrySize != gpt.PartitionEntrySize:
		return fmt.Errorf("the entries have %d bytes; only %d are supported", h.entrySize, gpt.PartitionEntrySize)
	case size == 0 || size > maxArray:
		return fmt.Errorf("the header speaks of %d entries", h.slots)
	case h.array > uint64(v.size)/sector:
		return fmt.Errorf("the entries would begin in sector %d, which is not on the disk", h.array)
	case h.first > h.last:
		return fmt.Errorf("the usable sectors go from %d to %d", h.first, h.last)
	}
	b := v.bytes(int64(h.array*sector), int64(size))
	if b == nil || crc32.ChecksumIEEE(b) != h.entriesSum {
		return errors.New("the checksum of the entries is wrong")
	}
	return nil
}

// arraySectors is how many sectors the entries take.
func (h header) arraySectors(sector uint64) uint64 {
	return (uint64(h.slots)*uint64(h.entrySize) + sector - 1) / sector
}

// A gptCopies is both copies of a GPT as found.
type gptCopies struct {
	primary, backup       header
	primaryErr, backupErr error
}

// readCopies reads both headers. The backup is where the primary says, or in
// the last sector.
func readCopies(v *view, sector uint64) gptCopies {
	var c gptCopies
	c.primary, c.primaryErr = readHeader(v, sector, 1)
	at := uint64(v.size)/sector - 1
	if c.primaryErr == nil && c.primary.other < at && c.primary.other > 1 {
		at = c.primary.other
	}
	c.backup, c.backupErr = readHeader(v, sector, at)
	return c
}

// readTable finds out what partition table a disk has: facts about it go into d.
func readTable(v *view, d *diskFacts) {
	if uint64(v.size) < 4*d.Sector {
		return
	}
	boot := readMBR(v)
	copies := readCopies(v, d.Sector)
	switch {
	case boot.partitioned && !boot.protective:
		d.Contents = dosTable
		return
	case copies.primaryErr == nil:
	case errors.Is(copies.primaryErr, errNoHeader) && !boot.protective:
		// A backup alone is a leftover. Firmware and kernel do not use it either.
		return
	case copies.backupErr != nil:
		d.Contents = brokenGPT
		d.Damage = fmt.Sprintf("primary: %v; backup: %v", copies.primaryErr, copies.backupErr)
		if sector := otherSector(v, d.Sector); sector != 0 {
			d.Damage = fmt.Sprintf("it is for sectors of %d bytes, but the disk has sectors of %d", sector, d.Sector)
		}
		return
	}
	d.Contents = gptTable
	if err := copies.load(v, d); err != nil {
		d.Contents, d.Damage = brokenGPT, err.Error()
		return
	}
	d.Damage = copies.damage(boot)
	if boot.hybrid {
		d.Movable = errors.New("its MBR is a hybrid, with entries of its own for some of the partitions, which would no longer agree")
	}
}

// otherSector is the size of sectors for which there is a GPT, if it is not that
// of the disk: an image was copied to a disk of another kind.
func otherSector(v *view, sector uint64) uint64 {
	for _, other := range []uint64{512, 4096} {
		if _, err := readHeader(v, other, 1); other != sector && err == nil {
			return other
		}
	}
	return 0
}

func (c gptCopies) damage(boot mbr) string {
	switch {
	case c.primaryErr != nil:
		return fmt.Sprintf("the primary copy is damaged: %v", c.primaryErr)
	case c.backupErr != nil:
		return fmt.Sprintf("the backup copy is damaged: %v", c.backupErr)
	case !boot.protective:
		return "the protective MBR is missing"
	}
	return ""
}

// load reads the entries of the better copy.
func (c gptCopies) load(v *view, d *diskFacts) error {
	h := c.primary
	t, err := readEntries(v, c, d.Sector)
	if err != nil {
		return err
	}
	if c.primaryErr != nil {
		h = c.backup
	}
	d.Table = table{GUID: t.GUID, Sector: d.Sector, First: h.first, Slots: int(h.slots)}
	d.Table.Last = lastUsable(h, d)
	d.Grown = d.Size/d.Sector-1 != max(h.self, h.other)
	d.Movable = h.movable(c.primaryErr != nil, d.Sector)
	for _, p := range t.Partitions {
		if p.Start == 0 || p.End < p.Start || p.End >= 1<<62/d.Sector {
			return fmt.Errorf("partition %d goes from sector %d to %d", p.Index, p.Start, p.End)
		}
		d.Table.Entries = append(d.Table.Entries, entry{Number: p.Index, Start: p.Start, Size: p.End - p.Start + 1,
			Type: string(p.Type), GUID: p.GUID, Name: p.Name, Attributes: p.Attributes})
	}
	return d.Table.overlap()
}

// readEntries lets go-diskfs read the copy that was found to be intact, by
// hiding the other one from it.
func readEntries(v *view, c gptCopies, sector uint64) (*gpt.Table, error) {
	intact := *v
	if c.primaryErr != nil {
		intact.r, intact.offset = v, 0
		intact.zero = []blkprobe.Range{{Offset: int64(sector), Length: int64(sector)}}
	}
	return gpt.Read(&intact, int(sector), int(sector))
}

// lastUsable is the last sector for partitions. On a disk that has grown since
// the table was made it is later than the header says.
func lastUsable(h header, d *diskFacts) uint64 {
	end := d.Size/d.Sector - 1
	if end == max(h.self, h.other) {
		return h.last
	}
	return end - h.arraySectors(d.Sector) - 1
}

// movable tells why go-diskfs cannot write a table of this form, if so: it puts
// the entries right after the header and counts their whole sectors only.
func (h header) movable(isBackup bool, sector uint64) error {
	if !isBackup && h.array != 2 {
		return fmt.Errorf("its entries begin in sector %d instead of 2", h.array)
	}
	if uint64(h.slots)*uint64(h.entrySize)%sector != 0 {
		return fmt.Errorf("its %d entries do not fill whole sectors", h.slots)
	}
	return nil
}

// overlap reports partitions that lie on each other: nothing good can be
// planned around them.
func (t table) overlap() error {
	for i, a := range t.Entries {
		for _, b := range t.Entries[i+1:] {
			if a.Start < b.end() && b.Start < a.end() {
				return fmt.Errorf("partitions %s and %s overlap", a.title(), b.title())
			}
		}
	}
	return nil
}
