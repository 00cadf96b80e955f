package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

func probeFile(t *testing.T, path string) []blkprobe.Signature {
	t.Helper()
	d, err := (&Machine{}).open(path)
	testkit.NoError(t, err)
	defer d.file.Close()
	return d.probe()
}

// writeAt makes a disk with some bytes at some offsets.
func writeAt(b *testMachine, size int64, at map[int64]string) string {
	b.t.Helper()
	disk := b.disk("a.img", size)
	f := rw(b.t, disk)
	for offset, text := range at {
		_, err := f.WriteAt([]byte(text), offset)
		testkit.NoError(b.t, err)
	}
	return disk
}

func TestWipingRemovesAllSignatures(t *testing.T) {
	for _, mkfs := range [][]string{{"mkfs.ext4", "-q"}, {"mkfs.xfs", "-q"}, {"mkfs.btrfs", "-q"}, {"mkswap"}, {"mkfs.fat", "-F", "16"}, {"mkfs.fat", "-F", "32"}} {
		b := newTestMachine(t)
		disk := b.disk("a.img", 320)
		b.run(mkfs[0], append(mkfs[1:], disk)...)
		testkit.NoError(t, wipeDevice(disk, probeFile(t, disk)))
		if out := b.run("wipefs", disk); out != "" {
			t.Errorf("%s: after wiping wipefs finds\n%s", mkfs, out)
		}
	}
}

// Magic numbers that are not in the first or the last MiB have to be known.
func TestWipingRemovesMagicNumbersInTheMiddle(t *testing.T) {
	b := newTestMachine(t)
	disk := writeAt(b, 10, map[int64]string{0: "LUKS\xba\xbe\x00\x02", 0x400000: "SKUL\xba\xbe\x00\x02"})
	testkit.NoError(t, wipeDevice(disk, probeFile(t, disk)))
	if found := probeFile(t, disk); len(found) > 0 {
		t.Errorf("after wiping: %v", found)
	}
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
			b := newTestMachine(t)
			b.disk("a.img", 320)
			if got := b.apply(c.config); got != c.plan {
				t.Errorf("the plan is %q, want %q", got, c.plan)
			}
			b.converges(c.config)
		})
	}
}

// The first write of mkfs.fat is what a FAT is known by, and the label in it is right.
func TestInterruptedFATIsMadeAgain(t *testing.T) {
	b, x := newFakeTools(t)
	disk := b.disk("a.img", 100)
	config := filesystem(`"format": "vfat", "label": "ESP", "uuid": "12ab-34CD"`)
	x.before = func(c system.Command, line string) {
		if strings.HasPrefix(line, "mkfs.fat") {
			other := b.disk("made.img", 100)
			b.run("mkfs.fat", "-n", "ESP", "-i", "12ab34CD", other)
			b.run("dd", "if="+other, "of="+disk, "bs=512", "count=1", "conv=notrunc", "status=none")
		}
	}
	killed := errors.New("signal: killed")
	x.fail = map[string]error{"mkfs.fat": killed}
	if err := b.execute(config); !errors.Is(err, killed) {
		t.Fatalf("got %v", err)
	}
	if got := b.run("blkid", "-p", "-s", "TYPE", "-o", "value", disk); got != "vfat\n" {
		t.Fatalf("what mkfs.fat left is %q", got)
	}
	x.before, x.fail = nil, nil
	if got := b.apply(config); got != `making vfat "ESP" on DIR/a.img` {
		t.Errorf("the next run plans %q", got)
	}
	b.run("fsck.fat", "-n", disk)
	b.converges(config)
}

