package clearing

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/system"
)

// A walker goes through a directory and all that is in it, in one mount. It knows no limit of
// depth: it holds no more than maxOpen directories open, and finds the others again as the
// parents of those.
type walker struct {
	ctx context.Context
	// top is the path of the directory, for messages.
	top   string
	mount uint64
	stack []frame
	todo  visitor
	// looksFirst has it look at a directory before it opens it. Opening one can mount something
	// there, and wait for a server.
	looksFirst bool
	// Both are used for one directory after another.
	buffer  []byte
	entries []entry
}

// A visitor says what becomes of what a walker meets.
type visitor interface {
	// leaf is called for each entry that is no directory, as far as is known. It reports
	// whether there is a directory nevertheless.
	leaf(w *walker, f *frame, name string, stays *node) (isDir bool, err error)
	// enter is called for a directory that was opened, before what is in it, and reports
	// whether the walker shall go through it.
	enter(w *walker, f, sub *frame) (inside bool, err error)
	// leave is called when that is done, and nothing is open in it. f is nil for the top.
	leave(w *walker, f, sub *frame) error
	// again reports whether a directory has to be read once more, since it was changed while
	// it was read.
	again(f *frame) bool
}

// A frame is a directory that the walker is in.
type frame struct {
	name string
	fd   int // closed if it is
	is   status
	// stays is what of it stays, nil if nothing does.
	stays *node
	// part is what its files are counted to.
	part *Part
	// dirs are the directories in it that are still to be gone through.
	dirs []string
	// removed counts the entries that were removed while it was read, in so many parts.
	removed, parts int
	// restore puts back attributes that were taken away.
	restore []func(fd int) error
}

const (
	maxOpen = 32
	closed  = -1
)

// errMoved is the error of a directory that is not where it was.
var errMoved = errors.New("somebody has moved this directory meanwhile")

// walk goes through an open directory, which the walker closes.
func (w *walker) walk(fd int, stays *node, part *Part) error {
	defer w.close()
	is, err := stat(fd, "")
	top := frame{fd: fd, is: is, stays: stays, part: part}
	w.mount = is.mount
	w.stack = append(w.stack, top)
	if err == nil {
		var inside bool
		if inside, err = w.todo.enter(w, nil, &w.stack[0]); err == nil && inside {
			err = w.read()
		}
	}
	for err == nil && len(w.stack) > 0 {
		err = w.step()
	}
	return err
}

// step goes into the next directory, or leaves this one if there is none.
func (w *walker) step() error {
	f := w.current()
	last := len(f.dirs) - 1
	if last < 0 {
		return w.leave()
	}
	name := f.dirs[last]
	f.dirs = f.dirs[:last]
	return w.enter(name)
}

func (w *walker) current() *frame { return &w.stack[len(w.stack)-1] }

func (w *walker) close() {
	for _, f := range w.stack {
		if f.fd != closed {
			unix.Close(f.fd)
		}
	}
	w.stack = nil
}

// path is that of an entry of the current directory, for messages.
func (w *walker) path(name string) string {
	names := make([]string, 0, len(w.stack)+1)
	for _, f := range w.stack {
		names = append(names, f.name)
	}
	return path.Join(w.top, strings.Join(append(names, name), "/"))
}

func (w *walker) pathError(doing, name string, err error) error {
	return &fs.PathError{Op: doing, Path: system.PrintableLine(w.path(name)), Err: err}
}

// read reads the current directory: files are done with at once, directories are noted.
func (w *walker) read() error {
	f := w.current()
	for {
		if w.ctx.Err() != nil {
			return context.Cause(w.ctx)
		}
		var end bool
		var err error
		if w.entries, end, err = readEntries(f.fd, w.buffer, w.entries[:0]); err != nil {
			return w.pathError("reading directory", "", err)
		}
		f.parts++
		for _, e := range w.entries {
			if err := w.visit(f, e); err != nil {
				return err
			}
		}
		switch {
		case !end:
			continue
		case !w.todo.again(f):
			return nil
		}
		f.dirs = f.dirs[:0]
		if _, err := unix.Seek(f.fd, 0, 0); err != nil {
			return w.pathError("reading directory", "", err)
		}
	}
}

func (w *walker) visit(f *frame, e entry) error {
	isDir := e.kind == unix.DT_DIR
	if !isDir {
		var err error
		if isDir, err = w.todo.leaf(w, f, e.name, f.stays.child(e.name)); err != nil {
			return err
		}
	}
	if isDir {
		f.dirs = append(f.dirs, e.name)
	}
	return nil
}

// enter goes into a directory that is in the current one, unless it is none any more.
func (w *walker) enter(name string) error {
	f := w.current()
	if w.looksFirst {
		if is, err := stat(f.fd, name); err == nil && is.mount != w.mount {
			_, err := w.todo.enter(w, f, &frame{name: name, fd: closed, is: is, stays: f.stays.child(name), part: f.part})
			return err
		}
	}
	fd, err := openDir(f.fd, name)
	switch {
	case errors.Is(err, unix.ENOENT):
		return nil
	case errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP):
		if isDir, err := w.todo.leaf(w, f, name, f.stays.child(name)); err != nil || !isDir {
			return err
		}
		return w.pathError("opening directory", name, errMoved)
	case err != nil:
		return w.pathError("opening directory", name, err)
	}
	sub := frame{name: name, fd: fd, stays: f.stays.child(name), part: f.part}
	if sub.is, err = stat(fd, ""); err != nil {
		unix.Close(fd)
		return w.pathError("looking at", name, err)
	}
	inside, err := w.todo.enter(w, f, &sub)
	if err != nil || !inside {
		unix.Close(fd)
		return err
	}
	if n := len(w.stack) - maxOpen; n >= 0 && w.stack[n].fd != closed {
		unix.Close(w.stack[n].fd)
		w.stack[n].fd = closed
	}
	w.stack = append(w.stack, sub)
	return w.read()
}

// leave goes back to the directory around the current one.
func (w *walker) leave() error {
	sub := *w.current()
	if len(w.stack) == 1 {
		err := w.todo.leave(w, nil, &sub)
		w.close()
		return err
	}
	around := &w.stack[len(w.stack)-2]
	if around.fd == closed {
		if err := w.reopen(&sub, around); err != nil {
			return err
		}
	}
	w.stack = w.stack[:len(w.stack)-1]
	defer unix.Close(sub.fd)
	return w.todo.leave(w, around, &sub)
}

// reopen opens the directory around one that is open. It is to be the one that the walker
// came from: whoever moves directories must not lead it anywhere.
func (w *walker) reopen(sub, around *frame) error {
	fd, err := openDir(sub.fd, "..")
	if err != nil {
		return w.pathError("going back from", "", err)
	}
	is, err := stat(fd, "")
	if err == nil && is.identity != around.is.identity {
		err = errMoved
	}
	if err != nil {
		unix.Close(fd)
		return w.pathError("going back from", "", err)
	}
	around.fd = fd
	return nil
}

// subError adds to an error, if there is one, that it is about a directory in the current one.
func (w *walker) subError(f, sub *frame, doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case f == nil:
		return w.pathError(doing, "", err)
	}
	return w.pathError(doing, sub.name, err)
}
