package storage

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// arrayConfig is a config with an array. More is further members of it, each
// with a comma before.
func arrayConfig(name, level, more string, devices ...string) string {
	return fmt.Sprintf(`{"ignition": {"version": "3.5.0"}, "storage": {"raid": [{"name": %q, "level": %q, "devices": ["%s"]%s}]}}`,
		name, level, strings.Join(devices, `", "`), more)
}

// newMembers attaches disks for an array. When the test is over, what is made of
// them is stopped, whatever state it is in, and udev finds nothing to assemble.
func newMembers(t testing.TB, n int, mib int64) []string {
	t.Helper()
	var disks []string
	for range n {
		disks = append(disks, newDisk(t, mib))
	}
	t.Cleanup(func() {
		stopArrays(t, disks)
		for _, disk := range disks {
			parts, _ := filepath.Glob(disk + "p*")
			try("wipefs", append(append([]string{"--all", "--force"}, parts...), disk)...)
		}
		stopArrays(t, disks)
	})
	return disks
}

// stopArrays stops arrays of disks as a reboot does. Udev assembles them again
// when it sees the members come free, as it does when a machine boots.
func stopArrays(t testing.TB, disks []string) {
	t.Helper()
	for _, disk := range disks {
		tearDown(t, disk)
		held, _ := filepath.Glob("/sys/class/block/" + filepath.Base(disk) + "*/holders/md*")
		for _, array := range held {
			run(t, "mdadm", "--stop", "/dev/"+filepath.Base(array))
		}
	}
	run(t, "udevadm", "settle")
}

// withoutAssembly keeps udev from assembling the arrays that it finds, so that a
// test can have them half there, and the agent has to do it.
func withoutAssembly(t testing.TB) {
	t.Helper()
	const rule = "/run/udev/rules.d/64-md-raid-assembly.rules"
	shell(t, "mkdir -p /run/udev/rules.d; ln -sf /dev/null "+rule+"; udevadm control --reload")
	t.Cleanup(func() { shell(t, "rm "+rule+"; udevadm control --reload") })
}

// start is a digest of the first MiB of a device.
func start(t testing.TB, device string) string {
	t.Helper()
	return shell(t, "blockdev --flushbufs "+device+"; head -c 1M "+device+" | sha256sum")
}

// detail is what mdadm says of an array, by its headings.
func detail(t testing.TB, array string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, text := range []string{run(t, "mdadm", "--detail", array), run(t, "mdadm", "--detail", "--export", array)} {
		for line := range strings.Lines(text) {
			key, value, ok := strings.Cut(line, " : ")
			if !ok {
				key, value, ok = strings.Cut(line, "=")
			}
			if ok {
				found[strings.TrimSpace(key)] = strings.TrimSpace(value)
			}
		}
	}
	return found
}

// has compares some of what mdadm says of an array.
func has(t testing.TB, array string, want map[string]string) {
	t.Helper()
	got := detail(t, array)
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s of %s is %q instead of %q; mdadm says\n%v", key, array, got[key], value, got)
		}
	}
}

func TestArraysAreMadeAndKept(t *testing.T) {
	withoutAssembly(t)
	for _, c := range []struct {
		name, level string
		disks       int
		more        string
		want        map[string]string
	}{
		{"linear", "linear", 2, ``, map[string]string{"Raid Level": "linear", "Raid Devices": "2", "Version": "1.2"}},
		{"raid0 in chunks", "stripe", 2, `, "options": ["--chunk=64K"]`, map[string]string{"Raid Level": "raid0", "Chunk Size": "64K"}},
		{"raid1", "raid1", 2, ``, map[string]string{"Raid Level": "raid1", "Active Devices": "2", "Failed Devices": "0"}},
		{"raid1 with its superblocks at the end", "mirror", 2, `, "options": ["--metadata=1.0", "--bitmap=internal"]`,
			map[string]string{"Raid Level": "raid1", "Version": "1.0", "Intent Bitmap": "Internal"}},
		{"raid1 with old superblocks", "1", 2, `, "options": ["--metadata=0.90"]`, map[string]string{"Raid Level": "raid1", "Version": "0.90"}},
		{"raid1 with a spare", "raid1", 3, `, "spares": 1, "options": ["--bitmap", "none"]`,
			map[string]string{"Raid Devices": "2", "Total Devices": "3", "Spare Devices": "1", "Intent Bitmap": ""}},
		{"raid4", "raid4", 3, `, "options": ["--assume-clean"]`, map[string]string{"Raid Level": "raid4", "Active Devices": "3"}},
		{"raid5", "raid5", 3, `, "options": ["--assume-clean", "--chunk=128K"]`, map[string]string{"Raid Level": "raid5", "Active Devices": "3", "Chunk Size": "128K"}},
		{"raid6 with a spare", "6", 5, `, "spares": 1, "options": ["--assume-clean"]`,
			map[string]string{"Raid Level": "raid6", "Raid Devices": "4", "Active Devices": "4", "Spare Devices": "1"}},
		{"raid10", "raid10", 4, `, "options": ["--layout=f2", "--assume-clean"]`, map[string]string{"Raid Level": "raid10", "Layout": "far=2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			disks := newMembers(t, c.disks, 12)
			config := arrayConfig("data", c.level, c.more, disks...)
			newBoot(t, config).must("disks")
			has(t, "/dev/md/data", c.want)
			run(t, "dd", "if=/dev/urandom", "of=/dev/md/data", "bs=1M", "count=1", "conv=fsync", "status=none")
			uuid, contents := detail(t, "/dev/md/data")["MD_UUID"], start(t, "/dev/md/data")
			if log := newBoot(t, config).must("disks"); strings.Contains(log, "[finished]") {
				t.Errorf("there was nothing to do; the log:\n%s", log)
			}
			stopArrays(t, disks)
			newBoot(t, config).must("disks")
			has(t, "/dev/md/data", c.want)
			has(t, "/dev/md/data", map[string]string{"MD_UUID": uuid})
			if start(t, "/dev/md/data") != contents {
				t.Error("the contents have changed")
			}
		})
	}
}

