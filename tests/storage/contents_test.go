package storage

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A filesystem that is as the config wants it keeps what is in it, on sectors of
// either size.
func TestFilesInAKeptFilesystemSurvive(t *testing.T) {
	for _, format := range []string{"ext4", "xfs", "btrfs", "vfat"} {
		for _, sector := range []int{512, 4096} {
			t.Run(fmt.Sprintf("%s on sectors of %d", format, sector), func(t *testing.T) {
				disk := newDisk(t, 512, sector)
				b := newBoot(t, filesystem(disk, fmt.Sprintf(`"format": %q, "path": "/data"`, format)))
				b.must("disks")
				b.must("mount")
				file := b.root + "/data/precious"
				if err := os.WriteFile(file, []byte("kept"), 0o600); err != nil {
					t.Fatal(err)
				}
				b.must("umount")
				b.must("disks")
				b.must("mount")
				if got, err := os.ReadFile(file); err != nil || string(got) != "kept" {
					t.Errorf("the file is %q, %v", got, err)
				}
				b.must("umount")
			})
		}
	}
}

// leftSwap puts swap's magic where an ext4 keeps nothing.
const leftSwap = `; printf SWAPSPACE2 | dd of=$disk bs=1 seek=4086 conv=notrunc status=none`

func TestContentsThatAreNotOverwritten(t *testing.T) {
	const uuid = "0d8b2d2e-5f52-4f2f-9b57-7a3a2b2d6c05"
	for name, tc := range map[string]struct {
		before, members string
		refused         []string
	}{
		"another UUID": {"mkfs.ext4 -q -U " + uuid + " $disk", `"format": "ext4", "uuid": "0d8b2d2e-5f52-4f2f-9b57-7a3a2b2d6c06"`,
			[]string{"its UUID is " + uuid, "wipeFilesystem: true makes it anew", "storage.filesystems[0].uuid"}},
		"ext4 where swap was": {"mkfs.ext4 -q $disk" + leftSwap, `"format": "xfs"`, []string{"signatures of several things", "swap", "ext4"}},
		"mounted": {"mkfs.ext4 -q $disk; mkdir -p $dir/mnt; mount -r $disk $dir/mnt", `"format": "ext4", "wipeFilesystem": true`,
			[]string{"is to be wiped but is mounted at"}},
		"swapped to":      {"mkswap -q $disk; swapon $disk", `"format": "swap", "wipeFilesystem": true`, []string{"is to be wiped but is swapped to"}},
		"write-protected": {"blockdev --setro $disk", `"format": "ext4"`, []string{"read-only"}},
	} {
		t.Run(name, func(t *testing.T) {
			disk, dir := newDisk(t, 128), t.TempDir()
			t.Cleanup(func() { run(t, "blockdev", "--setrw", disk) }) // it would be read-only for the next one
			shell(t, fmt.Sprintf("disk=%s; dir=%s; %s; udevadm settle", disk, dir, tc.before))
			t.Cleanup(func() { try("umount", filepath.Join(dir, "mnt")) })
			newBoot(t, filesystem(disk, tc.members)).refuses("disks", []string{disk}, append(tc.refused, disk)...)
		})
	}
}

// What holds no table that can be used is replaced when the config says so.
func TestTablesThatAreWiped(t *testing.T) {
	for name, before := range map[string]string{
		"a hybrid table":                  threeParts + `; sgdisk -h 1 $disk > /dev/null; udevadm settle`,
		"garbage where both headers were": threeParts + `; for at in 1 $(($(blockdev --getsz $disk) - 1)); do dd if=/dev/urandom of=$disk bs=512 seek=$at count=1 conv=notrunc status=none; done; udevadm settle`,
		"a filesystem":                    `mkfs.ext4 -q $disk`,
	} {
		t.Run(name, func(t *testing.T) {
			disk := newDisk(t, 256)
			shell(t, "disk="+disk+"; "+before)
			config := fmt.Sprintf(`{"ignition": {"version": "3.5.0"}, "storage": {"disks": [{"device": %q, "wipeTable": true, "partitions": [{"label": "only"}]}]}}`, disk)
			newBoot(t, config).must("disks")
			if got := describe(t, disk); got != "1 only 1+254" {
				t.Errorf("the table is\n%s", got)
			}
			kernelAgrees(t, disk)
		})
	}
}

func TestMountOptionsReachTheKernel(t *testing.T) {
	for _, tc := range []struct{ format, option string }{
		{"ext4", "data=journal"}, {"ext4", "discard"}, {"xfs", "noatime"}, {"btrfs", "subvol=/"}, {"vfat", "ro"},
	} {
		t.Run(tc.format+" "+tc.option, func(t *testing.T) {
			disk := newDisk(t, 512)
			b := newBoot(t, filesystem(disk, fmt.Sprintf(`"format": %q, "path": "/data", "mountOptions": [%q]`, tc.format, tc.option)))
			b.must("disks")
			b.must("mount")
			got := run(t, "findmnt", "--noheadings", "--output", "OPTIONS", b.root+"/data")
			if !strings.Contains(","+got+",", ","+tc.option+",") {
				t.Errorf("the options are %s", got)
			}
			b.must("umount")
		})
	}
}

func TestMountThatFailsLeavesNothingMounted(t *testing.T) {
	outer, inner := newDisk(t, 64), newDisk(t, 64)
	b := newBoot(t, fmt.Sprintf(`{"ignition": {"version": "3.5.0"}, "storage": {"filesystems": [
		{"device": %q, "format": "ext4", "path": "/var"},
		{"device": %q, "format": "ext4", "path": "/var/data", "mountOptions": ["no_such_option"]}]}}`, outer, inner))
	b.must("disks")
	b.refuses("mount", nil, "mounting "+inner+" at /var/data", "no_such_option")
	if out, err := try("findmnt", "--noheadings", b.root+"/var"); err == nil {
		t.Errorf("still mounted: %s", out)
	}
}

func TestPlanOfTheWorkstationShowsWhatIsInTheWay(t *testing.T) {
	disk := newDisk(t, 128)
	run(t, "mkfs.ext4", "-q", "-L", "precious", disk)
	config := filepath.Join(t.TempDir(), "config.ign")
	text := fmt.Sprintf(`{"ignition": {"version": "3.5.0"}, "storage": {"disks": [{"device": %q, "partitions": [{"label": "new"}]}]}}`, disk)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	before := digest(t, disk)
	out, err := try("/share/firstlightctl", "plan", config)
	for _, want := range []string{disk, "precious", "wipeTable"} {
		if err == nil || !strings.Contains(out, want) {
			t.Errorf("%q is not in a refusal (%v):\n%s", want, err, out)
		}
	}
	if digest(t, disk) != before {
		t.Error("the disk was changed")
	}
}
