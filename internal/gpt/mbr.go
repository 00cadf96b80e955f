package gpt

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"

	"github.com/firstlight-os/firstlight/internal/blkprobe"
)

// The master boot record in the first 512 bytes of a disk; see UEFI 2.10,
// section 5.2, and fault 3.
const (
	mbrEntries    = 446 // offset of four entries of 16 bytes
	mbrSignature  = 510
	mbrProtective = 0xee // type of the entry that covers a GPT
)

// An MBREntry is a used entry of an MBR, but for the one that covers a GPT.
type MBREntry struct {
	Number      int // 1 to 4
	Type        byte
	Start, Size uint64 // in sectors
}

// End is the first sector after those of the entry.
func (e MBREntry) End() uint64 { return e.Start + e.Size }

// Overlaps reports whether a partition shares a sector with the entry.
func (e MBREntry) Overlaps(p Partition) bool { return e.Start < p.End() && p.Start < e.End() }

// A bootSector is what the first sector has of partitions.
type bootSector struct {
	protective bool // one of the entries covers a GPT
	status     byte // of that entry: 0x80 if it is active, without which some BIOSes do not start
	others     []MBREntry
}

// readMBR reads a table, and distinguishes it from other boot sectors, which
// have the same signature and code where the entries would be.
func readMBR(b []byte) bootSector {
	if b == nil || b[mbrSignature] != 0x55 || b[mbrSignature+1] != 0xaa || blkprobe.IsFATBootSector(b) {
		return bootSector{}
	}
	var boot bootSector
	for i := range 4 {
		e := b[mbrEntries+16*i : mbrEntries+16*i+16]
		switch {
		case e[0]&0x7f != 0:
			return bootSector{} // not a boot indicator, so this is not a table
		case e[4] == mbrProtective:
			boot.protective, boot.status = true, e[0]
		case e[4] != 0 && binary.LittleEndian.Uint32(e[12:]) != 0:
			boot.others = append(boot.others, MBREntry{Number: i + 1, Type: e[4],
				Start: uint64(binary.LittleEndian.Uint32(e[8:])), Size: uint64(binary.LittleEndian.Uint32(e[12:]))})
		}
	}
	return boot
}

// isDamagedMBR reports whether a boot sector that readMBR takes for none, as a boot
// indicator is wrong, has entries that make sense on a disk of so many sectors.
func isDamagedMBR(b []byte, sectors uint64) bool {
	sound := slices.Clone(b)
	for i := range 4 {
		sound[mbrEntries+16*i] = 0
	}
	all := readMBR(sound).others
	for i, e := range all {
		inWay := func(other MBREntry) bool { return other.Start < e.End() && e.Start < other.End() }
		if e.Start == 0 || e.End() > sectors || slices.ContainsFunc(all[:i], inWay) {
			return false
		}
	}
	return len(all) > 0
}

// protectiveMBR returns the table that shows programs without support for GPT
// that the disk is in use.
func protectiveMBR(sectors uint64) []byte {
	b := make([]byte, 512-mbrEntries)
	copy(b[1:4], []byte{0x00, 0x02, 0x00}) // the first sector after this one, in CHS
	b[4] = mbrProtective
	copy(b[5:8], []byte{0xff, 0xff, 0xff}) // beyond the range of CHS
	binary.LittleEndian.PutUint32(b[8:], 1)
	binary.LittleEndian.PutUint32(b[12:], uint32(min(sectors-1, math.MaxUint32)))
	b[510-mbrEntries], b[511-mbrEntries] = 0x55, 0xaa
	return b
}

// writeMBR writes the protective MBR of a table. Of a hybrid one it takes out
// the entries that the table does not have, and leaves the others as they are.
// Boot code is left alone, and a protective entry that is active stays so.
func writeMBR(f interface {
	io.ReaderAt
	io.WriterAt
}, t Table, sectors uint64) error {
	old := section{f, 512, 512}.bytes(0, 512)
	if old == nil {
		return errors.New("the MBR cannot be read")
	}
	boot, b := readMBR(old), protectiveMBR(sectors)
	b[0] = boot.status
	if len(t.MBR) > 0 {
		b = old[mbrEntries:]
		for _, e := range boot.others {
			if !slices.Contains(t.MBR, e) {
				clear(b[16*(e.Number-1) : 16*e.Number])
			}
		}
	}
	_, err := f.WriteAt(b, mbrEntries)
	return err
}
