package stages

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/clearing"
	"github.com/firstlight-os/firstlight/files/ledger"
	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/report"
)

// clearRoot removes from the root of a machine that is being reset what does not stay. The
// system's own filesystems are mounted below it, and none of the config's. The ledger notes
// the end: a first boot that is repeated does not clear what it has written itself.
func (p *process) clearRoot(ctx context.Context) error {
	request := p.state.Reset
	if request == nil {
		return nil
	}
	if entries, err := os.ReadDir(p.Root); p.planOnly && len(entries) == 0 {
		p.planned = append(p.planned, "removing from the root what does not stay (it is not mounted yet)")
		return err
	}
	root, err := rootfs.Open(p.Root)
	if err != nil {
		return err
	}
	defer root.Close()
	// One that cannot be read is not what we have written: it goes with all the rest.
	if last, err := ledger.Read(root); err == nil {
		if p.cleared = last.ClearedFor(request.ID); p.cleared != nil {
			p.log.Info("an earlier boot has cleared the root")
			return nil
		}
	}
	plan, err := clearing.Look(ctx, root, clearing.Request{Keep: request.Keep, MachineID: request.MachineID, Settings: p.settings, Run: p.run, Log: p.log})
	if err != nil {
		return err
	}
	if err := p.checkStaying(ctx, plan); err != nil {
		return err
	}
	note := noteOf(request.ID, plan)
	err = p.execute(ctx, plan.Operations(func() error { return ledger.RecordClearing(root, note) }))
	if err == nil {
		p.cleared = &note
	}
	if errors.Is(err, errPlanned) {
		return nil
	}
	return err
}

// checkStaying finds what the config has in the way of what stays, while the root is as it was.
// What is in its way elsewhere goes.
func (p *process) checkStaying(ctx context.Context, plan *clearing.Plan) error {
	user, err := p.cachedUserConfig(ctx)
	if err != nil {
		return err
	}
	tree, err := treeOf(p.Root, p.settings)
	if err != nil {
		return err
	}
	defer tree.Close()
	cfg := merge(p.base, user)
	movePaths(cfg, p.settings.Words(distribution.MovedDirectories))
	tree.Run, tree.Log, tree.Fetch = p.run, p.log, p.fetch
	_, err = tree.Plan(ctx, inside(cfg, plan.Stays))
	var conflicts []error
	for _, leaf := range report.Leaves(err) {
		var conflict *report.Error
		if errors.As(leaf, &conflict) && strings.HasPrefix(conflict.Origin.Path, "storage.") {
			conflicts = append(conflicts, leaf)
		} // else it is about what goes, such as the users
	}
	return errors.Join(conflicts...)
}

// inside is what a config has in some parts of the root: files, directories and links, as far as
// it mounts nothing over them. Whose they are is not known while the users are the old ones.
func inside(cfg *config.Config, parts []clearing.Part) *config.Config {
	var mounts []string
	for _, fs := range cfg.Storage.Filesystems {
		mounts = append(mounts, config.ValueOr(fs.Path, ""))
		for _, sub := range fs.Subvolumes {
			mounts = append(mounts, config.ValueOr(sub.Path, ""))
		}
	}
	is := func(name string) bool {
		return slices.ContainsFunc(parts, func(p clearing.Part) bool { return rootfs.Within(name, p.Path) }) &&
			!slices.ContainsFunc(mounts, func(point string) bool { return point != "" && rootfs.Within(name, point) })
	}
	only := config.New(config.Newest)
	for _, f := range cfg.Storage.Files {
		if f.User, f.Group = (config.Owner{}), (config.Owner{}); is(f.Path) {
			only.Storage.Files = append(only.Storage.Files, f)
		}
	}
	for _, d := range cfg.Storage.Directories {
		if d.User, d.Group = (config.Owner{}), (config.Owner{}); is(d.Path) {
			only.Storage.Directories = append(only.Storage.Directories, d)
		}
	}
	for _, l := range cfg.Storage.Links {
		if l.User, l.Group = (config.Owner{}), (config.Owner{}); is(l.Path) {
			only.Storage.Links = append(only.Storage.Links, l)
		}
	}
	return only
}

// noteOf is what the ledger has of a clearing.
func noteOf(id string, plan *clearing.Plan) ledger.Clearing {
	amount := func(path string, p clearing.Part) ledger.Amount {
		return ledger.Amount{Path: path, Files: p.Files, Bytes: p.Bytes}
	}
	note := ledger.Clearing{Request: id, Removed: amount("", plan.Removed())}
	for _, part := range plan.Stays {
		if part.Reason == clearing.Kept {
			note.Kept = append(note.Kept, amount(part.Path, part))
		}
	}
	return note
}

// resetRecord is what the record has of the reset, of which earlier stages have left some.
func (p *process) resetRecord(earlier *report.Reset) *report.Reset {
	request := p.state.Reset
	r := &report.Reset{Request: request.ID, Requested: request.Created, MachineID: request.MachineID != ""}
	if earlier != nil && earlier.Request == r.Request {
		r.Kept, r.Removed = earlier.Kept, earlier.Removed
	}
	if p.cleared != nil {
		removed := report.Amount(p.cleared.Removed)
		r.Removed, r.Kept = &removed, nil
		for _, kept := range p.cleared.Kept {
			r.Kept = append(r.Kept, report.Amount(kept))
		}
	}
	return r
}
