package clearing

import (
	"context"
	"errors"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/reset"
)

// Look looks at a root and plans to remove all from it but what stays. Nothing is changed. The
// error joins a *report.Error for each reason why that is not possible.
//
// In the initramfs the root is as the operating system mounts it, without the mounts of the
// config. In a running system it has more mounts: what they hide is not seen.
func Look(ctx context.Context, root *rootfs.Root, r Request) (*Plan, error) {
	l := &looker{Request: r, root: root, stays: new(node)}
	if err := l.chooseLayout(); err != nil {
		return nil, err
	}
	l.checkPaths()
	if len(l.conflicts) == 0 {
		l.count(ctx)
	}
	if len(l.conflicts) > 0 {
		return nil, errors.Join(l.conflicts...)
	}
	p := &Plan{Layout: l.layout.name, EtcFrom: l.etcFrom, look: l, Stays: l.stays.parts()}
	for _, g := range l.goes {
		if g.Files+g.directories > 0 {
			p.Goes = append(p.Goes, *g)
		}
	}
	sortParts(p.Goes)
	return p, nil
}

// A looker finds out what a root is like.
type looker struct {
	Request
	root      *rootfs.Root
	conflicts []error

	layout *layout
	// regions are the directories that are cleared, but for what stays.
	regions []string
	stays   *node
	goes    []*Part
	// etcFrom is where /etc comes from. hardLinks says that files in it which are one stay so.
	etcFrom   string
	hardLinks bool
	// writeID is set if /etc/machine-id is not as it will be.
	writeID bool
	seen    atomic.Int64
}

func (l *looker) conflict(hint, format string, args ...any) {
	l.conflicts = append(l.conflicts, report.Conflict(config.Origin{}, hint, format, args...))
}

func (l *looker) failed(doing string, err error) {
	l.conflicts = append(l.conflicts, &report.Error{Doing: doing, Err: err})
}

// open opens a directory, which links may lead to.
func (l *looker) open(name string) (*os.File, status, error) {
	d, err := l.root.OpenDir(name)
	if err != nil {
		return nil, status{}, err
	}
	defer d.Close()
	f, _, err := d.OpenFile(".", unix.S_IFDIR)
	if err != nil {
		return nil, status{}, err
	}
	is, err := stat(int(f.Fd()), "")
	if err != nil {
		f.Close()
		return nil, status{}, l.pathError("looking at", name, err)
	}
	return f, is, nil
}

func (l *looker) pathError(doing, name string, err error) error {
	return &os.PathError{Op: doing, Path: l.root.HostPath(name), Err: err}
}

// statOf looks at a directory, which links may lead to. There need be none.
func (l *looker) statOf(name string) (is status, found bool, err error) {
	f, is, err := l.open(name)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return is, false, nil
	}
	if err != nil {
		return is, false, err
	}
	f.Close()
	return is, true, nil
}

// region is the directory to be cleared that a path is in, "" if it is in none.
func (l *looker) region(name string) (found string) {
	for _, r := range l.regions {
		if rootfs.Within(name, r) && len(r) > len(found) {
			found = r
		}
	}
	return found
}

// checkPaths finds out what stays, and all that is wrong with that.
func (l *looker) checkPaths() {
	for _, err := range report.Leaves(reset.Check(l.Keep)) {
		l.conflict(keepHint, "%v", err)
	}
	if len(l.conflicts) > 0 {
		return
	}
	for _, r := range l.regions {
		l.checkWritable(r)
	}
	for _, name := range l.layout.image {
		l.keep(name, Image, "")
	}
	for _, name := range l.Settings.Words(distribution.ResetKeep) {
		l.keep(name, Image, "the distribution has it in RESET_KEEP of "+distribution.File)
	}
	for _, name := range l.Keep {
		l.keep(name, Kept, keepHint)
	}
	l.keepMarks()
	l.keepSkeleton()
	l.checkEtc()
}

// checkWritable is about a read-only filesystem: it is known before anything is removed.
func (l *looker) checkWritable(region string) {
	f, _, err := l.open(region)
	if err != nil {
		l.failed("looking at the root", err)
		return
	}
	defer f.Close()
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &fs); err == nil && fs.Flags&unix.ST_RDONLY != 0 {
		l.conflict("mount it writable: the kernel argument rw, or the unit that remounts the root", "the filesystem at %s is read-only", l.root.HostPath(region))
	}
}
