package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/storage/plan"
)

// PlanDisks waits for the devices that the config names, looks at them and
// plans partitions, arrays, LUKS volumes and filesystems. The error joins all
// conflicts.
func (m *Machine) PlanDisks(ctx context.Context, cfg *config.Config) (report.Plan, error) {
	in := &inspection{m: m}
	defer in.close()
	g, err := m.decide(ctx, cfg, in)
	if err != nil {
		return nil, err
	}
	return m.operations(g), nil
}

// Preview plans as PlanDisks does and shows what becomes of the disks. If the
// plan is refused the disks that could be looked at are shown as they are.
func (m *Machine) Preview(ctx context.Context, cfg *config.Config) ([]plan.DiskPreview, report.Plan, error) {
	in := &inspection{m: m}
	defer in.close()
	return m.preview(ctx, cfg, in)
}

// An inspector looks at the machine for one plan: this one, or the inventory of another.
type inspector interface {
	plan.Facts
	choose(ctx context.Context, cfg *config.Config) ([]*plan.Choice, error)
	lookAtDisks(ctx context.Context, storage *config.Storage) ([]*plan.DiskFacts, error)
	lookAtTargets(ctx context.Context, targets []*plan.Target, wait bool) error
}

func (m *Machine) preview(ctx context.Context, cfg *config.Config, in inspector) ([]plan.DiskPreview, report.Plan, error) {
	g, err := m.decide(ctx, cfg, in)
	if err != nil {
		return g.Preview(true), nil, err
	}
	return g.Preview(false), m.operations(g), nil
}

// decide looks at the machine and decides on everything: the disks first, as it
// depends on their partitions where all else will be.
func (m *Machine) decide(ctx context.Context, cfg *config.Config, in inspector) (*plan.Graph, error) {
	choices, err := in.choose(ctx, cfg)
	if err != nil {
		return plan.New(cfg, nil, in), err
	}
	disks, err := in.lookAtDisks(ctx, &cfg.Storage)
	g := plan.New(cfg, disks, in)
	g.Use(choices)
	if err != nil {
		return g, err
	}
	errs := g.DecideDisks(m.newGUID)
	errs = append(errs, g.Locate()...)
	// A device that is not there may be the very partition that was refused.
	errs = append(errs, in.lookAtTargets(ctx, g.Targets, len(errs) == 0), m.canMakeSubvolumes(&cfg.Storage))
	for _, f := range g.Filesystems {
		if f.Target.Wanted {
			m.reuseFormat(f.Config, f.Target.Facts.Signatures)
		}
	}
	errs = append(errs, g.DecideContents()...)
	for _, warning := range g.Warnings {
		m.Log.Warn(warning)
	}
	if len(m.Kept) > 0 && errors.Join(errs...) == nil {
		errs = g.RefuseLosses(m.Kept, m.KeptFor)
	}
	return g, errors.Join(errs...)
}

// operations are the nodes of the graph for which there is something to do.
func (m *Machine) operations(g *plan.Graph) report.Plan {
	var all report.Plan
	operations := map[plan.Node]*report.Operation{}
	for _, n := range g.Nodes() {
		if n.Idle() {
			continue
		}
		op := &report.Operation{Name: n.Name(), Origin: n.Origin(), Programs: programs(n), Do: func(ctx context.Context) error { return m.execute(ctx, n) }}
		for _, d := range n.DependsOn() {
			if before := operations[d]; before != nil && !slices.Contains(op.After, before) {
				op.After = append(op.After, before)
			}
		}
		if _, isChoice := n.(*plan.Choice); !isChoice && len(op.After) == 0 {
			op.After = append(op.After, all[:len(g.Choices)]...) // they are the first
		}
		operations[n] = op
		all = append(all, op)
	}
	return all
}

// programs are the helper programs without which nothing can be done about a node. Where
// it is decided only when it is its turn that may be none: a filesystem that is kept.
func programs(n plan.Node) []string {
	switch n := n.(type) {
	case *plan.Array:
		if n.Action != plan.Keep {
			return []string{"mdadm"}
		}
	case *plan.Volume:
		all := []string{"cryptsetup"} // also to try the key of one that is kept
		if n.Action == plan.Create && config.ValueOr(n.Config.Cex.Enabled, false) {
			all = append(all, "zkey", "zkey-cryptsetup")
		}
		if n.Action == plan.Create && n.Config.HasClevis() {
			all = append(all, "clevis")
		}
		return all
	case *plan.Filesystem:
		if n.Action == plan.Create {
			return []string{formats[*n.Config.Format].program}
		}
	}
	return nil
}

func (m *Machine) execute(ctx context.Context, n plan.Node) error {
	switch n := n.(type) {
	case *plan.Choice:
		return m.makeLinks(n)
	case *plan.Disk:
		err := m.partition(ctx, n)
		if c := plan.Chosen(m.choices, n.Config.Device); c != nil && err == nil {
			return m.makeLinks(c)
		}
		return err
	case *plan.Array:
		return m.prepareArray(ctx, n)
	case *plan.Volume:
		return m.prepareVolume(ctx, n)
	case *plan.Filesystem:
		return m.prepareFilesystem(ctx, n)
	}
	return fmt.Errorf("%w: nothing executes a %T", report.ErrBug, n)
}
