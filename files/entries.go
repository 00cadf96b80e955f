package files

import (
	"cmp"
	"context"
	"errors"
	"math"
	"path"
	"slices"
	"sort"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/ledger"
	"github.com/firstlight-os/firstlight/files/rootfs"
)

// An entry is a directory, file or link of the config.
type entry struct {
	resolvedPath
	node
	kind        string // as in a message
	rank        int    // entries of a lower one come first
	name        string // the path in the config
	object      config.Object
	user, group config.Owner
	overwrite   bool
	// madeEarlier reports whether what exists was made by an earlier run for this
	// entry, which counts as not existing.
	madeEarlier bool
	// replaced reports whether it is planned to be another node than it is now.
	replaced bool
}

// A node is what an entry asks for: a directory, a file or a link.
type node interface {
	// plan decides what to do for an entry and returns that as a gerund, "" for
	// nothing: it is right already, or there is a conflict.
	plan(p *planner, e *entry) string
	// create does it. The node is called base and is in d.
	create(ctx context.Context, p *planner, e *entry, d *rootfs.Dir, base string, owner rootfs.Owner) error
}

// Kinds of entries, as in a message.
const (
	kindDirectory = "directory"
	kindFile      = "file"
	kindLink      = "link"
	kindHardLink  = "hard link"
)

// mayReplace reports whether what exists may be replaced.
func (e *entry) mayReplace() bool { return e.overwrite || e.madeEarlier }

func (e *entry) origin() config.Origin { return e.object.Origin("path") }
func (e *entry) title() string         { return e.kind + " " + e.name }

// setsOwner reports whether an entry says anything about its owner.
func (e *entry) setsOwner() bool {
	return e.user.ID != nil || config.NonZero(e.user.Name) || e.group.ID != nil || config.NonZero(e.group.Name)
}

// planEntries plans what is to be absent, then directories, files and links: parents before
// what is in them, else in the order of the config; hard links last. Archives come after the
// directories that they are unpacked into, and before all else.
func (p *planner) planEntries() {
	p.planAbsent()
	p.findReplacedDirectories()
	all := p.resolveEntries(p.configEntries())
	p.archives = p.locateArchives()
	p.checkCollisions(all)
	for _, e := range all {
		switch e.rank = depth(e.path); {
		case e.kind == kindHardLink:
			e.rank = math.MaxInt
		case e.kind == kindDirectory && p.isAboveArchive(e.path):
			e.rank += beforeArchives
		}
	}
	slices.SortStableFunc(all, func(a, b *entry) int { return cmp.Compare(a.rank, b.rank) })
	p.entries = all
	p.plan, p.labelPaths = slices.Grow(p.plan, len(all)), slices.Grow(p.labelPaths, len(all))
	p.noteParents()
	own, _, _ := p.tree.Locate(ledger.Path) // an error is reported when it is written
	unpacked := false
	for _, e := range all {
		if e.rank >= 0 && !unpacked {
			p.planArchives()
			unpacked = true
		}
		if rootfs.Within(e.path, own) {
			p.conflict(e.origin(), "choose another path", "%s is, or is below, %s on this machine, in which Firstlight records what it does", e.title(), ledger.Path)
			continue
		}
		p.checkParents(e)
		p.checkAbsent(e)
		if p.checkOwners(e) && p.checkOverwrite(e) {
			p.planEntry(e)
		}
	}
	if !unpacked {
		p.planArchives()
	}
}

// beforeArchives is added to the ranks of directories that archives are unpacked into.
const beforeArchives = math.MinInt32

// planEntry adds the operation of an entry. Directories above it that do not
// exist are created: 0755, and root's.
func (p *planner) planEntry(e *entry) {
	p.needsLabelAt(e.path, e.missing)
	doing := e.plan(p, e)
	if doing == "" || !p.checkReplaceable(e) {
		return
	}
	p.changedDirs[path.Dir(e.path)] = true
	p.add(e.origin(), doing+" "+e.name, func(ctx context.Context) error {
		owner, err := p.owner(e.user, e.group)
		if err != nil {
			return err
		}
		return p.root.InParent(e.path, func(d *rootfs.Dir, base string) error {
			return e.create(ctx, p, e, d, base, owner)
		})
	})
}

