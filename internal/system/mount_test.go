package system

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestMountOptionsAreUnderstoodAsMountDoes(t *testing.T) {
	for _, c := range []struct {
		options string
		flags   uintptr
		data    string
	}{
		{"", 0, ""},
		{"defaults", 0, ""},
		{"ro|nosuid,nodev|noexec", unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, ""},
		{"ro|rw", 0, ""},
		{"noatime,subvol=/a,compress=zstd:1", unix.MS_NOATIME, "subvol=/a,compress=zstd:1"},
		{"user,exec,dev", unix.MS_NOSUID, ""},
		{"sync|dirsync|lazytime|strictatime", unix.MS_SYNCHRONOUS | unix.MS_DIRSYNC | unix.MS_LAZYTIME | unix.MS_STRICTATIME, ""},
		{"x-systemd.automount,nofail,_netdev,noauto,comment=hello,X-mount.mkdir,discard", 0, "discard"},
		{`context="system_u:object_r:tmp_t:s0:c1,c2",ro`, unix.MS_RDONLY, `context="system_u:object_r:tmp_t:s0:c1,c2"`},
		{"rbind", unix.MS_BIND | unix.MS_REC, ""},
	} {
		flags, data := parseMountOptions(strings.Split(c.options, "|"))
		if flags != c.flags || data != c.data {
			t.Errorf("%s: flags %#x, data %q; want %#x, %q", c.options, flags, data, c.flags, c.data)
		}
	}
}

func TestMountErrorsAreReadInWords(t *testing.T) {
	for _, c := range []struct {
		err  MountError
		want string
	}{
		{MountError{Type: "zfs", Err: unix.ENODEV}, `the kernel has no filesystem "zfs" (no such device)`},
		{MountError{Type: "ext4", Data: "foo", Err: unix.EINVAL}, `the kernel does not take it as ext4 with the options "foo" (invalid argument)`},
		{MountError{Type: "ext4", Err: unix.EBUSY}, "it is in use (device or resource busy)"},
		{MountError{Err: unix.EINVAL}, "nothing is mounted there (invalid argument)"},
		{MountError{Type: "ext4", Err: unix.ENOENT}, "the device or the mount point is not there (no such file or directory)"},
		{MountError{Type: "ext4", Err: unix.EPERM}, "operation not permitted"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
		if !errors.Is(&c.err, c.err.Err) {
			t.Errorf("%v does not wrap its cause", c.want)
		}
	}
	for err, want := range map[error]string{unix.ENODEV: "dracut --add-drivers xfs", unix.EINVAL: "really holds xfs", unix.EBUSY: "/proc/mounts", unix.EROFS: `add "ro"`, unix.EPERM: "dmesg"} {
		if got := (&MountError{Source: "/dev/x", Type: "xfs", Err: err}).Hint(); !strings.Contains(got, want) {
			t.Errorf("%v: the hint is %s", err, got)
		}
	}
}

func TestDamagedFilesystemsAreNamedWithWhatRepairsThem(t *testing.T) {
	for format, want := range map[string]string{
		"ext4": "; check it with e2fsck -f /dev/x, or have it made anew; ", "xfs": "check it with xfs_repair /dev/x,",
		"btrfs": "check it with btrfs check /dev/x,", "vfat": "check it with fsck.fat -a /dev/x,", "f2fs": "dmesg",
	} {
		for _, errno := range []unix.Errno{unix.EBADMSG, unix.EUCLEAN, unix.EIO} {
			err := &MountError{Source: "/dev/x", Type: format, Err: errno}
			if got := err.Error(); got != fmt.Sprintf("the %s on it is damaged (%v)", format, errno) {
				t.Errorf("%v: the text is %s", errno, got)
			}
			if got := err.Hint(); !strings.Contains(got, want) || !strings.Contains(got, "a power cut while it was written") {
				t.Errorf("%s, %v: the hint is %s", format, errno, got)
			}
			if !errors.Is(err, unix.EIO) || !errors.Is(err, errno) {
				t.Errorf("%v does not count as an error of the disk", errno)
			}
		}
	}
	if err := (&MountError{Target: "/x", Err: unix.EIO}); err.Error() != "input/output error" || err.Hint() != "" {
		t.Errorf("unmounting: %v, %s", err, err.Hint())
	}
}

func TestMountPoints(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mountinfo")
	text := "36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue\ngarbage\n37 36 0:5 / /x rw - tmpfs none rw\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := MountPoints(path)
	if err != nil || len(got) != 2 {
		t.Fatalf("%v, %v", got, err)
	}
	if want := (MountPoint{98, 0, "/mnt 2", "ext3", "/dev/root", "/mnt1"}); got[0] != want {
		t.Errorf("got %+v, want %+v", got[0], want)
	}
}
