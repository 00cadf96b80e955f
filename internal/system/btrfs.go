//go:build linux

package system

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Btrfs is a filesystem that is mounted at its top, with all subvolumes in it, but nowhere
// in the tree of files: nobody else sees it, and with the process it is gone.
//
// Subvolumes are made by the kernel, as directories are, so that no program is needed.
type Btrfs struct {
	device string
	top    int
	// defaultTree is the number of the tree that is mounted where no subvolume is named.
	defaultTree uint64
}

const btrfs = "btrfs"

// A BtrfsNode is what there is in a Btrfs at a path.
type BtrfsNode struct {
	// Exists reports whether there is anything. The others tell what it is; neither set, it
	// is a file, a link or the like.
	Exists, Directory, Subvolume bool
	// NoCOW reports that new files in it are overwritten in place.
	NoCOW bool
	// Default reports that it is what is mounted where no subvolume is named.
	Default bool
}

// CheckBtrfs reports whether the kernel can mount a Btrfs as OpenBtrfs does. It loads the
// module.
func CheckBtrfs() error {
	fd, err := openContext()
	if err == nil {
		unix.Close(fd)
	}
	return err
}

func openContext() (int, error) {
	fd, err := unix.Fsopen(btrfs, unix.FSOPEN_CLOEXEC)
	switch {
	case errors.Is(err, unix.ENOSYS):
		return -1, fmt.Errorf("making subvolumes takes Linux 5.9 or later: %w", err)
	case err != nil:
		return -1, &MountError{Source: "none", Type: btrfs, Err: err}
	}
	return fd, nil
}

// OpenBtrfs mounts the filesystem on a device. To look at it, nothing on the device is
// written, not even what was left in its log by a power cut.
func OpenBtrfs(device string, writable bool) (*Btrfs, error) {
	options := []string{}
	if !writable {
		options = []string{"ro", "rescue=nologreplay"}
	}
	usual, err := mountDetached(device, options)
	if err != nil {
		return nil, err
	}
	defer unix.Close(usual)
	b := &Btrfs{device: device}
	if b.defaultTree, err = treeOf(usual); err != nil {
		return nil, fmt.Errorf("finding out the default subvolume of %s: %w", device, err)
	}
	b.top, err = mountDetached(device, append(options, "subvolid=5"))
	return b, err
}

// mountDetached mounts a device at no mount point. What it returns is the root.
func mountDetached(device string, options []string) (root int, err error) {
	fd, err := openContext()
	if err != nil {
		return -1, err
	}
	defer unix.Close(fd)
	defer func() {
		if err != nil {
			err = &MountError{Source: device, Type: btrfs, Data: strings.Join(options, ","), Err: err}
		}
	}()
	for _, option := range append([]string{"source=" + device}, options...) {
		name, value, hasValue := strings.Cut(option, "=")
		if hasValue {
			err = unix.FsconfigSetString(fd, name, value)
		} else {
			err = unix.FsconfigSetFlag(fd, name)
		}
		if err != nil {
			return -1, err
		}
	}
	if err := unix.FsconfigCreate(fd); err != nil {
		return -1, err
	}
	mount, err := unix.Fsmount(fd, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(mount) // the root that is open keeps it
	return unix.Openat(mount, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
}

// Close unmounts it, when all that was written is on the disk.
func (b *Btrfs) Close() error {
	err := unix.Syncfs(b.top)
	if errors.Is(err, unix.EROFS) {
		err = nil
	}
	return errors.Join(err, unix.Close(b.top))
}

// Look returns what there is at a path from the top. No link is followed.
func (b *Btrfs) Look(name string) (BtrfsNode, error) {
	fd, err := b.open(name)
	switch {
	case errors.Is(err, unix.ENOENT):
		return BtrfsNode{}, nil
	case errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP):
		return BtrfsNode{Exists: true}, nil
	case err != nil:
		return BtrfsNode{}, fmt.Errorf("looking at %q of %s: %w", name, b.device, err)
	}
	defer unix.Close(fd)
	return b.look(fd)
}

// rootInode is the number that the roots of subvolumes have, as of all trees of files.
const rootInode = 256

// noCOW is the attribute "C" of chattr(1).
const noCOW = 0x800000

func (b *Btrfs) look(fd int) (BtrfsNode, error) {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return BtrfsNode{}, err
	}
	flags, err := unix.IoctlGetUint32(fd, unix.FS_IOC_GETFLAGS)
	if err != nil {
		return BtrfsNode{}, err
	}
	n := BtrfsNode{Exists: true, Directory: true, Subvolume: stat.Ino == rootInode, NoCOW: flags&noCOW != 0}
	if n.Subvolume {
		tree, err := treeOf(fd)
		if err != nil {
			return n, err
		}
		n.Default = tree == b.defaultTree
	}
	return n, nil
}

// IsSubvolume reports whether a directory of a number is the root of a subvolume, if it has
// another device than the directory around it has, in the same mount.
func IsSubvolume(inode uint64) bool { return inode == rootInode }

