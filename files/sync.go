package files

import (
	"context"
	"maps"
	"path"
	"slices"

	"github.com/firstlight-os/firstlight/config"
)

// planSync plans that what was written, and its labels, survives a power cut. Once for all:
// a sync per file would make thousands of files slow.
func (p *planner) planSync() {
	p.synced = true
	p.add(config.Origin{}, "writing everything through to the disks", func(context.Context) error { return p.sync() })
}

// sync writes back the filesystems of all that the plan changes.
func (p *planner) sync() error {
	dirs := slices.AppendSeq([]string{"/etc"}, maps.Keys(p.changedDirs))
	if p.Result != (Result{}) {
		dirs = append(dirs, path.Dir(p.ResultFile))
	}
	for _, u := range p.cfg.Passwd.Users {
		if account, err := p.accounts.user(u.Name); err == nil { // else it was deleted
			dirs = append(dirs, account.home)
		}
	}
	slices.Sort(dirs)
	done := map[uint64]bool{} // by device
	for _, dir := range slices.Compact(dirs) {
		if err := p.root.SyncFilesystem(dir, done); err != nil {
			return err
		}
	}
	return nil
}
