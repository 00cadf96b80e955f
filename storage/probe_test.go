package storage

import (
	"context"
	"os"
	"strings"
	"testing"
)

func probeFile(t *testing.T, path string) []signature {
	t.Helper()
	d, err := (&Machine{}).open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.file.Close()
	return probe(d.view())
}

func TestProbeFindsWhatMkfsMade(t *testing.T) {
	const uuid = "0e6bb2ea-1d2c-4a0c-8d5f-000000000001"
	for _, c := range []struct {
		name  string
		mkfs  []string
		want  signature
		names int // how many places to wipe at least
	}{
		{"ext4", []string{"mkfs.ext4", "-q", "-L", "name", "-U", uuid}, signature{Type: "ext4", Label: "name", UUID: uuid}, 1},
		{"ext3", []string{"mkfs.ext4", "-q", "-t", "ext3", "-U", uuid}, signature{Type: "ext3", UUID: uuid}, 1},
		{"ext2", []string{"mkfs.ext4", "-q", "-t", "ext2", "-U", uuid}, signature{Type: "ext2", UUID: uuid}, 1},
		{"xfs", []string{"mkfs.xfs", "-q", "-L", "name", "-m", "uuid=" + uuid}, signature{Type: "xfs", Label: "name", UUID: uuid}, 1},
		{"btrfs", []string{"mkfs.btrfs", "-q", "-L", "name", "-U", uuid}, signature{Type: "btrfs", Label: "name", UUID: uuid}, 2},
		{"swap", []string{"mkswap", "-L", "name", "-U", uuid}, signature{Type: "swap", Label: "name", UUID: uuid}, 1},
		{"fat16", []string{"mkfs.fat", "-F", "16", "-n", "NAME", "-i", "12AB34CD"}, signature{Type: "vfat", Label: "NAME", UUID: "12AB-34CD"}, 1},
		{"fat32", []string{"mkfs.fat", "-F", "32", "-n", "NAME", "-i", "12AB34CD"}, signature{Type: "vfat", Label: "NAME", UUID: "12AB-34CD"}, 1},
		{"fat without a name", []string{"mkfs.fat", "-i", "12AB34CD"}, signature{Type: "vfat", UUID: "12AB-34CD"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			disk := b.disk("a.img", 320)
			b.run(c.mkfs[0], append(c.mkfs[1:], disk)...)
			found := probeFile(t, disk)
			if len(found) != 1 || len(found[0].Places) < c.names {
				t.Fatalf("found %+v", found)
			}
			found[0].Places = nil
			if got := found[0]; got.Type != c.want.Type || got.Label != c.want.Label || got.UUID != c.want.UUID {
				t.Errorf("found %+v, want %+v", got, c.want)
			}
			if err := wipeDevice(disk, probeFile(t, disk)); err != nil {
				t.Fatal(err)
			}
			if out := b.run("wipefs", disk); out != "" {
				t.Errorf("wipefs still finds\n%s", out)
			}
		})
	}
}

func TestProbeFindsSquashfs(t *testing.T) {
	b := newBench(t)
	b.write("tree/file", "x")
	b.run("mksquashfs", b.path("tree"), b.path("a.img"), "-quiet", "-no-progress")
	if got := describeSignatures(probeFile(t, b.path("a.img"))); got != "squashfs" {
		t.Errorf("found %s", got)
	}
}

