package rootfs

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"

	"golang.org/x/sys/unix"
)

// A Dir is an open directory below a root. Its methods take names of its entries
// and never follow a symbolic link.
type Dir struct {
	root *Root
	path string // as the caller named it, for messages
	fd   int
	kept *keptDir // that fd is shared with, nil for none
}

// HostPath returns the path of an entry for messages, see Root.HostPath.
func (d *Dir) HostPath(name string) string { return d.root.HostPath(path.Join(d.path, name)) }

func (d *Dir) pathError(doing, name string, err error) error {
	return d.full(d.root.pathError(doing, path.Join(d.path, name), err))
}

func (d *Dir) openDir(name string) (*Dir, error) {
	fd, err := unix.Openat(d.fd, name, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, d.pathError("opening directory", name, err)
	}
	return &Dir{root: d.root, path: path.Join(d.path, name), fd: fd}, nil
}

// Lstat returns an entry, nil if there is none.
func (d *Dir) Lstat(name string) (*Stat, error) {
	st := new(Stat)
	err := unix.Fstatat(d.fd, name, &st.Stat_t, unix.AT_SYMLINK_NOFOLLOW)
	switch {
	case errors.Is(err, unix.ENOENT):
		return nil, nil
	case err != nil:
		return nil, d.pathError("looking at", name, err)
	case !st.IsLink():
		return st, nil
	}
	// Its target is to be that of the same node.
	fd, err := unix.Openat(d.fd, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil, nil
	}
	if err == nil {
		defer unix.Close(fd)
		st, err = fstat(fd)
	}
	if err != nil {
		return nil, d.pathError("looking at", name, err)
	}
	return st, nil
}

// OpenFile opens an entry of a kind, S_IFREG or S_IFDIR, for reading it and for
// changing its owner and mode.
func (d *Dir) OpenFile(name string, kind uint32) (*os.File, *Stat, error) {
	// Without O_NONBLOCK opening a named pipe would wait for a writer.
	fd, err := unix.Openat(d.fd, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, d.pathError("opening", name, err)
	}
	f := os.NewFile(uintptr(fd), d.HostPath(name))
	st, err := fstat(fd)
	if err == nil && !st.is(kind) {
		err = fmt.Errorf("there is %v", st)
	}
	if err != nil {
		f.Close()
		return nil, nil, d.pathError("opening", name, err)
	}
	return f, st, nil
}

// maxRead bounds the files that are read as a whole, in bytes: databases of users,
// units, and a ledger with a name for each node of the largest config.
const maxRead = 64 << 20

// ReadFile returns the contents of a regular file, nil if there is no entry of
// that name. One of more than 64 MiB is an error.
func (d *Dir) ReadFile(name string) ([]byte, error) {
	f, st, err := d.OpenFile(name, unix.S_IFREG)
	if err != nil {
		return nil, ignoreMissing(err)
	}
	return readAll(f, st)
}

// readAll reads a file and closes it.
func readAll(f *os.File, st *Stat) ([]byte, error) {
	defer f.Close()
	if st.Size > maxRead {
		return nil, &os.PathError{Op: "reading", Path: f.Name(), Err: fmt.Errorf("it has %d bytes, at most %d are possible", st.Size, maxRead)}
	}
	return io.ReadAll(io.LimitReader(f, maxRead))
}

func (d *Dir) readNames() ([]string, error) {
	f, _, err := d.OpenFile(".", unix.S_IFDIR)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}

func (d *Dir) mkdir(name string, mode uint32) error {
	if err := unix.Mkdirat(d.fd, name, mode); err != nil {
		return d.pathError("making directory", name, err)
	}
	return nil
}

// SetOwnerMode sets the owner and then the mode of an open file or directory:
// the kernel drops the setuid bits when the owner changes. What is right already
// is not touched, since some filesystems (vfat) refuse even that.
func SetOwnerMode(f *os.File, owner Owner, mode uint32) error {
	st, err := fstat(int(f.Fd()))
	if err != nil {
		return err
	}
	return setOwnerMode(int(f.Fd()), f.Name, st, owner, mode)
}

// setOwnerMode is SetOwnerMode for an open node that is as it says.
func setOwnerMode(fd int, name func() string, st *Stat, owner Owner, mode uint32) error {
	if owner.differs(st) {
		uid, gid := owner.ids(st)
		if err := unix.Fchown(fd, uid, gid); err != nil {
			return &os.PathError{Op: "chown", Path: name(), Err: err}
		}
	} else if st.Permissions() == mode {
		return nil
	}
	if err := unix.Fchmod(fd, mode); err != nil {
		return &os.PathError{Op: "chmod", Path: name(), Err: err}
	}
	return nil
}

