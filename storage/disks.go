package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/report"
)

// PlanDisks waits for the devices that the config names, looks at them and
// plans partitions, arrays, LUKS volumes and filesystems. The error joins all
// conflicts.
func (m *Machine) PlanDisks(ctx context.Context, cfg *config.Config) (report.Plan, error) {
	s := &planner{m: m, cfg: cfg}
	defer s.close()
	if err := s.decide(ctx); err != nil {
		return nil, err
	}
	return s.plan(), nil
}

// A survey is what is found out about the devices while a plan is made.
type planner struct {
	m           *Machine
	cfg         *config.Config
	inUse       map[number][]string
	open        []*device // by disk
	disks       []*diskPlan
	targets     []*target
	stacked     []stackedPlan // in the order in which they can be made
	filesystems []*filesystemPlan
}

// A filesystemPlan is a filesystem of the config and what to do about it.
type filesystemPlan struct {
	*config.Filesystem
	target
	action action
}

func (s *planner) close() {
	for _, d := range s.open {
		if d != nil {
			d.file.Close()
		}
	}
}

func (s *planner) lookAtDisks(ctx context.Context) (err error) {
	disks := s.cfg.Storage.Disks
	var devices []requiredDevice
	for _, d := range disks {
		devices = append(devices, requiredDevice{path: d.Device, origin: d.Origin("device")})
	}
	if err := s.m.wait(ctx, devices); err != nil {
		return err
	}
	if s.inUse, err = s.m.mountsAndSwaps(); err != nil {
		return err
	}
	s.open, s.disks = make([]*device, len(disks)), make([]*diskPlan, len(disks))
	return errors.Join(each(ctx, len(disks), func(_ context.Context, i int) error {
		facts, err := s.lookAtDisk(i)
		if err != nil {
			return &report.Error{Doing: "looking at " + disks[i].Device, Origin: disks[i].Origin("device"), Err: err}
		}
		s.disks[i] = &diskPlan{Facts: facts, Config: &disks[i]}
		return nil
	})...)
}

func (s *planner) lookAtDisk(i int) (facts *diskFacts, err error) {
	if s.open[i], err = s.m.open(s.cfg.Storage.Disks[i].Device); err != nil {
		return nil, err
	}
	facts, err = s.m.look(s.open[i], s.inUse)
	if err != nil || len(facts.Signatures) == 0 {
		return facts, err
	}
	facts.Wanted = s.wanted(s.open[i], facts)
	return facts, nil
}

// wanted reports whether a whole disk holds what the config wants on it, from a
// run of ours that was interrupted later on.
func (s *planner) wanted(d *device, facts *diskFacts) bool {
	is := func(path string) bool {
		node, err := resolve(path)
		return err == nil && node == facts.Node
	}
	t := deviceFacts{Device: facts.Device}
	t.probe(d.view())
	storage := &s.cfg.Storage
	for i := range storage.Filesystems {
		if fs := &storage.Filesystems[i]; wantsFilesystem(fs) && is(fs.Device) {
			return len(compareFilesystem(fs, facts.Signatures[0])) == 0
		}
	}
	for i := range storage.Luks {
		if l := &storage.Luks[i]; is(config.ValueOr(l.Device, "")) {
			_, errs := decideVolumeContents(l, t)
			return t.LUKS != nil && len(errs) == 0
		}
	}
	for i := range storage.Raid {
		if r := &storage.Raid[i]; slices.ContainsFunc(r.Devices, is) {
			return matchesArray(r, t.Member)
		}
	}
	return false
}

func (s *planner) decideDisks() []error {
	var errs []error
	for i, d := range s.disks {
		for _, other := range s.disks[:i] {
			if d.Facts.Node == other.Facts.Node {
				errs = append(errs, report.Conflict(d.Config.Origin("device"), "put all partitions of a disk into one entry of storage.disks",
					"%s and %s are the same disk, %s", other.Facts.Device, d.Facts.Device, d.Facts.Node))
			}
		}
		plan, conflicts := decideDisk(d.Config, d.Facts, s.m.newGUID)
		s.disks[i], errs = plan, append(errs, conflicts...)
	}
	return errs
}

// decideStacked decides on each array and volume when it is known what
// becomes of those that it is built upon.
func (s *planner) decideStacked() []error {
	var errs []error
	for _, c := range s.stacked {
		b := c.base()
		unknown, hidden := false, false
		for _, at := range b.sites {
			if err := s.lookAtStacked(at); err != nil {
				errs = append(errs, err)
			}
			unknown, hidden = unknown || at.unknown, hidden || at.deferred()
		}
		if unknown {
			continue
		}
		if hidden {
			b.state = contentDeferred
		} else if conflicts := c.decide(s.m, s.inUse); len(conflicts) > 0 {
			errs = append(errs, conflicts...)
			continue
		}
		if !c.idle() {
			b.op = &report.Operation{Name: c.name(), Origin: b.origin, Do: func(ctx context.Context) error { return c.do(ctx, s.m) }}
		}
	}
	return errs
}

func (s *planner) decideFilesystems() []error {
	var errs []error
	for _, f := range s.filesystems {
		if err := s.lookAtStacked(&f.target); err != nil {
			errs = append(errs, err)
		}
		if f.unknown || !f.wanted || f.deferred() {
			continue
		}
		var err error
		if f.action, err = decideFilesystem(f.Filesystem, f.deviceFacts); err != nil {
			errs = append(errs, err)
		}
		if found := f.Signatures; len(found) > 1 && f.action == keepFilesystem {
			s.m.Log.Warn(fmt.Sprintf("%s holds %s; taking it for the first", f.Filesystem.Device, blkprobe.Describe(found)))
		}
	}
	return errs
}

// plan makes operations of the decisions.
func (s *planner) plan() report.Plan {
	var plan report.Plan
	partitioning := map[*diskPlan]*report.Operation{}
	for _, d := range s.disks {
		if d.idle() {
			continue
		}
		op := &report.Operation{Name: d.name(), Origin: d.Config.Origin(), Do: func(ctx context.Context) error {
			return s.m.partition(ctx, d)
		}}
		partitioning[d] = op
		plan = append(plan, op)
	}
	after := func(op *report.Operation, sites ...*target) {
		for _, at := range sites {
			if before := at.before(partitioning); before != nil && !slices.Contains(op.After, before) {
				op.After = append(op.After, before)
			}
		}
		plan = append(plan, op)
	}
	for _, c := range s.stacked {
		if b := c.base(); b.op != nil {
			after(b.op, b.sites...)
		}
	}
	for _, f := range s.filesystems {
		if f.action == keepFilesystem && !(f.wanted && f.deferred()) {
			continue
		}
		after(&report.Operation{Name: f.name(), Origin: f.Filesystem.Origin(), Do: func(ctx context.Context) error {
			if f.deferred() {
				return s.m.checkFilesystem(ctx, f)
			}
			return s.m.makeFilesystem(ctx, f)
		}}, &f.target)
	}
	return plan
}

func (f *filesystemPlan) name() string {
	if f.action == wipeOnly {
		return "wiping " + f.Device
	}
	what := *f.Format
	if config.NonZero(f.Label) {
		what = fmt.Sprintf("%s %q", *f.Format, *f.Label)
	}
	switch none := what == "" || what == "none"; {
	case f.deferred() && none:
		return "checking and, if needed, wiping " + f.Device
	case f.deferred():
		return fmt.Sprintf("checking and, if needed, making %s on %s", what, f.Device)
	}
	return fmt.Sprintf("making %s on %s", what, f.Device)
}
