package rootfs

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"

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
	*os.File
	dir     *Dir
	ownsDir bool // dir is closed with the file
	pending bool // it is that of a PendingFile
	name    string
}

// CreateTemp creates a temp file for a file of a name, which is for messages.
func (d *Dir) CreateTemp(name string) (*TempFile, error) {
	return d.openTemp(tempName(), name, unix.O_CREAT|unix.O_EXCL)
}

func (d *Dir) openTemp(temp, name string, flags int) (*TempFile, error) {
	fd, err := unix.Openat(d.fd, temp, flags|unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, d.pathError("creating a file in", ".", err)
	}
	return &TempFile{File: os.NewFile(uintptr(fd), d.HostPath(name)), dir: d, name: temp}, nil
}

// Close releases a temp file. It keeps its temporary name.
func (t *TempFile) Close() error {
	if t.ownsDir {
		t.dir.Close()
		t.ownsDir = false
	}
	return t.File.Close()
}

// Commit lets fill write to a temp file, then makes it the file of a name in d.
// After an error it is gone and d is as it was. The temp file is closed.
func (t *TempFile) Commit(d *Dir, name string, o Options, fill func(io.Writer) error) error {
	defer t.Close()
	err := t.full(fill(t.File))
	owner := o.Owner
	if err == nil && t.dir != d {
		owner, err = d.ownerOfNew(owner)
	}
	if err == nil {
		err = SetOwnerMode(t.File, owner, o.Mode)
	}
	if err == nil && o.Sync {
		// Fsync writes the name of a file, with its first cluster, before the table that
		// has the cluster: after a power cut between the two it is free, and another file
		// gets it. As long as nothing has been synced the name has no cluster.
		err = t.full(errors.Join(syncFAT(t.File), t.Sync()))
	}
	err = errors.Join(err, t.full(t.File.Close()))
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
		return d.SetLinkOwner(temp, o.Owner.WithDefaults(os.Geteuid(), os.Getegid()))
	})
}

// ownerOfNew fills in an owner as the kernel does for a node that is made in this
// directory: its group is that of a directory with the setgid bit.
func (d *Dir) ownerOfNew(o Owner) (Owner, error) {
	st, err := d.Stat()
	if err != nil {
		return o, err
	}
	gid := os.Getegid()
	if st.Mode&unix.S_ISGID != 0 {
		gid = int(st.Gid)
	}
	return o.WithDefaults(os.Geteuid(), gid), nil
}

// WriteDir creates an empty directory.
func (d *Dir) WriteDir(name string, o Options) error {
	return d.create(name, o.Replace, func(temp string) error {
		if err := d.mkdir(temp, 0o700); err != nil {
			return err
		}
		return d.SetDirOwnerMode(temp, o.Owner, o.Mode)
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