// put makes a disk with some bytes at some places.
func put(b *bench, size int64, at map[int64]string) string {
	b.t.Helper()
	disk := b.disk("a.img", size)
	f, err := os.OpenFile(disk, os.O_RDWR, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	defer f.Close()
	for offset, text := range at {
		if _, err := f.WriteAt([]byte(text), offset); err != nil {
			b.t.Fatal(err)
		}
	}
	return disk
}

func TestProbeFindsMagicNumbers(t *testing.T) {
	md := "\xfc\x4e\x2b\xa9\x01\x00\x00\x00" + strings.Repeat("\x00", 8) + "0123456789abcdef" + "host:0"
	uber := map[int64]string{}
	for i := range int64(5) {
		uber[128<<10+i<<10] = "\x0c\xb1\xba\x00\x00\x00\x00\x00"
	}
	const mib = 1 << 20
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
		{"erofs", map[int64]string{1024: "\xe2\xe1\xf5\xe0", 1024 + 64: "root"}, `erofs (label "root")`},
		{"ntfs is not vfat", map[int64]string{3: "NTFS    ", 11: "\x00\x02\x08\x01\x00\x02", 21: "\xf8", 510: "\x55\xaa"}, ""},
		{"several", map[int64]string{32768: "\x01CD001", 1024: "\xe2\xe1\xf5\xe0"}, "signatures of several things: iso9660, erofs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			disk := put(b, 10, c.at)
			if got := describeSignatures(probeFile(t, disk)); got != c.want {
				t.Errorf("found %q, want %q", got, c.want)
			}
			if err := wipeDevice(disk, probeFile(t, disk)); err != nil {
				t.Fatal(err)
			}
			if found := probeFile(t, disk); len(found) > 0 {
				t.Errorf("after wiping: %v", found)
			}
		})
	}
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
		m := &memory{data: data}
		for _, s := range probe(&view{r: m, size: int64(len(data))}) {
			for _, p := range s.Places {
				if p.offset < 0 || p.length <= 0 || p.offset+p.length > int64(len(data)) {
					t.Errorf("%v: the place %v is not on the disk of %d bytes", s, p, len(data))
				}
			}
		}
		probeTable(&view{r: m, size: int64(len(data))}, 512)
	})
}

const fsHint = "wipeFilesystem: true makes it anew, and its contents are lost"

func filesystem(members string) string {
	return `"filesystems": [{"device": "DIR/a.img", ` + members + `}]`
}

func TestFilesystemsAreMadeOnceAndThenKept(t *testing.T) {
	const uuid = `"uuid": "0E6BB2EA-1d2c-4a0c-8d5f-000000000001"`
	for _, c := range []struct{ name, config, plan string }{
		{"ext4", filesystem(`"format": "ext4", "label": "name", ` + uuid), `making ext4 "name" on DIR/a.img`},
		{"xfs", filesystem(`"format": "xfs", "label": "name", ` + uuid), `making xfs "name" on DIR/a.img`},
		{"btrfs", filesystem(`"format": "btrfs", ` + uuid), `making btrfs on DIR/a.img`},
		{"swap", filesystem(`"format": "swap", "label": "name", ` + uuid), `making swap "name" on DIR/a.img`},
		{"vfat", filesystem(`"format": "vfat", "label": "NAME", "uuid": "12ab-34CD", "options": ["-F", "32"]`), `making vfat "NAME" on DIR/a.img`},
		{"none", filesystem(`"format": "none"`), ""},
		{"no format", `"filesystems": [{"device": "DIR/a.img"}]`, ""},
		{"a whole disk, wiped", disk(`"wipeTable": true`) + "," + filesystem(`"format": "ext4"`), `making ext4 on DIR/a.img`},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.disk("a.img", 320)
			if got := b.apply(c.config); got != c.plan {
				t.Errorf("the plan is %q, want %q", got, c.plan)
			}
			b.converges(c.config)
		})
	}
}

func TestFilesystemsThatAreSomethingElse(t *testing.T) {
	b := newBench(t)
	b.run("mkfs.ext4", "-q", "-L", "old", "-U", "0e6bb2ea-1d2c-4a0c-8d5f-000000000001", b.disk("a.img", 100))
	b.refused(filesystem(`"format": "xfs", "label": "old"`), `DIR/a.img holds ext4 (label "old"); the config asks for xfs | storage.filesystems[0].format | `+fsHint)
	b.refused(filesystem(`"format": "ext4", "label": ""`), `the ext4 on DIR/a.img is not what the config describes: its label is "old", the config asks for "" | storage.filesystems[0].label | `+fsHint)
	b.refused(filesystem(`"format": "ext4", "uuid": "1-2"`), `the ext4 on DIR/a.img is not what the config describes: its UUID is 0e6bb2ea-1d2c-4a0c-8d5f-000000000001, the config asks for 1-2 | storage.filesystems[0].uuid | `+fsHint)
	b.refused(filesystem(`"format": "none"`), `DIR/a.img holds ext4 (label "old"); the config says that it holds nothing | storage.filesystems[0].device | wipeFilesystem: true clears it, and its contents are lost`)
	b.converges(filesystem(`"format": "ext4"`))
	if got := b.apply(filesystem(`"format": "none", "wipeFilesystem": true`)); got != "wiping DIR/a.img" {
		t.Errorf("got %s", got)
	}
	b.converges(filesystem(`"format": "none", "wipeFilesystem": true`))
}

