package storage

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Formats, with what checks them, and a UUID of their kind.
var formats = map[string]struct{ check, uuid, option string }{
	"ext4":  {"e2fsck -fn", "0d8b2d2e-5f52-4f2f-9b57-7a3a2b2d6c01", `"-b", "4096"`},
	"xfs":   {"xfs_repair -n", "0d8b2d2e-5f52-4f2f-9b57-7a3a2b2d6c02", `"-m", "reflink=0"`},
	"btrfs": {"btrfs check", "0d8b2d2e-5f52-4f2f-9b57-7a3a2b2d6c03", `"--nodesize", "16384"`},
	"vfat":  {"fsck.fat -n", "ABCD-1234", `"-F", "32"`},
	"swap":  {"true", "0d8b2d2e-5f52-4f2f-9b57-7a3a2b2d6c04", `"--pagesize", "4096"`},
}

// filesystem is a config with one filesystem on a whole disk.
func filesystem(disk, members string) string {
	return fmt.Sprintf(`{"ignition": {"version": "3.5.0"}, "storage": {"filesystems": [{"device": %q, %s}]}}`, disk, members)
}

func TestFilesystemsAreMadeKeptAndMadeAnew(t *testing.T) {
	for format, f := range formats {
		t.Run(format, func(t *testing.T) {
			disk := newDisk(t, 512)
			config := filesystem(disk, fmt.Sprintf(`"format": %q, "label": "DATA", "uuid": %q, "options": [%s]`, format, f.uuid, f.option))
			newBoot(t, config).must("disks")
			if got := blkid(t, disk, "TYPE") + " " + blkid(t, disk, "LABEL") + " " + blkid(t, disk, "UUID"); got != format+" DATA "+f.uuid {
				t.Errorf("blkid finds %q", got)
			}
			shell(t, f.check+" "+disk)
			made := digest(t, disk)
			newBoot(t, config).must("disks")
			if digest(t, disk) != made {
				t.Error("a second run has changed it")
			}
			other := filesystem(disk, fmt.Sprintf(`"format": %q, "label": "OTHER"`, format))
			newBoot(t, other).refuses("disks", []string{disk}, `its label is "DATA", the config asks for "OTHER"`, "wipeFilesystem: true makes it anew", "storage.filesystems[0].label")
			newBoot(t, strings.Replace(other, `"label"`, `"wipeFilesystem": true, "label"`, 1)).must("disks")
			if got := blkid(t, disk, "LABEL"); got != "OTHER" {
				t.Errorf("the label is %q", got)
			}
		})
	}
}

func TestWhatADeviceHolds(t *testing.T) {
	for name, tc := range map[string]struct {
		before, members string
		refused         []string
		after           string // what blkid finds; "" is nothing
	}{
		"another format":           {"mkfs.xfs -q $disk", `"format": "ext4"`, []string{"holds xfs; the config asks for ext4", "wipeFilesystem: true"}, ""},
		"another format is wiped":  {"mkfs.xfs -q $disk", `"format": "ext4", "wipeFilesystem": true`, nil, "ext4"},
		"something is not nothing": {"mkfs.ext4 -q $disk", `"format": "none"`, []string{"holds ext4", "the config says that it holds nothing"}, ""},
		"nothing at last":          {"mkfs.ext4 -q $disk", `"format": "none", "wipeFilesystem": true`, nil, ""},
		"a partition table":        {"sgdisk -n 1 $disk > /dev/null", `"format": "ext4"`, []string{"gpt"}, ""},
		"a member of an array": {"mdadm --create /dev/md/x --run --force --level 1 --raid-devices 1 $disk 2> /dev/null; mdadm --stop /dev/md/x",
			`"format": "ext4"`, []string{"linux_raid_member"}, ""},
		"a LUKS volume": {"echo x | cryptsetup luksFormat -q --key-file - --pbkdf pbkdf2 --pbkdf-force-iterations 1000 $disk", `"format": "ext4"`, []string{"crypto_LUKS"}, ""},
		"two at once": {"mkfs.btrfs -q $disk; truncate -s 1M /dev/shm/swap; mkswap -q /dev/shm/swap; dd if=/dev/shm/swap of=$disk bs=4096 count=1 conv=notrunc status=none",
			`"format": "xfs"`, []string{"btrfs", "swap"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			disk := newDisk(t, 512)
			shell(t, "disk="+disk+"; "+tc.before+"; udevadm settle")
			b := newBoot(t, filesystem(disk, tc.members))
			if tc.refused != nil {
				b.refuses("disks", []string{disk}, append(tc.refused, disk)...)
				return
			}
			b.must("disks")
			if got := blkid(t, disk, "TYPE"); got != tc.after {
				t.Errorf("it holds %q", got)
			}
		})
	}
}

