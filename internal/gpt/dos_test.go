package gpt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
)

// putRecord writes a boot record with entries of type, start and size.
func putRecord(disk []byte, lba int, entries ...[3]uint32) {
	b := disk[lba*512:]
	for i, e := range entries {
		b[mbrEntries+16*i+4] = byte(e[0])
		binary.LittleEndian.PutUint32(b[mbrEntries+16*i+8:], e[1])
		binary.LittleEndian.PutUint32(b[mbrEntries+16*i+12:], e[2])
	}
	b[mbrSignature], b[mbrSignature+1] = 0x55, 0xaa
}

// extendedDisk has one primary partition and three logical ones, of which the third
// record links back to the first.
func extendedDisk() []byte {
	disk := make([]byte, 1<<20)
	putRecord(disk, 0, [3]uint32{0x83, 8, 100}, [3]uint32{0x0f, 200, 1000})
	putRecord(disk, 200, [3]uint32{0x83, 8, 50}, [3]uint32{0x05, 100, 100})
	putRecord(disk, 300, [3]uint32{0x82, 8, 60}, [3]uint32{0x05, 300, 100})
	putRecord(disk, 500, [3]uint32{0x8e, 8, 70}, [3]uint32{0x05, 0, 100})
	return disk
}

func extents(disk []byte) string {
	var all []string
	for _, p := range MBRPartitions(bytes.NewReader(disk), uint64(len(disk)), 512) {
		all = append(all, fmt.Sprintf("%d:%d+%d", p.Number, p.Start, p.Size))
	}
	return fmt.Sprint(all)
}

func TestPartitionsOfAnMBR(t *testing.T) {
	if got, want := extents(extendedDisk()), "[1:8+100 5:208+50 6:308+60 7:508+70]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	broken := extendedDisk()
	broken[300*512+mbrSignature] = 0
	if got, want := extents(broken), "[1:8+100 5:208+50]"; got != want {
		t.Errorf("with a broken chain: got %s, want %s", got, want)
	}
	if got := extents(make([]byte, 1<<20)); got != "[]" {
		t.Errorf("an empty disk has %s", got)
	}
}

func FuzzMBRPartitions(f *testing.F) {
	f.Add(extendedDisk()[:4096])
	f.Add(extendedDisk())
	f.Fuzz(func(t *testing.T, disk []byte) {
		if got := MBRPartitions(bytes.NewReader(disk), uint64(len(disk)), 512); len(got) > 4+4*maxLogical {
			t.Errorf("%d partitions", len(got))
		}
	})
}
