package gpt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"reflect"
	"slices"
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
	const size = 8 << 20
	sector := func(n int) func(m *memory) { return func(m *memory) { clear(m.data[n*512 : n*512+512]) } }
	for name, prepare := range map[string]func(m *memory){
		"intact":                func(*memory) {},
		"grown":                 func(m *memory) { m.data = append(m.data, make([]byte, 4<<20)...) },
		"without an MBR":        sector(0),
		"without a primary":     sector(1),
		"without a backup":      sector(size/512 - 1),
		"with a hybrid MBR":     func(m *memory) { hybrid(m, 2048, 1<<30) },
		"with an empty primary": func(m *memory) { emptyPrimary(m) },
		"blank":                 func(m *memory) { clear(m.data) },
	} {
		for dies := 1; ; dies++ {
			m := &memory{data: make([]byte, size)}
			if err := Write(m, sample(512, size, "one", "two"), size); err != nil {
				t.Fatal(err)
			}
			prepare(m)
			before := m.read(512)
			after := sample(512, len(m.data), "one", "other", "new")
			m.writes, m.dies = 0, dies
			err := Write(m, after, uint64(len(m.data)))
			m.dies = 0
			d := m.read(512)
			isOld := reflect.DeepEqual(d.Table.Partitions, before.Table.Partitions)
			isNew := reflect.DeepEqual(d.Table.Partitions, after.Partitions)
			if d.Kind != Intact && d.Kind != before.Kind || !isOld && !isNew || d.Kind == None && len(d.Unused) > 0 {
				t.Errorf("%s, cut at write %d: %+v", name, dies, d)
			}
			// The next run writes the same table again.
			if err := Write(m, after, uint64(len(m.data))); err != nil {
				t.Errorf("%s, cut at write %d: the next run: %v", name, dies, err)
			}
			if err == nil {
				if dies < 6 || !isNew {
					t.Errorf("%s: only %d writes, new: %v", name, dies, isNew)
				}
				break
			}
			if !strings.Contains(err.Error(), errPower.Error()) { // go-diskfs does not wrap it
				t.Fatal(err)
			}
		}
	}
}

// A cached disk is one with a write cache: what was not synced may be lost, each sector on
// its own.
type cached struct {
	memory
	synced []byte
	syncs  int
}

func (c *cached) Sync() error {
	if c.dies > 0 && c.writes >= c.dies {
		return errPower
	}
	c.syncs++
	c.synced = bytes.Clone(c.data)
	return nil
}

// cut leaves some of the sectors that were not synced.
func (c *cached) cut(random *rand.Rand) *memory {
	left := &memory{data: bytes.Clone(c.synced)}
	keep := random.Float64()
	const table = 64 << 10 // at either end
	for at := 0; at < len(c.data); at += 512 {
		if at == table {
			at = len(c.data) - table
		}
		if sector := c.data[at : at+512]; !bytes.Equal(sector, left.data[at:at+512]) && random.Float64() < keep {
			copy(left.data[at:], sector)
		}
	}
	return left
}

func TestPowerCutThatEmptiesTheWriteCacheLeavesOneOfTheTables(t *testing.T) {
	const size = 2 << 20
	random := rand.New(rand.NewPCG(1, 2))
	for name, prepare := range map[string]func(m *memory){
		"intact":            func(*memory) {},
		"grown":             func(m *memory) { m.data = append(m.data, make([]byte, 1<<20)...) },
		"without an MBR":    func(m *memory) { clear(m.data[:512]) },
		"without a primary": func(m *memory) { clear(m.data[512:1024]) },
		"without a backup":  func(m *memory) { clear(m.data[size-512:]) },
		"blank":             func(m *memory) { clear(m.data) },
	} {
		for dies := 1; ; dies++ {
			c := &cached{memory: memory{data: make([]byte, size)}}
			if err := Write(c, sample(512, size, "one", "two"), size); err != nil {
				t.Fatal(err)
			}
			prepare(&c.memory)
			before := c.read(512)
			after := sample(512, len(c.data), "one", "other", "new")
			c.synced = bytes.Clone(c.data)
			c.writes, c.dies = 0, dies
			err := Write(c, after, uint64(len(c.data)))
			c.dies = 0
			for range 8 {
				left := c.cut(random)
				d := left.read(512)
				isOld := reflect.DeepEqual(d.Table.Partitions, before.Table.Partitions)
				isNew := reflect.DeepEqual(d.Table.Partitions, after.Partitions)
				if d.Kind != Intact && d.Kind != before.Kind || !isOld && !isNew {
					t.Fatalf("%s, cut at write %d: %+v", name, dies, d)
				}
				if err := Write(left, after, uint64(len(left.data))); err != nil {
					t.Fatalf("%s, cut at write %d: the next run: %v", name, dies, err)
				}
			}
			if err == nil {
				break
			}
		}
	}
}

func TestACopyIsSyncedOnce(t *testing.T) {
	const size = 2 << 20
	c := &cached{memory: memory{data: make([]byte, size)}}
	for _, want := range []int{3, 2} { // an empty table on a blank disk is one more
		c.syncs = 0
		if err := Write(c, sample(512, size, "one"), size); err != nil || c.syncs != want || !bytes.Equal(c.data, c.synced) {
			t.Errorf("%d syncs, want %d; error %v; all is on the disk: %v", c.syncs, want, err, bytes.Equal(c.data, c.synced))
		}
	}
}