func TestMountsAreInOrderAndTakenAwayAgain(t *testing.T) {
	outer, middle, plain := newDisk(t, 128), newDisk(t, 128), newDisk(t, 128)
	config := fmt.Sprintf(`{"ignition": {"version": "3.5.0"}, "storage": {"filesystems": [
		{"device": %q, "format": "ext4", "path": "/var/lib/data", "mountOptions": ["noatime", "ro"]},
		{"device": %q, "format": "ext4", "path": "/var"},
		{"device": %q, "format": "vfat", "path": "/boot/efi"}]}}`, middle, outer, plain)
	b := newBoot(t, config)
	b.must("disks")
	b.must("mount")
	for path, want := range map[string]string{"/var": outer, "/var/lib/data": middle, "/boot/efi": plain} {
		if got := run(t, "findmnt", "--noheadings", "--output", "SOURCE", b.root+path); got != want {
			t.Errorf("%s is %s, not %s", path, got, want)
		}
	}
	if got := run(t, "findmnt", "--noheadings", "--output", "OPTIONS", b.root+"/var/lib/data"); !strings.Contains(got, "noatime") || !strings.HasPrefix(got, "ro,") {
		t.Errorf("the options are %s", got)
	}
	if got := run(t, "stat", "--format=%a %u:%g", b.root+"/var/lib"); got != "755 0:0" {
		t.Errorf("the directory made on the way is %s", got)
	}
	b.must("umount")
	if out, err := try("findmnt", "--noheadings", b.root+"/var"); err == nil {
		t.Errorf("still mounted: %s", out)
	}
}

// Subvolumes of one Btrfs, named by different links, as on MicroOS.
func TestOneBtrfsIsMountedAtTwoPaths(t *testing.T) {
	disk := newDisk(t, 512)
	shell(t, fmt.Sprintf(`mkfs.btrfs --quiet --label SUBVOLUMES %s; at=$(mktemp -d); mount %[1]s $at; mkdir $at/@
		btrfs -q subvolume create $at/@/home 2> /dev/null || btrfs subvolume create $at/@/home; btrfs subvolume create $at/@/root
		touch $at/@/home/here $at/@/root/there; umount $at; udevadm trigger --settle %[1]s`, disk))
	entries := func(first, second string) string {
		return fmt.Sprintf(`{"ignition": {"version": "3.5.0"}, "storage": {"filesystems": [
			{"device": "/dev/disk/by-label/SUBVOLUMES", "format": "btrfs", "path": "/home", "wipeFilesystem": false, "mountOptions": ["subvol=/@/home"]%s},
			{"device": %q, "format": "btrfs", "path": "/root", "mountOptions": ["subvol=/@/root"]%s}]}}`, first, disk, second)
	}
	made := digest(t, disk)
	newBoot(t, entries("", `, "wipeFilesystem": true`)).refuses("disks", []string{disk}, "/dev/disk/by-label/SUBVOLUMES and "+disk+" are the same device", "keep one of the two")
	newBoot(t, entries(`, "label": "SUBVOLUMES"`, `, "label": "OTHER"`)).refuses("disks", []string{disk}, "are the same device")
	b := newBoot(t, entries("", ""))
	b.must("disks")
	if digest(t, disk) != made {
		t.Error("the filesystem was changed")
	}
	b.must("mount")
	for path, file := range map[string]string{"/home": "here", "/root": "there"} {
		if got := run(t, "ls", b.root+path); got != file {
			t.Errorf("%s holds %q, want %q", path, got, file)
		}
	}
	b.must("umount")
	if out, err := try("findmnt", "--noheadings", "--source", disk); err == nil {
		t.Errorf("still mounted: %s", out)
	}
}

