package files

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
)

// A place is where a path of the config leads to in the tree as it is found.
type resolvedPath struct {
	// path is the resolved path; its last component is not followed.
	path string
	// missing is the first part of it that does not exist; "" if the directory
	// that the last component is in exists.
	missing string
	// found is what is there, nil if nothing.
	found *stat
}

// A resolvedParent is the resolved path of a directory that entries are put into.
type resolvedParent struct {
	path, missing string
	err           error
}

// place looks at a path. What lies in a directory that will be replaced counts
// as gone.
func (p *planner) resolve(name string) (resolvedPath, error) {
	name = path.Clean("/" + name)
	if name == "/" {
		st, err := p.root.lstat("/")
		return resolvedPath{path: "/", found: st}, err
	}
	up, known := p.parents[path.Dir(name)]
	if !known {
		up = p.resolveParent(path.Dir(name))
		p.parents[path.Dir(name)] = up
	}
	at := resolvedPath{path: path.Join(up.path, path.Base(name)), missing: up.missing}
	if up.err != nil || up.missing != "" {
		return at, up.err
	}
	var err error
	at.found, err = p.root.lstat(at.path)
	return at, err
}

func (p *planner) resolveParent(name string) resolvedParent {
	w := p.root.walker()
	w.ignored = p.ignored
	defer w.close()
	err := w.walk(name)
	if w.nonDir != nil {
		err = fmt.Errorf("on the way there is %s, which is %v: %w", w.path(), w.nonDir, unix.ENOTDIR)
	}
	up := resolvedParent{path: w.path(), err: err}
	if err == nil && w.missing() {
		up.missing = w.firstMissing()
	}
	return up
}

// An entry is a directory, file or link of the config with its place.
type entry struct {
	resolvedPath
	kind      string // as in a message
	name      string // the path in the config
	object    config.Object
	user      config.Owner
	group     config.Owner
	overwrite bool
	// decide plans what to do, or reports why it cannot be done.
	plan func(*entry)
	// ours reports whether what is there was made by an earlier run for this entry,
	// which counts as if nothing were there.
	madeEarlier bool
	// renewed reports whether it is planned to be another node than it is now.
	replaced bool
}

// replaces reports whether what is there may be replaced.
func (e *entry) mayReplace() bool { return e.overwrite || e.madeEarlier }

func (e *entry) origin() config.Origin { return e.object.Origin("path") }
func (e *entry) title() string         { return e.kind + " " + e.name }

// nodes plans directories, files and links.
func (p *planner) planNodes() {
	p.findReplacedDirectories()
	all := p.entries()
	p.checkCollisions(all)
	var soft, hard []*entry
	for _, e := range all {
		if e.kind == kindHardLink {
			hard = append(hard, e)
		} else {
			soft = append(soft, e)
		}
	}
	// Parents before what is in them, else in the order of the config.
	sort.SliceStable(soft, func(i, j int) bool { return depth(soft[i].path) < depth(soft[j].path) })
	for _, e := range append(soft, hard...) {
		p.checkParents(e)
		if p.checkOwners(e) && p.checkOverwrite(e) {
			e.plan(e)
		}
	}
}

// depth is how many directories a clean absolute path lies below the root.
func depth(name string) int {
	if name == "/" {
		return 0
	}
	return strings.Count(name, "/")
}

// replaced finds the directories that will be replaced by empty ones. Nothing
// in them counts when other paths are resolved.
func (p *planner) findReplacedDirectories() {
	p.ignored = map[string]bool{}
	dirs := slices.Clone(p.cfg.Storage.Directories)
	sort.SliceStable(dirs, func(i, j int) bool { return depth(path.Clean(dirs[i].Path)) < depth(path.Clean(dirs[j].Path)) })
	for _, d := range dirs {
		if !config.NonZero(d.Overwrite) {
			continue
		}
		if at, err := p.resolve(d.Path); err == nil && at.found != nil {
			p.ignored[at.path] = true
			clear(p.parents)
		}
	}
}

// entries finds the place of each entry. Those that have none are reported and
// left out.
func (p *planner) entries() []*entry {
	var all []*entry
	add := func(e entry) {
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
			p.recordExisting(e.name, e.found)
			if e.kind != kindDirectory && p.earlier.made(e.name, e.found) {
				e.madeEarlier, e.found = true, nil
			}
			all = append(all, &e)
		}
	}
	s := &p.cfg.Storage
	for _, d := range s.Directories {
		add(entry{kind: kindDirectory, name: d.Path, object: d.Object, user: d.User, group: d.Group,
			overwrite: config.NonZero(d.Overwrite), plan: func(e *entry) { p.planDirectory(e, d) }})
	}
	for _, f := range s.Files {
		add(entry{kind: kindFile, name: f.Path, object: f.Object, user: f.User, group: f.Group,
			overwrite: config.NonZero(f.Overwrite), plan: func(e *entry) { p.planFile(e, f) }})
	}
	for _, l := range s.Links {
		e := entry{kind: kindLink, name: l.Path, object: l.Object, user: l.User, group: l.Group,
			overwrite: config.NonZero(l.Overwrite), plan: func(e *entry) { p.planLink(e, l) }}
		if config.NonZero(l.Hard) {
			e.kind, e.plan = kindHardLink, func(e *entry) { p.planHardLink(e, l) }
			e.user, e.group = config.Owner{}, config.Owner{} // a hard link has the owner of its target
		}
		add(e)
	}
	return all
}

// Kinds of entries, as in a message.
const (
	kindDirectory = "directory"
	kindFile      = "file"
	kindLink      = "link"
	kindHardLink  = "hard link"
)

// collisions reports entries that are the same node on this machine.
func (p *planner) checkCollisions(all []*entry) {
	p.byPath = map[string]*entry{}
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
	for up := path.Dir(e.path); up != "/"; up = path.Dir(up) {
		if other := p.byPath[up]; other != nil && other.kind != kindDirectory && other != e {
			p.conflict(e.origin(), "remove one of them, or make the upper one a directory",
				"%s is below %s (%v), which is no directory", e.title(), other.title(), other.origin())
			return
		}
	}
}

// replaceable reports an overwrite that must not or cannot be.
func (p *planner) checkOverwrite(e *entry) bool {
	if e.path == "/" && (e.overwrite || e.kind != kindDirectory) {
		p.conflict(e.origin(), "remove the entry", "%s: the root itself cannot be replaced", e.title())
		return false
	}
	if !e.overwrite || e.found == nil || !e.found.is(unix.S_IFDIR) {
		return true
	}
	for _, fs := range p.cfg.Storage.Filesystems {
		if !config.NonZero(fs.Path) {
			continue
		}
		if at, err := p.resolve(*fs.Path); err == nil && below(at.path, e.path) {
			p.conflict(e.origin(), "remove overwrite, and set wipeFilesystem if the filesystem should be empty",
				"%s has overwrite set, but the filesystem on %s (%v) is mounted at %s", e.title(), fs.Device, fs.Origin("path"), *fs.Path)
			return false
		}
	}
	return true
}

// occupied reports a node that is in the way of an entry.
func (p *planner) conflictExisting(e *entry, wanted string) {
	history := ""
	if p.earlier != nil {
		history = "; an earlier first boot has used this config, but what is there now it has not made, or somebody has changed it since"
	}
	p.conflict(e.origin(), "set overwrite if it may be replaced, else remove the entry or choose another path",
		"%s: %s, but there already is %v and overwrite is not set%s", e.title(), wanted, e.found, history)
}