// hybrid adds entries to the MBR, of 2048 sectors each.
func hybrid(m *memory, starts ...uint32) {
	for i, start := range starts {
		e := m.data[mbrEntries+16*(i+1):]
		e[4] = 0x83
		binary.LittleEndian.PutUint32(e[8:], start)
		binary.LittleEndian.PutUint32(e[12:], 2048)
	}
}

// emptyPrimary replaces the primary copy by one without partitions.
func emptyPrimary(m *memory) {
	empty := &memory{data: make([]byte, len(m.data))}
	if err := Write(empty, sample(512, len(m.data)), uint64(len(m.data))); err != nil {
		panic(err)
	}
	copy(m.data[:34*512], empty.data)
}

func TestABackupThatIsNotInUseIsShown(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(m *memory)
		kind  Kind
	}{
		"alone":                    {func(m *memory) { clear(m.data[:34*512]) }, None},
		"behind a damaged primary": {func(m *memory) { clear(m.data[:512]); m.data[600] ^= 1 }, None},
		"of another table":         {emptyPrimary, Intact},
	} {
		m := &memory{data: make([]byte, 8<<20)}
		want := sample(512, len(m.data), "one", "two")
		if err := Write(m, want, uint64(len(m.data))); err != nil {
			t.Fatal(err)
		}
		c.spoil(m)
		if d := m.read(512); d.Kind != c.kind || len(d.Table.Partitions) > 0 || !reflect.DeepEqual(d.Unused, want.Partitions) {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestEntriesOfAHybridMBRAreKeptOrTakenOut(t *testing.T) {
	for _, kept := range [][]uint32{{2048, 4096}, {4096}, nil} {
		m := &memory{data: make([]byte, 8<<20)}
		table := sample(512, len(m.data), "one", "two")
		if err := Write(m, table, uint64(len(m.data))); err != nil {
			t.Fatal(err)
		}
		hybrid(m, 2048, 4096)
		for _, e := range m.read(512).Table.MBR {
			if slices.Contains(kept, uint32(e.Start)) {
				table.MBR = append(table.MBR, e)
			}
		}
		if err := Write(m, table, uint64(len(m.data))); err != nil {
			t.Fatal(err)
		}
		if d := m.read(512); len(d.Table.MBR) != len(kept) || !reflect.DeepEqual(d.Table, table) || d.Damage != "" {
			t.Errorf("kept %v: %+v", kept, d)
		}
		if kept == nil && !bytes.Equal(m.data[mbrEntries:512], protectiveMBR(8<<20/512)) {
			t.Errorf("the MBR is % x", m.data[mbrEntries:512])
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

func TestAProtectiveEntryStaysActive(t *testing.T) {
	for _, status := range []byte{0, 0x80} {
		m := &memory{data: make([]byte, 8<<20)}
		table := sample(512, len(m.data), "one")
		for range 2 {
			if err := Write(m, table, uint64(len(m.data))); err != nil {
				t.Fatal(err)
			}
			m.data[mbrEntries] |= status
			table.Partitions[0].Name = "other"
		}
		if got := m.data[mbrEntries]; got != status {
			t.Errorf("the status is %#x, want %#x", got, status)
		}
	}
}

// A brokenDisk has sectors that cannot be read.
type brokenDisk struct {
	memory
	broken []int64
}

var errMedium = errors.New("medium error")

func (b *brokenDisk) ReadAt(p []byte, off int64) (int, error) {
	for _, sector := range b.broken {
		if at := sector * 512; off < at+512 && at < off+int64(len(p)) {
			return 0, errMedium
		}
	}
	return b.memory.ReadAt(p, off)
}

func TestSectorsThatCannotBeReadAreNotTakenForEmpty(t *testing.T) {
	const size = 8 << 20
	for name, c := range map[string]struct {
		broken []int64
		kind   Kind
		damage string
		unused int
	}{
		"the primary":            {[]int64{1}, Intact, "the primary copy is damaged: sector 1 cannot be read: medium error", 0},
		"the backup":             {[]int64{size/512 - 1}, Intact, "the backup copy is damaged: sector 16383 cannot be read: medium error", 0},
		"the MBR and primary":    {[]int64{0, 1}, None, "", 1},
		"the primary and backup": {[]int64{1, size/512 - 1}, Damaged, "primary: sector 1 cannot be read: medium error; backup: sector 16383 cannot be read: medium error", 0},
	} {
		d := &brokenDisk{memory: memory{data: make([]byte, size)}}
		if err := Write(d, sample(512, size, "one"), size); err != nil {
			t.Fatal(err)
		}
		d.broken = c.broken
		if got := Read(d, size, 512); got.Kind != c.kind || got.Damage != c.damage || len(got.Unused) != c.unused {
			t.Errorf("%s: got %+v", name, got)
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
		for _, r := range Traces(m, uint64(len(data))) {
			if r.Offset < 0 || r.Length < 0 || r.Offset+r.Length > int64(len(data)) {
				t.Errorf("%+v is not on the disk", r)
			}
		}
	})
}