func TestMountThatFailsSaysWhy(t *testing.T) {
	disk := newDisk(t, 64)
	b := newBoot(t, fmt.Sprintf(`{"ignition": {"version": "3.5.0"}, "storage": {"filesystems": [{"device": %q, "format": "ext4", "path": "/data", "mountOptions": ["no_such_option"]}]}}`, disk))
	b.must("disks")
	b.refuses("mount", nil, "mounting "+disk+" at /data", "no_such_option", "storage.filesystems[0]")
}

func TestMissingProgramsAreAllReportedBeforeAnythingIsTouched(t *testing.T) {
	disk, kept, member := newDisk(t, 512), newDisk(t, 512), newDisk(t, 128)
	shell(t, "mkfs.xfs -q -L KEPT "+kept)
	b := newBoot(t, fmt.Sprintf(`{"ignition": {"version": "3.5.0"}, "storage": {
		"disks": [{"device": %q, "partitions": [{"label": "missing-a", "sizeMiB": 64}, {"label": "missing-b", "sizeMiB": 64}]}],
		"raid": [{"name": "missing", "level": "raid0", "devices": [%q]}],
		"luks": [{"name": "missing", "device": "/dev/disk/by-partlabel/missing-b", "clevis": {"custom": {"pin": "sss", "config": "{}"}}}],
		"filesystems": [{"device": %q, "format": "xfs", "label": "KEPT"}, {"device": "/dev/disk/by-partlabel/missing-a", "format": "vfat"}]},
		"passwd": {"users": [{"name": "core"}]}}`, disk, member, kept))
	path := t.TempDir()
	b.env = append(b.env, "PATH="+path)
	b.refuses("disks", []string{disk, kept, member}, "problem 5 ", "the program mdadm is not in this initramfs", "storage.raid[0]", "dracut --install mdadm", "the program cryptsetup is", "storage.luks[0]",
		"clevis is not in this initramfs [line 4, ", "not in this initramfs [line 5, ", "not in this initramfs [line 6, ")
	// The lines of the box are short.
	log := b.stage("disks").log
	for _, want := range []string{"making vfat on /dev/disk/by-partlabel/missing-a: the program mkfs.fat is not in", `creating or changing user "core": the program useradd is not in`} {
		if !strings.Contains(log, want) {
			t.Errorf("%q is not in the log:\n%s", want, log)
		}
	}
	// What is there already takes no program but udev's.
	run(t, "ln", "-s", shell(t, "command -v udevadm"), path)
	b = newBoot(t, filesystem(kept, `"format": "xfs", "label": "KEPT"`))
	b.env = append(b.env, "PATH="+path)
	b.must("disks")
}

func TestDamagedFilesystemSaysWhatChecksIt(t *testing.T) {
	for format, tc := range map[string]struct {
		at    int // of a byte of the superblock that its checksum covers
		check string
	}{"ext4": {1024 + 0x5c, "e2fsck -f "}, "xfs": {0x90, "xfs_repair "}} {
		t.Run(format, func(t *testing.T) {
			disk := newDisk(t, 512)
			b := newBoot(t, filesystem(disk, fmt.Sprintf(`"format": %q, "path": "/data"`, format)))
			b.must("disks")
			shell(t, fmt.Sprintf(`printf '\377' | dd of=%s bs=1 seek=%d conv=notrunc,fsync status=none`, disk, tc.at))
			b.refuses("mount", nil, "mounting "+disk+" at /data", "the "+format+" on it is damaged", "check it with "+tc.check+disk, "a power cut while it was written", "storage.filesystems[0]")
		})
	}
}

