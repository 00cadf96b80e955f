package rootfs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A StagedTree is a directory under a temporary name, which is filled by names that come
// from elsewhere, and then moved to where it is wanted. What is in it, links above all, is
// never followed, so that no name leads out of it.
//
// Names are relative and clean ("a/b"); "" is the directory itself. All but Size, Exists and
// Discard are called by one goroutine at a time.
type StagedTree struct {
	root *Root
	dir  string // that it is created in
	to   string // where it will be, for messages
	buf  []byte
	// attributes are those of directories, set when all is in them.
	attributes map[string]Attributes

	// in is the directory that was used last, nil for none.
	in     *Dir
	inName string

	mu   sync.Mutex
	top  *Dir // nil while there is none
	name string
	dev  uint64
	// files and bytes are what is in it.
	files, bytes int64
}

// Attributes are what a node of a StagedTree is like.
type Attributes struct {
	Owner    Owner
	Mode     uint32    // permission bits; a link has none
	Modified time.Time // zero is now
	Extended []Extended
}

// Extended is an extended attribute, see xattr(7).
type Extended struct{ Name, Value string }

// setExtended sets the extended attributes of what is open. It comes after setting the
// owner, by which the kernel takes capabilities away.
func setExtended(fd int, name func() string, all []Extended) error {
	for _, x := range all {
		err := unix.Fsetxattr(fd, x.Name, []byte(x.Value), 0)
		if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.E2BIG) { // ext4 has a block of 4 KiB for those of a node
			err = fmt.Errorf("the filesystem has no room for one of %d bytes", len(x.Value))
		}
		if err != nil {
			return &os.PathError{Op: "setting the attribute " + x.Name + " of", Path: name(), Err: err}
		}
	}
	return nil
}

// StagedTree returns a tree, not yet created, whose temporary name will be in a directory.
// Place will be called with the path to.
func (r *Root) StagedTree(dir, to string) *StagedTree {
	const copied = 128 << 10 // bytes at once
	return &StagedTree{root: r, dir: dir, to: to, buf: make([]byte, copied), attributes: map[string]Attributes{}}
}

// create makes the directory if there is none yet.
func (t *StagedTree) create() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.top != nil {
		return nil
	}
	d, err := t.root.OpenDir(t.dir)
	if err != nil {
		return err
	}
	defer d.Close()
	name := tempName()
	if err := d.mkdir(name, 0o700); err != nil {
		return err
	}
	top, err := d.openDir(name)
	if err != nil {
		return err
	}
	st, err := fstat(top.fd)
	if err != nil {
		top.Close()
		return err
	}
	top.path = t.to
	t.top, t.name, t.dev = top, name, st.Dev
	t.root.temps.add(t.dev, 1, 0)
	return nil
}

// open opens a directory of the tree, which is made if it does not exist. It is open until
// another one is wanted.
func (t *StagedTree) open(name string) (*Dir, error) {
	if t.in != nil && t.inName == name {
		return t.in, nil
	}
	if err := t.create(); err != nil {
		return nil, err
	}
	at, rest := t.top, name
	if t.in != nil && strings.HasPrefix(name, t.inName+"/") {
		at, rest = t.in, name[len(t.inName)+1:]
	}
	for base := range strings.SplitSeq(rest, "/") {
		if base == "" { // the tree itself
			return t.top, nil
		}
		next, err := at.openDir(base)
		if errors.Is(err, unix.ENOENT) {
			if err = at.mkdir(base, 0o700); err == nil {
				next, err = at.openDir(base)
			}
		}
		if at != t.top && at != t.in {
			at.Close()
		}
		if err != nil {
			return nil, err
		}
		at = next
	}
	t.leave()
	t.in, t.inName = at, name
	return at, nil
}

func (t *StagedTree) leave() {
	if t.in != nil {
		t.in.Close()
	}
	t.in, t.inName = nil, ""
}

// parent opens the directory in which a node will be, and removes what has its name
// already, unless that is a directory.
func (t *StagedTree) parent(name string) (d *Dir, base string, err error) {
	dir, base := path.Split(name)
	d, err = t.open(strings.TrimSuffix(dir, "/"))
	if err != nil {
		return nil, base, err
	}
	if err := unix.Unlinkat(d.fd, base, 0); err != nil && !errors.Is(err, unix.ENOENT) {
		return nil, base, d.pathError("replacing", base, err)
	}
	return d, base, nil
}

// Dir makes a directory and those above it. Its attributes are set by Seal.
func (t *StagedTree) Dir(name string, a Attributes) error {
	_, err := t.open(name)
	t.attributes[name] = a
	return err
}

// File makes a file of so many bytes.
func (t *StagedTree) File(name string, a Attributes, size int64, from io.Reader) error {
	d, base, err := t.parent(name)
	if err != nil {
		return err
	}
	if err := d.checkFree(size); err != nil {
		return d.pathError("writing", base, err)
	}
	fd, err := unix.Openat(d.fd, base, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return d.pathError("creating", base, err)
	}
	f := &TempFile{fd: fd, base: base, dir: d, pending: true}
	defer f.Close()
	written, err := io.CopyBuffer(struct{ io.Writer }{f}, from, t.buf)
	t.grow(1, written)
	if err == nil {
		err = f.setOwnerMode(a.Owner, a.Mode)
	}
	if err == nil {
		err = setExtended(f.fd, f.path, a.Extended)
	}
	if err == nil {
		err = d.setTimes(base, a.Modified)
	}
	return errors.Join(f.full(err), f.full(f.closeFile()))
}

