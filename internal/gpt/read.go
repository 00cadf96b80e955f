package gpt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"

	"github.com/diskfs/go-diskfs/partition/gpt"
)

// A Kind is what a disk has where a partition table would be.
type Kind int

const (
	None    Kind = iota
	Intact       // a GPT of which at least one copy can be used
	MBR          // a DOS partition table
	Damaged      // a GPT of which neither copy can be used
)

// A Disk is what Read finds.
type Disk struct {
	Kind  Kind
	Table Table
	// Damage is what is wrong with a table that can be used, or why one cannot.
	Damage string
	// Unwritable is why the table cannot be changed, if so.
	Unwritable error
	// Grown reports that the disk is larger than the table says.
	Grown bool
	// Other is libblkid's name of a table that is neither an MBR nor a GPT. The
	// kind is None then.
	Other string
	// Unused are partitions of a sound backup copy that does not count: there is
	// nothing else left of its table, so that firmware and kernel pass over it, or
	// the primary copy is sound too and does not list them.
	Unused []Partition
}

// Read finds out what partition table a disk has. Size and sector are the
// disk's size and that of its logical sectors in bytes.
func Read(r io.ReaderAt, size, sector uint64) Disk {
	return section{r, size, sector}.read()
}

// A section is the disk that is read.
type section struct {
	r            io.ReaderAt
	size, sector uint64
}

// bytes reads a few bytes; nil if they are not on the disk or cannot be read.
func (s section) bytes(offset, n uint64) []byte {
	if n > s.size || offset > s.size-n {
		return nil
	}
	b := make([]byte, n)
	if got, _ := s.r.ReadAt(b, int64(offset)); uint64(got) != n {
		return nil
	}
	return b
}

func (s section) read() Disk {
	if s.size < 4*s.sector {
		return Disk{}
	}
	boot := readMBR(s.bytes(0, 512))
	copies := s.readCopies()
	leftover := !boot.protective && copies.primaryErr != nil
	switch {
	case !boot.protective && len(boot.others) > 0:
		return Disk{Kind: MBR, Table: Table{MBR: boot.others}}
	case copies.primaryErr == nil:
	case copies.backupErr == nil:
	case leftover && errors.Is(copies.primaryErr, errNoHeader) && !s.endsWithHeader():
		return Disk{Other: s.other()}
	default:
		d := Disk{Kind: Damaged, Damage: fmt.Sprintf("primary: %v; backup: %v", copies.primaryErr, copies.backupErr)}
		if other := s.otherSector(); other != 0 {
			d.Damage = fmt.Sprintf("it is for sectors of %d bytes, but the disk has sectors of %d", other, s.sector)
		}
		return d
	}
	d, err := s.load(copies)
	if err != nil {
		d.Kind, d.Damage = Damaged, err.Error()
		return d
	}
	if leftover {
		return Disk{Unused: d.Table.Partitions, Other: s.other()}
	}
	d.Damage, d.Table.MBR = copies.damage(boot), boot.others
	if copies.differ() {
		d.Unused = s.unused(copies.backup, d.Table)
	}
	return d
}

// endsWithHeader reports whether a sound header is in the last sector, whatever
// has become of its entries.
func (s section) endsWithHeader() bool {
	_, err := s.header(s.size/s.sector - 1)
	return err == nil
}

// unused returns the partitions of the backup copy that a table does not have.
func (s section) unused(backup header, t Table) []Partition {
	d, err := s.load(copies{backup: backup, primaryErr: errNoHeader})
	if err != nil {
		return nil // nobody can use them
	}
	return Without(d.Table.Partitions, t.Partitions)
}

// load reads the entries of the copy that is to be used.
func (s section) load(c copies) (Disk, error) {
	h := c.primary
	if c.primaryErr != nil {
		h = c.backup
	}
	d := Disk{Kind: Intact}
	t, err := s.decode(c)
	if err != nil {
		return d, err
	}
	end := s.size/s.sector - 1
	d.Grown = end != max(h.self, h.other)
	d.Unwritable = h.unwritable(c.primaryErr != nil, s.sector)
	d.Table = Table{GUID: t.GUID, Sector: s.sector, First: h.first, Last: h.last, Slots: int(h.slots)}
	if d.Grown { // there is room beyond what the header says
		d.Table.Last = end - h.arraySectors(s.sector) - 1
	}
	for _, p := range t.Partitions {
		if p.Start == 0 || p.End < p.Start || p.End >= 1<<62/s.sector {
			return d, fmt.Errorf("partition %d goes from sector %d to %d", p.Index, p.Start, p.End)
		}
		d.Table.Partitions = append(d.Table.Partitions, Partition{Number: p.Index, Start: p.Start, Size: p.End - p.Start + 1,
			Type: string(p.Type), GUID: p.GUID, Name: p.Name, Attributes: p.Attributes})
	}
	return d, d.Table.overlap()
}

// decode lets go-diskfs read the copy that is to be used.
func (s section) decode(c copies) (*gpt.Table, error) {
	if c.primaryErr != nil {
		s.size = (c.backup.self + 1) * s.sector
	}
	return gpt.Read(&oneCopy{section: s, hidePrimary: c.primaryErr != nil}, int(s.sector), int(s.sector))
}

