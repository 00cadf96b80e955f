package rootfs

import (
	"errors"
	"fmt"
	"path"
	"sync"

	"golang.org/x/sys/unix"
)

// A FullError is an error of a filesystem that has no room (ENOSPC, EDQUOT), with
// what was known about it at that moment.
type FullError struct {
	Err error
	// MountPoint is where it is mounted, as a path of this system.
	MountPoint string
	// What it has in all, and what of that is free. Without inodes in all it makes
	// as many as are wanted.
	Bytes, FreeBytes   uint64
	Inodes, FreeInodes uint64
	// TempFiles are those that this process has on it, and TempBytes what they hold.
	TempFiles, TempBytes int64
}

func (e *FullError) Unwrap() error { return e.Err }

// NoInodes reports whether it is full of nodes, not of bytes.
func (e *FullError) NoInodes() bool { return e.Inodes > 0 && e.FreeInodes == 0 }

// Error says in one line what the system said, and what the filesystem has.
func (e *FullError) Error() string {
	const kibi = 1 << 10
	text := fmt.Sprintf("%v; the filesystem at %s has %d of %d KiB free", e.Err, e.MountPoint, e.FreeBytes/kibi, e.Bytes/kibi)
	if e.Inodes > 0 {
		text += fmt.Sprintf(" and %d of %d inodes", e.FreeInodes, e.Inodes)
	}
	switch held := (e.TempBytes + kibi - 1) / kibi; {
	case e.TempFiles == 1:
		text += fmt.Sprintf("; a temporary file of ours holds %d KiB of it", held)
	case e.TempFiles > 1:
		text += fmt.Sprintf("; %d temporary files of ours hold %d KiB of it", e.TempFiles, held)
	}
	return text
}

// full adds what is known about the filesystem of this directory to an error that
// says that it has no room. Others are returned as they are.
func (d *Dir) full(err error) error {
	if !errors.Is(err, unix.ENOSPC) && !errors.Is(err, unix.EDQUOT) {
		return err
	}
	var known *FullError
	var fs unix.Statfs_t
	if errors.As(err, &known) || unix.Fstatfs(d.fd, &fs) != nil {
		return err
	}
	block := uint64(fs.Bsize)
	full := &FullError{Err: err, MountPoint: d.mountPoint(), Bytes: fs.Blocks * block, FreeBytes: fs.Bavail * block, Inodes: fs.Files, FreeInodes: fs.Ffree}
	if st, err := fstat(d.fd); err == nil {
		full.TempFiles, full.TempBytes = d.root.temps.on(st.Dev)
	}
	return full
}

// full is Dir.full for what is written to a temp file, which counts, too.
func (t *TempFile) full(err error) error {
	added := t.dir.full(err)
	full, ok := added.(*FullError)
	if !ok || t.pending {
		return added
	}
	if st, err := fstat(t.fd); err == nil {
		full.TempFiles++
		full.TempBytes += st.Size
	}
	return full
}

// CheckRoom adds to the error of a program that has written below these directories
// that the filesystem of one is full (FullError) or read-only (EROFS), if one is.
// Programs say only that they could not do it.
func (r *Root) CheckRoom(err error, dirs ...string) error {
	for _, name := range dirs {
		d, openErr := r.OpenDir(name)
		if openErr != nil {
			continue
		}
		defer d.Close()
		var fs unix.Statfs_t
		switch lookErr := unix.Fstatfs(d.fd, &fs); {
		case lookErr != nil:
		case fs.Flags&unix.ST_RDONLY != 0:
			return programError{err, unix.EROFS, fmt.Sprintf("%v; the filesystem at %s is read-only", err, d.mountPoint())}
		case fs.Blocks > 0 && fs.Bavail == 0, fs.Files > 0 && fs.Ffree == 0:
			return d.full(programError{err, unix.ENOSPC, fmt.Sprintf("%v: %v", err, unix.ENOSPC)})
		}
	}
	return err
}

// A programError is that of a program, with the error of the system behind it.
type programError struct {
	error
	errno unix.Errno
	text  string
}

func (e programError) Error() string        { return e.text }
func (e programError) Unwrap() error        { return e.error }
func (e programError) Is(target error) bool { return target == e.errno }

// mountPoint returns where the filesystem of this directory is mounted.
func (d *Dir) mountPoint() string {
	st, err := fstat(d.fd)
	at := path.Clean("/" + d.path)
	for err == nil && at != "/" {
		above, lookErr := d.root.Lstat(path.Dir(at))
		if lookErr != nil || above == nil || above.Dev != st.Dev {
			break
		}
		at = path.Dir(at)
	}
	return d.root.HostPath(at)
}

// temps counts the pending files of a root, by their device.
type temps struct {
	mu       sync.Mutex
	byDevice map[uint64]tempUse
}

type tempUse struct{ files, bytes int64 }

func (t *temps) add(device uint64, files, bytes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byDevice == nil {
		t.byDevice = map[uint64]tempUse{}
	}
	use := t.byDevice[device]
	t.byDevice[device] = tempUse{use.files + files, use.bytes + bytes}
}

func (t *temps) on(device uint64) (files, bytes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	use := t.byDevice[device]
	return use.files, use.bytes
}
