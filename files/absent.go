package files

import (
	"context"
	"errors"
	"path"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
)

// planAbsent plans that files and links go which the config wants to be absent. Where nothing
// is, nothing is done. In the plan they count as gone from here on.
func (p *planner) planAbsent() {
	s := &p.cfg.Storage
	p.absent = make(map[string]config.Origin, len(s.Absent))
	for i, name := range s.Absent {
		origin := s.Origin("absent", i)
		at, found, err := p.tree.Locate(name)
		switch {
		case errors.Is(err, unix.ENOTDIR): // so there is nothing
			continue
		case errors.Is(err, unix.ELOOP):
			p.conflict(origin, "repair the symbolic links in the image, or choose another path", "%s should be absent, but symbolic links on the way to it lead in a circle", name)
			continue
		case err != nil:
			p.ioConflict(origin, "looking at "+name, err)
			continue
		}
		p.absent[at] = origin
		switch {
		case found == nil:
		case found.IsDir():
			p.conflict(origin, "name the files and links that should go; directories stay", "%s should be absent, but it is a directory", name)
		case p.checkPinned(origin, name+" should be absent", at, false) && p.checkSealedAt(origin, name+" is to be removed", path.Dir(at)):
			p.changedDirs[path.Dir(at)] = true
			p.add(origin, "removing "+name, func(context.Context) error { return p.root.RemoveFile(at) })
		}
	}
	for at := range p.absent {
		p.tree.Remove(at)
	}
}

// checkAbsent reports an entry that is at a path where nothing is to be, or below one.
func (p *planner) checkAbsent(e *entry) {
	if len(p.absent) == 0 {
		return
	}
	for at := e.path; at != "/"; at = path.Dir(at) {
		if origin, gone := p.absent[at]; gone {
			p.conflict(e.origin(), "remove one of them", "%s is at, or below, %s on this machine, which should be absent (%v)", e.title(), at, origin)
			return
		}
	}
}