func TestArraysHaveTheirNames(t *testing.T) {
	disks := newMembers(t, 2, 12)
	for _, c := range []struct{ name, link, superblock string }{
		{"my-data_1.x", "/dev/md/my-data_1.x", "any:my-data_1.x"},
		{"7", "/dev/md/7", "any:7"},
		{"/dev/md/full", "/dev/md/full", "any:full"},
		{"/dev/md9", "/dev/md9", "any:9"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := arrayConfig(c.name, "raid0", "", disks...)
			newBoot(t, config).must("disks")
			has(t, c.link, map[string]string{"Raid Level": "raid0"})
			if got := run(t, "mdadm", "--examine", disks[0]); !strings.Contains(got, "Name : "+c.superblock) {
				t.Errorf("the superblock says\n%s", got)
			}
			uuid := detail(t, c.link)["MD_UUID"]
			stopArrays(t, disks)
			newBoot(t, config).must("disks")
			has(t, c.link, map[string]string{"MD_UUID": uuid})
			stopArrays(t, disks)
		})
	}
}

// disturbances are states in which an interrupted first boot, or udev, which
// assembles what it finds, can leave an array "data" of two disks.
var disturbances = []struct {
	name, script string
	anew         bool // it cannot be the old array
}{
	{name: "only the first member is written", script: "mdadm --stop /dev/md/data; wipefs --all --quiet $TWO; udevadm settle", anew: true},
	{name: "only the second member is written", script: "mdadm --stop /dev/md/data; wipefs --all --quiet $ONE; udevadm settle", anew: true},
	{name: "the members are of two attempts", anew: true, script: `mdadm --stop /dev/md/data
		mdadm --create /dev/md/data --force --run --homehost any --level raid1 --raid-devices 2 $TWO missing
		mdadm --stop /dev/md/data`},
	{name: "it runs under another name", script: "mdadm --stop /dev/md/data; mdadm --assemble /dev/md42 $ONE $TWO"},
	{name: "it is half there and inactive", script: "mdadm --stop /dev/md/data; mdadm --incremental $ONE || true"},
	{name: "it runs with one member", script: `mdadm --stop /dev/md/data
		mdadm --assemble --run --force /dev/md42 $ONE; dd if=/dev/zero of=/dev/md42 bs=64K count=1 seek=100 conv=fsync status=none`},
	{name: "its link is gone", script: "rm /dev/md/data"},
}

func TestArraysOfInterruptedRunsConverge(t *testing.T) {
	withoutAssembly(t)
	for _, c := range disturbances {
		t.Run(c.name, func(t *testing.T) {
			disks := newMembers(t, 2, 12)
			config := arrayConfig("data", "raid1", `, "options": ["--assume-clean"]`, disks...)
			newBoot(t, config).must("disks")
			uuid := detail(t, "/dev/md/data")["MD_UUID"]
			t.Setenv("ONE", disks[0])
			t.Setenv("TWO", disks[1])
			shell(t, c.script)
			b := newBoot(t, config)
			log := b.must("disks")
			try("mdadm", "--wait", "/dev/md/data")
			has(t, "/dev/md/data", map[string]string{"Raid Level": "raid1", "Active Devices": "2", "MD_NAME": "any:data"})
			if now := detail(t, "/dev/md/data")["MD_UUID"]; (now != uuid) != c.anew {
				t.Errorf("the UUID was %s and is %s; the log:\n%s", uuid, now, log)
			}
			if warned := strings.Contains(log, "WARN"); warned != c.anew {
				t.Errorf("the log, with or without a warning:\n%s", log)
			}
			if again := newBoot(t, config).must("disks"); strings.Contains(again, "[finished]") {
				t.Errorf("the run after that is not idle:\n%s", again)
			}
		})
	}
}