func TestAmbivalentDevicesAreNamed(t *testing.T) {
	b := newBench(t)
	disk := b.disk("a.img", 100)
	b.run("mkfs.ext4", "-q", disk)
	f, err := os.OpenFile(disk, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("\x01CD001"), 32768); err != nil {
		t.Fatal(err)
	}
	b.converges(filesystem(`"format": "ext4"`)) // the first counts
	if got := b.log.String(); !strings.Contains(got, "holds signatures of several things: ext4, iso9660; taking it for the first") {
		t.Errorf("the log has %s", got)
	}
	b.refused(filesystem(`"format": "vfat"`), "DIR/a.img holds signatures of several things: ext4, iso9660; the config asks for vfat | storage.filesystems[0].format | "+fsHint)
}

// A partition that does not exist yet is looked at before anything is written.
func TestFilesystemsOnPartitionsToCome(t *testing.T) {
	b := newBench(t)
	disk := b.disk("a.img", 100)
	b.run("sgdisk", "-n", "1:10M:+50M", disk)
	b.run("mkfs.ext4", "-q", "-E", "offset=10485760", disk, "40M")
	b.run("sgdisk", "-d", "1", disk)
	parts := partitions(`{"number": 1, "label": "my data", "startMiB": 10, "sizeMiB": 50}, {"number": 2, "label": "b", "sizeMiB": 20}`)
	fs := func(format string) string {
		return parts + `, "filesystems": [{"device": "/dev/disk/by-partlabel/my\\x20data", "format": "` + format + `"}, {"device": "DIR/a.img2", "format": "xfs"}]`
	}
	b.refused(fs("btrfs"), `/dev/disk/by-partlabel/my\x20data holds ext4; the config asks for btrfs | storage.filesystems[0].format | `+fsHint)
	plan, err := b.plan(fs("ext4"))
	if err != nil {
		t.Fatal(err)
	}
	if len(plan) != 2 || plan[1].Name != "making xfs on "+disk+"2" || len(plan[1].After) != 1 || plan[1].After[0] != plan[0] {
		t.Fatalf("got %v", plan)
	}
	if err := plan[0].Do(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := plan[1].Do(context.Background()); err == nil || !strings.Contains(err.Error(), "there are no devices for partitions in files") {
		t.Errorf("got %v", err)
	}
}

func TestDevicesThatContradictEachOther(t *testing.T) {
	b := newBench(t)
	b.disk("a.img", 100)
	if err := os.Symlink("a.img", b.path("link")); err != nil {
		t.Fatal(err)
	}
	b.refused(partitions(`{"number": 1}`)+","+filesystem(`"format": "ext4"`),
		"DIR/a.img has partitions; a filesystem on the whole disk would destroy them | storage.filesystems[0].device | name one of its partitions")
	b.refused(`"filesystems": [{"device": "DIR/a.img", "format": "ext4"}, {"device": "DIR/link", "format": "xfs"}]`,
		"DIR/a.img and DIR/link are the same device | storage.filesystems[1].device | keep one of the two entries")
	b.run("sgdisk", "-n", "1:0:+1M", b.path("a.img"))
	b.refused(filesystem(`"format": "ext4"`), "DIR/a.img holds gpt partition table; the config asks for ext4 | storage.filesystems[0].format | "+fsHint)
}

func TestMkfsCommands(t *testing.T) {
	b := newBench(t)
	for config, want := range map[string]string{
		`"format": "btrfs", "options": ["-m", "dup"], "label": "a b", "uuid": "ABCD"`: `mkfs.btrfs -m dup --force -U abcd -L "a b" /dev/x`,
		`"format": "ext4", "label": ""`:                                               `mkfs.ext4 -F -L "" /dev/x`,
		`"format": "xfs", "uuid": "ABCD"`:                                             "mkfs.xfs -f -m uuid=abcd /dev/x",
		`"format": "swap"`:                                                            "mkswap -f /dev/x",
		`"format": "vfat", "label": "ESP", "uuid": "12AB-34CD"`:                       "mkfs.fat -i 12ab34cd -n ESP /dev/x",
	} {
		cfg := b.config(`"filesystems": [{"device": "/dev/y", ` + config + `}]`)
		c, ok := mkfs(&cfg.Storage.Filesystems[0], "/dev/x")
		if !ok || c.String() != want {
			t.Errorf("%s\n got %s\nwant %s", config, c, want)
		}
	}
}