// configEntries are the directories, files and links of the config.
func (p *planner) configEntries() []*entry {
	s := &p.cfg.Storage
	all := make([]*entry, 0, len(s.Directories)+len(s.Files)+len(s.Links))
	for i := range s.Directories {
		d := &s.Directories[i]
		all = append(all, &entry{node: directoryNode{d}, kind: kindDirectory, name: d.Path, object: d.Object,
			user: d.User, group: d.Group, overwrite: config.NonZero(d.Overwrite)})
	}
	for i := range s.Files {
		f := &s.Files[i]
		all = append(all, &entry{node: &fileNode{File: f, fragments: f.Append}, kind: kindFile, name: f.Path, object: f.Object,
			user: f.User, group: f.Group, overwrite: config.NonZero(f.Overwrite)})
	}
	for i := range s.Links {
		l := &s.Links[i]
		e := &entry{node: linkNode{l}, kind: kindLink, name: l.Path, object: l.Object,
			user: l.User, group: l.Group, overwrite: config.NonZero(l.Overwrite)}
		if config.NonZero(l.Hard) {
			e.node, e.kind = hardLinkNode{l}, kindHardLink
			e.user, e.group = config.Owner{}, config.Owner{} // a hard link has the owner of its target
		}
		all = append(all, e)
	}
	return all
}

// A resolvedPath is where a path of the config leads to in the tree as it will be
// when users and groups are done.
type resolvedPath struct {
	path string // its last component is not followed
	// missing is the first part of it that does not exist; "" if the directory of
	// the last component exists.
	missing string
	found   *rootfs.Stat // what is there, nil if nothing
}

type resolvedDir struct {
	path, missing string
	err           error
}

// resolve looks at a path. What lies in a directory that will be replaced counts
// as not existing.
func (p *planner) resolve(name string) (resolvedPath, error) {
	name = path.Clean("/" + name)
	if name == "/" {
		st, err := p.root.Lstat("/")
		return resolvedPath{path: "/", found: st}, err
	}
	dir := path.Dir(name)
	parent, known := p.parents[dir]
	if !known {
		parent.path, parent.missing, parent.err = p.emptied.LocateDir(dir)
		p.parents[dir] = parent
	}
	at := resolvedPath{path: path.Join(parent.path, path.Base(name)), missing: parent.missing}
	if parent.err != nil || parent.missing != "" {
		return at, parent.err
	}
	var err error
	at.found, err = p.tree.Lstat(at.path)
	return at, err
}

// findReplacedDirectories finds those that will be replaced by empty ones.
// Nothing in them counts when other paths are resolved.
func (p *planner) findReplacedDirectories() {
	p.emptied = p.tree.Clone()
	dirs := slices.Clone(p.cfg.Storage.Directories)
	sort.SliceStable(dirs, func(i, j int) bool { return depth(path.Clean(dirs[i].Path)) < depth(path.Clean(dirs[j].Path)) })
	for _, d := range dirs {
		if !config.NonZero(d.Overwrite) {
			continue
		}
		if at, err := p.resolve(d.Path); err == nil && at.found != nil && at.path != "/" {
			p.emptied.Remove(at.path)
			clear(p.parents)
		}
	}
}

// depth is how many directories a clean absolute path lies below the root.
func depth(name string) int { return strings.Count(strings.TrimSuffix(name, "/"), "/") }

// resolveEntries resolves the paths of entries and returns those that have one.
// The others are conflicts.
func (p *planner) resolveEntries(entries []*entry) []*entry {
	var all []*entry
	for _, e := range entries {
		var err error
		e.resolvedPath, err = p.resolve(e.name)
		switch {
		case errors.Is(err, unix.ENOTDIR):
			p.conflict(e.origin(), "choose another path, or replace what is in the way with a directory that has overwrite set",
				"%s cannot be there: %v", e.title(), err)
		case errors.Is(err, unix.ELOOP):
			p.conflict(e.origin(), "repair the symbolic links in the image, or choose another path",
				"%s cannot be there: symbolic links lead in a circle", e.title())
		case err != nil:
			p.ioConflict(e.origin(), "looking at "+e.name, err)
		default:
			if p.earlier == nil && e.found != nil {
				p.ledger.RecordExisting(e.name, e.found)
			}
			if e.kind != kindDirectory && p.earlier.Made(e.name, e.found) {
				e.madeEarlier, e.found = true, nil
			}
			all = append(all, e)
		}
	}
	return all
}