// SetDirOwnerMode is SetOwnerMode for the directory of a name.
func (d *Dir) SetDirOwnerMode(name string, owner Owner, mode uint32) error {
	defer d.root.Forget() // new nodes in it will be others
	return d.setDirOwnerMode(name, owner, mode)
}

func (d *Dir) setDirOwnerMode(name string, owner Owner, mode uint32) error {
	f, _, err := d.OpenFile(name, unix.S_IFDIR)
	if err != nil {
		return err
	}
	defer f.Close()
	return SetOwnerMode(f, owner, mode)
}

// SetLinkOwner sets the owner of a symbolic link itself.
func (d *Dir) SetLinkOwner(name string, owner Owner) error {
	st := new(Stat)
	err := unix.Fstatat(d.fd, name, &st.Stat_t, unix.AT_SYMLINK_NOFOLLOW)
	switch {
	case errors.Is(err, unix.ENOENT):
		return nil
	case err != nil:
		return d.pathError("looking at", name, err)
	}
	return d.setLinkOwner(name, st, owner)
}

// setLinkOwner is SetLinkOwner for a link that is as it says.
func (d *Dir) setLinkOwner(name string, st *Stat, owner Owner) error {
	if !owner.differs(st) {
		return nil
	}
	uid, gid := owner.ids(st)
	if err := unix.Fchownat(d.fd, name, uid, gid, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return d.pathError("changing the owner of", name, err)
	}
	return nil
}

// Stat looks at the directory itself.
func (d *Dir) Stat() (*Stat, error) { return d.Lstat(".") }

// sync makes the names in a directory survive a power cut.
func (d *Dir) sync() error {
	f, _, err := d.OpenFile(".", unix.S_IFDIR)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// remove deletes an entry, see Root.Remove.
func (d *Dir) remove(name string) error {
	defer d.root.Forget()
	err := unix.Unlinkat(d.fd, name, 0)
	if err == nil || errors.Is(err, unix.ENOENT) {
		return nil
	}
	// Linux says EISDIR, POSIX and some filesystems EPERM.
	if !errors.Is(err, unix.EISDIR) && !errors.Is(err, unix.EPERM) {
		return d.pathError("removing", name, err)
	}
	sub, subErr := d.openDir(name)
	if subErr != nil {
		return d.pathError("removing", name, err)
	}
	defer sub.Close()
	if mounted, err := sub.isMountPoint(d); err != nil || mounted {
		return d.pathError("removing", name, cmp.Or(err, error(unix.EBUSY)))
	}
	names, err := sub.readNames()
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := sub.remove(n); err != nil {
			return err
		}
	}
	if err := unix.Unlinkat(d.fd, name, unix.AT_REMOVEDIR); err != nil {
		return d.pathError("removing", name, err)
	}
	return nil
}

// count returns how many nodes an entry is, with all that is in it.
func (d *Dir) count(name string) (int, error) {
	sub, err := d.openDir(name)
	switch {
	case errors.Is(err, unix.ENOENT):
		return 0, nil
	case errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP):
		return 1, nil
	case err != nil:
		return 0, err
	}
	defer sub.Close()
	names, err := sub.readNames()
	nodes := 1
	for _, n := range names {
		below, err := sub.count(n)
		if err != nil {
			return 0, err
		}
		nodes += below
	}
	return nodes, err
}

// isMountPoint reports whether a filesystem is mounted on this node, which
// is an entry of parent.
func (d *Dir) isMountPoint(parent *Dir) (bool, error) {
	var x unix.Statx_t
	err := unix.Statx(d.fd, "", unix.AT_EMPTY_PATH, unix.STATX_BASIC_STATS, &x)
	if err == nil && x.Attributes_mask&unix.STATX_ATTR_MOUNT_ROOT != 0 {
		return x.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0, nil
	}
	// Before Linux 5.8 the device must do. It also differs for subvolumes of
	// btrfs, which are then not removed.
	inside, err := fstat(d.fd)
	if err != nil || !inside.IsDir() { // a file's differs on overlayfs
		return false, err
	}
	outside, err := fstat(parent.fd)
	return err == nil && inside.Dev != outside.Dev, err
}
