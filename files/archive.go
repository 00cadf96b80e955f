package files

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/ledger"
	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// An archive of the config is unpacked into a tree under a temporary name, which is moved
// to its place when all of it is there and its hash is right.
type archive struct {
	*config.Archive
	index int    // in the config, which the ledger knows it by
	at    string // the resolved path of the directory
	// missing is the first part of it that does not exist, "" if all does.
	missing string
	made    map[string]madeByConfig
	// madeEarlier reports whether an earlier run of ours has begun to put it in its place.
	madeEarlier bool
	download    *download // of one that comes over the network
}

func (a *archive) title() string         { return "archive for " + a.Path }
func (a *archive) origin() config.Origin { return a.Origin("path") }

// setsOwner reports whether the config says who owns all that is in it.
func (a *archive) setsOwner() bool {
	return (a.User.ID != nil || config.NonZero(a.User.Name)) && (a.Group.ID != nil || config.NonZero(a.Group.Name))
}

// locateArchives finds where the archives go. Those that cannot be there are conflicts.
func (p *planner) locateArchives() (all []*archive) {
	for i := range p.cfg.Storage.Archives {
		a := &archive{Archive: &p.cfg.Storage.Archives[i], index: i}
		var err error
		a.at, a.missing, err = p.emptied.LocateDir(a.Path)
		switch {
		case errors.Is(err, unix.ENOTDIR):
			p.conflict(a.origin(), "choose another path, or have what is in the way absent", "the %s cannot be unpacked there: %v", a.title(), err)
		case errors.Is(err, unix.ELOOP):
			p.conflict(a.origin(), "repair the symbolic links in the image, or choose another path", "the %s cannot be unpacked there: symbolic links lead in a circle", a.title())
		case err != nil:
			p.ioConflict(a.origin(), "looking at "+a.Path, err)
		default:
			a.madeEarlier = p.earlier.HasBegun(i)
			all = append(all, a)
		}
	}
	return all
}

// inArchive reports whether a resolved path can be in an archive.
func (p *planner) inArchive(name string) bool {
	for _, a := range p.archives {
		if rootfs.Within(name, a.at) && name != a.at {
			return true
		}
	}
	return false
}

// isAboveArchive reports whether an archive is unpacked into a directory or below it, so that
// the directory comes first.
func (p *planner) isAboveArchive(dir string) bool {
	for _, a := range p.archives {
		if rootfs.Within(a.at, dir) {
			return true
		}
	}
	return false
}

// planArchives plans all archives, in the order of the config.
func (p *planner) planArchives() {
	for _, a := range p.archives {
		if p.checkArchive(a) {
			p.planArchive(a)
		}
	}
}

// checkArchive reports what the config makes that does not go with an archive.
func (p *planner) checkArchive(a *archive) bool {
	before := len(p.conflicts)
	e := &entry{kind: "the archive for", name: a.Path, object: a.Object, user: a.User, group: a.Group}
	p.checkOwners(e)
	for dir := a.at; dir != "/"; dir = path.Dir(dir) {
		if other := p.byPath[dir]; other != nil && other.kind != kindDirectory {
			p.conflict(a.origin(), "remove one of them", "the %s is unpacked into %s, but %s (%v) is no directory", a.title(), a.at, other.title(), other.origin())
		}
		if at, gone := p.absent[dir]; gone {
			p.conflict(a.origin(), "remove one of them", "the %s is unpacked into %s, but %s should be absent (%v)", a.title(), a.at, dir, at)
		}
	}
	a.made = map[string]madeByConfig{}
	for _, e := range p.entries {
		if rootfs.Within(e.path, a.at) && e.path != a.at {
			if e.kind == kindDirectory && e.overwrite && !p.isAboveArchive(e.path) {
				p.conflict(e.origin(), "remove overwrite", "%s has overwrite set, and would be emptied of what the %s (%v) has for it", e.title(), a.title(), a.origin())
			}
			a.makes(e.path, madeByConfig{by: fmt.Sprintf("%s of the config", e.title()), isDir: e.kind == kindDirectory})
		}
	}
	for name, at := range p.absent {
		if rootfs.Within(name, a.at) && name != a.at {
			a.makes(name, madeByConfig{by: fmt.Sprintf("%s, which should be absent (%v)", name, at), own: true})
		}
	}
	for _, own := range []string{ledger.Path, p.ResultFile} {
		if at, _, err := p.tree.Locate(own); err == nil && rootfs.Within(at, a.at) {
			a.makes(at, madeByConfig{by: "a file in which this program records what it does", own: true})
		}
	}
	return len(p.conflicts) == before
}

