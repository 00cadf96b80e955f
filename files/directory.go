package files

import (
	"context"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/rootfs"
)

type directoryNode struct{ *config.Directory }

func (d directoryNode) plan(p *planner, e *entry) string {
	switch {
	case e.found == nil:
		return "creating directory"
	case e.overwrite:
		return "replacing directory"
	case !e.found.IsDir():
		p.conflictExisting(e, "it should be a directory")
	case e.found.Future:
		return "creating directory" // if it should not be there after all
	case d.Mode != nil || e.setsOwner():
		return "setting owner and mode of directory"
	}
	return ""
}

func (d directoryNode) create(_ context.Context, _ *planner, e *entry, in *rootfs.Dir, base string, owner rootfs.Owner) error {
	found, err := in.Lstat(base)
	if err != nil {
		return err
	}
	// It may have come into being as the home of a new user.
	if found.IsDir() && !e.overwrite {
		return in.SetDirOwnerMode(base, owner, modeOr(d.Mode, found.Permissions()))
	}
	inherited, err := in.InheritedMode()
	if err != nil {
		return err
	}
	return in.WriteDir(base, rootfs.Options{Owner: owner, Mode: modeOr(d.Mode, 0o755|inherited), Replace: e.overwrite})
}

// modeOr is the mode that the config sets, or another.
func modeOr(mode *int, otherwise uint32) uint32 {
	if mode == nil {
		return otherwise
	}
	return uint32(*mode) & 0o7777
}