func TestFilesystemsThatAreSomethingElse(t *testing.T) {
	b := newTestMachine(t)
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

// Flatcar's partition for vendors had another format when configs for it were written.
func TestFilesystemsOfSomeLabelsAreUsedAsTheyAre(t *testing.T) {
	b := newTestMachine(t)
	b.run("mkfs.ext4", "-q", "-L", "OEM", b.disk("a.img", 200))
	const wanted = `"format": "btrfs", "label": "OEM"`
	b.refused(filesystem(wanted), `DIR/a.img holds ext4 (label "OEM"); the config asks for btrfs | storage.filesystems[0].format | `+fsHint)
	b.m.ReusedLabels = []string{"OEM", "other"}
	for _, same := range []string{wanted, `"format": "btrfs"`, `"format": "ext4"`} {
		if got := b.apply(filesystem(same)); got != "" {
			t.Errorf("%s: got %s", same, got)
		}
	}
	b.refused(filesystem(`"format": "btrfs", "label": "other"`), `DIR/a.img holds ext4 (label "OEM"); the config asks for btrfs | storage.filesystems[0].format | `+fsHint)
	if got := b.apply(filesystem(wanted + `, "wipeFilesystem": true`)); got != `making btrfs "OEM" on DIR/a.img` {
		t.Errorf("got %s", got)
	}
}

func TestAmbivalentDevicesAreNamed(t *testing.T) {
	b := newTestMachine(t)
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
	b := newTestMachine(t)
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
	b := newTestMachine(t)
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

// A device that two entries call by different links, for two mount points.
func TestEntriesThatUseOneFilesystemDoNotContradictEachOther(t *testing.T) {
	two := func(first, second string) string {
		return `"filesystems": [{"device": "DIR/a.img", "path": "/home", ` + first + `}, {"device": "DIR/link", "path": "/srv", ` + second + `}]`
	}
	const ext4, labelled, twice = `"format": "ext4"`, `"format": "ext4", "label": "data"`, "DIR/a.img and DIR/link are the same device | storage.filesystems[1].device | keep one of the two entries"
	for name, c := range map[string]struct {
		exists        bool
		first, second string
		plan, refused string
	}{
		"both use it":                      {true, ext4, ext4, "", ""},
		"with mount options":               {true, ext4 + `, "mountOptions": ["ro"]`, labelled, "", ""},
		"it is made once":                  {false, labelled, labelled, `making ext4 "data" on DIR/a.img`, ""},
		"the second one leaves its label":  {false, labelled, ext4, `making ext4 "data" on DIR/a.img`, ""},
		"the first one would not label it": {false, ext4, labelled, "", `DIR/a.img and DIR/link are the same device, which the first entry makes otherwise: its label is "", the config asks for "data" | storage.filesystems[1].label | give both entries the same label and UUID`},
		"another label":                    {true, labelled, `"format": "ext4", "label": "other"`, "", twice},
		"another format":                   {false, labelled, `"format": "xfs"`, "", twice},
		"the first one is wiped":           {false, ext4 + `, "wipeFilesystem": true`, ext4, "", twice},
		"the second one is wiped":          {false, ext4, ext4 + `, "wipeFilesystem": true`, "", twice},
	} {
		t.Run(name, func(t *testing.T) {
			b := newTestMachine(t)
			b.disk("a.img", 64)
			if err := os.Symlink("a.img", b.path("link")); err != nil {
				t.Fatal(err)
			}
			if c.exists {
				b.run("mkfs.ext4", "-q", "-L", "data", b.path("a.img"))
			}
			config := two(c.first, c.second)
			if c.refused == "" {
				if got := b.apply(config); got != c.plan {
					t.Errorf("the plan is %q, want %q", got, c.plan)
				}
				b.converges(config)
				return
			}
			_, err := b.plan(config)
			if got := strings.ReplaceAll(fmt.Sprint(report.Explain(err)), b.dir, "DIR"); !strings.Contains(got, strings.Split(c.refused, " | ")[0]) {
				t.Errorf("got  %s\nwant %s", got, c.refused)
			}
		})
	}
}

func TestMkfsCommands(t *testing.T) {
	b := newTestMachine(t)
	for config, want := range map[string]string{
		`"format": "btrfs", "options": ["-m", "dup"], "label": "a b", "uuid": "ABCD"`: `mkfs.btrfs -m dup --force -U abcd -L "a b" /dev/x`,
		`"format": "ext4", "label": ""`:                                               `mkfs.ext4 -F -L "" /dev/x`,
		`"format": "xfs", "uuid": "ABCD"`:                                             "mkfs.xfs -f -m uuid=abcd /dev/x",
		`"format": "swap"`:                                                            "mkswap -f /dev/x",
		`"format": "vfat", "label": "ESP", "uuid": "12AB-34CD"`:                       "mkfs.fat -i 12ab34cd -n ESP /dev/x",
	} {
		cfg := b.config(`"filesystems": [{"device": "/dev/y", ` + config + `}]`)
		c, ok := mkfsCommand(&cfg.Storage.Filesystems[0], "/dev/x")
		if !ok || c.String() != want {
			t.Errorf("%s\n got %s\nwant %s", config, c, want)
		}
	}
}
