package clearing

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/firstboot"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/reset"
	"github.com/firstlight-os/firstlight/internal/system"
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

const keepHint = "see --keep of firstlightctl reset"

// A problem is why a path cannot stay.
type problem struct {
	why, hint string
	// harmless says that nothing of the path is in danger: there is nothing of it that would go.
	harmless bool
	// link says that the path itself is a link.
	link bool
}

// keep has a path stay, or says why it cannot. What the image has need not be there in each
// version of it.
func (l *looker) keep(name string, reason Reason, hint string) {
	wrong, err := l.check(name)
	switch {
	case err != nil:
		l.failed(fmt.Sprintf("looking at %q, which is to be kept", name), err)
	case wrong == nil, reason == Image && wrong.link:
		l.stays.stay(name, reason)
	case reason == Image && wrong.harmless:
	default:
		l.conflict(wrong.hint+"; "+hint, "the path %q cannot be kept: %s", name, wrong.why)
	}
}

// check says why a path cannot stay, nil if it can.
func (l *looker) check(name string) (*problem, error) {
	top := l.region(name)
	if top == "" {
		top = "/"
	}
	f, is, err := l.open(top)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	dir, at := int(f.Fd()), top
	rest := components(strings.TrimPrefix(name, top))
	for i, c := range rest {
		at = path.Join(at, c)
		sub, err := unix.Openat(dir, c, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if errors.Is(err, unix.ENOENT) {
			return &problem{why: "it does not exist", hint: "leave it out, or name what exists", harmless: true}, nil
		}
		if err != nil {
			return nil, l.pathError("looking at", at, err)
		}
		defer unix.Close(sub)
		there, err := stat(sub, "")
		if err != nil {
			return nil, l.pathError("looking at", at, err)
		}
		if wrong := l.step(name, at, i == len(rest)-1, there, there.mount == is.mount); wrong != nil {
			return wrong, nil
		}
		dir = sub
	}
	return nil, nil
}

// step says why a path cannot stay that leads over a node.
func (l *looker) step(name, at string, last bool, there status, inside bool) *problem {
	switch {
	case !inside:
		return &problem{why: fmt.Sprintf("at %q another filesystem is mounted", at), hint: "leave it out: other filesystems are kept anyway, unless the config wipes them (wipeFilesystem)", harmless: true}
	case there.is(unix.S_IFLNK):
		real, err := l.root.Resolve(name)
		if err != nil {
			real = "another path"
		}
		return &problem{why: fmt.Sprintf("%q is a symbolic link", at), hint: fmt.Sprintf("name what it leads to, %q", real), link: last}
	case !last && !there.is(unix.S_IFDIR):
		return &problem{why: fmt.Sprintf("%q is no directory", at), hint: "leave it out, or name what exists", harmless: true}
	}
	return nil
}

// keepMarks has what tells the next boot that it is a first one stay, if that is on the root,
// so that an interrupted clearing goes on; and the machine's ID, if it is to be the same.
func (l *looker) keepMarks() {
	way, err := firstboot.Of(l.Settings)
	if err != nil {
		l.failed("finding out what says that this is a first boot", err)
		return
	}
	if mark := path.Join(way.Directories[0], way.File); way.InRoot() && mark != machineID { // no ID says so, too
		if st, err := l.root.Lstat(mark); err != nil {
			l.failed("finding out what says that this is a first boot", err)
		} else if st.IsRegular() {
			l.stays.stay(mark, Mark)
		}
	}
	if l.MachineID == "" || l.stays.at(machineID).whole() {
		return
	}
	text, err := l.root.ReadFile(machineID)
	if err != nil {
		l.failed("reading the machine's ID", err)
	}
	if l.writeID = strings.TrimSpace(string(text)) != l.MachineID; !l.writeID {
		l.keep(machineID, MachineID, "see --keep-machine-id of firstlightctl reset")
	}
}

const machineID = "/etc/machine-id"

// keepSkeleton has the directories stay that a root cannot do without until the system has
// booted from it, empty, and the links of its top that lead to /usr.
func (l *looker) keepSkeleton() {
	if l.regions[0] != "/" {
		return
	}
	for _, name := range skeleton {
		st, err := l.root.Lstat("/" + name)
		switch {
		case err != nil:
			l.failed("looking at the root", err)
		case st.IsDir():
			l.stays.grow(name)
		case st.IsLink() && rootfs.Within(path.Join("/", st.Target), "/usr"):
			l.stays.stay("/"+name, Image)
		}
	}
}

// skeleton are the names that file-hierarchy(7) and hier(7) have for the top of a root.
var skeleton = strings.Fields("bin dev etc home lib lib32 lib64 libx32 lost+found media mnt opt proc root run sbin srv sys tmp usr var")

// count looks at all that goes, and at what is kept.
func (l *looker) count(ctx context.Context) {
	stop := l.progress("looking at what the root has", func() string {
		return fmt.Sprintf("%s so far", system.Plural(int(l.seen.Load()), "file"))
	})
	defer stop()
	for _, r := range l.regions {
		if err := l.walk(ctx, r); err != nil {
			l.failed("looking at what the root has", err)
		}
	}
}

func (l *looker) walk(ctx context.Context, region string) error {
	part := &Part{Path: region}
	l.goes = append(l.goes, part)
	if l.stays.at(region).whole() {
		part = l.stays.at(region).part
	}
	return walkRegion(ctx, l, region, part, &counter{looker: l, single: region == etc}, true)
}

// walkRegion goes through a directory that is cleared.
func walkRegion(ctx context.Context, l *looker, region string, part *Part, v visitor, looksFirst bool) error {
	n := l.stays
	for _, c := range components(region) {
		if !n.whole() {
			n = n.grow(c)
		}
	}
	d, err := l.root.OpenDir(region)
	if err != nil {
		return err
	}
	defer d.Close()
	f, _, err := d.OpenFile(".", unix.S_IFDIR)
	if err != nil {
		return err
	}
	fd, err := openDir(int(f.Fd()), ".")
	f.Close()
	if err != nil {
		return l.pathError("opening directory", region, err)
	}
	w := &walker{ctx: ctx, top: region, todo: v, looksFirst: looksFirst, buffer: make([]byte, batch)}
	return w.walk(fd, n, part)
}

// A counter is the visitor that looks.
type counter struct {
	*looker
	// single has all that goes be one part.
	single bool
}

func (c *counter) again(*frame) bool { return false }

func (c *counter) leave(*walker, *frame, *frame) error { return nil }

func (c *counter) enter(w *walker, f, sub *frame) (bool, error) {
	if f == nil {
		return !sub.stays.whole() || sub.stays.part.Reason != Image, nil
	}
	if sub.is.mount != w.mount {
		c.mounted(w, f, sub.name)
		return false, nil
	}
	sub.part = c.partOf(w, f, sub.name, sub.stays)
	if f.stays.whole() {
		sub.stays = f.stays
	}
	if sub.stays == nil {
		sub.part.directories++
	}
	return !sub.stays.whole() || sub.part.Reason != Image, nil
}

func (c *counter) leaf(w *walker, f *frame, name string, stays *node) (bool, error) {
	is, err := stat(f.fd, name)
	switch {
	case errors.Is(err, unix.ENOENT):
		return false, nil
	case err != nil:
		return false, w.pathError("looking at", name, err)
	case is.is(unix.S_IFDIR):
		return true, nil
	case is.mount != w.mount:
		c.mounted(w, f, name)
		return false, nil
	}
	part := c.partOf(w, f, name, stays)
	part.Files++
	if is.is(unix.S_IFREG) {
		part.Bytes += is.size
	}
	c.seen.Add(1)
	return false, nil
}

// partOf is what an entry is counted to.
func (c *counter) partOf(w *walker, f *frame, name string, stays *node) *Part {
	switch {
	case f.stays.whole():
	case stays.whole():
		return stays.part
	case len(w.stack) == 1 && !c.single:
		part := &Part{Path: w.path(name)}
		c.goes = append(c.goes, part)
		return part
	}
	return f.part
}

// mounted has an entry stay on which something is mounted, and the directories around it.
func (c *counter) mounted(w *walker, f *frame, name string) {
	if f.stays.whole() || f.stays.child(name).whole() {
		return
	}
	n := w.stack[0].stays
	for i := range w.stack[1:] {
		n = n.grow(w.stack[i+1].name)
		w.stack[i+1].stays = n
	}
	n.grow(name).part = &Part{Path: w.path(name), Reason: Mounted}
}
