package stages

import (
	"context"

	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/providers"
)

// umount unmounts what the mount stage has mounted. On a machine that is
// provisioned it removes what only a repeated first boot would need.
func umount(ctx context.Context, p *process) error {
	m := p.machine()
	plan, err := m.PlanUmount(ctx, p.cfg)
	if err != nil {
		return err
	}
	provisioned := p.provisioned(ctx)
	if provisioned {
		finish, err := m.PlanFinish(p.cfg)
		if err != nil {
			return err
		}
		plan = append(plan, finish...)
	}
	if err := p.execute(ctx, plan); err != nil {
		return err
	}
	if !provisioned { // the stages may run again from the emergency shell
		return nil
	}
	return providers.DropCache(p.env)
}

// provisioned reports whether all is done and the machine goes on to its own
// system. Then the first boot will not be repeated, and LUKS volumes are not to
// be created again. After the files stage units of the distribution may still
// have failed; then systemd unmounts on its way to the emergency shell.
func (p *process) provisioned(ctx context.Context) bool {
	if len(p.cfg.Storage.Luks) == 0 && len(providers.CachedPaths(p.env)) == 0 {
		return false // there is nothing to clean up, and systemd need not be asked
	}
	return p.state.FilesWritten && !p.inEmergency(ctx)
}

// inEmergency asks systemd. Without it a failure ends the boot at once.
func (p *process) inEmergency(ctx context.Context) bool {
	active, err := system.UnitsActive(ctx, p.run, emergencyUnits...)
	if err != nil {
		p.log.Debug("asking systemd whether there is an emergency: " + err.Error())
	}
	return active
}

// emergencyUnits are those of systemd's emergency shell, and dracut's.
var emergencyUnits = []string{"emergency.target", "emergency.service", "dracut-emergency.service"}
