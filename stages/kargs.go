package stages

import (
	"context"
	"errors"

	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// kargsHint is for a helper with a name of the distribution's own.
const kargsHint = "it is a script of the distribution; the log has all that it printed"

// KargsOperation is the name of the operation of the kargs stage.
const KargsOperation = "setting kernel arguments"

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
		Name:   KargsOperation,
		Origin: p.cfg.KernelArguments.Origin(),
		Do: func(ctx context.Context) error {
			_, err := p.run.Run(ctx, system.Command{Name: p.settings.Value(distribution.KargsHelper), Args: args})
			var failure *system.CommandError
			if errors.As(err, &failure) && failure.Hint() == "" {
				err = &report.Error{Err: err, Hint: kargsHint}
			}
			return err
		},
	}})
}
