package rootfs

import (
	"errors"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// maxLinks is how many symbolic links may lie on one path, as in the kernel.
const maxLinks = 40

// A walker resolves a path component by component. It holds every directory
// open that it has passed, so that ".." is where it came from and never the real
// parent of the root.
type walker struct {
	root  *Root
	names []string // the resolved components so far
	fds   []int    // the directories of the first len(fds) of them, or noDir
	links int
	// strict ends the walk at a component that does not exist.
	strict bool
	// view has changes of the root that count as made, nil for none.
	view *View
	// nonDir is the node that the walk has come to if that is not a directory.
	nonDir *Stat
}

// noDir stands for an open directory that will be made and is empty.
const noDir = -1

func (w *walker) close() {
	for _, fd := range w.fds {
		closeDir(fd)
	}
	w.names, w.fds, w.nonDir = nil, nil, nil
}

// current is the deepest directory that exists on the path.
func (w *walker) current() int {
	if len(w.fds) == 0 {
		return w.root.fd
	}
	return w.fds[len(w.fds)-1]
}

// missing reports whether not all components exist.
func (w *walker) missing() bool { return len(w.names) > len(w.fds) }

func (w *walker) path() string { return "/" + strings.Join(w.names, "/") }

// firstMissing is the path of the first component that does not exist.
func (w *walker) firstMissing() string {
	return "/" + strings.Join(w.names[:len(w.fds)+1], "/")
}

// walk goes on from where the walker is. Components that do not exist are taken
// as they stand, unless the walk is strict.
func (w *walker) walk(name string) error {
	todo := components(name)
	for len(todo) > 0 {
		if w.nonDir != nil {
			return unix.ENOTDIR
		}
		next := todo[0]
		todo = todo[1:]
		target, err := w.step(next)
		if err != nil {
			return err
		}
		if target == "" {
			continue
		}
		if w.links++; w.links > maxLinks {
			return unix.ELOOP
		}
		if path.IsAbs(target) {
			w.close()
		}
		todo = append(components(target), todo...)
	}
	return nil
}

func components(name string) []string {
	return strings.FieldsFunc(name, func(r rune) bool { return r == '/' })
}

// step takes one component. If that is a symbolic link, the walker stays and
// the link's target is returned.
func (w *walker) step(name string) (target string, err error) {
	switch name {
	case ".":
		return "", nil
	case "..":
		w.up()
		return "", nil
	}
	exists := !w.missing()
	w.names = append(w.names, name)
	if !exists {
		return "", nil
	}
	fd, st, err := w.open(name)
	if errors.Is(err, unix.ENOENT) && !w.strict {
		return "", nil
	}
	switch {
	case err != nil:
	case st.IsDir():
		w.fds = append(w.fds, fd)
		return "", nil
	case st.IsLink():
		w.names = w.names[:len(w.names)-1]
		target = st.Target
	default:
		w.nonDir = st
	}
	closeDir(fd)
	return target, err
}

// open opens the component that was taken last, or says that there is none: ENOENT.
func (w *walker) open(name string) (fd int, st *Stat, err error) {
	if w.view != nil {
		at := w.path()
		p := w.view.place(at)
		if p != (place{path: at}) {
			if fd, st, err = w.view.open(p); err == nil && st == nil {
				err = unix.ENOENT
			}
			return fd, st, err
		}
	}
	fd, err = unix.Openat(w.current(), name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return noDir, nil, err
	}
	st, err = fstat(fd)
	return fd, st, err
}

func closeDir(fd int) {
	if fd != noDir {
		unix.Close(fd)
	}
}

func (w *walker) up() {
	if len(w.names) == 0 {
		return
	}
	if !w.missing() {
		closeDir(w.current())
		w.fds = w.fds[:len(w.fds)-1]
	}
	w.names = w.names[:len(w.names)-1]
}

// Resolve returns where a path leads, the last component included. Components
// that do not exist are taken as they stand.
func (r *Root) Resolve(name string) (string, error) {
	w := walker{root: r}
	defer w.close()
	if err := w.walk(name); err != nil {
		return "", r.pathError("resolving", name, err)
	}
	return w.path(), nil
}
