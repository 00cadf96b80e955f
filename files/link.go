package files

import (
	"context"
	"errors"
	"path"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/rootfs"
)

// A linkNode is a symbolic link. Its target is text, which is written unchanged,
// and its owner is the link's own.
type linkNode struct{ *config.Link }

func (l linkNode) plan(p *planner, e *entry) string {
	target := config.ValueOr(l.Target, "")
	e.replaced = !l.matches(e.found) || e.overwrite
	switch {
	case target == "":
		p.conflictNoTarget(e)
	case e.found == nil, e.overwrite:
		return "creating link"
	case !l.matches(e.found):
		p.conflictExisting(e, "it should lead to "+target)
	case e.found.Future:
		return "creating link" // if it should not be there after all
	case e.setsOwner():
		return "setting the owner of link"
	}
	return ""
}

// matches reports whether a node is this link.
func (l linkNode) matches(found *rootfs.Stat) bool {
	return found.IsLink() && path.Clean(found.Target) == path.Clean(config.ValueOr(l.Target, ""))
}

func (l linkNode) create(_ context.Context, _ *planner, e *entry, d *rootfs.Dir, base string, owner rootfs.Owner) error {
	if !e.replaced {
		found, err := d.Lstat(base)
		if err != nil {
			return err
		}
		if l.matches(found) {
			return d.SetLinkOwner(base, owner)
		}
	}
	return d.WriteLink(base, *l.Target, rootfs.Options{Owner: owner, Replace: e.mayReplace()})
}

func (p *planner) conflictNoTarget(e *entry) {
	p.conflict(e.origin(), "set the target of the link", "%s has no target", e.title())
}

// A hardLinkNode is created after all other entries: its target may be one of them.
type hardLinkNode struct{ *config.Link }

func (l hardLinkNode) target() string { return path.Clean("/" + *l.Target) }

func (l hardLinkNode) plan(p *planner, e *entry) string {
	if config.ValueOr(l.Target, "") == "" {
		p.conflictNoTarget(e)
		return ""
	}
	target, err := p.resolve(l.target())
	if err != nil && !errors.Is(err, unix.ENOTDIR) {
		p.ioConflict(l.Origin("target"), "looking at "+l.target(), err)
		return ""
	}
	created := p.byPath[target.path] // nil if the target is not an entry
	switch {
	case !p.checkTarget(e, l.Link, target, created):
	case target.found.SameNode(e.found) && (created == nil || !created.replaced):
	case e.found != nil && !e.overwrite:
		p.conflictExisting(e, "it should be the same file as "+l.target())
	default:
		e.replaced = true
		return "creating hard link"
	}
	return ""
}

func (l hardLinkNode) create(_ context.Context, _ *planner, e *entry, d *rootfs.Dir, base string, _ rootfs.Owner) error {
	return d.WriteHardLink(base, l.target(), e.mayReplace())
}

// checkTarget reports a target that cannot be one.
func (p *planner) checkTarget(e *entry, l *config.Link, target resolvedPath, created *entry) bool {
	isDir := target.found.IsDir()
	if created != nil {
		isDir = created.kind == kindDirectory
	}
	switch {
	case isDir:
		p.conflict(l.Origin("target"), "use a symbolic link: remove hard", "%s leads to %s, which is a directory", e.title(), target.path)
	case created == e:
		p.conflict(l.Origin("target"), "set another target", "%s leads to itself", e.title())
	case created == nil && target.found == nil && !p.isBelowNewLink(target.path) && !p.inArchive(target.path):
		p.conflict(l.Origin("target"), "let the config make the target, or correct the path",
			"%s leads to %s, which does not exist and is not in the config", e.title(), *l.Target)
	default:
		return true
	}
	return false
}

// isBelowNewLink reports whether a path leads over a symbolic link that the
// config creates, so that where it ends is not known yet.
func (p *planner) isBelowNewLink(name string) bool {
	for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
		if e := p.byPath[dir]; e != nil && e.kind == kindLink {
			return true
		}
	}
	return false
}
