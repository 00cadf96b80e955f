package rootfs

import (
	"errors"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// maxLinks is how many symbolic links may lie on one path, as in the kernel.
const maxLinks = 40

// A walker resolves a path component by component. It holds the directories open
// that it has passed, so that ".." is where it came from and never the real parent
// of the root. Of a long path these are the last ones; the others are found again
// from the root.
type walker struct {
	root  *Root
	names []string // the resolved components so far
	fds   []int    // the directories of the first len(fds) of them, noDir or released
	links int
	// strict ends the walk at a component that does not exist.
	strict bool
	// view has changes of the root that count as made, nil for none.
	view *View
	// nonDir is the node that the walk has come to if that is not a directory.
	nonDir *Stat
}

const (
	// noDir stands for an open directory that will be made and is empty.
	noDir = -1
	// released stands for one that was closed, as there were too many.
	released = -2
	// maxHeld is how many are open.
	maxHeld = 16
)

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
		return "", w.up()
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
		w.push(fd)
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
		// In a directory that will be made there can be what is at this path now.
		if p != (place{path: at}) || w.current() == noDir {
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
	if fd >= 0 {
		unix.Close(fd)
	}
}

// push goes down into a directory.
func (w *walker) push(fd int) {
	w.fds = append(w.fds, fd)
	if n := len(w.fds) - maxHeld - 1; n >= 0 && w.fds[n] >= 0 {
		unix.Close(w.fds[n])
		w.fds[n] = released
	}
}

func (w *walker) up() error {
	if len(w.names) == 0 {
		return nil
	}
	wasMissing := w.missing()
	w.names = w.names[:len(w.names)-1]
	if wasMissing {
		return nil
	}
	closeDir(w.current())
	w.fds = w.fds[:len(w.fds)-1]
	if len(w.fds) == 0 || w.current() != released {
		return nil
	}
	again := walker{root: w.root, view: w.view, strict: true}
	if err := again.walk(w.path()); err != nil {
		again.close()
		return err
	}
	if again.nonDir != nil || again.path() != w.path() {
		again.close()
		return unix.ESTALE // somebody has replaced a directory meanwhile
	}
	w.close()
	w.names, w.fds = again.names, again.fds
	return nil
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