// otherSector is the size of sectors for which there is a GPT, if it is not that
// of the disk: an image was copied to a disk of another kind.
func (s section) otherSector() uint64 {
	for _, other := range []uint64{512, 4096} {
		if _, err := (section{s.r, s.size, other}).readHeader(1); other != s.sector && err == nil {
			return other
		}
	}
	return 0
}

// copies are both copies of a GPT as found.
type copies struct {
	primary, backup       header
	primaryErr, backupErr error
}

// readCopies reads both headers. The backup is where the primary header says, also
// if only the entries behind that are damaged; else it is in the last sector.
func (s section) readCopies() copies {
	var c copies
	c.primary, c.primaryErr = s.readHeader(1)
	at := s.size/s.sector - 1
	if _, err := s.header(1); err == nil && c.primary.other < at && c.primary.other > 1 {
		at = c.primary.other
	}
	c.backup, c.backupErr = s.readHeader(at)
	return c
}

// differ reports whether both copies are sound but not of the same table.
func (c copies) differ() bool {
	p, b := c.primary, c.backup
	return c.primaryErr == nil && c.backupErr == nil && (p.entriesSum != b.entriesSum || p.slots != b.slots)
}

func (c copies) damage(boot bootSector) string {
	switch {
	case c.primaryErr != nil:
		return fmt.Sprintf("the primary copy is damaged: %v", c.primaryErr)
	case c.backupErr != nil:
		return fmt.Sprintf("the backup copy is damaged: %v", c.backupErr)
	case c.differ():
		return "the backup copy lists other partitions"
	case !boot.protective:
		return "the protective MBR is missing"
	}
	return ""
}

// A header is what is needed of a GPT header; see UEFI 2.10, section 5.3.2.
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

// errNoHeader means that there is not even a signature.
var errNoHeader = errors.New("there is no GPT header")

// readHeader reads and checks one header and its array of entries (fault 1).
func (s section) readHeader(lba uint64) (header, error) {
	h, err := s.header(lba)
	if err != nil {
		return h, err
	}
	return h, h.check(s)
}

// header reads and checks one header alone.
func (s section) header(lba uint64) (header, error) {
	if lba >= s.size/s.sector {
		return header{}, errNoHeader
	}
	b := make([]byte, s.sector)
	if n, err := s.r.ReadAt(b, int64(lba*s.sector)); n < len(b) {
		return header{}, fmt.Errorf("sector %d cannot be read: %w", lba, err)
	}
	if string(b[:8]) != "EFI PART" {
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
	if h.self != lba {
		return h, fmt.Errorf("the header says that it is in sector %d but is in sector %d", h.self, lba)
	}
	return h, nil
}

func (h header) check(s section) error {
	size := uint64(h.slots) * uint64(h.entrySize)
	switch {
	case h.entrySize != gpt.PartitionEntrySize:
		return fmt.Errorf("the entries have %d bytes; only %d are supported", h.entrySize, gpt.PartitionEntrySize)
	case size == 0 || size > maxArray:
		return fmt.Errorf("the header says that there are %d entries", h.slots)
	case h.array > s.size/s.sector:
		return fmt.Errorf("the entries would begin in sector %d, which is not on the disk", h.array)
	case h.first > h.last:
		return fmt.Errorf("the usable sectors go from %d to %d", h.first, h.last)
	}
	b := s.bytes(h.array*s.sector, size)
	if b == nil || crc32.ChecksumIEEE(b) != h.entriesSum {
		return errors.New("the checksum of the entries is wrong")
	}
	return nil
}

// arraySectors is how many sectors the entries take.
func (h header) arraySectors(sector uint64) uint64 {
	return (uint64(h.slots)*uint64(h.entrySize) + sector - 1) / sector
}

// unwritable returns why go-diskfs cannot write a table of this form (fault 6).
func (h header) unwritable(isBackup bool, sector uint64) error {
	if !isBackup && h.array != 2 {
		return fmt.Errorf("its entries begin in sector %d instead of 2", h.array)
	}
	if uint64(h.slots)*uint64(h.entrySize)%sector != 0 {
		return fmt.Errorf("its %d entries do not fill whole sectors", h.slots)
	}
	return nil
}

// oneCopy is a disk for go-diskfs, on which the MBR and the primary header read
// as zeroes if that is not to be used (fault 5). Perhaps they cannot be read.
type oneCopy struct {
	section
	hidePrimary bool
}

// ReadAt implements io.ReaderAt.
func (c *oneCopy) ReadAt(p []byte, offset int64) (int, error) {
	hidden := 0
	if end := int64(2 * c.sector); c.hidePrimary && offset < end {
		hidden = int(min(int64(len(p)), end-offset))
	}
	clear(p[:hidden])
	n, err := io.NewSectionReader(c.r, 0, int64(c.size)).ReadAt(p[hidden:], offset+int64(hidden))
	return hidden + n, err
}

// Seek returns the size of the disk, for which alone it is called.
func (c *oneCopy) Seek(int64, int) (int64, error) { return int64(c.size), nil }

// Read, Stat and Close complete the interface; they are not called.
func (c *oneCopy) Read([]byte) (int, error)   { return 0, fs.ErrInvalid }
func (c *oneCopy) Stat() (fs.FileInfo, error) { return nil, fs.ErrInvalid }
func (c *oneCopy) Close() error               { return nil }
