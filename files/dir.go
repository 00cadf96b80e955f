package files

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A dir is an open directory below a root. Its verbs take names of its entries
// and never follow a symbolic link.
type dir struct {
	root *root
	path string // as it was asked for, for messages
	fd   int
}

func (d *dir) close() { unix.Close(d.fd) }

func (d *dir) pathError(doing, name string, err error) error {
	return d.root.pathError(doing, path.Join(d.path, name), err)
}

// sub opens the directory name.
func (d *dir) openDir(name string) (*dir, error) {
	fd, err := unix.Openat(d.fd, name, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, d.pathError("opening directory", name, err)
	}
	return &dir{root: d.root, path: path.Join(d.path, name), fd: fd}, nil
}

func (d *dir) lstat(name string) (*stat, error) {
	fd, err := unix.Openat(d.fd, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil, nil
	}
	if err != nil {
		return nil, d.pathError("looking at", name, err)
	}
	defer unix.Close(fd)
	st, err := fstat(fd)
	if err != nil {
		return nil, d.pathError("looking at", name, err)
	}
	return st, nil
}

// fstat looks at an open node and, if it is a symbolic link, where to.
func fstat(fd int) (*stat, error) {
	st := new(stat)
	if err := unix.Fstat(fd, &st.Stat_t); err != nil {
		return nil, err
	}
	if st.is(unix.S_IFLNK) {
		buf := make([]byte, unix.PathMax)
		n, err := unix.Readlinkat(fd, "", buf)
		if err != nil {
			return nil, err
		}
		st.target = string(buf[:n])
	}
	return st, nil
}

