//go:build linux

package system

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A mountFlag is an option that the kernel takes as a bit rather than as text.
type mountFlag struct {
	bit   uintptr
	clear bool // the option takes the bit away: "rw"
}

// mountFlags are the options independent of a filesystem; see mount(8).
var mountFlags = map[string]mountFlag{
	"defaults": {}, "ro": {unix.MS_RDONLY, false}, "rw": {unix.MS_RDONLY, true},
	"suid": {unix.MS_NOSUID, true}, "nosuid": {unix.MS_NOSUID, false},
	"dev": {unix.MS_NODEV, true}, "nodev": {unix.MS_NODEV, false},
	"exec": {unix.MS_NOEXEC, true}, "noexec": {unix.MS_NOEXEC, false},
	"async": {unix.MS_SYNCHRONOUS, true}, "sync": {unix.MS_SYNCHRONOUS, false},
	"dirsync": {unix.MS_DIRSYNC, false},
	"atime":   {unix.MS_NOATIME, true}, "noatime": {unix.MS_NOATIME, false},
	"diratime": {unix.MS_NODIRATIME, true}, "nodiratime": {unix.MS_NODIRATIME, false},
	"relatime": {unix.MS_RELATIME, false}, "norelatime": {unix.MS_RELATIME, true},
	"strictatime": {unix.MS_STRICTATIME, false}, "nostrictatime": {unix.MS_STRICTATIME, true},
	"lazytime": {unix.MS_LAZYTIME, false}, "nolazytime": {unix.MS_LAZYTIME, true},
	"iversion": {unix.MS_I_VERSION, false}, "noiversion": {unix.MS_I_VERSION, true},
	"mand": {unix.MS_MANDLOCK, false}, "nomand": {unix.MS_MANDLOCK, true},
	"silent": {unix.MS_SILENT, false}, "loud": {unix.MS_SILENT, true},
	"nosymfollow": {unix.MS_NOSYMFOLLOW, false}, "symfollow": {unix.MS_NOSYMFOLLOW, true},
	"bind": {unix.MS_BIND, false}, "rbind": {unix.MS_BIND | unix.MS_REC, false},
	// For programs that read fstab; they mean nothing to the kernel.
	"auto": {}, "noauto": {}, "nofail": {}, "_netdev": {}, "nouser": {}, "nousers": {}, "nogroup": {}, "noowner": {},
	// These imply what mount(8) says they do.
	"user":  {unix.MS_NOEXEC | unix.MS_NOSUID | unix.MS_NODEV, false},
	"users": {unix.MS_NOEXEC | unix.MS_NOSUID | unix.MS_NODEV, false},
	"owner": {unix.MS_NOSUID | unix.MS_NODEV, false},
	"group": {unix.MS_NOSUID | unix.MS_NODEV, false},
}

// parseMountOptions sorts options as mount(8) does: what every filesystem knows
// becomes flags for mount(2), what is for other programs is dropped ("x-...",
// "nofail"), and the rest is text for the filesystem. An item may hold several
// options, with commas between them.
func parseMountOptions(options []string) (flags uintptr, data string) {
	var rest []string
	for _, option := range splitOptions(strings.Join(options, ",")) {
		flag, known := mountFlags[option]
		switch {
		case known && flag.clear:
			flags &^= flag.bit
		case known:
			flags |= flag.bit
		case option == "", forPrograms(option):
		default:
			rest = append(rest, option)
		}
	}
	return flags, strings.Join(rest, ",")
}

// splitOptions splits at commas that are not inside double quotes, as in
// context="system_u:object_r:tmp_t:s0:c1,c2". The quotes are not the kernel's.
func splitOptions(text string) []string {
	var options []string
	var word strings.Builder
	quoted := false
	for _, c := range text {
		switch {
		case c == '"':
			quoted = !quoted
			word.WriteRune(c)
		case c == ',' && !quoted:
			options = append(options, word.String())
			word.Reset()
		default:
			word.WriteRune(c)
		}
	}
	return append(options, word.String())
}

func forPrograms(option string) bool {
	name, _, _ := strings.Cut(option, "=")
	return strings.HasPrefix(option, "x-") || strings.HasPrefix(option, "X-") || name == "comment" || name == "uhelper" || name == "helper"
}

// A MountError is a mount or umount that the kernel refused.
type MountError struct {
	Source, Target, Type, Data string
	Err                        error // a unix.Errno
}

func (e *MountError) Unwrap() error { return e.Err }

func (e *MountError) Error() string {
	words := e.Err.Error()
	switch {
	case errors.Is(e.Err, unix.ENODEV):
		words = fmt.Sprintf("the kernel has no filesystem %q (%v)", e.Type, e.Err)
	case errors.Is(e.Err, unix.EINVAL) && e.Type == "":
		words = fmt.Sprintf("nothing is mounted there (%v)", e.Err)
	case errors.Is(e.Err, unix.EINVAL):
		words = fmt.Sprintf("the kernel does not take it as %s with the options %q (%v)", e.Type, e.Data, e.Err)
	case errors.Is(e.Err, unix.EBUSY):
		words = fmt.Sprintf("it is in use (%v)", e.Err)
	case errors.Is(e.Err, fs.ErrNotExist):
		words = fmt.Sprintf("the device or the mount point is not there (%v)", e.Err)
	case e.damaged():
		words = fmt.Sprintf("the %s on it is damaged (%v)", e.Type, e.Err)
	}
	return words
}

