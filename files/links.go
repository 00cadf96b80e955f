package files

import (
	"context"
	"errors"
	"path"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
)

// link plans a symbolic link. Its target is text: it is written as it stands,
// and its owner is the link's own.
func (p *planner) planLink(e *entry, l config.Link) {
	target := config.ValueOr(l.Target, "")
	matches := e.found != nil && e.found.is(unix.S_IFLNK) && path.Clean(e.found.target) == path.Clean(target)
	doing := "creating link"
	switch {
	case target == "":
		p.conflictNoTarget(e)
		return
	case e.found == nil, e.overwrite:
	case !matches:
		p.conflictExisting(e, "it should lead to "+target)
		return
	case !e.changesOwner():
		p.needsLabel(e.name)
		return
	default:
		doing = "setting the owner of link"
	}
	e.replaced = !matches || e.overwrite
	p.planNode(e, doing, func(_ context.Context, in *dir, base string, own ownership) error {
		if !e.replaced {
			return in.chownLink(base, own)
		}
		return in.writeLink(base, target, own, e.mayReplace())
	})
}

func (p *planner) conflictNoTarget(e *entry) {
	p.conflict(e.origin(), "set the target of the link", "%s has no target", e.title())
}

// planHardLink plans a hard link, which is made after all other entries: its target
// may be one of them.
func (p *planner) planHardLink(e *entry, l config.Link) {
	if config.ValueOr(l.Target, "") == "" {
		p.conflictNoTarget(e)
		return
	}
	name := path.Clean("/" + *l.Target)
	target, err := p.resolve(name)
	if err != nil && !errors.Is(err, unix.ENOTDIR) {
		p.ioConflict(l.Origin("target"), "looking at "+name, err)
		return
	}
	made := p.byPath[target.path] // nil if the target is not an entry
	if !p.checkTarget(e, l, target, made) {
		return
	}
	if target.found.sameNode(e.found) && (made == nil || !made.replaced) {
		p.needsLabel(e.name)
		return
	}
	if e.found != nil && !e.overwrite {
		p.conflictExisting(e, "it should be the same file as "+name)
		return
	}
	e.replaced = true
	p.planNode(e, "creating hard link", func(_ context.Context, in *dir, base string, _ ownership) error {
		from, old, err := in.root.parent(name)
		if err != nil {
			return err
		}
		defer from.close()
		return in.writeHardLink(base, from, old, e.mayReplace())
	})
}

// linkable reports a target that cannot be one.
func (p *planner) checkTarget(e *entry, l config.Link, target resolvedPath, made *entry) bool {
	directory := target.found != nil && target.found.is(unix.S_IFDIR)
	if made != nil {
		directory = made.kind == kindDirectory
	}
	switch {
	case directory:
		p.conflict(l.Origin("target"), "use a symbolic link: remove hard", "%s leads to %s, which is a directory", e.title(), target.path)
	case made == e:
		p.conflict(l.Origin("target"), "set another target", "%s leads to itself", e.title())
	case made == nil && target.found == nil && !p.behindNewLink(target.path):
		p.conflict(l.Origin("target"), "let the config make the target, or correct the path",
			"%s leads to %s, which does not exist and is not in the config", e.title(), *l.Target)
	default:
		return true
	}
	return false
}

// behindNewLink reports whether a path leads over a symbolic link that the config
// makes, so that where it ends is not known yet.
func (p *planner) behindNewLink(name string) bool {
	for up := path.Dir(name); up != "/"; up = path.Dir(up) {
		if e := p.byPath[up]; e != nil && e.kind == kindLink {
			return true
		}
	}
	return false
}