// Link makes a symbolic link.
func (t *StagedTree) Link(name, target string, a Attributes) error {
	d, base, err := t.parent(name)
	if err != nil {
		return err
	}
	if err := unix.Symlinkat(target, d.fd, base); err != nil {
		return d.pathError("creating the symbolic link", base, err)
	}
	t.grow(1, 0)
	if err := d.SetLinkOwner(base, a.Owner); err != nil {
		return err
	}
	return d.setTimes(base, a.Modified)
}

// HardLink makes another name of a file or a link of the tree.
func (t *StagedTree) HardLink(name, target string) error {
	dir, old := path.Split(target)
	from, err := t.look(strings.TrimSuffix(dir, "/"))
	if err != nil {
		return err
	}
	defer from.Close()
	d, base, err := t.parent(name)
	if err != nil {
		return err
	}
	if err := unix.Linkat(from.fd, old, d.fd, base, 0); err != nil {
		return d.pathError("linking", base, err)
	}
	t.grow(1, 0)
	return nil
}

// look opens a directory of the tree that exists.
func (t *StagedTree) look(name string) (*Dir, error) {
	if err := t.create(); err != nil {
		return nil, err
	}
	at, err := t.top.openDir(".")
	for base := range strings.SplitSeq(name, "/") {
		if err != nil || base == "" {
			break
		}
		var next *Dir
		next, err = at.openDir(base)
		at.Close()
		at = next
	}
	return at, err
}

// Lstat returns a node of the tree, nil if there is none.
func (t *StagedTree) Lstat(name string) (*Stat, error) {
	dir, base := path.Split(name)
	d, err := t.look(strings.TrimSuffix(dir, "/"))
	if err != nil {
		return nil, ignoreMissing(err)
	}
	defer d.Close()
	return d.Lstat(base)
}

// checkFree returns an error if a filesystem has no room for so many bytes.
func (d *Dir) checkFree(size int64) error {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(d.fd, &fs); err != nil {
		return err
	}
	if free := fs.Bavail * uint64(fs.Bsize); uint64(size) > free {
		return fmt.Errorf("it has %d bytes: %w", size, unix.ENOSPC)
	}
	return nil
}

// setTimes sets when an entry was changed, unless that is zero.
func (d *Dir) setTimes(name string, modified time.Time) error {
	if modified.IsZero() {
		return nil
	}
	to, err := unix.TimeToTimespec(modified)
	if err != nil {
		return d.pathError("setting the time of", name, err)
	}
	err = unix.UtimesNanoAt(d.fd, name, []unix.Timespec{to, to}, unix.AT_SYMLINK_NOFOLLOW)
	if err != nil {
		return d.pathError("setting the time of", name, err)
	}
	return nil
}

// grow counts what is in the tree.
func (t *StagedTree) grow(files, bytes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.files, t.bytes = t.files+files, t.bytes+bytes
	t.root.temps.add(t.dev, 0, bytes)
}

// Size returns how much has been written, in bytes.
func (t *StagedTree) Size() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.bytes
}

// Exists reports whether the tree has been created.
func (t *StagedTree) Exists() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.top != nil
}

// Seal gives the directories their owners, modes and times, when all is in them. The others
// of the tree, for which there was no Dir, are like this one.
func (t *StagedTree) Seal(others Attributes) error {
	if err := t.create(); err != nil {
		return err
	}
	t.leave()
	return t.seal(t.top, "", others)
}

// seal does so from the deepest on, as each entry changes the time of its directory.
func (t *StagedTree) seal(d *Dir, name string, others Attributes) error {
	names, err := d.readNames()
	if err != nil {
		return err
	}
	for _, base := range names {
		sub, err := d.openDir(base)
		if errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
			continue
		}
		if err == nil {
			err = t.seal(sub, path.Join(name, base), others)
			sub.Close()
		}
		if err != nil {
			return err
		}
	}
	a, listed := t.attributes[name]
	if !listed {
		a = others
	}
	if err := d.setDirOwnerMode(".", a.Owner, a.Mode); err != nil {
		return err
	}
	if err := d.setExtended(a.Extended); err != nil {
		return err
	}
	return d.setTimes(".", a.Modified)
}

// setExtended sets extended attributes of the directory.
func (d *Dir) setExtended(all []Extended) error {
	if len(all) == 0 {
		return nil
	}
	f, _, err := d.OpenFile(".", unix.S_IFDIR)
	if err != nil {
		return err
	}
	defer f.Close()
	return setExtended(int(f.Fd()), func() string { return d.path }, all)
}

// Discard removes the tree, if there is one.
func (t *StagedTree) Discard() {
	t.leave()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.top == nil {
		return
	}
	t.top.Close()
	if d, err := t.root.OpenDir(t.dir); err == nil {
		d.remove(t.name)
		d.Close()
	}
	t.forget()
}

func (t *StagedTree) forget() {
	t.root.temps.add(t.dev, -1, -t.bytes)
	t.top, t.name, t.files, t.bytes = nil, "", 0, 0
	clear(t.attributes)
}
