package stages

import (
	"context"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// kargs leaves the kernel command line to the distribution's helper, which
// reboots if something had to change.
func kargs(ctx context.Context, p *process) error {
	var args []string
	for _, a := range p.cfg.KernelArguments.ShouldExist {
		args = append(args, "--should-exist", a)
	}
	for _, a := range p.cfg.KernelArguments.ShouldNotExist {
		args = append(args, "--should-not-exist", a)
	}
	if len(args) == 0 {
		return nil
	}
	return p.execute(ctx, report.Plan{{
		Name:   "setting kernel arguments",
		Origin: p.cfg.KernelArguments.Origin(),
		Do: func(ctx context.Context) error {
			_, err := p.run.Run(ctx, system.Command{Name: "ignition-kargs-helper", Args: args})
			return err
		},
	}})
}
