package storage

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand"
	"os"
	"strings"
	"unicode/utf16"

	"golang.org/x/sys/unix"
)

var le = binary.LittleEndian

// A GPT as the property test writes and reads it: by the book (UEFI 2.10,
// section 5.3), and by other code than the package's own.

// A testDisk is a disk with a table, or without one.
type testDisk struct {
	Sector, Sectors uint64
	Blank           bool // no table
	GrownFrom       uint64
	Slots           int
	First           uint64 // first usable sector
	GUID            string
	Entries         []testEntry
	Damage          string // "", "primary", "backup", "mbr"
}

type testEntry struct {
	Number      int
	Start, Size uint64 // sectors
	Type, GUID  string
	Name        string
	Attributes  uint64
}

func (e testEntry) String() string {
	return fmt.Sprintf("%d %q at %d +%d type %.8s guid %.8s attributes %x", e.Number, e.Name, e.Start, e.Size, e.Type, e.GUID, e.Attributes)
}

func (d testDisk) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d sectors of %d", d.Sectors, d.Sector)
	if d.Blank {
		return b.String() + ", blank"
	}
	fmt.Fprintf(&b, ", %d slots, usable %d-%d", d.Slots, d.First, d.last())
	if d.GrownFrom > 0 {
		fmt.Fprintf(&b, ", grown from %d", d.GrownFrom)
	}
	if d.Damage != "" {
		fmt.Fprintf(&b, ", damaged: %s", d.Damage)
	}
	for _, e := range d.Entries {
		fmt.Fprintf(&b, "\n    %v", e)
	}
	return b.String()
}

// arraySectors is how many sectors the entries take.
func (d testDisk) arraySectors() uint64 { return uint64(d.Slots) * 128 / d.Sector }

// last is the last usable sector of the whole disk as it is now.
func (d testDisk) last() uint64 { return d.Sectors - d.arraySectors() - 2 }

func (d testDisk) find(number int) (testEntry, bool) {
	for _, e := range d.Entries {
		if e.Number == number {
			return e, true
		}
	}
	return testEntry{}, false
}

// mixed is a GUID as it is stored: the first three groups little-endian.
func mixed(guid string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(guid, "-", ""))
	if err != nil || len(b) != 16 {
		panic("not a GUID: " + guid)
	}
	for _, swap := range [][2]int{{0, 3}, {1, 2}, {4, 5}, {6, 7}} {
		b[swap[0]], b[swap[1]] = b[swap[1]], b[swap[0]]
	}
	return b
}

func unmixed(b []byte) string {
	c := mixed(hex.EncodeToString(b))
	return strings.ToUpper(fmt.Sprintf("%x-%x-%x-%x-%x", c[:4], c[4:6], c[6:8], c[8:10], c[10:]))
}

func (e testEntry) encode() []byte {
	b := make([]byte, 128)
	copy(b, mixed(e.Type))
	copy(b[16:], mixed(e.GUID))
	binary.LittleEndian.PutUint64(b[32:], e.Start)
	binary.LittleEndian.PutUint64(b[40:], e.Start+e.Size-1)
	binary.LittleEndian.PutUint64(b[48:], e.Attributes)
	for i, unit := range utf16.Encode([]rune(e.Name)) {
		binary.LittleEndian.PutUint16(b[56+2*i:], unit)
	}
	return b
}

func decodeEntry(number int, b []byte) testEntry {
	le := binary.LittleEndian
	var name []uint16
	for at := 56; at < 128; at += 2 {
		if unit := le.Uint16(b[at:]); unit != 0 {
			name = append(name, unit)
			continue
		}
		break
	}
	start := le.Uint64(b[32:])
	return testEntry{Number: number, Start: start, Size: le.Uint64(b[40:]) - start + 1,
		Type: unmixed(b[:16]), GUID: unmixed(b[16:32]), Name: string(utf16.Decode(name)), Attributes: le.Uint64(b[48:])}
}

