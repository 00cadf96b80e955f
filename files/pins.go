package files

import (
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

// checkReplaceable reports an entry whose place cannot become free.
func (p *planner) checkReplaceable(e *entry) bool {
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
		p.checkPinned(u.Origin("homeDir"), fmt.Sprintf("the home of user %q should move", u.Name), from, parent.Dev != found.Dev)
	}
	return err
}
