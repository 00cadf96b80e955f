package files

import (
	"context"
	"maps"
	"path"
	"slices"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/ledger"
	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// loadLedger reads the ledger of earlier runs and begins that of this one.
func (p *planner) loadLedger() error {
	var err error
	if p.last, err = ledger.Read(p.root); err != nil {
		return &report.Error{Err: err, Hint: "provision a new root, or restore this file: without it, what an interrupted run has made cannot be told from what the image has"}
	}
	p.ledger, p.earlier = p.last.Next(p.Config)
	if !p.earlier.Interrupted() {
		result, err := p.root.ReadFile(p.ResultFile)
		if err != nil {
			return err
		}
		p.ledger.Result, p.ledger.Unlabelled = string(result), nil
	}
	for _, point := range p.ledger.MountPoints {
		if !slices.Contains(p.RecordedDirectories, point) {
			p.RecordedDirectories = append(p.RecordedDirectories, point)
		}
	}
	return nil
}

// planStart puts the ledger, the downloads and what is left to do for an
// interrupted run before all other operations.
func (p *planner) planStart() {
	rest := p.plan
	p.plan = nil
	if p.last.Interrupted() {
		p.add(config.Origin{}, "cleaning up after a run that was interrupted", func(context.Context) error { return p.cleanUp() })
	}
	p.checkSealed(p.cfg.Ignition.Origin("version"), "this stage records what it does", "/etc")
	if p.Config != "" {
		dirs := slices.Concat(p.ledger.TempDirs, slices.Collect(maps.Keys(p.changedDirs)), p.prefetch.tempDirs(), []string{"/etc", path.Dir(p.ResultFile)})
		slices.Sort(dirs)
		p.ledger.TempDirs = slices.Compact(dirs)
		p.add(config.Origin{}, "recording in "+ledger.Path+" what exists", func(context.Context) error { return p.ledger.Start(p.root) })
	}
	if n := len(p.prefetch.all); n > 0 {
		p.add(config.Origin{}, "starting "+system.Plural(n, "download"), func(ctx context.Context) error {
			p.prefetch.start(ctx, p.root)
			return nil
		})
	}
	p.plan = append(p.plan, rest...)
}

// planLedgerEnd plans that the ledger says that all is done. All has to be on the disk before
// that.
func (p *planner) planLedgerEnd() {
	if p.Config == "" {
		return
	}
	p.add(config.Origin{}, "recording that all is done", func(ctx context.Context) error {
		if !p.synced {
			if err := p.sync(); err != nil {
				return err
			}
		}
		if err := p.ledger.Finish(p.root); err != nil {
			return err
		}
		return p.label(ctx, []string{ledger.Path})
	})
}

// cleanUp removes what an interrupted run has left half done: temp files, and new
// accounts, which are made again.
func (p *planner) cleanUp() error {
	dirs, err := p.keyDirs()
	if err != nil {
		return err
	}
	for _, dir := range append(dirs, p.last.TempDirs...) {
		if err := p.root.RemoveMatching(dir, rootfs.IsTempName); err != nil {
			return err
		}
	}
	if err := p.root.RemoveMatching("/etc", isAccountLeftover); err != nil {
		return err
	}
	if p.earlier == nil {
		return nil
	}
	if err := p.removeEmptied(p.earlier.UnitDirs); err != nil || p.earlier.Accounts == nil {
		return err
	}
	if _, err := p.earlier.UndoHomes(p.root); err != nil {
		return err
	}
	return p.restoreAccounts()
}

// keyDirs are where SSH keys are written, of users who exist.
func (p *planner) keyDirs() ([]string, error) {
	known, err := readAccounts(p.root.ReadFile)
	if err != nil {
		return nil, err
	}
	var dirs []string
	for _, cfg := range p.cfg.Passwd.Users {
		if u, exists := known.users[cfg.Name]; exists && hasKeys(cfg) {
			dirs = append(dirs, u.home, path.Join(u.home, ".ssh"), path.Join(u.home, ".ssh/authorized_keys.d"))
			if at, err := p.root.Resolve(path.Join(u.home, p.keyFile())); err == nil {
				dirs = append(dirs, path.Dir(at)) // the file may be a link
			}
		}
	}
	return dirs, nil
}