// makes notes what the config makes, and that there are directories above it.
func (a *archive) makes(name string, m madeByConfig) {
	a.made[a.inside(name)] = m
	for dir := path.Dir(name); dir != a.at; dir = path.Dir(dir) {
		if inside := a.inside(dir); a.made[inside] == (madeByConfig{}) {
			a.made[inside] = madeByConfig{by: m.by, above: true}
		}
	}
}

// inside is a path below the directory of the archive as it is named in the archive.
func (a *archive) inside(name string) string {
	return strings.TrimPrefix(strings.TrimPrefix(name, strings.TrimSuffix(a.at, "/")), "/")
}

func (p *planner) planArchive(a *archive) {
	dir, err := p.tree.Unchanged(cmp.Or(a.missing, a.at))
	if err != nil {
		p.ioConflict(a.origin(), "looking at "+a.Path, err)
		return
	}
	if !p.checkSealedAt(a.origin(), "the "+a.title()+" is to be unpacked", dir) {
		return
	}
	p.changedDirs[dir], p.changedDirs[a.at] = true, true
	if a.missing != "" { // else what is new is known when it is there
		p.needsLabelAt(a.at, a.missing)
	}
	tree := p.root.StagedTree(dir, a.at)
	u := &unpacking{archive: a, tree: tree}
	name := "unpacking archive into " + a.Path
	if strings.HasPrefix(*a.Contents.Source, "data:") {
		listing, ok := p.listArchive(a)
		if !ok {
			return
		}
		name += fmt.Sprintf(" (%s)", listing)
	}
	known := false
	if u.owner, known = p.archiveOwner(a); known && isRemote(a.Contents) {
		a.download = p.prefetch.addArchive(a.Contents, dir, u)
	}
	p.add(a.origin(), name, func(ctx context.Context) error {
		if err := p.unpackArchive(ctx, a, u); err != nil {
			return err
		}
		return p.placeArchive(a, u)
	})
}

// unpackArchive waits until an archive that is downloaded is unpacked, or does so now.
func (p *planner) unpackArchive(ctx context.Context, a *archive, u *unpacking) (err error) {
	if a.download != nil {
		return p.prefetch.arrive(ctx, a.download)
	}
	if u.owner, err = p.owner(a.User, a.Group); err != nil {
		return err
	}
	return u.finish(p.Fetch.Fetch(ctx, a.Contents, u))
}

// archiveOwner is who will own all of an archive, as far as the config says. It is known before
// the users and groups of the config are made if it is none of them.
func (p *planner) archiveOwner(a *archive) (owner rootfs.Owner, known bool) {
	owner = rootfs.Owner{UID: a.User.ID, GID: a.Group.ID}
	if name := config.ValueOr(a.User.Name, ""); owner.UID == nil && name != "" {
		uid := p.will.users[name].uid
		owner.UID = &uid
		if slices.ContainsFunc(p.cfg.Passwd.Users, func(u config.User) bool { return u.Name == name }) {
			return owner, false
		}
	}
	if name := config.ValueOr(a.Group.Name, ""); owner.GID == nil && name != "" {
		gid := p.will.groups[name].gid
		owner.GID = &gid
		// A user of this name can have a group made.
		return owner, len(p.cfg.Passwd.Groups)+len(p.cfg.Passwd.Users) == 0
	}
	return owner, true
}

