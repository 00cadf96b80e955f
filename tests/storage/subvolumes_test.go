package storage

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/tests/sandbox"
)

// subvolumes is a config with a btrfs on a device.
func subvolumes(device, members string) string {
	return fmt.Sprintf(`{"ignition": {"version": "3.6.0+firstlight.1"}, "storage": {"filesystems": [{"device": %q, "format": "btrfs", %s}]}}`, device, members)
}

// microOS are subvolumes as openSUSE MicroOS has them, in an order in which none is made.
const microOS = `"label": "ROOT", "mountOptions": ["compress=zstd:1"], "subvolumes": [
	{"name": "@/var", "path": "/var", "nocow": true}, {"name": "@/home", "path": "/home", "mountOptions": ["noatime"]}, {"name": "@/root", "path": "/root"},
	{"name": "@/srv", "path": "/srv"}, {"name": "@/opt", "path": "/opt"}, {"name": "@/usr/local", "path": "/usr/local"}, {"name": "@"},
	{"name": "@/boot/grub2/x86_64-efi", "path": "/boot/grub2/x86_64-efi"}, {"name": "@/.snapshots"}, {"name": "@/.snapshots/1/snapshot", "path": "/", "default": true}]`

// madeMicroOS is what the program btrfs says of them.
const madeMicroOS = `@
@/.snapshots
@/.snapshots/1/snapshot default
@/boot/grub2/x86_64-efi
@/home
@/opt
@/root
@/srv
@/usr/local
@/var nocow
755 @/.snapshots/1
755 @/boot
755 @/boot/grub2
755 @/usr`

// mountTop mounts a btrfs with all of its subvolumes.
func mountTop(t testing.TB, device string) (dir string, umount func()) {
	t.Helper()
	dir = t.TempDir()
	run(t, "mount", "-o", "subvolid=5", device, dir)
	return dir, func() { run(t, "umount", dir) }
}

// listing is what subvolumes a btrfs has, and the directories that lead to them.
func listing(t testing.TB, device string) string {
	t.Helper()
	dir, umount := mountTop(t, device)
	defer umount()
	_, def, _ := strings.Cut(run(t, "btrfs", "subvolume", "get-default", dir)+" ", " path ")
	var all []string
	for line := range strings.Lines(run(t, "btrfs", "subvolume", "list", dir)) {
		_, name, _ := strings.Cut(strings.TrimSpace(line), " path ")
		if name == "" {
			continue
		}
		if mode := run(t, "stat", "--format=%a %u:%g", dir+"/"+name); mode != "755 0:0" {
			t.Errorf("%s is %s", name, mode)
		}
		text := name
		if strings.Contains(strings.Fields(run(t, "lsattr", "-d", dir+"/"+name))[0], "C") {
			text += " nocow"
		}
		if name == strings.TrimSpace(def) {
			text += " default"
		}
		all = append(all, text)
	}
	slices.Sort(all)
	// Directories that are the roots of subvolumes have the inode 256.
	return strings.TrimSpace(strings.Join(all, "\n") + "\n" + run(t, "bash", "-c", `cd "$1" && find . -mindepth 1 -type d ! -inum 256 -printf '%m %P\n' | sort -k2`, "-", dir))
}

