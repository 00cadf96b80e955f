package gpt

import (
	"encoding/binary"
	"io"
	"math"

	"github.com/firstlight-os/firstlight/internal/blkprobe"
)

// The master boot record in the first 512 bytes of a disk; see UEFI 2.10,
// section 5.2, and fault 3.
const (
	mbrEntries    = 446 // offset of four entries of 16 bytes
	mbrSignature  = 510
	mbrProtective = 0xee // type of the entry that covers a GPT
)

// A bootSector is what the first sector has of partitions.
type bootSector struct {
	partitioned bool // there is a table with at least one entry
	protective  bool // one of the entries covers a GPT
	hybrid      bool // and there are others
}

// readMBR reads a table, and distinguishes it from other boot sectors, which
// have the same signature and code where the entries would be.
func readMBR(b []byte) bootSector {
	if b == nil || b[mbrSignature] != 0x55 || b[mbrSignature+1] != 0xaa || blkprobe.IsFATBootSector(b) {
		return bootSector{}
	}
	var boot bootSector
	others := 0
	for i := range 4 {
		e := b[mbrEntries+16*i : mbrEntries+16*i+16]
		switch {
		case e[0]&0x7f != 0:
			return bootSector{} // not a boot indicator, so this is not a table
		case e[4] == mbrProtective:
			boot.protective = true
		case e[4] != 0 && binary.LittleEndian.Uint32(e[12:]) != 0:
			others++
		}
	}
	boot.partitioned, boot.hybrid = boot.protective || others > 0, boot.protective && others > 0
	return boot
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

// writeProtectiveMBR writes one unless the MBR there is a hybrid, which has
// entries of its owner's choice. Boot code is left alone.
func writeProtectiveMBR(f interface {
	io.ReaderAt
	io.WriterAt
}, sectors uint64) error {
	if readMBR(section{f, 512, 512}.bytes(0, 512)).hybrid {
		return nil
	}
	_, err := f.WriteAt(protectiveMBR(sectors), mbrEntries)
	return err
}
