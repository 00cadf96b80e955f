package files

import (
	"cmp"
	"fmt"
	"path"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/rootfs"
)

// checkPinned reports a node that the system will not let go: something is mounted
// there, or it is immutable. With below all that is in it must go, too. Doing begins
// the message.
func (p *planner) checkPinned(origin config.Origin, doing, at string, below bool) bool {
	pin, err := p.tree.PinAt(at, below)
	switch {
	case err != nil:
		p.ioConflict(origin, "looking at "+at, err)
	case pin != nil:
		p.conflict(origin, pin.Hint, "%s, but %s cannot be removed: %s", doing, pin.Path, pin.Why)
	}
	return err == nil && pin == nil
}

// checkSealed reports a directory in which nothing can be made: it is immutable, or no
// temporary file can be renamed in it. The path need not be resolved; of one that is
// yet to be made the parent counts. Doing begins the message.
func (p *planner) checkSealed(origin config.Origin, doing, dir string) bool {
	if at, missing, err := p.tree.LocateDir(dir); err == nil {
		dir = cmp.Or(missing, at)
	}
	return p.checkSealedAt(origin, doing, dir)
}

// checkSealedAt is checkSealed for a path that is resolved.
func (p *planner) checkSealedAt(origin config.Origin, doing, dir string) bool {
	pin, known := p.sealed[dir]
	if !known {
		there, err := p.tree.Unchanged(dir)
		if err == nil {
			pin, err = p.root.SealAt(there)
		}
		if err != nil {
			return true // it is reported when it is used
		}
		p.sealed[dir] = pin
	}
	if pin != nil {
		p.conflict(origin, pin.Hint, "%s, but nothing can be made or replaced in %s: %s", doing, pin.Path, pin.Why)
	}
	return pin == nil
}

// checkReplaceable reports an entry whose place cannot become free.
func (p *planner) checkReplaceable(e *entry) bool {
	if e.path != "/" && (e.found == nil || e.overwrite || e.replaced) && !p.checkSealedAt(e.origin(), e.title()+" is to be made", path.Dir(cmp.Or(e.missing, e.path))) {
		return false
	}
	switch {
	case e.path == "/", e.found == nil && !e.madeEarlier:
		return true
	case e.overwrite:
		return p.checkPinned(e.origin(), e.title()+" has overwrite set", e.path, true)
	case e.replaced && e.kind != kindDirectory:
		return p.checkPinned(e.origin(), e.title()+" becomes another node", e.path, false)
	}
	return true
}

// checkMoveHome reports a home that cannot be renamed or, if it goes to another
// filesystem, not be removed.
func (p *planner) checkMoveHome(u config.User, from, to string, found *rootfs.Stat) error {
	dir, err := p.tree.Unchanged(path.Dir(to))
	if err != nil {
		return err
	}
	parent, err := p.root.Lstat(dir)
	if err == nil && parent != nil {
		doing := fmt.Sprintf("the home of user %q should move", u.Name)
		p.checkPinned(u.Origin("homeDir"), doing, from, parent.Dev != found.Dev)
		p.checkSealed(u.Origin("homeDir"), doing, path.Dir(from))
	}
	return err
}
