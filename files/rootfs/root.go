package rootfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// A Root is a directory that stands for "/". Its methods take paths below it.
type Root struct {
	path string // for messages
	fd   int
	// temps are the pending files that there are.
	temps temps
	kept  kept
	// open opens a directory below the root.
	open func(r *Root, name string) (int, error)
}

// Open opens the directory that the other system has as "/".
func Open(name string) (*Root, error) {
	fd, err := unix.Open(name, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "opening", Path: name, Err: err}
	}
	r := &Root{path: name, fd: fd, open: openByWalk}
	if kernelResolves() {
		r.open = openat2
	}
	return r, nil
}

// kernelResolves reports whether there is openat2, which Linux before 5.6 and
// some sandboxes do not have.
var kernelResolves = sync.OnceValue(func() bool {
	fd, err := openat2(&Root{fd: unix.AT_FDCWD}, ".")
	if err == nil {
		unix.Close(fd)
	}
	return err == nil
})

// HostPath returns a path below the root as a program outside of it would name
// it, for messages only: links are not resolved.
func (r *Root) HostPath(name string) string { return path.Join(r.path, name) }

func (r *Root) pathError(doing, name string, err error) error {
	return &fs.PathError{Op: doing, Path: r.HostPath(name), Err: err}
}

// openat2 lets the kernel resolve.
func openat2(r *Root, name string) (int, error) {
	fd, err := r.askKernel(name, unix.O_DIRECTORY)
	if err == unix.EAGAIN {
		return openByWalk(r, name)
	}
	return fd, err
}

// askKernel opens a path with O_PATH and further flags, resolved inside the root. EAGAIN
// says that the kernel could not.
func (r *Root) askKernel(name string, flags uint64) (int, error) {
	how := unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_CLOEXEC | flags,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	}
	const tries = 100 // EAGAIN: a directory was renamed meanwhile and ".." is uncertain
	for range tries {
		fd, err := unix.Openat2(r.fd, name, &how)
		if err != unix.EAGAIN && err != unix.EINTR {
			return fd, err
		}
	}
	return -1, unix.EAGAIN
}

// Exists reports whether a path leads to a node, links followed.
func (r *Root) Exists(name string) bool {
	fd, err := r.askKernel(name, 0)
	if err == nil {
		unix.Close(fd)
	}
	if err == nil || errors.Is(err, unix.ENOENT) {
		return err == nil
	}
	at, err := r.Resolve(name) // without the kernel's help
	if err != nil {
		return false
	}
	st, err := r.Lstat(at)
	return err == nil && st != nil
}

// openByWalk does the same as openat2 without the kernel's help.
func openByWalk(r *Root, name string) (int, error) {
	w := walker{root: r, strict: true}
	defer w.close()
	if err := w.walk(name); err != nil {
		return -1, err
	}
	if w.nonDir != nil {
		return -1, unix.ENOTDIR
	}
	return unix.FcntlInt(uintptr(w.current()), unix.F_DUPFD_CLOEXEC, 0)
}

// MakeDirs is OpenDir that creates what is missing: parents with mode 0755, the
// directory itself with the given one. Where a symbolic link leads to nothing, a
// directory is created.
func (r *Root) MakeDirs(name string, mode uint32) (*Dir, error) {
	d, err := r.OpenDir(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	at, err := r.Resolve(name)
	if err != nil {
		return nil, err
	}
	if at == "/" {
		return r.OpenDir(at)
	}
	parent, err := r.MakeDirs(path.Dir(at), 0o755)
	if err != nil {
		return nil, err
	}
	defer parent.Close()
	if err := parent.mkdir(path.Base(at), mode); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return parent.openDir(path.Base(at))
}

// clean is the absolute form of a path.
func clean(name string) string {
	if !path.IsAbs(name) {
		name = "/" + name
	}
	return path.Clean(name)
}

// split returns the directory of a path and its last component; for the root
// itself that is ".".
func split(name string) (dir, base string) {
	name = clean(name)
	if name == "/" {
		return name, "."
	}
	return path.Dir(name), path.Base(name)
}

// openParent opens the directory of a path's last component.
func (r *Root) openParent(name string) (*Dir, string, error) {
	dir, base := split(name)
	d, err := r.OpenDir(dir)
	return d, base, err
}

// InParent calls do with the directory of a path's last component, which is
// created if it does not exist. For "/" that is the root, and the component ".".
func (r *Root) InParent(name string, do func(d *Dir, base string) error) error {
	dir, base := split(name)
	d, err := r.MakeDirs(dir, 0o755)
	if err != nil {
		return err
	}
	defer d.Close()
	return do(d, base)
}

// ignoreMissing returns nil for an error that says that a path leads nowhere.
func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil
	}
	return err
}

// Lstat returns the node at a path, whose last component is not followed, and
// nil if there is none.
func (r *Root) Lstat(name string) (*Stat, error) {
	d, base, err := r.openParent(name)
	if err != nil {
		return nil, ignoreMissing(err)
	}
	defer d.Close()
	return d.Lstat(base)
}

