package files

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// A root is a directory that stands for "/": no path leads out of it, whatever
// symbolic links lie on the way. Paths are resolved as inside a chroot, which
// os.Root does not do (it refuses absolute links), and all work below is done
// on directories that are held open, so that nothing changes its meaning
// between a check and its use.
type root struct {
	path string // for messages and helper programs
	fd   int
	// in opens a directory as inside the root.
	open func(r *root, name string) (int, error)
}

// openRoot opens the directory that a provisioned system has as "/".
func openRoot(name string) (*root, error) {
	fd, err := unix.Open(name, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "opening", Path: name, Err: err}
	}
	r := &root{path: name, fd: fd, open: openByWalk}
	if kernelResolves() {
		r.open = openat2
	}
	return r, nil
}

// kernelResolves reports whether there is openat2, which Linux before 5.6 and
// some sandboxes do not have.
var kernelResolves = sync.OnceValue(func() bool {
	fd, err := openat2(&root{fd: unix.AT_FDCWD}, ".")
	if err == nil {
		unix.Close(fd)
	}
	return err == nil
})

func (r *root) close() { unix.Close(r.fd) }

// fail gives an error of the system the path as a person on this console would
// type it.
func (r *root) pathError(doing, name string, err error) error {
	return &fs.PathError{Op: doing, Path: path.Join(r.path, name), Err: err}
}

// openat2 lets the kernel resolve.
func openat2(r *root, name string) (int, error) {
	how := unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	}
	const tries = 100 // EAGAIN: a directory was renamed meanwhile and ".." is uncertain
	for range tries {
		fd, err := unix.Openat2(r.fd, name, &how)
		if err != unix.EAGAIN && err != unix.EINTR {
			return fd, err
		}
	}
	return openByWalk(r, name)
}

// openByWalk does the same without the kernel's help.
func openByWalk(r *root, name string) (int, error) {
	w := r.walker()
	w.strict = true
	defer w.close()
	if err := w.walk(name); err != nil {
		return -1, err
	}
	if w.nonDir != nil {
		return -1, unix.ENOTDIR
	}
	return unix.FcntlInt(uintptr(w.current()), unix.F_DUPFD_CLOEXEC, 0)
}

// openDir opens the directory that a path leads to, links followed.
func (r *root) openDir(name string) (*dir, error) {
	fd, err := r.open(r, name)
	if err != nil {
		return nil, r.pathError("opening directory", name, err)
	}
	return &dir{root: r, path: path.Clean("/" + name), fd: fd}, nil
}

// makeDirs is openDir that makes what is missing, with mode 0755. Where a
// symbolic link leads to nothing, that becomes a directory.
func (r *root) makeDirs(name string) (*dir, error) {
	d, err := r.openDir(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	at, err := r.resolve(name)
	if err != nil || at == "/" {
		return nil, err
	}
	parent, err := r.makeDirs(path.Dir(at))
	if err != nil {
		return nil, err
	}
	defer parent.close()
	if err := parent.mkdir(path.Base(at), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return parent.openDir(path.Base(at))
}

// lstat looks at the node at a path; the last component is not followed. Nil
// without an error means that there is none.
func (r *root) lstat(name string) (*stat, error) {
	d, base, err := r.parent(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer d.close()
	return d.lstat(base)
}

// parent opens the directory that a path's last component stands in. For the
// root itself that is the root, and the component is ".".
func (r *root) parent(name string) (*dir, string, error) {
	name = path.Clean("/" + name)
	if name == "/" {
		d, err := r.openDir("/")
		return d, ".", err
	}
	d, err := r.openDir(path.Dir(name))
	return d, path.Base(name), err
}

// readFile reads a whole regular file, links followed inside the root.
func (r *root) readFile(name string) ([]byte, error) {
	at, err := r.resolve(name)
	if err != nil {
		return nil, err
	}
	d, base, err := r.parent(at)
	if err != nil {
		return nil, err
	}
	defer d.close()
	return d.readFile(base)
}

// list is the sorted names in a directory. One that does not exist is empty.
func (r *root) list(name string) ([]string, error) {
	d, err := r.openDir(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer d.close()
	return d.list()
}

// A stat is what is known about a node.
type stat struct {
	unix.Stat_t
	target string // of a symbolic link
}

func (s *stat) is(kind uint32) bool { return s.Mode&unix.S_IFMT == kind }
func (s *stat) sameNode(o *stat) bool {
	return s != nil && o != nil && s.Dev == o.Dev && s.Ino == o.Ino
}

// String describes a node as one would say it after "there is".
func (s *stat) String() string {
	switch s.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		return fmt.Sprintf("a file of %d bytes", s.Size)
	case unix.S_IFDIR:
		return "a directory"
	case unix.S_IFLNK:
		return "a symbolic link to " + s.target
	case unix.S_IFBLK, unix.S_IFCHR:
		return "a device"
	case unix.S_IFIFO:
		return "a named pipe"
	case unix.S_IFSOCK:
		return "a socket"
	}
	return "a node of unknown kind"
}

// below reports whether a clean absolute path is dir or lies below it.
func below(name, dir string) bool {
	return name == dir || strings.HasPrefix(name, strings.TrimSuffix(dir, "/")+"/")
}
