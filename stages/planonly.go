package stages

import (
	"context"
	"errors"
	"os"
	"slices"
)

// planArgument is the kernel argument that has a first boot plan, say what it would do,
// and power off. Nothing but /run is written to.
const planArgument = "firstlight.plan"

// ErrPlanned is what Run returns when the first boot has been planned, as the kernel
// command line wants it, or cannot be. It has been reported; the machine is to be powered
// off.
var ErrPlanned = errors.New("this first boot was only planned")

// wantsPlan reports whether the kernel command line has the argument. Whoever misspells
// its value does not want a disk to be written to.
func wantsPlan(arguments map[string]string) bool {
	value, given := arguments[planArgument]
	return given && value != "0"
}

// planRest is the disks stage of a boot that only plans. It plans for all stages that
// change the machine. Later ones never run: where the root is not mounted yet, mounting it
// would be a change already.
func planRest(ctx context.Context, p *process) error {
	p.state.LuksPersistKeyFiles, p.state.LuksPersistVolumeKeyFiles = futureKeys(p.cfg)
	text := "Firstlight has planned this first boot, as " + planArgument + " on the kernel command line\nwants it. Nothing was written, and the machine is powered off. It would be:\n"
	root, _ := os.ReadDir(p.Root) // nothing is in it before it is mounted
	var all []error
	for _, s := range stages {
		switch {
		case s.name == filesStage && len(root) == 0:
			text += "  files: not planned, as the root is not mounted yet\n"
			continue
		case s.name == filesStage && p.state.Reset != nil:
			text += "  files: not planned, as the root is not cleared yet\n"
			continue
		case !slices.Contains(Planned, s.name):
			continue
		}
		done := len(p.planned)
		if err := s.run(ctx, p); !errors.Is(err, errPlanned) {
			all = append(all, err)
		}
		for i := range p.planned[done:] {
			o := &p.planned[done+i]
			*o = s.name + ": " + *o
			text += "  " + *o + "\n"
		}
	}
	if err := errors.Join(all...); err != nil {
		p.planned = nil // nothing would be done
		return err
	}
	p.log.Info(text)
	return p.log.ShowNow(text, p.quiet())
}

// Planned are the stages that change the machine, and so have plans.
var Planned = []string{kargsStage, disksStage, mountStage, filesStage}

// errPlanned is what execute returns instead of running a plan.
var errPlanned = errors.New("it was only planned")