// damaged reports whether the kernel has found the filesystem itself to be wrong: a
// checksum (EBADMSG), its structure (EUCLEAN), or a block that cannot be read.
func (e *MountError) damaged() bool {
	return e.Source != "" && (e.Err == unix.EBADMSG || e.Err == unix.EUCLEAN || e.Err == unix.EIO)
}

// Is has all damage count as what it is on a disk that fails, for whoever asks what kind
// of failure it was.
func (e *MountError) Is(target error) bool { return target == unix.EIO && e.damaged() }

// checkers are the programs that check filesystems, with the options that it takes.
var checkers = []struct{ format, command string }{
	{"btrfs", "btrfs check"}, {"ext2", "e2fsck -f"}, {"ext3", "e2fsck -f"}, {"ext4", "e2fsck -f"}, {"vfat", "fsck.fat -a"}, {"xfs", "xfs_repair"},
}

// repairHint names the program that checks a filesystem and can repair it. It is not ours
// to run: a repair may take away what somebody wants to look at first.
func (e *MountError) repairHint() string {
	hint := "a power cut while it was written, or a failing disk, can leave it so; "
	for _, c := range checkers {
		if c.format == e.Type {
			hint += fmt.Sprintf("check it with %s %s, or have it made anew; ", c.command, e.Source)
		}
	}
	return hint + "the kernel log (dmesg) says what is wrong"
}

// Mount mounts a device, or a virtiofs tag, with options as mount(8) takes
// them. The kernel loads the filesystem's module by itself. The error is a
// *MountError.
func Mount(source, target, fstype string, options []string) error {
	flags, data := parseMountOptions(options)
	err := unix.Mount(source, target, fstype, flags, data)
	if err == nil {
		return nil
	}
	return &MountError{source, target, fstype, data, err}
}

// Hint is what could be done about it.
func (e *MountError) Hint() string {
	unmount := e.Source == ""
	switch {
	case unmount && errors.Is(e.Err, unix.EBUSY):
		return "a program has a file open below it, or something else is mounted there; see /proc/mounts"
	case unmount:
		return ""
	case errors.Is(e.Err, unix.ENODEV):
		return fmt.Sprintf("add the kernel module of %s to the initramfs (dracut --add-drivers %s)", e.Type, e.Type)
	case errors.Is(e.Err, unix.EINVAL):
		return fmt.Sprintf("check the mount options and that %s really holds %s; the kernel log (dmesg) says which it was", e.Source, e.Type)
	case errors.Is(e.Err, unix.EBUSY):
		return fmt.Sprintf("see /proc/mounts and /sys/class/block for what uses %s", e.Source)
	case errors.Is(e.Err, unix.EROFS), errors.Is(e.Err, unix.EACCES):
		return fmt.Sprintf("%s is read-only: add \"ro\" to the mount options or make it writable", e.Source)
	case e.damaged():
		return e.repairHint()
	}
	return "the kernel log (dmesg) may say more"
}

// Unmount unmounts what is mounted at target. The error is a *MountError.
func Unmount(target string) error {
	if err := unix.Unmount(target, unix.UMOUNT_NOFOLLOW); err != nil {
		return &MountError{Target: target, Err: err}
	}
	return nil
}

// A MountPoint is one line of mountinfo; see proc_pid_mountinfo(5).
type MountPoint struct {
	Major, Minor         uint32
	Target, Type, Source string
	// Root is what of the filesystem is mounted, from its top: "/", or a subvolume.
	Root string
}

// MountPoints reads a mountinfo file, normally /proc/self/mountinfo. Later
// mounts at the same mount point come later.
func MountPoints(path string) ([]MountPoint, error) {
	text, err := ReadFile(path, KernelText)
	if err != nil {
		return nil, fmt.Errorf("reading what is mounted: %w", err)
	}
	var points []MountPoint
	for line := range strings.SplitSeq(string(text), "\n") {
		if p, ok := parseMountPoint(line); ok {
			points = append(points, p)
		}
	}
	return points, nil
}

func parseMountPoint(line string) (MountPoint, bool) {
	before, after, found := strings.Cut(line, " - ")
	left, right := strings.Fields(before), strings.Fields(after)
	if !found || len(left) < 5 || len(right) < 2 {
		return MountPoint{}, false
	}
	major, minor, _ := strings.Cut(left[2], ":")
	majorNumber, err1 := strconv.ParseUint(major, 10, 32)
	minorNumber, err2 := strconv.ParseUint(minor, 10, 32)
	return MountPoint{Major: uint32(majorNumber), Minor: uint32(minorNumber), Root: unescapeMount(left[3]), Target: unescapeMount(left[4]), Type: right[0], Source: unescapeMount(right[1])},
		err1 == nil && err2 == nil
}

var mountEscapes = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// unescapeMount undoes the kernel's octal escapes of blanks and backslashes.
func unescapeMount(text string) string {
	return mountEscapes.Replace(text)
}