// write makes an image of the disk in a file, with a pattern in each partition.
func (d testDisk) write(f *os.File) error {
	for _, size := range []uint64{0, d.Sectors * d.Sector} {
		if err := f.Truncate(int64(size)); err != nil {
			return err
		}
	}
	if d.Blank {
		return nil
	}
	w := &errWriter{f: f}
	for _, e := range d.Entries {
		pattern := make([]byte, d.Sector)
		rand.New(rand.NewSource(int64(e.Start))).Read(pattern)
		for _, at := range []uint64{e.Start, e.Start + e.Size/2, e.Start + e.Size - 1} {
			w.at(at*d.Sector, pattern)
		}
	}
	d.writeTable(w)
	return w.err
}

func (d testDisk) writeTable(w *errWriter) {
	sectors := d.Sectors
	if d.GrownFrom > 0 {
		sectors = d.GrownFrom
	}
	array := make([]byte, d.Slots*128)
	for _, e := range d.Entries {
		copy(array[(e.Number-1)*128:], e.encode())
	}
	last := sectors - d.arraySectors() - 2
	primary := d.header(1, sectors-1, 2, last, array)
	backup := d.header(sectors-1, 1, last+1, last, array)
	mbr := make([]byte, 512)
	copy(mbr[446:], []byte{0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff, 1, 0, 0, 0})
	binary.LittleEndian.PutUint32(mbr[458:], uint32(sectors-1))
	mbr[510], mbr[511] = 0x55, 0xaa
	switch d.Damage {
	case "primary":
		primary[60] ^= 1
	case "backup":
		backup[60] ^= 1
	case "mbr":
		clear(mbr)
	}
	w.at(0, mbr)
	w.at(d.Sector, primary)
	w.at(2*d.Sector, array)
	w.at((last+1)*d.Sector, array)
	w.at((sectors-1)*d.Sector, backup)
}

func (d testDisk) header(self, other, array, last uint64, entries []byte) []byte {
	b := make([]byte, 92)
	le := binary.LittleEndian
	copy(b, "EFI PART\x00\x00\x01\x00")
	le.PutUint32(b[12:], 92)
	le.PutUint64(b[24:], self)
	le.PutUint64(b[32:], other)
	le.PutUint64(b[40:], d.First)
	le.PutUint64(b[48:], last)
	copy(b[56:], mixed(d.GUID))
	le.PutUint64(b[72:], array)
	le.PutUint32(b[80:], uint32(d.Slots))
	le.PutUint32(b[84:], 128)
	le.PutUint32(b[88:], crc32.ChecksumIEEE(entries))
	le.PutUint32(b[16:], crc32.ChecksumIEEE(b))
	return b
}

// An errWriter keeps the first error.
type errWriter struct {
	f   *os.File
	err error
}

func (w *errWriter) at(offset uint64, b []byte) {
	if w.err == nil {
		_, w.err = w.f.WriteAt(b, int64(offset))
	}
}

// readDisk reads a table and returns what the book says against it. A disk
// without a protective MBR and headers is blank.
func readDisk(f io.ReaderAt, sector, sectors uint64) (testDisk, error) {
	d := testDisk{Sector: sector, Sectors: sectors}
	mbr, err := readAt(f, 0, 512)
	if err != nil {
		return d, err
	}
	primary, entries, err := d.readHeader(f, 1)
	if mbr[450] != 0xee && err != nil {
		d.Blank = true
		return d, nil
	}
	if err != nil {
		return d, fmt.Errorf("primary: %w", err)
	}
	backup, copied, err := d.readHeader(f, sectors-1)
	le := binary.LittleEndian
	switch {
	case err != nil:
		return d, fmt.Errorf("backup: %w", err)
	case mbr[510] != 0x55 || mbr[511] != 0xaa || mbr[450] != 0xee || le.Uint32(mbr[454:]) != 1 || le.Uint32(mbr[458:]) != uint32(sectors-1):
		return d, fmt.Errorf("the protective MBR is % x", mbr[446:])
	case !bytes.Equal(entries, copied):
		return d, fmt.Errorf("the copies have different entries")
	case !bytes.Equal(primary[40:72], backup[40:72]) || !bytes.Equal(primary[80:92], backup[80:92]):
		return d, fmt.Errorf("the headers do not agree:\n% x\n% x", primary, backup)
	case le.Uint64(primary[32:]) != sectors-1 || le.Uint64(backup[32:]) != 1:
		return d, fmt.Errorf("the headers do not point to each other")
	}
	d.Slots, d.First, d.GUID = int(le.Uint32(primary[80:])), le.Uint64(primary[40:]), unmixed(primary[56:72])
	if array := le.Uint64(backup[72:]); array != d.last()+1 || le.Uint64(primary[48:]) != d.last() {
		return d, fmt.Errorf("the backup's entries are in sector %d and the last usable sector is %d, not %d", array, le.Uint64(primary[48:]), d.last())
	}
	if array := le.Uint64(primary[72:]); array != 2 || d.First < 2+d.arraySectors() {
		return d, fmt.Errorf("the entries are in sector %d, the first usable sector is %d", array, d.First)
	}
	return d, d.readEntries(entries)
}

