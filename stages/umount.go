package stages

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/providers"
)

// umount unmounts what the mount stage has mounted, and finishes. A distribution may
// keep it from running, so that there also is a stage that only finishes.
func umount(ctx context.Context, p *process) error {
	plan, err := p.machine().PlanUmount(ctx, p.cfg)
	if err != nil {
		return err
	}
	return p.finishAfter(ctx, plan)
}

// finish is for machines on which something else has unmounted.
func finish(ctx context.Context, p *process) error { return p.finishAfter(ctx, nil) }

// finishAfter runs a plan and then, on a machine that is provisioned, removes what only
// a repeated first boot would need. Who has done so leaves nothing to the other.
//
// A machine is provisioned if all is done and it goes on to its own system. Then the first
// boot will not be repeated, and LUKS volumes are not to be created again. After the files
// stage units of the distribution may still have failed; then systemd unmounts on its way
// to the emergency shell.
func (p *process) finishAfter(ctx context.Context, plan report.Plan) error {
	p.last = p.state.FilesWritten && !p.inEmergency(ctx)
	if len(plan) > 0 {
		// It may go to what is unmounted here.
		p.keepBeforeUmount()
	}
	if p.last {
		marks, err := p.machine().PlanFinish(p.cfg)
		if err != nil {
			return err
		}
		plan = append(plan, marks...)
	}
	if err := p.execute(ctx, plan); err != nil {
		return err
	}
	if !p.last { // the stages may run again from the emergency shell
		return nil
	}
	return errors.Join(providers.DropCache(p.env), ignoreMissing(os.Remove(p.unfinishedPath())))
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// unfinishedPath is that of the file that says that there is something to finish. The
// unit of the stage finish looks for it.
func (p *process) unfinishedPath() string {
	return p.beside("unfinished")
}

// leaveUnfinished is called when the files stage has ended and all is on the disk.
func (p *process) leaveUnfinished() error {
	return system.WriteFile(p.unfinishedPath(), nil, 0o600)
}

// inEmergency asks systemd. Without it a failure ends the boot at once.
func (p *process) inEmergency(ctx context.Context) bool {
	active, err := system.UnitsActive(ctx, p.SystemdSocket, emergencyUnits...)
	if err != nil {
		p.log.Debug("asking systemd whether there is an emergency: " + err.Error())
	}
	return active
}

// emergencyUnits are those of systemd's emergency shell, and dracut's.
var emergencyUnits = []string{"emergency.target", "emergency.service", "dracut-emergency.service"}