// placeArchive moves what was unpacked to its place.
func (p *planner) placeArchive(a *archive, u *unpacking) error {
	if a.download != nil {
		a.download.isThere = false
	}
	placed, err := u.tree.Place(a.at, rootfs.Placing{
		MayReplace: func(found *rootfs.Stat) bool {
			return config.NonZero(a.Overwrite) || a.madeEarlier && p.earlier.Made("", found)
		},
		Begin: func(dirs []string) error {
			p.ledger.BeginArchive(a.index)
			p.ledger.Unlabelled = append(p.ledger.Unlabelled, dirs...)
			if p.Config == "" {
				return nil
			}
			return p.ledger.Write(p.root)
		},
	})
	var inTheWay rootfs.InTheWayError
	if errors.As(err, &inTheWay) {
		hint := cmp.Or(inTheWay[0].Hint, "set "+a.Key("overwrite")+" if files and links that exist may be replaced; else choose another path")
		return report.Conflict(a.origin(), hint, "what is there already is in the way of the archive:\n%v", err)
	}
	p.labelPaths = append(p.labelPaths, placed...)
	if warning := u.warning; err == nil && warning != "" {
		p.warn(a.origin(), "%s", warning)
	}
	return err
}

// listArchive reads an archive that is in the config, and says what is in it. What would be
// in its way is a conflict already.
func (p *planner) listArchive(a *archive) (text string, ok bool) {
	l := &archiveListing{planner: p, archive: a, kinds: map[string]uint32{}}
	u := &unpacking{archive: a, list: l}
	if a.setsOwner() { // which need not be known before the users are made
		u.owner = rootfs.OwnedBy(0, 0)
	}
	if err := u.finish(p.Fetch.Fetch(context.Background(), a.Contents, u)); err != nil {
		p.conflicts = append(p.conflicts, err)
		return "", false
	}
	return l.String(), len(l.inTheWay) == 0
}

// An unpacking is an io.Writer for an archive.
type unpacking struct {
	archive *archive
	owner   rootfs.Owner // as the config says
	tree    *rootfs.StagedTree
	list    *archiveListing // in place of the tree

	pipe    *io.PipeWriter
	done    chan error
	written atomic.Int64
	warning string // when it is done
}

// begin starts what reads the archive while it is written.
func (u *unpacking) begin() {
	from, to := io.Pipe()
	u.pipe, u.done = to, make(chan error, 1)
	go func() {
		err := u.unpack(from)
		if err != nil && config.NonZero(u.archive.Contents.Verification.Hash) && !isFull(err) {
			// If it has another hash, that is why.
			io.Copy(io.Discard, from)
		}
		from.CloseWithError(cmp.Or(err, errUnpacked))
		u.done <- err
	}()
}

// errUnpacked is for what is written after the end.
var errUnpacked = errors.New("the archive has ended")

func (u *unpacking) unpack(from io.Reader) error {
	r := &unpacker{archive: u.archive.Archive, owner: u.owner, made: u.archive.made, to: u.tree}
	if u.list != nil {
		r.to = u.list
	}
	err := r.unpack(from)
	if err == nil && u.list == nil {
		err = u.tree.Seal(r.others())
	}
	u.warning = r.warning()
	return err
}

func (u *unpacking) Write(text []byte) (int, error) {
	if u.pipe == nil {
		u.begin()
	}
	n, err := u.pipe.Write(text)
	u.written.Add(int64(n))
	return n, err
}

// Size is how much of the archive was written, in bytes.
func (u *unpacking) Size() int64 { return u.written.Load() }

// Truncate takes back all that was written.
func (u *unpacking) Truncate(int64) error {
	u.end(io.ErrUnexpectedEOF)
	u.Discard()
	return nil
}

// Exists reports whether something was unpacked.
func (u *unpacking) Exists() bool { return u.tree.Exists() }

// Discard removes what was unpacked.
func (u *unpacking) Discard() {
	if u.tree != nil {
		u.tree.Discard()
	}
	u.written.Store(0)
}

// end waits until all is unpacked that was written, and returns what became of it.
func (u *unpacking) end(err error) error {
	if u.pipe == nil {
		u.begin()
	}
	u.pipe.CloseWithError(err) // nil is the end of the file
	err = <-u.done
	u.pipe = nil
	return err
}

// finish ends what a fetch has written, with its error. After an error nothing is left.
func (u *unpacking) finish(fetchErr error) error {
	err := u.end(fetchErr)
	switch {
	case fetchErr != nil && (err == nil || errors.Is(err, fetchErr) || !errors.Is(fetchErr, err)):
		err = fetchErr
	case err != nil:
		err = u.explain(err)
	}
	if err != nil {
		u.Discard()
	}
	return err
}