func (d *testDisk) readEntries(entries []byte) error {
	for i := range d.Slots {
		if b := entries[i*128 : i*128+128]; !bytes.Equal(b[:16], make([]byte, 16)) {
			d.Entries = append(d.Entries, decodeEntry(i+1, b))
		} else if !bytes.Equal(b, make([]byte, 128)) {
			return fmt.Errorf("the unused entry %d is not zero", i+1)
		}
	}
	return nil
}

func (d testDisk) readHeader(f io.ReaderAt, lba uint64) (header, entries []byte, err error) {
	if header, err = readAt(f, lba*d.Sector, d.Sector); err != nil {
		return nil, nil, err
	}
	le := binary.LittleEndian
	if string(header[:8]) != "EFI PART" || le.Uint32(header[8:]) != 0x10000 || le.Uint32(header[12:]) != 92 {
		return nil, nil, fmt.Errorf("no header in sector %d", lba)
	}
	sum := le.Uint32(header[16:])
	clear(header[16:20])
	slots := uint64(le.Uint32(header[80:]))
	switch {
	case crc32.ChecksumIEEE(header[:92]) != sum:
		return nil, nil, fmt.Errorf("wrong checksum of the header")
	case le.Uint64(header[24:]) != lba:
		return nil, nil, fmt.Errorf("the header says that it is in sector %d", le.Uint64(header[24:]))
	case !bytes.Equal(header[92:], make([]byte, d.Sector-92)):
		return nil, nil, fmt.Errorf("the rest of the header's sector is not zero")
	case le.Uint32(header[84:]) != 128 || slots == 0 || slots > 1024:
		return nil, nil, fmt.Errorf("%d entries of %d bytes", slots, le.Uint32(header[84:]))
	}
	if entries, err = readAt(f, le.Uint64(header[72:])*d.Sector, slots*128); err != nil {
		return nil, nil, err
	}
	if crc32.ChecksumIEEE(entries) != le.Uint32(header[88:]) {
		return nil, nil, fmt.Errorf("wrong checksum of the entries")
	}
	return header[:92], entries, nil
}

func readAt(f io.ReaderAt, offset, length uint64) ([]byte, error) {
	b := make([]byte, length)
	_, err := f.ReadAt(b, int64(offset))
	return b, err
}

// pages are the parts of a sparse file that are not zero, by their offset.
type pages map[int64][4096]byte

func readPages(f *os.File) (pages, error) {
	all := pages{}
	for at := int64(0); ; {
		from, err := f.Seek(at, unix.SEEK_DATA)
		if err != nil {
			return all, nil // there is no more data
		}
		to, err := f.Seek(from, unix.SEEK_HOLE)
		if err != nil {
			return nil, err
		}
		for at = from &^ 4095; at < to; at += 4096 {
			var page [4096]byte
			if _, err := f.ReadAt(page[:], at); err != nil && err != io.EOF {
				return nil, err
			}
			if page != [4096]byte{} {
				all[at] = page
			}
		}
	}
}

// differs is the first page in which two disks differ from a certain byte on to
// another, or -1.
func (p pages) differs(q pages, from, to uint64) int64 {
	for _, pair := range [][2]pages{{p, q}, {q, p}} {
		for at, page := range pair[0] {
			lo, hi := max(int64(from), at)-at, min(int64(to), at+4096)-at
			if other := pair[1][at]; lo < hi && !bytes.Equal(page[lo:hi], other[lo:hi]) {
				return at
			}
		}
	}
	return -1
}