// open opens a node of a kind, S_IFREG or S_IFDIR, for reading it and for
// changing its owner and mode.
func (d *dir) open(name string, kind uint32) (*os.File, *stat, error) {
	// Without O_NONBLOCK opening a named pipe would wait for a writer.
	fd, err := unix.Openat(d.fd, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, d.pathError("opening", name, err)
	}
	f := os.NewFile(uintptr(fd), path.Join(d.root.path, d.path, name))
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

func (d *dir) readFile(name string) ([]byte, error) {
	f, _, err := d.open(name, unix.S_IFREG)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

func (d *dir) list() ([]string, error) {
	f, _, err := d.open(".", unix.S_IFDIR)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}

func (d *dir) mkdir(name string, mode uint32) error {
	if err := unix.Mkdirat(d.fd, name, mode); err != nil {
		return d.pathError("making directory", name, err)
	}
	return nil
}

// An ownership is who shall own a node; -1 leaves it as it is.
type ownership struct{ uid, gid int }

// give sets the owner and then the mode of an open file or directory: the
// kernel drops the setuid bits when the owner changes. What is right already is
// not touched, since some filesystems (vfat) refuse even that.
func setOwnerMode(f *os.File, own ownership, mode uint32) error {
	st, err := fstat(int(f.Fd()))
	if err != nil {
		return err
	}
	if own.differs(st) {
		if err := f.Chown(own.uid, own.gid); err != nil {
			return err
		}
	} else if st.Mode&0o7777 == mode {
		return nil
	}
	if err := unix.Fchmod(int(f.Fd()), mode); err != nil {
		return &os.PathError{Op: "chmod", Path: f.Name(), Err: err}
	}
	return nil
}

func (o ownership) differs(st *stat) bool {
	return o.uid >= 0 && uint32(o.uid) != st.Uid || o.gid >= 0 && uint32(o.gid) != st.Gid
}

// chownLink sets the owner of a symbolic link.
func (d *dir) chownLink(name string, own ownership) error {
	st, err := d.lstat(name)
	if err != nil || st == nil || !own.differs(st) {
		return err
	}
	if err := unix.Fchownat(d.fd, name, own.uid, own.gid, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return d.pathError("changing the owner of", name, err)
	}
	return nil
}

// temporary is a name that nobody else has.
func tempName() string { return tempPrefix + strconv.FormatUint(rand.Uint64(), 36) }

const tempPrefix = ".firstlight-"

func isTempName(name string) bool { return strings.HasPrefix(name, tempPrefix) }

// A blank is a file under a temporary name, which will get its own once all is
// in it. From birth it is root's alone.
type tempFile struct {
	dir  *dir
	name string
	file *os.File
}

// blank makes a blank for a file of a name, which is for messages.
func (d *dir) createTemp(name string) (*tempFile, error) {
	temp := tempName()
	fd, err := unix.Openat(d.fd, temp, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, d.pathError("creating a file in", ".", err)
	}
	return &tempFile{d, temp, os.NewFile(uintptr(fd), path.Join(d.root.path, d.path, name))}, nil
}

// discard takes a blank away, if it is still there.
func (b *tempFile) discard() {
	b.file.Close()
	unix.Unlinkat(b.dir.fd, b.name, 0)
}

// writeFile makes a file as a whole: it is filled under a temporary name, and
// gets its owner, its mode and at last its name. An error leaves everything as
// it was.
func (d *dir) writeFile(name string, own ownership, mode uint32, replace bool, fill func(*os.File) error) error {
	b, err := d.createTemp(name)
	if err != nil {
		return err
	}
	return d.finish(b, name, own, mode, replace, fill)
}

// rewriteFile is writeFile for a file whose old contents are in the new ones:
// those are on the disk before the old ones are gone.
func (d *dir) rewriteFile(name string, own ownership, mode uint32, fill func(*os.File) error) error {
	return d.writeFile(name, own, mode, true, func(f *os.File) error {
		if err := fill(f); err != nil {
			return err
		}
		return f.Sync()
	})
}

// finish makes a blank the file of a name in d.
func (d *dir) finish(b *tempFile, name string, own ownership, mode uint32, replace bool, fill func(*os.File) error) error {
	err := fill(b.file)
	if err == nil {
		err = setOwnerMode(b.file, own, mode)
	}
	err = errors.Join(err, b.file.Close())
	if err == nil {
		err = d.commit(b.dir, b.name, name, replace)
	}
	if errors.Is(err, unix.EXDEV) && b.dir != d {
		err = d.moveIn(b, name, own, mode, replace)
	}
	if err != nil {
		b.discard()
	}
	return err
}

// moveIn is for a blank that is on another filesystem, or subvolume, after all.
func (d *dir) moveIn(b *tempFile, name string, own ownership, mode uint32, replace bool) error {
	f, _, err := b.dir.open(b.name, unix.S_IFREG)
	if err != nil {
		return err
	}
	defer f.Close()
	err = d.writeFile(name, own, mode, replace, func(w *os.File) error {
		_, err := io.Copy(w, f)
		return err
	})
	if err == nil {
		b.discard()
	}
	return err
}

// size is how much there is in a blank so far, in bytes.
func (b *tempFile) size() int64 {
	var st unix.Stat_t
	if unix.Fstatat(b.dir.fd, b.name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil {
		return 0
	}
	return st.Size
}

// writeLink makes a symbolic link like writeFile makes a file.
func (d *dir) writeLink(name, target string, own ownership, replace bool) error {
	temp := tempName()
	if err := unix.Symlinkat(target, d.fd, temp); err != nil {
		return d.pathError("creating a symbolic link in", ".", err)
	}
	err := d.chownLink(temp, own)
	if err == nil {
		err = d.commit(d, temp, name, replace)
	}
	if err != nil {
		unix.Unlinkat(d.fd, temp, 0)
	}
	return err
}

// writeDir makes an empty directory like writeFile makes a file.
func (d *dir) writeDir(name string, own ownership, mode uint32, replace bool) error {
	temp := tempName()
	if err := d.mkdir(temp, 0o700); err != nil {
		return err
	}
	err := d.setOwnerMode(temp, own, mode)
	if err == nil {
		err = d.commit(d, temp, name, replace)
	}
	if err != nil {
		unix.Unlinkat(d.fd, temp, unix.AT_REMOVEDIR)
	}
	return err
}

// setOwnerMode sets the owner and the mode of a directory.
func (d *dir) setOwnerMode(name string, own ownership, mode uint32) error {
	f, _, err := d.open(name, unix.S_IFDIR)
	if err != nil {
		return err
	}
	defer f.Close()
	return setOwnerMode(f, own, mode)
}

// writeHardLink gives the node old in from another name.
func (d *dir) writeHardLink(name string, from *dir, old string, replace bool) error {
	temp := tempName()
	if err := unix.Linkat(from.fd, old, d.fd, temp, 0); err != nil {
		return d.pathError("linking", name, err)
	}
	err := d.commit(d, temp, name, replace)
	if err != nil {
		unix.Unlinkat(d.fd, temp, 0)
	}
	return err
}

// commit renames temp, which is in from, to name. What has that name must not
// exist, or is replaced: in one step, except that a directory with what is in
// it, or what becomes a directory, has to be removed before.
func (d *dir) commit(from *dir, temp, name string, replace bool) error {
	if !replace {
		return d.renameNew(from, temp, name)
	}
	err := unix.Renameat(from.fd, temp, d.fd, name)
	switch {
	case errors.Is(err, unix.EISDIR), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ENOTEMPTY), errors.Is(err, unix.EEXIST):
		if err := d.remove(name); err != nil {
			return err
		}
		err = unix.Renameat(from.fd, temp, d.fd, name)
	}
	if err != nil {
		return d.pathError("creating", name, err)
	}
	return nil
}

func (d *dir) renameNew(from *dir, temp, name string) error {
	err := unix.Renameat2(from.fd, temp, d.fd, name, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		// The filesystem (or a kernel before 3.15) does not know the flag.
		there, lookErr := d.lstat(name)
		switch {
		case lookErr != nil:
			return lookErr
		case there != nil:
			err = unix.EEXIST
		default:
			err = unix.Renameat(from.fd, temp, d.fd, name)
		}
	}
	if errors.Is(err, unix.EEXIST) {
		err = fmt.Errorf("it did not exist when the stage looked, but does now: %w", err)
	}
	if err != nil {
		return d.pathError("creating", name, err)
	}
	return nil
}

// remove deletes what has a name, a directory with all that is in it. It stays
// on one filesystem: what is mounted below is not deleted.
func (d *dir) remove(name string) error {
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
	defer sub.close()
	if mounted, err := sub.mounted(d); err != nil || mounted {
		return d.pathError("removing", name, cmp.Or(err, error(unix.EBUSY)))
	}
	names, err := sub.list()
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

// mounted reports whether a filesystem is mounted on this directory, which was
// found in outer.
func (d *dir) mounted(outer *dir) (bool, error) {
	var x unix.Statx_t
	err := unix.Statx(d.fd, "", unix.AT_EMPTY_PATH, unix.STATX_BASIC_STATS, &x)
	if err == nil && x.Attributes_mask&unix.STATX_ATTR_MOUNT_ROOT != 0 {
		return x.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0, nil
	}
	// Before Linux 5.8 the device must do. It also differs for subvolumes of
	// btrfs, which are then not removed.
	inside, err := fstat(d.fd)
	if err != nil {
		return false, err
	}
	outside, err := fstat(outer.fd)
	return err == nil && inside.Dev != outside.Dev, err
}
