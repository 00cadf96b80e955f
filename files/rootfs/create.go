package rootfs

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Options say what a new node is like. Without Replace creating it fails if
// there is an entry of its name.
type Options struct {
	Owner   Owner
	Mode    uint32 // permission bits; a link has none
	Replace bool
	// Sync is for a file that has to be on the disk when it has its name, such as
	// one whose old contents are in the new ones.
	Sync bool
}

const tempPrefix = ".firstlight-"

func tempName() string { return tempPrefix + strconv.FormatUint(rand.Uint64(), 36) }

// IsTempName reports whether a name is that of a temp file, which an interrupted
// run may have left.
func IsTempName(name string) bool { return strings.HasPrefix(name, tempPrefix) }

// A TempFile is a file that has no name of its own until all is in it. Until then
// only the user of this process may read it.
type TempFile struct {
	fd      int
	base    string // of the file that it is for, for messages
	dir     *Dir
	ownsDir bool // dir is closed with the file
	pending bool // it is that of a PendingFile
	name    string
	is      *Stat // its owner and mode, nil if they are not known
}

// CreateTemp creates a temp file for a file of a name, which is for messages.
func (d *Dir) CreateTemp(name string) (*TempFile, error) {
	t, err := d.openTemp(tempName(), name, unix.O_CREAT|unix.O_EXCL)
	if err == nil {
		t.is = d.createdIn(unix.S_IFREG)
	}
	return t, err
}

func (d *Dir) openTemp(temp, name string, flags int) (*TempFile, error) {
	fd, err := unix.Openat(d.fd, temp, flags|unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, d.pathError("creating a file in", ".", err)
	}
	return &TempFile{fd: fd, base: name, dir: d, name: temp}, nil
}

// path is what messages call a temp file.
func (t *TempFile) path() string { return t.dir.HostPath(t.base) }

// Fd returns the descriptor of a temp file. It is the TempFile's.
func (t *TempFile) Fd() uintptr { return uintptr(t.fd) }

func (t *TempFile) Write(text []byte) (int, error) { return t.write(text) }

// WriteString is Write without a copy of the text.
func (t *TempFile) WriteString(text string) (int, error) {
	return t.write(unsafe.Slice(unsafe.StringData(text), len(text)))
}

// write is not that of os.File, which asks the kernel of each file how it is open.
func (t *TempFile) write(text []byte) (done int, err error) {
	const most = 1 << 30 // the kernel takes no more than 2 GiB at once
	for done < len(text) && err == nil {
		var n int
		n, err = unix.Write(t.fd, text[done:min(len(text), done+most)])
		switch {
		case err == unix.EINTR:
			err = nil
		case err != nil:
			err = &os.PathError{Op: "write", Path: t.path(), Err: err}
		case n == 0:
			err = io.ErrShortWrite
		}
		done += max(n, 0)
	}
	return done, err
}

// ReadFrom has the kernel copy what is in another file.
func (t *TempFile) ReadFrom(from io.Reader) (int64, error) {
	if _, isFile := from.(*os.File); !isFile {
		return io.Copy(struct{ io.Writer }{t}, from)
	}
	fd, err := unix.FcntlInt(t.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return 0, &os.PathError{Op: "write", Path: t.path(), Err: err}
	}
	f := os.NewFile(uintptr(fd), t.path())
	defer f.Close()
	return f.ReadFrom(from)
}

func (t *TempFile) sync() error {
	if err := unix.Fsync(t.fd); err != nil {
		return &os.PathError{Op: "sync", Path: t.path(), Err: err}
	}
	return nil
}

func (t *TempFile) truncate(size int64) error {
	if err := unix.Ftruncate(t.fd, size); err != nil {
		return &os.PathError{Op: "truncate", Path: t.path(), Err: err}
	}
	return nil
}

// Close releases a temp file. It keeps its temporary name.
func (t *TempFile) Close() error {
	if t.ownsDir {
		t.dir.Close()
		t.ownsDir = false
	}
	return t.closeFile()
}

func (t *TempFile) closeFile() error {
	if t.fd < 0 {
		return nil
	}
	fd := t.fd
	t.fd = -1
	if err := unix.Close(fd); err != nil && err != unix.EINTR {
		return &os.PathError{Op: "close", Path: t.path(), Err: err}
	}
	return nil
}

// setOwnerMode is SetOwnerMode, which looks at the file only if there was no other like it.
func (t *TempFile) setOwnerMode(owner Owner, mode uint32) error {
	if t.is == nil {
		st, err := fstat(t.fd)
		if err != nil {
			return err
		}
		t.is = st
		t.dir.created(st)
	}
	return setOwnerMode(t.fd, t.path, t.is, owner, mode)
}

// Commit lets fill write to a temp file, then makes it the file of a name in d.
// After an error it is gone and d is as it was. The temp file is closed.
func (t *TempFile) Commit(d *Dir, name string, o Options, fill func(io.Writer) error) error {
	defer t.Close()
	err := t.full(fill(t))
	owner := o.Owner
	if err == nil && t.dir != d {
		owner, err = d.ownerOfNew(owner)
	}
	if err == nil {
		err = t.setOwnerMode(owner, o.Mode)
	}
	if err == nil && o.Sync {
		// Fsync writes the name of a file, with its first cluster, before the table that
		// has the cluster: after a power cut between the two it is free, and another file
		// gets it. As long as nothing has been synced the name has no cluster.
		err = t.full(errors.Join(syncFAT(t.fd), t.sync()))
	}
	err = errors.Join(err, t.full(t.closeFile()))
	if err == nil {
		err = d.rename(t.dir, t.name, name, o.Replace)
	}
	if errors.Is(err, unix.EXDEV) && t.dir != d {
		err = t.copyTo(d, name, o)
	}
	if err != nil {
		unix.Unlinkat(t.dir.fd, t.name, 0)
		return err
	}
	if o.Sync {
		return d.sync()
	}
	return nil
}

