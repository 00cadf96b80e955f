package blkprobe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

func TestMain(m *testing.M) {
	// The tools are in sbin, which is not in everybody's path.
	if err := os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// A sparse device has bytes at some offsets and zeroes elsewhere.
type sparse struct {
	size int64
	at   map[int64]string
}

func (s sparse) ReadAt(p []byte, off int64) (int, error) {
	clear(p)
	for at, text := range s.at {
		if from, to := max(at, off), min(at+int64(len(text)), off+int64(len(p))); from < to {
			copy(p[from-off:], text[from-at:to-at])
		}
	}
	return len(p), nil
}

func (s sparse) probe() []Signature {
	found, _ := Probe(s, s.size) // it has no errors
	return found
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
}

func probeFile(t *testing.T, path string) []Signature {
	t.Helper()
	f, err := os.Open(path)
	testkit.NoError(t, err)
	defer f.Close()
	info, err := f.Stat()
	testkit.NoError(t, err)
	found, err := Probe(f, info.Size())
	testkit.NoError(t, err)
	return found
}

func TestProbeFindsWhatMkfsMade(t *testing.T) {
	const uuid = "0e6bb2ea-1d2c-4a0c-8d5f-000000000001"
	for _, c := range []struct {
		name   string
		mkfs   []string
		want   Signature
		magics int // at least
	}{
		{"ext4", []string{"mkfs.ext4", "-q", "-L", "name", "-U", uuid}, Signature{Type: "ext4", Label: "name", UUID: uuid}, 1},
		{"ext3", []string{"mkfs.ext4", "-q", "-t", "ext3", "-U", uuid}, Signature{Type: "ext3", UUID: uuid}, 1},
		{"ext2", []string{"mkfs.ext4", "-q", "-t", "ext2", "-U", uuid}, Signature{Type: "ext2", UUID: uuid}, 1},
		{"xfs", []string{"mkfs.xfs", "-q", "-L", "name", "-m", "uuid=" + uuid}, Signature{Type: "xfs", Label: "name", UUID: uuid}, 1},
		{"btrfs", []string{"mkfs.btrfs", "-q", "-L", "name", "-U", uuid}, Signature{Type: "btrfs", Label: "name", UUID: uuid}, 2},
		{"swap", []string{"mkswap", "-L", "name", "-U", uuid}, Signature{Type: "swap", Label: "name", UUID: uuid}, 1},
		{"fat16", []string{"mkfs.fat", "-F", "16", "-n", "NAME", "-i", "12AB34CD"}, Signature{Type: "vfat", Label: "NAME", UUID: "12AB-34CD"}, 1},
		{"fat32", []string{"mkfs.fat", "-F", "32", "-n", "NAME", "-i", "12AB34CD"}, Signature{Type: "vfat", Label: "NAME", UUID: "12AB-34CD"}, 1},
		{"fat without a label", []string{"mkfs.fat", "-i", "12AB34CD"}, Signature{Type: "vfat", UUID: "12AB-34CD"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			disk := filepath.Join(t.TempDir(), "disk")
			testkit.WriteFile(t, disk, "")
			testkit.NoError(t, os.Truncate(disk, 320<<20))
			run(t, c.mkfs[0], append(c.mkfs[1:], disk)...)
			got := probeFile(t, disk)
			if len(got) != 1 || len(got[0].Magics) < c.magics {
				t.Fatalf("got %+v", got)
			}
			if got := got[0]; got.Type != c.want.Type || got.Label != c.want.Label || got.UUID != c.want.UUID {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestProbeFindsSquashfs(t *testing.T) {
	dir := t.TempDir()
	testkit.WriteFile(t, dir+"/tree/file", "x")
	run(t, "mksquashfs", dir+"/tree", dir+"/a.img", "-quiet", "-no-progress")
	if got := Describe(probeFile(t, dir+"/a.img")); got != "squashfs" {
		t.Errorf("got %s", got)
	}
}

func TestProbeFindsMagicNumbers(t *testing.T) {
	md := "\xfc\x4e\x2b\xa9\x01\x00\x00\x00" + strings.Repeat("\x00", 8) + "0123456789abcdef" + "host:0"
	uber := map[int64]string{}
	for i := range int64(5) {
		uber[128<<10+i<<10] = "\x0c\xb1\xba\x00\x00\x00\x00\x00"
	}
	const mib = 1 << 20
	fat := "\xeb\x3c\x90mkfs.fat\x00\x02\x04\x04\x00\x02\x00\x02\x00\x00\xf8\x50" + strings.Repeat("\x00", 487) + "\x55\xaa"
	for _, c := range []struct {
		name string
		at   map[int64]string
		want string
	}{
		{"nothing", nil, ""},
		{"md 1.2", map[int64]string{4096: md}, `linux_raid_member (label "host:0")`},
		{"md 1.1", map[int64]string{0: md}, `linux_raid_member (label "host:0")`},
		{"md 1.0", map[int64]string{10*mib - 8192: md}, `linux_raid_member (label "host:0")`},
		{"md 0.90", map[int64]string{10*mib - 65536: "\xfc\x4e\x2b\xa9\x00\x00\x00\x00"}, "linux_raid_member"},
		{"lvm", map[int64]string{512: "LABELONE\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x20\x00\x00\x00LVM2 001" + strings.Repeat("a", 32)}, "LVM2_member"},
		{"luks1", map[int64]string{0: "LUKS\xba\xbe\x00\x01"}, "crypto_LUKS"},
		{"luks2", map[int64]string{0: "LUKS\xba\xbe\x00\x02", 24: "key", 0x4000: "SKUL\xba\xbe\x00\x02"}, `crypto_LUKS (label "key")`},
		{"luks2, first header gone", map[int64]string{0x8000: "SKUL\xba\xbe\x00\x02"}, "crypto_LUKS"},
		{"zfs", uber, "zfs_member"},
		{"too few uberblocks", map[int64]string{128 << 10: uber[128<<10]}, ""},
		{"iso9660", map[int64]string{32768: "\x01CD001", 32768 + 40: "DEBIAN  "}, `iso9660 (label "DEBIAN")`},
		{"udf", map[int64]string{32769: "BEA01", 34817: "NSR03",
			256 * 2048: "\x02\x00", 256*2048 + 12: "\x00\x01\x00\x00", 256*2048 + 20: "\x20\x00\x00\x00", 32 * 2048: "\x06\x00", 32*2048 + 12: "\x20",
			32*2048 + 84: "\x08cidata", 32*2048 + 211: "\x07"}, `udf (label "cidata")`},
		{"a disc with both", map[int64]string{32768: "\x01CD001", 34817: "NSR02"}, "signatures of several things: udf, iso9660"},
		{"erofs", map[int64]string{1024: "\xe2\xe1\xf5\xe0", 1024 + 64: "root"}, `erofs (label "root")`},
		{"ntfs is not vfat", map[int64]string{3: "NTFS    ", 11: "\x00\x02\x08\x01\x00\x02", 21: "\xf8", 510: "\x55\xaa"}, ""},
		{"a FAT", map[int64]string{0: fat}, "vfat"},
		{"a FAT that is unfinished", map[int64]string{0: fat, 10*mib - 512: UnfinishedMark}, ""},
		{"xfs", map[int64]string{0: "XFSB"}, "xfs"},
		{"xfs that is unfinished", map[int64]string{0: "XFSB", 126: "\x01"}, ""},
		{"several", map[int64]string{32768: "\x01CD001", 1024: "\xe2\xe1\xf5\xe0"}, "signatures of several things: iso9660, erofs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			disk := sparse{10 * mib, c.at}
			found := disk.probe()
			if got := Describe(found); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			// The magic numbers are all that makes it what it seems to be.
			data := make([]byte, disk.size)
			if _, err := disk.ReadAt(data, 0); err != nil {
				t.Fatal(err)
			}
			for _, s := range found {
				for _, m := range s.Magics {
					clear(data[m.Offset : m.Offset+m.Length])
				}
			}
			if found, _ := Probe(bytes.NewReader(data), disk.size); len(found) > 0 {
				t.Errorf("with its magic numbers wiped it holds %v", found)
			}
		})
	}
}

func TestSuperblocksOfVersion090AreReadInBothByteOrders(t *testing.T) {
	for _, order := range []binary.ByteOrder{le, be} {
		sb := make([]byte, 64)
		order.PutUint32(sb, mdMagic)
		order.PutUint32(sb[28:], 1)
		order.PutUint32(sb[40:], 2)
		copy(sb[20:], "0123")
		copy(sb[52:], "456789abcdef")
		disk := sparse{16 << 20, map[int64]string{16<<20 - 64<<10: string(sb)}}
		want := &MDSuperblock{UUID: "30313233-3435-3637-3839-616263646566", Old: true, Level: 1, Devices: 2}
		if got := disk.probe(); len(got) != 1 || !reflect.DeepEqual(got[0].MD, want) {
			t.Errorf("%v: got %+v, want %+v", order, got, want)
		}
	}
}

func TestPersistentFlagsOfLUKSAreReadFromItsMetadata(t *testing.T) {
	header := make([]byte, 16384)
	copy(header, "LUKS\xba\xbe\x00\x02")
	be.PutUint64(header[8:], 16384)
	copy(header[4096:], `{"keyslots": {}, "config": {"json_size": "12288", "flags": ["allow-discards", "same-cpu-crypt"]}}`)
	got := sparse{32 << 20, map[int64]string{0: string(header)}}.probe()
	if len(got) != 1 || fmt.Sprint(got[0].LUKS.Flags) != "[allow-discards same-cpu-crypt]" {
		t.Errorf("got %+v", got)
	}
}

func TestProbeKnowsOnlyTheGivenFormats(t *testing.T) {
	disk := sparse{10 << 20, map[int64]string{32768: "\x01CD001", 1024: "\xe2\xe1\xf5\xe0"}}
	got, err := Probe(disk, disk.size, "erofs", "ext4")
	if err != nil || Describe(got) != "erofs" {
		t.Errorf("got %s, %v", Describe(got), err)
	}
}

type brokenDevice struct{}

func (brokenDevice) ReadAt([]byte, int64) (int, error) { return 0, errors.New("broken") }

func TestDevicesThatCannotBeReadSayWhy(t *testing.T) {
	got, err := Probe(brokenDevice{}, 1<<30)
	if len(got) > 0 {
		t.Errorf("got %v", got)
	}
	testkit.ErrorContains(t, "the error", err, "broken")
}

func FuzzProbe(f *testing.F) {
	for _, at := range []map[int]string{{0: "XFSB"}, {0: "LUKS\xba\xbe\x00\x02"}, {1080: "\x53\xef"}, {512: "LABELONE"}, {0x8001: "CD001"},
		{510: "\x55\xaa", 11: "\x00\x02\x08\x01\x00\x02", 21: "\xf8"}, {0x10040: "_BHRfS_M"}} {
		data := make([]byte, 70<<10)
		for offset, text := range at {
			copy(data[offset:], text)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := Probe(bytes.NewReader(data), int64(len(data)))
		testkit.NoError(t, err)
		for _, s := range found {
			for _, m := range s.Magics {
				if m.Offset < 0 || m.Length <= 0 || m.Offset+m.Length > int64(len(data)) {
					t.Errorf("%v: the magic number at %v is not on the disk of %d bytes", s, m, len(data))
				}
			}
		}
	})
}

// A faulty device cannot be read in a range, and counts how often it is read.
type faulty struct {
	sparse
	bad   Range
	reads int
}

var errMedium = errors.New("medium error")

func (f *faulty) ReadAt(p []byte, off int64) (int, error) {
	f.reads++
	if off < f.bad.Offset+f.bad.Length && f.bad.Offset < off+int64(len(p)) {
		return 0, errMedium
	}
	return f.sparse.ReadAt(p, off)
}

func TestWhatCannotBeReadHidesNothingElse(t *testing.T) {
	ext := sparse{1 << 30, map[int64]string{1024 + 0x38: "\x53\xef"}}
	for _, c := range []struct {
		name  string
		bad   Range
		found int
		err   error
	}{
		{"nothing", Range{}, 1, nil},
		{"between the places of all formats", Range{50 << 10, 512}, 1, nil},
		{"the superblock", Range{1024, 512}, 0, errMedium},
		{"the superblock of another format", Range{64 << 10, 512}, 1, errMedium},
		{"uberblocks of ZFS", Range{192 << 10, 512}, 1, errMedium},
	} {
		got, err := Probe(&faulty{sparse: ext, bad: c.bad}, ext.size)
		if len(got) != c.found || !errors.Is(err, c.err) {
			t.Errorf("%s cannot be read: found %v, %v", c.name, got, err)
		}
	}
}

func TestTheBeginningOfADeviceIsReadOnce(t *testing.T) {
	const (
		beginning = 2
		zfs       = 8 // half a ring each
		luks      = 8
		md, fat   = 2, 1
		most      = beginning + zfs + luks + md + fat
	)
	empty := &faulty{sparse: sparse{size: 1 << 30}}
	if found, err := Probe(empty, empty.size); len(found) > 0 || err != nil || empty.reads > most {
		t.Errorf("found %v, %v in %d reads, want at most %d", found, err, empty.reads, most)
	}
}
