package rootfs

import (
	"sync"

	"golang.org/x/sys/unix"
)

// maxKept bounds how many directories are kept open, of the files that this process may
// have open no more than a share. The one after them is the first of the next ones.
const (
	maxKept   = 256
	keptShare = 4
)

// kept are directories that stay open, so that thousands of nodes in a few directories
// are not thousands of paths to resolve.
type kept struct {
	mu     sync.Mutex
	byPath map[string]*keptDir
	most   int // 0 if none is kept
	// forgotten counts how often all were.
	forgotten int
}

// A keptDir is an open directory that its Dirs share.
type keptDir struct {
	kept *kept
	fd   int
	// users are its Dirs, and one for being kept.
	users int
	// created is what a node is like that has been created in it, by kind: S_IFREG or
	// S_IFLNK.
	created map[uint32]*Stat
}

// KeepDirs has the root keep directories open that it has opened by their paths, until it
// is closed. Where a path leads counts as unchanged but for changes by this root: Forget is
// to be called after those of others, such as programs.
func (r *Root) KeepDirs() {
	r.kept.mu.Lock()
	defer r.kept.mu.Unlock()
	r.kept.byPath, r.kept.most = map[string]*keptDir{}, maxKept
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil {
		r.kept.most = int(min(maxKept, limit.Cur/keptShare))
	}
}

// Forget has all paths be resolved anew.
func (r *Root) Forget() {
	r.kept.mu.Lock()
	defer r.kept.mu.Unlock()
	r.kept.forgetLocked()
}

func (k *kept) forgetLocked() {
	k.forgotten++
	for _, d := range k.byPath {
		d.releaseLocked()
	}
	clear(k.byPath)
}

func (d *keptDir) release() {
	d.kept.mu.Lock()
	defer d.kept.mu.Unlock()
	d.releaseLocked()
}

func (d *keptDir) releaseLocked() {
	if d.users--; d.users == 0 {
		unix.Close(d.fd)
	}
}

// OpenDir opens the directory that a path leads to, links followed.
func (r *Root) OpenDir(name string) (*Dir, error) {
	at := clean(name)
	known, forgotten := r.kept.find(at)
	if known != nil {
		return &Dir{root: r, path: at, fd: known.fd, kept: known}, nil
	}
	fd, err := r.open(r, name)
	if err != nil {
		return nil, r.pathError("opening directory", name, err)
	}
	return &Dir{root: r, path: at, fd: fd, kept: r.kept.add(at, fd, forgotten)}, nil
}

// find returns the directory of a path, if it is kept, and what add has to know.
func (k *kept) find(name string) (d *keptDir, forgotten int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if d = k.byPath[name]; d != nil {
		d.users++
	}
	return d, k.forgotten
}

// add keeps a directory that was opened since find. Something has forgotten all meanwhile
// if that count has changed: then where the path led is not where it leads.
func (k *kept) add(name string, fd, forgotten int) *keptDir {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.most == 0 || k.forgotten != forgotten || k.byPath[name] != nil {
		return nil
	}
	if len(k.byPath) >= k.most {
		k.forgetLocked()
	}
	d := &keptDir{kept: k, fd: fd, users: 2}
	k.byPath[name] = d
	return d
}

// Close releases the root, so that it can be unmounted.
func (r *Root) Close() {
	r.Forget()
	unix.Close(r.fd)
}

// Close releases the directory.
func (d *Dir) Close() {
	if d.kept != nil {
		d.kept.release()
		return
	}
	unix.Close(d.fd)
}

// createdIn returns what a node of a kind is like that has been created in this directory,
// nil if that is not known.
func (d *Dir) createdIn(kind uint32) *Stat {
	if d.kept == nil {
		return nil
	}
	d.kept.kept.mu.Lock()
	defer d.kept.kept.mu.Unlock()
	return d.kept.created[kind]
}

// created is told what a node is like that has just been created in this directory. All
// others of its kind will have the same owner and mode, since the directory's own owner,
// mode and default ACL decide that with the umask.
func (d *Dir) created(st *Stat) {
	if d.kept == nil {
		return
	}
	d.kept.kept.mu.Lock()
	defer d.kept.kept.mu.Unlock()
	if d.kept.created == nil {
		d.kept.created = map[uint32]*Stat{}
	}
	d.kept.created[st.Mode&unix.S_IFMT] = st
}
