package stages

import (
	"context"
	"errors"

	"github.com/firstlight-os/firstlight/files/ledger"
)

// mount mounts the filesystems below the root.
func mount(ctx context.Context, p *process) error {
	if err := p.clearRoot(ctx); err != nil {
		return err
	}
	m := p.machine()
	if len(p.cfg.Storage.Filesystems) > 0 {
		// Mount points survive a power cut before the files stage has given those
		// in homes to their users.
		m.RecordDirectories = func(points []string) error { return ledger.RecordDirectories(p.Root, p.state.ConfigDigest, points) }
		var err error
		if m.RecordedDirectories, err = ledger.RecordedDirectories(p.Root, p.state.ConfigDigest); err != nil {
			return err
		}
	}
	plan, err := m.PlanMount(ctx, p.cfg)
	if err != nil {
		return err
	}
	err = p.execute(ctx, plan)
	p.state.RecordedDirectories = append(p.state.RecordedDirectories, m.RecordedDirectories...)
	if err == nil {
		return nil
	}
	// Nothing stays behind: systemd does not stop what has failed to start.
	undo, lost := m.PlanUmount(ctx, p.cfg)
	if lost == nil {
		lost = p.execute(ctx, undo)
	}
	return errors.Join(err, lost)
}