// explain is an error of unpacking as a person reads it.
func (u *unpacking) explain(err error) error {
	r := &u.archive.Contents
	e := &report.Error{Doing: "unpacking " + fetch.Redact(*r.Source), Origin: r.Origin("source"), Err: err}
	if bad := (*archiveError)(nil); errors.As(err, &bad) {
		e.Hint, e.Err = bad.hint, wrongArchive{bad, report.ErrConfig}
		if isRemote(*r) {
			e.Err = wrongArchive{bad, report.ErrFetch}
		}
	}
	return e
}

// A wrongArchive is an archiveError with who can do something about it.
type wrongArchive struct {
	error
	kind error
}

func (w wrongArchive) Unwrap() error        { return w.error }
func (w wrongArchive) Is(target error) bool { return target == w.kind }

// An archiveListing is what an archive of the config will make.
type archiveListing struct {
	*planner
	archive  *archive
	kinds    map[string]uint32 // by name
	names    []string
	inTheWay []string
}

func (l *archiveListing) String() string {
	const shown = 8
	text := system.Plural(len(l.names), "node")
	if len(l.names) == 0 {
		return text
	}
	text += ": " + strings.Join(l.names[:min(len(l.names), shown)], ", ")
	if len(l.names) > shown {
		text += " ..."
	}
	return text
}

// note looks whether a node can be where it should be, with the directories above it.
func (l *archiveListing) note(name string, kind uint32) error {
	if name == "" {
		return nil
	}
	if dir := path.Dir(name); dir != "." && l.kinds[dir] != unix.S_IFDIR {
		if l.kinds[dir] != 0 {
			return fmt.Errorf("%s is no directory: %w", dir, unix.ENOTDIR)
		}
		if err := l.note(dir, unix.S_IFDIR); err != nil {
			return err
		}
	}
	switch earlier, listed := l.kinds[name]; {
	case listed && (earlier == unix.S_IFDIR) != (kind == unix.S_IFDIR):
		return fmt.Errorf("%s is of two kinds: %w", name, unix.EISDIR)
	case listed:
		l.kinds[name] = kind
		return nil
	}
	l.kinds[name] = kind
	l.names = append(l.names, name)
	return l.checkFree(name, kind)
}

// checkFree is a conflict if something is in the way.
func (l *archiveListing) checkFree(name string, kind uint32) error {
	a := l.archive
	if a.missing != "" || l.made(name) {
		return nil
	}
	at := path.Join(a.at, name)
	found, err := l.tree.Lstat(at)
	mayReplace := config.NonZero(a.Overwrite) || a.madeEarlier && l.earlier.Made("", found)
	isDir := kind == unix.S_IFDIR
	switch {
	case err != nil:
		return err
	case found == nil, isDir && found.IsDir(), !isDir && !found.IsDir() && mayReplace:
		return nil
	}
	l.inTheWay = append(l.inTheWay, at)
	l.conflict(a.origin(), "set "+a.Key("overwrite")+" if files and links that exist may be replaced by files and links; else choose another path",
		"the %s has %s, but there already is %v", a.title(), at, found)
	return nil
}

// made reports whether the config makes a node itself.
func (l *archiveListing) made(name string) bool {
	m, ok := l.archive.made[name]
	return ok && !m.above
}

func (l *archiveListing) Dir(name string, _ rootfs.Attributes) error {
	return l.note(name, unix.S_IFDIR)
}

func (l *archiveListing) File(name string, _ rootfs.Attributes, _ int64, _ io.Reader) error {
	return l.note(name, unix.S_IFREG)
}

func (l *archiveListing) Link(name, _ string, _ rootfs.Attributes) error {
	return l.note(name, unix.S_IFLNK)
}

func (l *archiveListing) HardLink(name, _ string) error { return l.note(name, unix.S_IFREG) }

func (l *archiveListing) Lstat(name string) (*rootfs.Stat, error) {
	kind, listed := l.kinds[name]
	if !listed {
		return nil, nil
	}
	return &rootfs.Stat{Stat_t: unix.Stat_t{Mode: kind}}, nil
}
