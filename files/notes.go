package files

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/report"
)

// What is possible and was hardly meant is warned of.

// warn logs a warning with the place in the config.
func (p *planner) warn(at config.Origin, format string, args ...any) {
	p.Log.Bare().Warn(report.Warning(at, fmt.Sprintf(format, args...)))
}

// noteParents warns of directories in a home that are made on the way to what is its
// user's, and will be root's, so that she cannot write there.
func (p *planner) noteParents() {
	warned := map[string]bool{}
	for _, e := range p.entries {
		u, known := p.ownerOf(e)
		if !known || e.missing == "" || e.kind == kindHardLink {
			continue
		}
		home, err := p.tree.Resolve(u.home)
		if err != nil || home == "/" {
			continue
		}
		// From the top, as that is what the person will list first.
		for _, dir := range slices.Backward(parents(e.path)) {
			inside := rootfs.Within(dir, home) && rootfs.Within(dir, e.missing)
			if listed := p.byPath[dir]; inside && listed == nil && !warned[dir] {
				warned[dir] = true
				p.warn(e.origin(), "the directory %s will be root's, since it does not exist and the config does not list it: user %q cannot write to it, only to %s", dir, u.name, e.name)
			}
		}
	}
}

// parents are the directories above a path but for the root, the nearest first.
func parents(name string) (dirs []string) {
	for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
		dirs = append(dirs, dir)
	}
	return dirs
}

// ownerOf is the user that an entry will belong to, unless that is root.
func (p *planner) ownerOf(e *entry) (u account, known bool) {
	if config.NonZero(e.user.Name) {
		u, known = p.will.users[*e.user.Name]
		return u, known && u.uid != 0
	}
	if !config.NonZero(e.user.ID) {
		return u, false
	}
	u, known = p.will.users[p.will.userOf(*e.user.ID, "")]
	return u, known
}

// planNotes plans to look at links and shells when all is written.
func (p *planner) planNotes() {
	links := slices.DeleteFunc(slices.Clone(p.entries), func(e *entry) bool { return e.kind != kindLink })
	shells := slices.DeleteFunc(slices.Clone(p.cfg.Passwd.Users), func(u config.User) bool {
		return !config.NonZero(u.Shell) || !config.ValueOr(u.ShouldExist, true)
	})
	if len(links)+len(shells) == 0 {
		return
	}
	p.add(config.Origin{}, "looking where links lead", func(context.Context) error {
		for _, e := range links {
			if p.leadsToEntry(e) {
				continue
			}
			if at, nowhere := p.leadsNowhere(e.path); nowhere {
				p.warn(e.object.Origin("target"), "link %s leads to %s, which does not exist", e.name, at)
			}
		}
		for _, u := range shells {
			if _, nowhere := p.leadsNowhere(*u.Shell); nowhere {
				p.warn(u.Origin("shell"), "user %q has the shell %s, which does not exist: nobody can log in with it", u.Name, *u.Shell)
			}
		}
		return nil
	})
}

// volatileDirs are filled when the system runs.
var volatileDirs = [...]string{"/dev", "/proc", "/run", "/sys", "/tmp"}

// leadsToEntry reports whether a link leads to a file or directory that the config has made:
// the paths of both are resolved.
func (p *planner) leadsToEntry(e *entry) bool {
	target := config.ValueOr(e.node.(linkNode).Target, "")
	if strings.Contains(strings.TrimLeft(target, "./"), "..") { // up from what a link leads to
		return false
	}
	if !path.IsAbs(target) {
		target = path.Join(path.Dir(e.path), target)
	}
	made := p.byPath[path.Clean(target)]
	return made != nil && (made.kind == kindFile || made.kind == kindDirectory)
}

// leadsNowhere reports whether a path leads to what does not exist, and will not come
// into being with a mount either, as far as one can tell: an empty directory on the way
// may be a mount point.
func (p *planner) leadsNowhere(name string) (at string, nowhere bool) {
	if p.root.Exists(name) {
		return name, false // most do
	}
	at, err := p.root.Resolve(name)
	if err != nil {
		return name, true
	}
	if slices.ContainsFunc(volatileDirs[:], func(dir string) bool { return rootfs.Within(at, dir) }) {
		return at, false
	}
	for existing := at; ; existing = path.Dir(existing) {
		found, err := p.root.Lstat(existing)
		switch {
		case err != nil:
			return at, false
		case found == nil:
			continue
		case existing == at:
			return at, false
		}
		names, err := p.root.ReadDir(existing)
		return at, err == nil && len(names) > 0
	}
}