func TestSubvolumesAreMadeMountedAndKept(t *testing.T) {
	disk := newDisk(t, 512)
	b := newBoot(t, subvolumes(disk, microOS))
	if log := b.must("disks"); !strings.Contains(log, `making btrfs "ROOT" on `+disk+" with the subvolumes @/var, @/home, @/root,") {
		t.Errorf("the log does not name them:\n%s", log)
	}
	if got := listing(t, disk); got != madeMicroOS {
		t.Errorf("got\n%s\nwant\n%s", got, madeMicroOS)
	}
	b.must("mount")
	for path, want := range map[string]string{"/": "/@/.snapshots/1/snapshot", "/var": "/@/var", "/home": "/@/home", "/usr/local": "/@/usr/local", "/boot/grub2/x86_64-efi": "/@/boot/grub2/x86_64-efi"} {
		if got := run(t, "findmnt", "--noheadings", "--output", "SOURCE,FSROOT,FSTYPE", b.root+path); strings.Join(strings.Fields(got), " ") != disk+"["+want+"] "+want+" btrfs" {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	if got := run(t, "findmnt", "--noheadings", "--output", "OPTIONS", b.root+"/home"); !strings.Contains(got, "noatime") || !strings.Contains(got, "compress=zstd:1") {
		t.Errorf("the options are %s", got)
	}
	for _, path := range []string{"/etc", "/var/lib", "/root/.ssh"} {
		shell(t, "mkdir -p "+b.root+path+"; touch "+b.root+path+"/file")
	}
	if log := b.must("mount"); strings.Contains(log, "mounting") {
		t.Errorf("it is mounted again:\n%s", log)
	}
	b.must("umount")
	if out, err := try("findmnt", "--noheadings", "--source", disk); err == nil {
		t.Errorf("still mounted: %s", out)
	}
	dir, umount := mountTop(t, disk)
	for _, file := range []string{"@/.snapshots/1/snapshot/etc/file", "@/var/lib/file", "@/root/.ssh/file"} {
		if _, err := os.Stat(dir + "/" + file); err != nil {
			t.Error(err)
		}
	}
	umount()
	shell(t, "btrfs check "+disk)

	// The second run finds all, the third that something is gone.
	made := digest(t, disk)
	if log := newBoot(t, subvolumes(disk, microOS)).must("disks"); strings.Contains(log, "subvolume") || digest(t, disk) != made {
		t.Errorf("the second run has changed something:\n%s", log)
	}
	dir, umount = mountTop(t, disk)
	shell(t, "cd "+dir+"; btrfs subvolume delete @/opt; btrfs subvolume delete @/var; btrfs subvolume set-default 5 .")
	umount()
	if log := newBoot(t, subvolumes(disk, microOS)).must("disks"); !strings.Contains(log, "preparing subvolumes of "+disk+": @/opt (new), @/var (new, nocow), @/.snapshots/1/snapshot (default)") {
		t.Errorf("the log does not say what is made:\n%s", log)
	}
	dir, umount = mountTop(t, disk)
	if _, err := os.Stat(dir + "/@/root/.ssh/file"); err != nil {
		t.Error(err)
	}
	shell(t, "rm -r "+dir+"/@/.snapshots/1/snapshot/* "+dir+"/@/root/.ssh")
	umount()
	if got := listing(t, disk); got != madeMicroOS {
		t.Errorf("the third run has made\n%s\nwant\n%s", got, madeMicroOS)
	}
	newBoot(t, subvolumes(disk, `"wipeFilesystem": true, "subvolumes": [{"name": "only"}]`)).must("disks")
	if got := listing(t, disk); got != "only" {
		t.Errorf("made anew it has\n%s", got)
	}
}

// A root that is mounted, also read-only, and whose subvolumes are to be mounted below it:
// what MicroOS needs for /home, /root and /var.
func TestSubvolumesOfTheRunningRoot(t *testing.T) {
	for _, mode := range []string{"rw", "ro"} {
		t.Run(mode, func(t *testing.T) {
			disk := newDisk(t, 512)
			newBoot(t, subvolumes(disk, microOS)).must("disks")
			dir, umount := mountTop(t, disk)
			shell(t, "cd "+dir+"/@/.snapshots/1/snapshot; mkdir -p var home root srv usr/local; btrfs subvolume delete "+dir+"/@/srv; touch "+dir+"/@/home/kept")
			umount()
			b := newBoot(t, subvolumes(disk, `"subvolumes": [{"name": "@/var", "path": "/var"}, {"name": "@/home", "path": "/home"}, {"name": "@/srv", "path": "/srv"}]`))
			run(t, "mount", "-o", mode, disk, b.root)
			run(t, "mount", "-o", "subvol=@/var", disk, b.root+"/var") // as the initramfs of MicroOS does
			b.must("disks")
			log := b.must("mount")
			if strings.Contains(log, "at /var") || !strings.Contains(log, "mounting subvolume @/srv of "+disk+" at /srv") {
				t.Errorf("the log is\n%s", log)
			}
			run(t, "touch", b.root+"/home/new", b.root+"/srv/new", b.root+"/var/new")
			if got := run(t, "ls", b.root+"/home"); got != "kept\nnew" {
				t.Errorf("/home has %q", got)
			}
			b.must("umount")
			if got := run(t, "findmnt", "--noheadings", "--output", "FSROOT", "--source", disk); !strings.Contains(got, "/@/.snapshots/1/snapshot") || strings.Contains(got, "/@/home") {
				t.Errorf("mounted is %q", got)
			}
			run(t, "umount", b.root)
		})
	}
}

func TestWhatIsInTheWayOfSubvolumes(t *testing.T) {
	disk, other := newDisk(t, 512), newDisk(t, 512)
	shell(t, fmt.Sprintf(`mkfs.btrfs --quiet %s; at=$(mktemp -d); mount %[1]s $at; mkdir -p $at/home; touch $at/file; ln -s home $at/link; umount $at; udevadm settle`, disk))
	config := fmt.Sprintf(`{"ignition": {"version": "3.6.0+firstlight.1"}, "storage": {"filesystems": [
		{"device": %q, "format": "ext4"},
		{"device": %q, "format": "btrfs", "subvolumes": [{"name": "home"}, {"name": "file/x"}, {"name": "link/x"}, {"name": "good"}]}]}}`, other, disk)
	newBoot(t, config).refuses("disks", []string{disk, other}, "problem 3 ", `has a directory at "home", where the config wants the subvolume`, `has a file or a link at "file", where the config wants a directory for subvolumes`,
		`has a file or a link at "link"`, "move it away, or choose another name; wipeFilesystem: true makes the filesystem anew")
	newBoot(t, strings.Replace(config, `"subvolumes"`, `"wipeFilesystem": true, "subvolumes"`, 1)).must("disks")
	if got, want := listing(t, disk), "file/x\ngood\nhome\nlink/x\n755 file\n755 link"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSubvolumesOfADamagedFilesystem(t *testing.T) {
	disk := newDisk(t, 512)
	newBoot(t, subvolumes(disk, `"subvolumes": [{"name": "@"}]`)).must("disks")
	// The checksum of the superblock is wrong; its magic number is not.
	shell(t, fmt.Sprintf(`printf '\377' | dd of=%s bs=1 seek=$((65536 + 0x50)) conv=notrunc,fsync status=none`, disk))
	newBoot(t, subvolumes(disk, `"subvolumes": [{"name": "@"}, {"name": "@/var"}]`)).refuses("disks", []string{disk}, "looking at the subvolumes of "+disk, "storage.filesystems[0].subvolumes")
}

func TestSubvolumesWithoutTheKernelsHelpAreRefusedAtOnce(t *testing.T) {
	for errno, want := range map[unix.Errno][]string{
		unix.ENODEV: {`the kernel has no filesystem "btrfs"`, "add the kernel module of btrfs to the initramfs"},
		unix.ENOSYS: {"making subvolumes takes Linux 5.9 or later"},
	} {
		t.Run(errno.Error(), func(t *testing.T) {
			disk, other := newDisk(t, 512), newDisk(t, 128)
			config := strings.Replace(subvolumes(disk, `"subvolumes": [{"name": "@"}]`), `{"device"`, fmt.Sprintf(`{"device": %q, "format": "ext4"}, {"device"`, other), 1)
			b := newBoot(t, config)
			if err := sandbox.Deny(unix.SYS_FSOPEN, errno); err != nil {
				t.Fatal(err)
			}
			b.refuses("disks", []string{disk, other}, append(want, "preparing for the subvolumes of "+disk, "storage.filesystems[1].subvolumes")...)
		})
	}
}

// On partitions of the config, and in a volume, which can be looked at only when it is open.
func TestSubvolumesOnPartitionsAndInVolumes(t *testing.T) {
	disk := newDisk(t, 768)
	config := fmt.Sprintf(`{"ignition": {"version": "3.6.0+firstlight.1"}, "storage": {
		"disks": [{"device": %q, "partitions": [{"label": "plain", "sizeMiB": 300}, {"label": "vault", "sizeMiB": 300}]}],
		"luks": [{"name": "subvolumes", "device": "/dev/disk/by-partlabel/vault", "keyFile": {"source": "data:,x"}, "options": ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"]}],
		"filesystems": [
			{"device": "/dev/disk/by-partlabel/plain", "format": "btrfs", "subvolumes": [{"name": "a", "path": "/a"}]},
			{"device": "/dev/mapper/subvolumes", "format": "btrfs", "subvolumes": [{"name": "b", "path": "/a/b"}]}]}}`, disk)
	for range 2 {
		b := newBoot(t, config)
		b.must("disks")
		b.must("mount")
		if got := run(t, "findmnt", "--noheadings", "--output", "FSROOT", b.root+"/a/b"); got != "/b" {
			t.Errorf("/a/b is %q", got)
		}
		b.must("umount")
		tearDown(t, disk)
	}
}

func TestKilledAnywhereTheNextRunMakesTheSameSubvolumes(t *testing.T) {
	disk := newDisk(t, 512)
	began := time.Now()
	newBoot(t, subvolumes(disk, microOS)).must("disks")
	took := time.Since(began)
	const kills = 6
	partly := 0
	for range kills {
		run(t, "wipefs", "--all", "--quiet", disk)
		b := newBoot(t, subvolumes(disk, microOS))
		begun, after := time.Time{}, rand.N(took)
		b.kill("disks", func(int) bool {
			if begun.IsZero() {
				begun = time.Now()
			}
			return time.Since(begun) > after
		})
		shell(t, "udevadm settle")
		if blkid(t, disk, "TYPE") == "btrfs" && listing(t, disk) != madeMicroOS {
			partly++
		}
		newBoot(t, subvolumes(disk, microOS)).must("disks")
		if got := listing(t, disk); got != madeMicroOS {
			t.Errorf("killed after %v of %v, the next run makes\n%s\nwant\n%s", after, took, got, madeMicroOS)
		}
	}
	t.Logf("of %d runs that were killed, %d had made only a part", kills, partly)
	// The states between, one by one: no subvolume yet, and those before each.
	for _, step := range []string{"true", "btrfs subvolume create @", "btrfs subvolume create @; mkdir @/boot; btrfs subvolume create @/.snapshots", "btrfs subvolume create @; btrfs subvolume create @/var"} {
		run(t, "mkfs.btrfs", "--quiet", "--force", "--label", "ROOT", disk)
		dir, umount := mountTop(t, disk)
		shell(t, "cd "+dir+"; "+step)
		umount()
		newBoot(t, subvolumes(disk, microOS)).must("disks")
		if got := listing(t, disk); got != madeMicroOS {
			t.Errorf("after %q the next run makes\n%s\nwant\n%s", step, got, madeMicroOS)
		}
	}
}
