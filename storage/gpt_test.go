package storage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"testing"
)

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

func (m *memory) read(sector uint64) diskFacts {
	d := diskFacts{Size: uint64(len(m.data)), Sector: sector}
	readTable(&view{r: m, size: int64(len(m.data))}, &d)
	return d
}

func sample(sector uint64, size int, names ...string) table {
	t := freshTable(&diskFacts{Size: uint64(size), Sector: sector}, "11111111-2222-4333-8444-555555555555")
	for i, name := range names {
		t.Entries = append(t.Entries, entry{Number: 2*i + 1, Start: uint64(i+1) * mebibyte / sector, Size: mebibyte / sector, Type: linuxData,
			GUID: strings.Replace("AAAAAAAA-2222-4333-8444-55555555555N", "N", string(rune('0'+i)), 1), Name: name, Attributes: uint64(i) << 60})
	}
	return t
}

func TestTablesAreReadAsTheyWereWritten(t *testing.T) {
	for _, sector := range []uint64{512, 4096} {
		m := &memory{data: make([]byte, 8<<20)}
		want := sample(sector, len(m.data), "one", "drei ü", "")
		if err := writeTable(m, want, uint64(len(m.data))); err != nil {
			t.Fatal(err)
		}
		d := m.read(sector)
		if d.Contents != gptTable || d.Damage != "" || d.Movable != nil || !reflect.DeepEqual(d.Table, want) {
			t.Errorf("sector %d: got %+v, want %+v", sector, d, want)
		}
	}
}

// At whatever write the power goes: what is found then is the table before or
// the table after, and never something else.
func TestAPowerCutLeavesOneOfTheTables(t *testing.T) {
	for _, grown := range []int{0, 4 << 20} {
		for dies := 1; ; dies++ {
			m := &memory{data: make([]byte, 8<<20)}
			before := sample(512, len(m.data), "one", "two")
			if err := writeTable(m, before, uint64(len(m.data))); err != nil {
				t.Fatal(err)
			}
			m.data = append(m.data, make([]byte, grown)...)
			after := sample(512, len(m.data), "one", "other", "new")
			m.writes, m.dies = 0, dies
			err := writeTable(m, after, uint64(len(m.data)))
			m.dies = 0
			d := m.read(512)
			isOld, isNew := reflect.DeepEqual(d.Table.Entries, before.Entries), reflect.DeepEqual(d.Table.Entries, after.Entries)
			if d.Contents != gptTable || !isOld && !isNew {
				t.Errorf("cut at write %d, grown by %d: %+v", dies, grown, d)
			}
			// The next run writes the same table again.
			if err := writeTable(m, after, uint64(len(m.data))); err != nil {
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

func TestDamageIsSeenAndRepaired(t *testing.T) {
	const last = 100<<20 - 512
	for _, c := range []struct {
		name   string
		at     int64
		length int
		plan   string
	}{
		{"primary header", 512, 512, `repairing the partition table of DIR/a.img (the primary copy is damaged: there is no GPT header)`},
		{"primary checksum", 512 + 60, 1, `repairing the partition table of DIR/a.img (the primary copy is damaged: the checksum of the header is wrong)`},
		{"primary entries", 1024 + 60, 1, `repairing the partition table of DIR/a.img (the primary copy is damaged: the checksum of the entries is wrong)`},
		{"backup header", last, 512, `repairing the partition table of DIR/a.img (the backup copy is damaged: there is no GPT header)`},
		{"protective MBR", 0, 512, `repairing the partition table of DIR/a.img (the protective MBR is missing)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			disk := b.disk("a.img", 100)
			b.run("sgdisk", append(append([]string(nil), usual...), disk)...)
			overwrite(t, disk, c.at, c.length)
			config := partitions(`{"number": 3, "label": "ROOT"}`)
			if got := b.apply(config); got != c.plan {
				t.Errorf("the plan\n got %s\nwant %s", got, c.plan)
			}
			b.converges(config)
			if got := b.sound(disk); got != usualList {
				t.Errorf("got\n%s", got)
			}
		})
	}
}

func overwrite(t *testing.T, path string, at int64, length int) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, length)
	if length == 1 {
		if _, err := f.ReadAt(b, at); err != nil {
			t.Fatal(err)
		}
		b[0] ^= 0xff
	}
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

func TestATableOfWhichBothCopiesAreDamagedIsRefused(t *testing.T) {
	b := newBench(t)
	disk := b.disk("a.img", 100)
	b.run("sgdisk", append(append([]string(nil), usual...), disk)...)
	overwrite(t, disk, 512, 512)
	overwrite(t, disk, 100<<20-512+60, 1)
	b.refused(partitions(`{"number": 3}`), `the GPT of DIR/a.img cannot be used: primary: there is no GPT header; backup: the checksum of the header is wrong | storage.disks[0] | `+wipeHint+"; sgdisk --verify shows the damage")
}

func TestATableForOtherSectorsIsTold(t *testing.T) {
	for made, read := range map[uint64]uint64{512: 4096, 4096: 512} {
		m := &memory{data: make([]byte, 8<<20)}
		if err := writeTable(m, sample(made, len(m.data), "one"), uint64(len(m.data))); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("it is for sectors of %d bytes, but the disk has sectors of %d", made, read)
		if d := m.read(read); d.Contents != brokenGPT || d.Damage != want {
			t.Errorf("got %v, %q, want %q", d.Contents, d.Damage, want)
		}
	}
}

func TestTablesOfUnusualForm(t *testing.T) {
	t.Run("more entries", func(t *testing.T) {
		b := newBench(t)
		disk := b.disk("a.img", 100)
		b.run("sgdisk", "-S", "256", disk)
		b.run("sgdisk", "-n", "200:0:+1M", disk)
		b.apply(partitions(`{"number": 201, "sizeMiB": 1}`))
		if got, want := b.sound(disk), "200 2048 4095 8300\n201 4096 6143 8300"; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
	t.Run("entries elsewhere", func(t *testing.T) {
		b := newBench(t)
		b.run("sgdisk", "-n", "1:20M:+1M", "-j", "64", b.disk("a.img", 100))
		b.converges(partitions(`{"number": 1}`))
		b.refused(partitions(`{"number": 2}`), "the GPT of DIR/a.img cannot be changed: its entries begin in sector 64 instead of 2 | storage.disks[0] | "+wipeHint)
	})
}

func TestProtectiveMBRSaysThatALargeDiskIsLarge(t *testing.T) {
	for sectors, want := range map[uint64]uint32{2048: 2047, 1 << 32: 0xffffffff, 1 << 40: 0xffffffff} {
		if got := le.Uint32(protectiveMBR(sectors)[12:]); got != want {
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
		t.Entries = []entry{{Number: 3, Start: t.First, Size: 4, Type: linuxData, GUID: linuxData, Name: "x"}}
		if err := writeTable(m, t, uint64(len(m.data))); err != nil {
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
		for _, e := range d.Table.Entries {
			if e.Number < 1 || e.Number > d.Table.Slots || e.Size == 0 {
				t.Errorf("%+v", e)
			}
		}
		d.Table.freeBlocks()
	})
}