// OpenFile opens a regular file for reading, links followed.
func (r *Root) OpenFile(name string) (*os.File, *Stat, error) {
	at, err := r.Resolve(name)
	if err != nil {
		return nil, nil, err
	}
	d, base, err := r.openParent(at)
	if err != nil {
		return nil, nil, err
	}
	defer d.Close()
	return d.OpenFile(base, unix.S_IFREG)
}

// ReadFile returns the contents of a regular file, links followed, and nil if
// the path leads nowhere. One of more than 64 MiB is an error.
func (r *Root) ReadFile(name string) ([]byte, error) {
	text, _, err := r.ReadFileStat(name)
	return text, ignoreMissing(err)
}

// ReadFileStat is ReadFile with what is known about the file, which must exist.
func (r *Root) ReadFileStat(name string) ([]byte, *Stat, error) {
	f, st, err := r.OpenFile(name)
	if err != nil {
		return nil, nil, err
	}
	text, err := readAll(f, st)
	return text, st, err
}

// ReadDir returns the sorted names in a directory, none if the path leads
// nowhere.
func (r *Root) ReadDir(name string) ([]string, error) {
	d, err := r.OpenDir(name)
	if err != nil {
		return nil, ignoreMissing(err)
	}
	defer d.Close()
	return d.readNames()
}

// WriteFile creates a file at a path, with the directories above it.
func (r *Root) WriteFile(name string, data []byte, o Options) error {
	return r.InParent(name, func(d *Dir, base string) error { return d.WriteFile(base, data, o) })
}

// Remove deletes the node at a path if there is one, a directory with all that is
// in it. It stays on one filesystem: what is mounted below is not deleted.
func (r *Root) Remove(name string) error {
	d, base, err := r.openParent(name)
	if err != nil {
		return ignoreMissing(err)
	}
	defer d.Close()
	return d.remove(base)
}

// RemoveFile deletes the node at a path if there is one, unless it is a directory.
func (r *Root) RemoveFile(name string) error {
	d, base, err := r.openParent(name)
	if err != nil {
		return ignoreMissing(err)
	}
	defer d.Close()
	defer r.Forget()
	if err := unix.Unlinkat(d.fd, base, 0); err != nil && !errors.Is(err, unix.ENOENT) {
		return d.pathError("removing", base, err)
	}
	return nil
}

// Count returns how many nodes there are at a path: 0, or 1 and all that is in it.
func (r *Root) Count(name string) (int, error) {
	d, base, err := r.openParent(name)
	if err != nil {
		return 0, ignoreMissing(err)
	}
	defer d.Close()
	return d.count(base)
}

// Move renames the node at a path. There must be nothing at the new one.
func (r *Root) Move(from, to string) error {
	old, oldBase, err := r.openParent(from)
	if err != nil {
		return err
	}
	defer old.Close()
	d, base, err := r.openParent(to)
	if err != nil {
		return err
	}
	defer d.Close()
	defer r.Forget()
	return d.renameNew(old, oldBase, base)
}

// RemoveMatching deletes the nodes of a directory whose names match.
func (r *Root) RemoveMatching(dir string, match func(name string) bool) error {
	names, err := r.ReadDir(dir)
	for _, n := range names {
		if match(n) && err == nil {
			err = r.Remove(path.Join(dir, n))
		}
	}
	return err
}

// SyncFilesystem writes the filesystem of a directory to its disk. One whose
// device is in done is passed over, so is a path that leads nowhere.
func (r *Root) SyncFilesystem(name string, done map[uint64]bool) error {
	d, err := r.OpenDir(name)
	if err != nil {
		return ignoreMissing(err)
	}
	defer d.Close()
	f, st, err := d.OpenFile(".", unix.S_IFDIR) // O_PATH will not do
	if err != nil {
		return err
	}
	defer f.Close()
	if done[st.Dev] {
		return nil
	}
	done[st.Dev] = true
	err = unix.Syncfs(int(f.Fd()))
	if err == nil {
		err = syncFAT(int(f.Fd()))
	}
	if err != nil {
		return r.pathError("writing back the filesystem of", name, err)
	}
	return nil
}

// syncFAT syncs the device of an open file that is on a FAT: what the kernel knows of its
// table, and what the disk has in its cache, which syncfs leaves there.
func syncFAT(fd int) error {
	var fs unix.Statfs_t
	var st unix.Stat_t
	if err := unix.Fstatfs(fd, &fs); err != nil || fs.Type != unix.MSDOS_SUPER_MAGIC {
		return err
	}
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	dev := uint64(st.Dev)
	at, err := os.Readlink(fmt.Sprintf("/sys/dev/block/%d:%d", unix.Major(dev), unix.Minor(dev)))
	if err != nil {
		return nil // it is on no device, or nobody tells on which
	}
	device, err := os.Open("/dev/" + path.Base(at))
	if err != nil {
		return nil
	}
	defer device.Close()
	return device.Sync()
}

// Within reports whether a clean absolute path is dir or lies below it.
func Within(name, dir string) bool {
	return name == dir || strings.HasPrefix(name, strings.TrimSuffix(dir, "/")+"/")
}
