package storage

import (
	"encoding/binary"
	"io"
	"math"

	"github.com/firstlight-os/firstlight/internal/blkprobe"
)

// The master boot record in the first 512 bytes of a disk: see UEFI 2.10,
// section 5.2.
const (
	mbrEntries   = 446 // offset of four entries of 16 bytes
	mbrSignature = 510
	mbrGPT       = 0xee // type of the entry that protects a GPT
)

type mbr struct {
	// partitioned tells that there is a table with at least one entry.
	partitioned bool
	// protective tells that one of the entries stands for a GPT. There may be
	// others (a hybrid MBR).
	protective bool
	hybrid     bool
}

// readMBR tells a table from other boot sectors, which have the same signature.
func readMBR(v *view) mbr {
	b := v.bytes(0, 512)
	if b == nil || b[mbrSignature] != 0x55 || b[mbrSignature+1] != 0xaa {
		return mbr{}
	}
	if blkprobe.IsFATBootSector(b) {
		return mbr{} // code stands where the entries would be
	}
	var m mbr
	others := 0
	for i := range 4 {
		e := b[mbrEntries+16*i : mbrEntries+16*i+16]
		switch {
		case e[0]&0x7f != 0:
			return mbr{} // not a boot indicator, so this is not a table
		case e[4] == mbrGPT:
			m.protective = true
		case e[4] != 0 && binary.LittleEndian.Uint32(e[12:]) != 0:
			others++
		}
	}
	m.partitioned, m.hybrid = m.protective || others > 0, m.protective && others > 0
	return m
}

// protectiveMBR is the table that keeps other programs' hands off a GPT.
// go-diskfs would make it too, but cuts the size off at 32 bits where it has to
// be all ones.
func protectiveMBR(sectors uint64) []byte {
	b := make([]byte, 512-mbrEntries)
	copy(b[1:4], []byte{0x00, 0x02, 0x00}) // the first sector after this one, in CHS
	b[4] = mbrGPT
	copy(b[5:8], []byte{0xff, 0xff, 0xff}) // beyond what CHS can say
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
	if readMBR(&view{r: f, size: 512}).hybrid {
		return nil
	}
	_, err := f.WriteAt(protectiveMBR(sectors), mbrEntries)
	return err
}