// As in the reference, an array is made over what its members hold; what is lost
// is told.
func TestWhatMembersHeldIsOverwrittenWithAWarning(t *testing.T) {
	withoutAssembly(t)
	for _, c := range []struct{ name, script, warning string }{
		{"a filesystem", "mkfs.ext4 -q -L precious $ONE", "making the array \"data\" overwrites /dev/loop"},
		{"an array of another level, not running", "mdadm --create /dev/md/data --run --homehost any --level raid0 --raid-devices 2 $ONE $TWO; mdadm --stop /dev/md/data; udevadm settle", "linux_raid_member"},
		{"an array of another level, running", "mdadm --create /dev/md/data --run --homehost any --level raid0 --raid-devices 2 $ONE $TWO", "linux_raid_member"},
		{"an array of another name", "mdadm --create /dev/md/other --run --metadata 1.0 --homehost any --level raid1 --raid-devices 2 $ONE $TWO", "linux_raid_member"},
		{"one of three members of a foreign array", "mdadm --create /dev/md/foreign --run --homehost them --level raid1 --raid-devices 3 missing $TWO missing; mdadm --stop /dev/md/foreign; udevadm settle", "linux_raid_member"},
		{"a partition table", "sgdisk --new=1:0:+8M $ONE", "making the array"},
	} {
		t.Run(c.name, func(t *testing.T) {
			disks := newMembers(t, 2, 12)
			t.Setenv("ONE", disks[0])
			t.Setenv("TWO", disks[1])
			shell(t, c.script)
			log := newBoot(t, arrayConfig("data", "raid1", `, "options": ["--assume-clean"]`, disks...)).must("disks")
			if !strings.Contains(log, "overwrites") || !strings.Contains(log, c.warning) {
				t.Errorf("%q is not in the log:\n%s", c.warning, log)
			}
			has(t, "/dev/md/data", map[string]string{"Raid Level": "raid1", "Active Devices": "2", "MD_NAME": "any:data"})
			for _, tag := range []string{"TYPE", "PTTYPE"} {
				if got := blkid(t, "/dev/md/data", tag); got != "" {
					t.Errorf("%s of what the members held shows through: %s", tag, got)
				}
			}
		})
	}
}

func TestArraysThatCannotBeMade(t *testing.T) {
	for _, c := range []struct {
		name, script, level, more string
		want                      []string
	}{
		{"a member is mounted", "mkfs.ext4 -q $TWO; mkdir -p /run/at; mount -o ro $TWO /run/at", "raid1", ``,
			[]string{"$TWO is to be a member of the array \"data\" but is mounted at /run/at", "an array can be made only of what nothing else uses", "storage.raid[0].devices[1]"}},
		{"a member is swapped to", "mkswap $ONE; swapon $ONE", "raid1", ``, []string{"$ONE is to be a member of the array \"data\" but is swapped to"}},
		{"a member is mapped", "dmsetup create taken --table \"0 2048 linear $ONE 0\"; udevadm settle", "raid1", ``, []string{"$ONE is to be a member", "part of dm-", "(taken)"}},
		{"a member is of a foreign array", "mdadm --create /dev/md/foreign --run --homehost any --level raid1 --raid-devices 2 $TWO $THREE --assume-clean; mdadm --wait-clean /dev/md/foreign", "raid1", ``,
			[]string{"$TWO is to be a member of the array \"data\" but is part of md"}},
		{"the name is taken", "mdadm --create /dev/md/data --run --force --homehost any --level raid1 --raid-devices 1 $THREE; mdadm --wait-clean /dev/md/data", "raid1", ``,
			[]string{"/dev/md/data is /dev/md", "already, which is of other devices", "name the array otherwise"}},
		{"another array of them is in use", `mdadm --create /dev/md/data --run --homehost any --level raid0 --raid-devices 2 $ONE $TWO; udevadm settle
			mkfs.ext4 -q /dev/md/data; mkdir -p /run/at; mount -o ro /dev/md/data /run/at; mdadm --wait-clean /dev/md/data`, "raid1", ``,
			[]string{"the array \"data\" has to be stopped", "mounted at /run/at", "stop using it before"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			disks := newMembers(t, 3, 12)
			names := strings.NewReplacer("$ONE", disks[0], "$TWO", disks[1], "$THREE", disks[2])
			shell(t, names.Replace(c.script))
			for i, w := range c.want {
				c.want[i] = names.Replace(w)
			}
			newBoot(t, arrayConfig("data", c.level, c.more, disks[:2]...)).refuses("disks", disks, c.want...)
		})
	}
}

