package rootfs

import (
	"errors"
	"io"
	"sync"

	"golang.org/x/sys/unix"
)

// A PendingFile is a temp file that is open only while something is written to it,
// so that thousands may be written at the same time with few descriptors. It is
// created when that begins. Its methods may be called at the same time.
type PendingFile struct {
	root *Root
	dir  string // that it is created in
	base string // of the file that it is for, for messages

	mu   sync.Mutex
	name string // "" while there is no node
	node Stat   // dev and inode, against somebody who puts another node there
	size int64
}

// PendingFile returns a temp file, not yet created, in a directory, for a file of
// a name, which is for messages.
func (r *Root) PendingFile(dir, name string) *PendingFile {
	return &PendingFile{root: r, dir: dir, base: name}
}

// Write appends to the file.
func (f *PendingFile) Write(text []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t, err := f.open()
	if err != nil {
		return 0, err
	}
	n, err := t.Write(text)
	f.grow(int64(n))
	return n, errors.Join(t.full(err), t.Close())
}

// Truncate takes back what was written after the first size bytes.
func (f *PendingFile) Truncate(size int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.name == "" {
		return nil
	}
	t, err := f.open()
	if err != nil {
		return err
	}
	if err = errors.Join(t.truncate(size), t.Close()); err == nil {
		f.grow(size - f.size)
	}
	return err
}

// Size returns how much has been written, in bytes.
func (f *PendingFile) Size() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.size
}

// Exists reports whether the file has been created.
func (f *PendingFile) Exists() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.name != ""
}

// Take returns the file as an open temp file, at its end, and forgets it.
func (f *PendingFile) Take() (*TempFile, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t, err := f.open()
	if err == nil {
		f.forget()
		t.pending = false
	}
	return t, err
}

// CopyTo writes what is in the file to w.
func (f *PendingFile) CopyTo(w io.Writer) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.name == "" {
		return nil
	}
	d, err := f.root.OpenDir(f.dir)
	if err != nil {
		return err
	}
	defer d.Close()
	from, st, err := d.OpenFile(f.name, unix.S_IFREG)
	if err != nil {
		return err
	}
	defer from.Close()
	if !st.SameNode(&f.node) {
		return d.pathError("opening", f.name, errReplaced)
	}
	_, err = io.Copy(w, from)
	return err
}

// Discard removes the file, if there is one.
func (f *PendingFile) Discard() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.name == "" {
		return
	}
	if d, err := f.root.OpenDir(f.dir); err == nil {
		unix.Unlinkat(d.fd, f.name, 0)
		d.Close()
	}
	f.forget()
}

func (f *PendingFile) forget() {
	f.root.temps.add(f.node.Dev, -1, -f.size)
	f.name, f.size = "", 0
}

func (f *PendingFile) grow(by int64) {
	f.size += by
	f.root.temps.add(f.node.Dev, 0, by)
}

var errReplaced = errors.New("somebody has put another file there meanwhile")

// open opens the file for appending, and creates it if it does not exist.
func (f *PendingFile) open() (*TempFile, error) {
	d, err := f.root.OpenDir(f.dir)
	if err != nil {
		return nil, err
	}
	name, flags := f.name, 0
	if name == "" {
		name, flags = tempName(), unix.O_CREAT|unix.O_EXCL
	}
	t, err := d.openTemp(name, f.base, flags|unix.O_APPEND)
	if err != nil {
		d.Close()
		return nil, err
	}
	t.ownsDir, t.pending = true, true
	st, err := fstat(t.fd)
	switch {
	case err != nil:
	case f.name == "":
		f.name, f.node = name, *st
		f.root.temps.add(st.Dev, 1, 0)
	case !st.SameNode(&f.node):
		err = errReplaced
	}
	if err != nil {
		err = d.pathError("opening", name, err)
		t.Close()
		return nil, err
	}
	t.is = st
	return t, nil
}