// copyTo is for a temp file that is on another filesystem, or subvolume, after
// all.
func (t *TempFile) copyTo(d *Dir, name string, o Options) error {
	f, _, err := t.dir.OpenFile(t.name, unix.S_IFREG)
	if err != nil {
		return err
	}
	defer f.Close()
	err = d.WriteFrom(name, o, func(w io.Writer) error {
		_, err := io.Copy(w, f)
		return err
	})
	if err == nil {
		unix.Unlinkat(t.dir.fd, t.name, 0)
	}
	return err
}

// WriteFrom creates a file that fill writes.
func (d *Dir) WriteFrom(name string, o Options, fill func(io.Writer) error) error {
	t, err := d.CreateTemp(name)
	if err != nil {
		return err
	}
	return t.Commit(d, name, o, fill)
}

// WriteFile creates a file of these contents.
func (d *Dir) WriteFile(name string, data []byte, o Options) error {
	return d.WriteFrom(name, o, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// WriteLink creates a symbolic link. Without an owner it is that of this process,
// also in a directory with the setgid bit.
func (d *Dir) WriteLink(name, target string, o Options) error {
	return d.create(name, o.Replace, func(temp string) error {
		if err := unix.Symlinkat(target, d.fd, temp); err != nil {
			return d.pathError("creating a symbolic link in", ".", err)
		}
		owner := o.Owner.WithDefaults(processOwner())
		is := d.createdIn(unix.S_IFLNK)
		if is == nil {
			is = new(Stat)
			if err := unix.Fstatat(d.fd, temp, &is.Stat_t, unix.AT_SYMLINK_NOFOLLOW); err != nil {
				return d.pathError("looking at", temp, err)
			}
			d.created(is)
		}
		return d.setLinkOwner(temp, is, owner)
	})
}

// processOwner is whose the nodes are that this process makes.
var processOwner = sync.OnceValues(func() (uid, gid int) { return os.Geteuid(), os.Getegid() })

// ownerOfNew fills in an owner as the kernel does for a node that is made in this
// directory: its group is that of a directory with the setgid bit.
func (d *Dir) ownerOfNew(o Owner) (Owner, error) {
	st, err := d.Stat()
	if err != nil {
		return o, err
	}
	uid, gid := processOwner()
	if st.Mode&unix.S_ISGID != 0 {
		gid = int(st.Gid)
	}
	return o.WithDefaults(uid, gid), nil
}

// WriteDir creates an empty directory.
func (d *Dir) WriteDir(name string, o Options) error {
	return d.create(name, o.Replace, func(temp string) error {
		if err := d.mkdir(temp, 0o700); err != nil {
			return err
		}
		return d.setDirOwnerMode(temp, o.Owner, o.Mode)
	})
}

// InheritedMode is what the kernel adds to the mode of a directory that is made in
// this one: the setgid bit, if this one has it.
func (d *Dir) InheritedMode() (uint32, error) {
	st, err := d.Stat()
	if err != nil {
		return 0, err
	}
	return st.Mode & unix.S_ISGID, nil
}

// WriteHardLink makes name another name of the node at a path, whose last
// component is not followed.
func (d *Dir) WriteHardLink(name, target string, replace bool) error {
	from, old, err := d.root.openParent(target)
	if err != nil {
		return err
	}
	defer from.Close()
	return d.create(name, replace, func(temp string) error {
		if err := unix.Linkat(from.fd, old, d.fd, temp, 0); err != nil {
			return d.pathError("linking", name, err)
		}
		return nil
	})
}

// create lets makeNode make a node under a temporary name, and renames it.
func (d *Dir) create(name string, replace bool, makeNode func(temp string) error) error {
	temp := tempName()
	err := makeNode(temp)
	if err == nil {
		err = d.rename(d, temp, name, replace)
	}
	if err != nil {
		d.remove(temp)
	}
	return err
}

// rename renames temp, which is in from, to name. A node of that name must not
// exist, or is replaced: in one step, except that a directory with what is in
// it, or what becomes a directory, has to be removed before.
func (d *Dir) rename(from *Dir, temp, name string, replace bool) error {
	if !replace {
		return d.renameNew(from, temp, name)
	}
	if unix.Renameat2(from.fd, temp, d.fd, name, unix.RENAME_NOREPLACE) == nil {
		return nil // nothing was there
	}
	defer d.root.Forget()
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

func (d *Dir) renameNew(from *Dir, temp, name string) error {
	err := unix.Renameat2(from.fd, temp, d.fd, name, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		// The filesystem (or a kernel before 3.15) does not know the flag.
		existing, lookErr := d.Lstat(name)
		switch {
		case lookErr != nil:
			return lookErr
		case existing != nil:
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