func TestTheSameMemberTwice(t *testing.T) {
	disks := newMembers(t, 1, 12)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(disks[0], link); err != nil {
		t.Fatal(err)
	}
	newBoot(t, arrayConfig("data", "raid1", "", disks[0], link)).refuses("disks", disks, disks[0]+" and "+link+" are the same device", "keep one of the two")
}

func TestWhatMdadmSaysIsReported(t *testing.T) {
	for _, c := range []struct {
		name, level, more string
		locked            bool
		want              []string
	}{
		{"a device is busy for no visible reason", "raid1", ``, true, []string{"making array \"data\" (raid1 of /dev/loop", "busy"}},
		{"an option that it does not know", "raid1", `, "options": ["--nonsense"]`, false, []string{"mdadm --create data", "nonsense", "storage.raid[0]"}},
		{"too few devices", "raid6", ``, false, []string{"mdadm", "at least 4 raid-devices needed for level 6"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			disks := newMembers(t, 2, 12)
			if c.locked {
				f, err := os.OpenFile(disks[1], os.O_RDWR|syscall.O_EXCL, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
			}
			newBoot(t, arrayConfig("data", c.level, c.more, disks...)).refuses("disks", nil, c.want...)
		})
	}
}

func TestAMemberIsMissing(t *testing.T) {
	disks := newMembers(t, 1, 12)
	newBoot(t, arrayConfig("data", "raid1", "", disks[0], "/dev/disk/by-id/none")).limited().refuses("disks", disks,
		"waiting for /dev/disk/by-id/none", "it is not there after 3 s", filepath.Base(disks[0]), "storage.raid[0].devices[1]")
}

// onArray is two disks with a partition each, an array of these, and a filesystem.
func onArray(one, two, device string) string {
	return fmt.Sprintf(`{"ignition": {"version": "3.5.0"}, "storage": {
		"disks": [
			{"device": %q, "wipeTable": true, "partitions": [{"label": "member-1", "sizeMiB": 40}]},
			{"device": %q, "wipeTable": true, "partitions": [{"label": "member-2", "sizeMiB": 40}]}],
		"raid": [{"name": "whole", "level": "raid1", "devices": ["/dev/disk/by-partlabel/member-1", "/dev/disk/by-partlabel/member-2"]}],
		"filesystems": [{"device": %q, "format": "ext4", "label": "onarray", "path": "/data"}]}}`, one, two, device)
}

func TestArrayOfNewPartitionsHoldsAFilesystem(t *testing.T) {
	for _, device := range []string{"/dev/md/whole", "/dev/disk/by-id/md-name-any:whole"} {
		t.Run(device, func(t *testing.T) {
			disks := newMembers(t, 2, 64)
			config := onArray(disks[0], disks[1], device)
			b := newBoot(t, config)
			b.must("disks")
			b.must("mount")
			shell(t, "echo kept > "+b.root+"/data/file")
			b.must("umount")
			uuid := detail(t, "/dev/md/whole")["MD_UUID"]
			stopArrays(t, disks)
			b = newBoot(t, config)
			b.must("disks")
			b.must("mount")
			if got := run(t, "cat", b.root+"/data/file"); got != "kept" {
				t.Errorf("the file says %q", got)
			}
			b.must("umount")
			has(t, "/dev/md/whole", map[string]string{"MD_UUID": uuid, "Active Devices": "2"})
			run(t, "e2fsck", "-fn", "/dev/md/whole")
		})
	}
}

func TestArrayThatIsThereIsADisk(t *testing.T) {
	disks := newMembers(t, 2, 40)
	run(t, "mdadm", "--create", "/dev/md/pool", "--run", "--homehost", "any", "--level", "raid0", "--raid-devices", "2", disks[0], disks[1])
	run(t, "udevadm", "settle")
	config := `{"ignition": {"version": "3.5.0"}, "storage": {
		"disks": [{"device": "/dev/md/pool", "partitions": [{"label": "inside", "sizeMiB": 32}]}],
		"filesystems": [{"device": "/dev/disk/by-partlabel/inside", "format": "ext4", "label": "inside"}]}}`
	newBoot(t, config).must("disks")
	p := tableOf(t, "/dev/md/pool").Partitions
	if len(p) != 1 || p[0].Size != 32<<11 {
		t.Fatalf("the partitions are %+v", p)
	}
	// The rules of udev that come with mdadm make no link by the label of a
	// partition.
	if got := blkid(t, p[0].Node, "LABEL"); got != "inside" {
		t.Errorf("the label of %s is %q", p[0].Node, got)
	}
	if log := newBoot(t, config).must("disks"); strings.Contains(log, "[finished]") {
		t.Errorf("the second run is not idle:\n%s", log)
	}
}