// checkCollisions reports entries that are the same node on this machine.
func (p *planner) checkCollisions(all []*entry) {
	p.byPath = make(map[string]*entry, len(all))
	for _, e := range all {
		first, taken := p.byPath[e.path]
		if !taken {
			p.byPath[e.path] = e
			continue
		}
		p.conflict(e.origin(), "remove one of them",
			"%s and %s (%v) are both %s on this machine, because of symbolic links", e.title(), first.title(), first.origin(), e.path)
	}
}

// checkParents reports an entry that lies below one that is no directory.
func (p *planner) checkParents(e *entry) {
	for dir := path.Dir(e.path); dir != "/"; dir = path.Dir(dir) {
		if other := p.byPath[dir]; other != nil && other.kind != kindDirectory && other != e {
			p.conflict(e.origin(), "remove one of them, or make the upper one a directory",
				"%s is below %s (%v), which is no directory", e.title(), other.title(), other.origin())
			return
		}
	}
}

// checkOverwrite reports an overwrite that must not or cannot be.
func (p *planner) checkOverwrite(e *entry) bool {
	if e.path == "/" && (e.overwrite || e.kind != kindDirectory) {
		p.conflict(e.origin(), "remove the entry", "%s: the root itself cannot be replaced", e.title())
		return false
	}
	if !e.overwrite || !e.found.IsDir() {
		return true
	}
	for i := range p.cfg.Storage.Filesystems {
		fs := &p.cfg.Storage.Filesystems[i]
		for _, m := range fs.Mounts() {
			if at, err := p.resolve(m.Path); err == nil && rootfs.Within(at.path, e.path) {
				p.conflict(e.origin(), "remove overwrite, and set "+fs.Key("wipeFilesystem")+" if the filesystem should be empty",
					"%s has overwrite set, but the filesystem on %s (%v) is mounted at %s", e.title(), fs.Device, m.Origin("path"), m.Path)
				return false
			}
		}
	}
	return true
}

// conflictExisting reports a node that is in the way of an entry.
func (p *planner) conflictExisting(e *entry, wanted string) {
	history := ""
	if p.earlier != nil {
		history = "; an earlier first boot applied this config, but did not create this node, or it was changed since"
	}
	p.conflict(e.origin(), "set overwrite if it may be replaced, else remove the entry or choose another path",
		"%s: %s, but there already is %v and overwrite is not set%s", e.title(), wanted, e.found, history)
}

// checkOwners reports owners that do not exist and that the config does not
// create either.
func (p *planner) checkOwners(e *entry) bool {
	user := p.checkOwner(e, "user", e.user, p.userWillExist)
	group := p.checkOwner(e, "group", e.group, p.groupWillExist)
	return user && group
}

func (p *planner) checkOwner(e *entry, what string, o config.Owner, willExist func(string) bool) bool {
	name := config.ValueOr(o.Name, "")
	if o.ID != nil || name == "" || willExist(name) {
		return true
	}
	p.conflict(e.object.Origin(what, "name"), "add it to passwd."+what+"s, or set the id",
		"%s should belong to %s %q, which neither this system has nor the config makes", e.title(), what, name)
	return false
}

func (p *planner) userWillExist(name string) bool {
	_, exists := p.will.users[name]
	return exists
}

func (p *planner) groupWillExist(name string) bool {
	_, exists := p.will.groups[name]
	return exists
}

// owner looks up who an entry shall belong to. What is not said is left: new
// nodes are root's, existing ones stay whose they are.
func (p *planner) owner(user, group config.Owner) (rootfs.Owner, error) {
	owner := rootfs.Owner{UID: user.ID, GID: group.ID}
	if owner.UID == nil && config.NonZero(user.Name) {
		u, err := p.accounts.user(*user.Name)
		if err != nil {
			return owner, err
		}
		owner.UID = &u.uid
	}
	if owner.GID == nil && config.NonZero(group.Name) {
		gid, err := p.accounts.group(*group.Name)
		if err != nil {
			return owner, err
		}
		owner.GID = &gid
	}
	return owner, nil
}
