package gpt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"reflect"
	"strings"
	"testing"
)

const linuxData = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"

// A memory is a disk in memory that counts writes and can lose power.
type memory struct {
	data   []byte
	writes int
	dies   int // at this write, which is lost; 0 for never
}

var errPower = errors.New("power is off")

func (m *memory) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(m.data).ReadAt(p, off)
}
func (m *memory) Seek(int64, int) (int64, error) { return int64(len(m.data)), nil }
func (m *memory) Read([]byte) (int, error)       { return 0, io.EOF }
func (m *memory) Stat() (fs.FileInfo, error)     { return nil, fs.ErrInvalid }
func (m *memory) Close() error                   { return nil }
func (m *memory) WriteAt(p []byte, off int64) (int, error) {
	if m.writes++; m.dies > 0 && m.writes >= m.dies {
		return 0, errPower
	}
	return copy(m.data[off:], p), nil
}

func (m *memory) read(sector uint64) Disk { return Read(m, uint64(len(m.data)), sector) }

func sample(sector uint64, size int, names ...string) Table {
	t := New(uint64(size), sector, "11111111-2222-4333-8444-555555555555")
	for i, name := range names {
		t.Partitions = append(t.Partitions, Partition{Number: 2*i + 1, Start: uint64(i+1) * 1 << 20 / sector, Size: 1 << 20 / sector, Type: linuxData,
			GUID: strings.Replace("AAAAAAAA-2222-4333-8444-55555555555N", "N", string(rune('0'+i)), 1), Name: name, Attributes: uint64(i) << 60})
	}
	return t
}

func TestTablesAreReadAsTheyWereWritten(t *testing.T) {
	for _, sector := range []uint64{512, 4096} {
		m := &memory{data: make([]byte, 8<<20)}
		want := sample(sector, len(m.data), "one", "drei ü", "")
		if err := Write(m, want, uint64(len(m.data))); err != nil {
			t.Fatal(err)
		}
		d := m.read(sector)
		if d.Kind != Intact || d.Damage != "" || d.Unwritable != nil || !reflect.DeepEqual(d.Table, want) {
			t.Errorf("sector %d: got %+v, want %+v", sector, d, want)
		}
	}
}

// At whatever write the power goes: what is found then is the table before or
// the table after, and never something else.
func TestPowerCutLeavesOneOfTheTables(t *testing.T) {
	for _, grown := range []int{0, 4 << 20} {
		for dies := 1; ; dies++ {
			m := &memory{data: make([]byte, 8<<20)}
			before := sample(512, len(m.data), "one", "two")
			if err := Write(m, before, uint64(len(m.data))); err != nil {
				t.Fatal(err)
			}
			m.data = append(m.data, make([]byte, grown)...)
			after := sample(512, len(m.data), "one", "other", "new")
			m.writes, m.dies = 0, dies
			err := Write(m, after, uint64(len(m.data)))
			m.dies = 0
			d := m.read(512)
			isOld, isNew := reflect.DeepEqual(d.Table.Partitions, before.Partitions), reflect.DeepEqual(d.Table.Partitions, after.Partitions)
			if d.Kind != Intact || !isOld && !isNew {
				t.Errorf("cut at write %d, grown by %d: %+v", dies, grown, d)
			}
			// The next run writes the same table again.
			if err := Write(m, after, uint64(len(m.data))); err != nil {
				t.Errorf("cut at write %d, grown by %d: the next run: %v", dies, grown, err)
			}
			if err == nil {
				if dies < 6 || !isNew {
					t.Errorf("only %d writes, new: %v", dies, isNew)
				}
				break
			}
			if !strings.Contains(err.Error(), errPower.Error()) { // go-diskfs does not wrap it
				t.Fatal(err)
			}
		}
	}
}

func TestTableForOtherSectorsIsReported(t *testing.T) {
	for made, read := range map[uint64]uint64{512: 4096, 4096: 512} {
		m := &memory{data: make([]byte, 8<<20)}
		if err := Write(m, sample(made, len(m.data), "one"), uint64(len(m.data))); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("it is for sectors of %d bytes, but the disk has sectors of %d", made, read)
		if d := m.read(read); d.Kind != Damaged || d.Damage != want {
			t.Errorf("got %v, %q, want %q", d.Kind, d.Damage, want)
		}
	}
}

func TestProtectiveMBRSaysThatALargeDiskIsLarge(t *testing.T) {
	for sectors, want := range map[uint64]uint32{2048: 2047, 1 << 32: 0xffffffff, 1 << 40: 0xffffffff} {
		if got := binary.LittleEndian.Uint32(protectiveMBR(sectors)[12:]); got != want {
			t.Errorf("%d sectors: %#x, want %#x", sectors, got, want)
		}
	}
}

// Whatever is on a disk: reading it ends, and a table that is believed has its
// partitions in order.
func FuzzReadTable(f *testing.F) {
	for _, sector := range []uint64{512, 4096} {
		m := &memory{data: make([]byte, 256<<10)}
		t := sample(sector, len(m.data))
		t.Partitions = []Partition{{Number: 3, Start: t.First, Size: 4, Type: linuxData, GUID: linuxData, Name: "x"}}
		if err := Write(m, t, uint64(len(m.data))); err != nil {
			f.Fatal(err)
		}
		f.Add(m.data, sector == 4096)
	}
	f.Fuzz(func(t *testing.T, data []byte, large bool) {
		sector := uint64(512)
		if large {
			sector = 4096
		}
		m := &memory{data: data}
		d := m.read(sector)
		for _, e := range d.Table.Partitions {
			if e.Number < 1 || e.Number > d.Table.Slots || e.Size == 0 {
				t.Errorf("%+v", e)
			}
		}
	})
}