// DestroySubvolume removes a subvolume, which is an entry of an open directory, with all that
// is in it, though it be read-only. It must have no other subvolumes in it.
func DestroySubvolume(dir int, name string) error {
	var args struct {
		_    int64
		name [4088]byte
	}
	copy(args.name[:len(args.name)-1], name)
	return control(dir, writes(15, unsafe.Sizeof(args)), unsafe.Pointer(&args))
}

// subvolumeReadOnly is the flag of subvolumes that nobody can write to.
const subvolumeReadOnly = 2

// SetSubvolumeReadOnly changes whether a subvolume, whose root is open, can be written to, and
// reports whether it could not.
func SetSubvolumeReadOnly(fd int, readOnly bool) (was bool, err error) {
	var flags uint64
	if err := control(fd, reads(25, unsafe.Sizeof(flags)), unsafe.Pointer(&flags)); err != nil {
		return false, err
	}
	was = flags&subvolumeReadOnly != 0
	if was == readOnly {
		return was, nil
	}
	flags ^= subvolumeReadOnly
	return was, control(fd, writes(26, unsafe.Sizeof(flags)), unsafe.Pointer(&flags))
}

func (b *Btrfs) openTop() (int, error) {
	return unix.FcntlInt(uintptr(b.top), unix.F_DUPFD_CLOEXEC, 0)
}

// open opens a directory by its path from the top.
func (b *Btrfs) open(name string) (int, error) {
	at, err := b.openTop()
	if err != nil {
		return -1, err
	}
	for component := range strings.SplitSeq(name, "/") {
		next, err := unix.Openat(at, component, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		unix.Close(at)
		if err != nil {
			return -1, err
		}
		at = next
	}
	return at, nil
}

// The mode of directories and subvolumes, whatever the umask is.
const directoryMode = 0o755

// CreateSubvolume makes a subvolume, and the directories on the way that are missing.
func (b *Btrfs) CreateSubvolume(name string) error {
	parent, err := b.openParent(path.Dir(name))
	if err != nil {
		return err
	}
	defer unix.Close(parent)
	var args struct {
		_    int64
		name [4088]byte
	}
	copy(args.name[:len(args.name)-1], path.Base(name))
	if err := control(parent, writes(14, unsafe.Sizeof(args)), unsafe.Pointer(&args)); err != nil {
		return err
	}
	return unix.Fchmodat(parent, path.Base(name), directoryMode, 0)
}

// openParent opens a directory, "." being the top, and makes what of it is missing.
func (b *Btrfs) openParent(name string) (int, error) {
	if name == "." {
		return b.openTop()
	}
	fd, err := b.open(name)
	if !errors.Is(err, unix.ENOENT) {
		return fd, err
	}
	parent, err := b.openParent(path.Dir(name))
	if err != nil {
		return -1, err
	}
	defer unix.Close(parent)
	if err := unix.Mkdirat(parent, path.Base(name), directoryMode); err != nil {
		return -1, err
	}
	if err := unix.Fchmodat(parent, path.Base(name), directoryMode, 0); err != nil {
		return -1, err
	}
	return b.open(name)
}

// SetNoCOW has new files in a directory overwritten in place.
func (b *Btrfs) SetNoCOW(name string) error {
	fd, err := b.open(name)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	flags, err := unix.IoctlGetUint32(fd, unix.FS_IOC_GETFLAGS)
	if err != nil {
		return err
	}
	return unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, int(flags|noCOW))
}

// SetDefault makes a subvolume what is mounted where none is named.
func (b *Btrfs) SetDefault(name string) error {
	fd, err := b.open(name)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	tree, err := treeOf(fd)
	if err != nil {
		return err
	}
	return control(b.top, writes(19, unsafe.Sizeof(tree)), unsafe.Pointer(&tree))
}

// treeOf returns the number of the tree, which is a subvolume or the top, that an open file
// is in.
func treeOf(fd int) (uint64, error) {
	args := struct {
		tree, object uint64
		_            [4080]byte
	}{object: rootInode}
	err := control(fd, both(18, unsafe.Sizeof(args)), unsafe.Pointer(&args))
	return args.tree, err
}

// The control codes of Btrfs are not in x/sys/unix. How a code is made of a number and of the
// size of its argument differs between architectures, but for where the two are; there are
// two others of the same family that say the rest.

func writes(number, size uintptr) uintptr {
	const known, knownNumber, knownSize = unix.FICLONE, 9, 4
	return known - knownSize<<16 - knownNumber + size<<16 + number
}

// reads is made of a code of another family, 'f', which has the size of a long.
func reads(number, size uintptr) uintptr {
	const known, knownNumber, family = unix.FS_IOC_GETFLAGS, 'f'<<8 + 1, unix.FICLONE & 0xff00
	return known - unsafe.Sizeof(uintptr(0))<<16 - knownNumber + family + size<<16 + number
}

func both(number, size uintptr) uintptr {
	const known, knownNumber, knownSize = unix.FIDEDUPERANGE, 54, 24
	return known - knownSize<<16 - knownNumber + size<<16 + number
}

func control(fd int, code uintptr, argument unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), code, uintptr(argument)); errno != 0 {
		return os.NewSyscallError("ioctl", errno)
	}
	return nil
}
