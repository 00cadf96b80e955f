package gpt

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/firstlight-os/firstlight/internal/blkprobe"
)

// maxTraces bounds the entries of a header that are a trace of a table, in
// bytes. They are never read, and can be more than maxArray.
const maxTraces = 16 << 20

// Traces returns what is on a disk of a size in bytes of partition tables of any
// kind, whether they can be used or not: the first sector, if it has a table or
// at least the signature of one, and headers and entries of GPTs.
func Traces(r io.ReaderAt, size uint64) []blkprobe.Range {
	var all []blkprobe.Range
	b := section{r, size, 512}.bytes(0, otherTableSize)
	if b != nil && b[mbrSignature] == 0x55 && b[mbrSignature+1] == 0xaa && !blkprobe.IsFATBootSector(b) || otherTable(b) != "" {
		all = append(all, blkprobe.Range{Offset: 0, Length: otherTableSize})
	}
	for _, sector := range []uint64{512, 4096} {
		if size >= 4*sector {
			all = append(all, section{r, size, sector}.traces()...)
		}
	}
	return all
}

// traces are those of GPTs for sectors of one size: in the second and in the
// last sector, and where these say that the other header and the entries are. A
// disk that has grown has its backup somewhere in the middle, say.
func (s section) traces() []blkprobe.Range {
	var all []blkprobe.Range
	end := s.size / s.sector
	ends := []uint64{1, end - 1}
	places := ends
	for i := 0; i < len(places); i++ {
		h, err := s.header(places[i])
		isEnd := i < len(ends)
		if isEnd && !errors.Is(err, errNoHeader) {
			places = append(places, h.other)
		} else if err != nil {
			continue // where damage leads to there need not be a header
		}
		all = append(all, blkprobe.Range{Offset: int64(places[i] * s.sector), Length: int64(s.sector)})
		if array := uint64(h.slots) * uint64(h.entrySize); err == nil && array <= maxTraces && h.array < end {
			all = append(all, blkprobe.Range{Offset: int64(h.array * s.sector), Length: int64(min(array, (end-h.array)*s.sector))})
		}
	}
	return all
}

// otherTableSize is how much of a disk tells its tables of other kinds.
const otherTableSize = 1024

// other returns the name of a table that is neither a GPT nor a sound MBR.
func (s section) other() string {
	if b := s.bytes(0, 512); b != nil && isDamagedMBR(b, s.size/s.sector) {
		return "dos, damaged"
	}
	return otherTable(s.bytes(0, otherTableSize))
}

// otherTable returns libblkid's name of a partition table that is neither a GPT
// nor an MBR: that of machines which have another architecture, or had another
// system. They are told by their magic numbers; see block/partitions in Linux.
func otherTable(b []byte) string {
	if b == nil {
		return ""
	}
	be := binary.BigEndian
	for _, t := range []struct {
		name  string
		found bool
	}{
		{"sun", be.Uint16(b[508:]) == 0xdabe},
		{"sgi", be.Uint32(b) == 0x0be5a941},
		{"mac", string(b[:2]) == "ER" && string(b[512:514]) == "PM"},
		{"bsd", isBSD(b[512:]) || isBSD(b[64:])},
		{"aix", be.Uint32(b) == 0xc9c2d4c1},
	} {
		if t.found {
			return t.name
		}
	}
	return ""
}

// isBSD looks for the magic number of a disk label, which is there twice.
func isBSD(label []byte) bool {
	const magic = 0x82564557
	return binary.LittleEndian.Uint32(label) == magic && binary.LittleEndian.Uint32(label[132:]) == magic
}