func TestAllConflictsAreReportedAtOnce(t *testing.T) {
	one, two, three := newDisk(t, 128), newDisk(t, 128), newDisk(t, 128)
	shell(t, fmt.Sprintf(`sgdisk -n 1:2048:+32M -c 1:one -n 2:0:+32M -c 2:two %s > /dev/null; mkfs.ext4 -q %s; mkfs.xfs -q -f %s || mkfs.ext4 -q %[3]s; udevadm settle`, one, two, three))
	newBoot(t, fmt.Sprintf(`{"ignition": {"version": "3.5.0"}, "storage": {
		"disks": [
			{"device": %q, "partitions": [{"number": 1, "label": "other"}, {"number": 2, "shouldExist": false}, {"number": 3, "label": "large", "sizeMiB": 1000}]},
			{"device": %q, "partitions": [{"label": "x"}]}],
		"filesystems": [{"device": %q, "format": "btrfs"}]}}`, one, two, three)).refuses("disks", []string{one, two, three},
		"problem 5 ", `the config asks for "other"`, "the config says that it should not", "1000 MiB", two+" has no partition table but holds ext4", "the config asks for btrfs")
}

func TestDeviceThatIsNotThere(t *testing.T) {
	newBoot(t, filesystem("/dev/disk/by-label/none-such", `"format": "ext4"`)).limited().refuses("disks", nil,
		"waiting for /dev/disk/by-label/none-such", "it is not there after 3 s", "da (1.5 GiB, serial lab)", "storage.filesystems[0].device", "firstlight.device_timeout=SECONDS")
}

func TestPlanOfTheWorkstationTouchesNothing(t *testing.T) {
	disk := newDisk(t, 256)
	shell(t, "disk="+disk+"; "+threeParts)
	config := filepath.Join(t.TempDir(), "config.ign")
	text := fmt.Sprintf(`{"ignition": {"version": "3.5.0"}, "storage": {"disks": [{"device": %q, "partitions": [{"label": "new", "sizeMiB": 20}]}]}}`, disk)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	before := digest(t, disk)
	out := run(t, "/share/firstlightctl", "plan", config)
	for _, want := range []string{disk, "one", "three", "new", "20 MiB"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in the picture:\n%s", want, out)
		}
	}
	if digest(t, disk) != before {
		t.Error("the disk was changed")
	}
}

// Facts of real devices, of arrays and partitions among them, are as good as the devices.
func TestPlanOfTheWorkstationIsTheSameWithFacts(t *testing.T) {
	disk, other := newDisk(t, 256), newDisk(t, 64)
	shell(t, "disk="+disk+"; "+threeParts)
	run(t, "mkfs.ext4", "-q", "-L", "precious", other)
	dir := t.TempDir()
	facts, config := filepath.Join(dir, "box.json"), filepath.Join(dir, "config.ign")
	shell(t, "/share/firstlightctl facts > "+facts)
	for _, text := range []string{
		fmt.Sprintf(`"disks": [{"device": %q, "partitions": [{"label": "new", "sizeMiB": 20}]}], "filesystems": [{"device": %q, "format": "xfs", "wipeFilesystem": true}]`, disk, other),
		fmt.Sprintf(`"disks": [{"device": %q, "wipeTable": true}, {"device": %q, "partitions": [{"label": "new"}]}]`, disk, other),
		fmt.Sprintf(`"filesystems": [{"device": %q, "format": "ext4", "label": "precious"}]`, other),
	} {
		if err := os.WriteFile(config, []byte(`{"ignition": {"version": "3.5.0"}, "storage": {`+text+"}}"), 0o600); err != nil {
			t.Fatal(err)
		}
		want, _ := try("/share/firstlightctl", "plan", config)
		got, _ := try("/share/firstlightctl", "plan", "--facts", facts, config)
		if start := strings.Index(got, "not judged: what is left in sectors"); start < 0 {
			t.Errorf("nothing is said of what facts cannot tell:\n%s", got)
		}
		if got, want := withoutNotes(got), withoutNotes(want); got != want || !strings.Contains(got, disk) && !strings.Contains(got, other) {
			t.Errorf("with facts\n%s\nwithout\n%s", got, want)
		}
	}
}

// withoutNotes is a plan without what it cannot know.
func withoutNotes(plan string) string {
	var kept []string
	note := false
	for line := range strings.Lines(plan) {
		note = strings.HasPrefix(line, "not judged: ") || note && strings.HasPrefix(line, "            ")
		if !note {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}
