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
func (p *planner) link(e *entry, l config.Link) {
	target := config.ValueOr(l.Target, "")
	matches := e.found != nil && e.found.is(unix.S_IFLNK) && path.Clean(e.found.target) == path.Clean(target)
	doing := "creating link"
	switch {
	case target == "":
		p.noTarget(e)
		return
	case e.found == nil, e.overwrite:
	case !matches:
		p.occupied(e, "it should lead to "+target)
		return
	case !e.changesOwner():
		p.labelled(e.name)
		return
	default:
		doing = "setting the owner of link"
	}
	e.renewed = !matches || e.overwrite
	p.planNode(e, doing, func(_ context.Context, in *dir, base string, own ownership) error {
		if !e.renewed {
			return in.chownLink(base, own)
		}
		return in.writeLink(base, target, own, e.replaces())
	})
}

func (p *planner) noTarget(e *entry) {
	p.conflict(e.origin(), "give the link a target", "%s has no target", e.title())
}

// hardLink plans a hard link, which is made after all other entries: its target
// may be one of them.
func (p *planner) hardLink(e *entry, l config.Link) {
	if config.ValueOr(l.Target, "") == "" {
		p.noTarget(e)
		return
	}
	name := path.Clean("/" + *l.Target)
	target, err := p.place(name)
	if err != nil && !errors.Is(err, unix.ENOTDIR) {
		p.trouble(l.Origin("target"), "looking at "+name, err)
		return
	}
	made := p.byPath[target.path] // nil if the target is not an entry
	if !p.linkable(e, l, target, made) {
		return
	}
	if target.found.sameNode(e.found) && (made == nil || !made.renewed) {
		p.labelled(e.name)
		return
	}
	if e.found != nil && !e.overwrite {
		p.occupied(e, "it should be the same file as "+name)
		return
	}
	e.renewed = true
	p.planNode(e, "creating hard link", func(_ context.Context, in *dir, base string, _ ownership) error {
		from, old, err := in.root.parent(name)
		if err != nil {
			return err
		}
		defer from.close()
		return in.writeHardLink(base, from, old, e.replaces())
	})
}

// linkable reports a target that cannot be one.
func (p *planner) linkable(e *entry, l config.Link, target place, made *entry) bool {
	directory := target.found != nil && target.found.is(unix.S_IFDIR)
	if made != nil {
		directory = made.kind == kindDirectory
	}
	switch {
	case directory:
		p.conflict(l.Origin("target"), "use a symbolic link: leave hard out", "%s leads to %s, which is a directory", e.title(), target.path)
	case made == e:
		p.conflict(l.Origin("target"), "give it another target", "%s leads to itself", e.title())
	case made == nil && target.found == nil && !p.throughLink(target.path):
		p.conflict(l.Origin("target"), "let the config make the target, or correct the path",
			"%s leads to %s, which does not exist and is not in the config", e.title(), *l.Target)
	default:
		return true
	}
	return false
}

// throughLink tells whether a path leads over a symbolic link that the config
// makes, so that where it ends is not known yet.
func (p *planner) throughLink(name string) bool {
	for up := path.Dir(name); up != "/"; up = path.Dir(up) {
		if e := p.byPath[up]; e != nil && e.kind == kindLink {
			return true
		}
	}
	return false
}
