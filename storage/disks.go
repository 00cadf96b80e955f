package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/report"
	"github.com/firstlight-os/firstlight/system"
)

// PlanDisks waits for the devices that the config names, looks at them and
// plans partitions and filesystems. The error joins all conflicts.
func (m *Machine) PlanDisks(ctx context.Context, cfg *config.Config) (report.Plan, error) {
	if err := refuseUnbuilt(cfg); err != nil {
		return nil, err
	}
	s := &survey{m: m, cfg: cfg}
	defer s.close()
	if err := s.lookAtDisks(ctx); err != nil {
		return nil, err
	}
	errs := s.decideDisks()
	errs = append(errs, s.locateFilesystems()...)
	// A device that is not there is reported with the other conflicts.
	errs = append(errs, s.lookAtFilesystems(ctx))
	errs = append(errs, s.decideFilesystems()...)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return s.plan(), nil
}

// refuseUnbuilt names what the config asks for and this build cannot do.
func refuseUnbuilt(cfg *config.Config) error {
	var errs []error
	const hint = "make it beforehand, or take it out of the config"
	for _, r := range cfg.Storage.Raid {
		errs = append(errs, report.Conflict(r.Origin(), hint, "the array %q: this build does not make RAID arrays yet", r.Name))
	}
	for _, l := range cfg.Storage.Luks {
		errs = append(errs, report.Conflict(l.Origin(), hint, "the volume %q: this build does not make LUKS volumes yet", l.Name))
	}
	return errors.Join(errs...)
}

// A survey is what is found out about the devices while a plan is made.
type survey struct {
	m           *Machine
	cfg         *config.Config
	busy        map[number][]string
	open        []*device // by disk
	disks       []*diskPlan
	filesystems []*filesystemPlan
}

// A filesystemPlan is a filesystem of the config and what to do about it.
type filesystemPlan struct {
	*config.Filesystem
	target target
	// disk is the disk in the plan that it is on, if any, and entry the
	// partition; without a number it is on the whole disk.
	disk  *diskPlan
	entry entry
	// node is the device if it exists already.
	node    string
	unknown bool // where it is could not be found out
	action  action
}

func (s *survey) close() {
	for _, d := range s.open {
		if d != nil {
			d.file.Close()
		}
	}
}

func (s *survey) lookAtDisks(ctx context.Context) (err error) {
	disks := s.cfg.Storage.Disks
	var devices []needed
	for _, d := range disks {
		devices = append(devices, needed{path: d.Device, origin: d.Origin("device")})
	}
	if err := s.m.wait(ctx, devices); err != nil {
		return err
	}
	if s.busy, err = s.m.busy(); err != nil {
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

func (s *survey) lookAtDisk(i int) (facts *diskFacts, err error) {
	if s.open[i], err = s.m.open(s.cfg.Storage.Disks[i].Device); err != nil {
		return nil, err
	}
	facts, err = s.m.look(s.open[i], s.busy)
	if err != nil || len(facts.Signatures) == 0 {
		return facts, err
	}
	for j := range s.cfg.Storage.Filesystems {
		fs := &s.cfg.Storage.Filesystems[j]
		if node, err := resolve(fs.Device); err == nil && node == facts.Node && wantsFilesystem(fs) {
			facts.Wanted = len(compareFilesystem(fs, facts.Signatures[0])) == 0
		}
	}
	return facts, nil
}

func (s *survey) decideDisks() []error {
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

// locateFilesystems finds out which filesystems will be on disks of the plan.
func (s *survey) locateFilesystems() []error {
	var errs []error
	for i := range s.cfg.Storage.Filesystems {
		fs := &s.cfg.Storage.Filesystems[i]
		if config.Or(fs.Format, "") == "virtiofs" {
			continue
		}
		f := &filesystemPlan{Filesystem: fs, target: target{Device: fs.Device}}
		if err := s.locate(f); err != nil {
			errs = append(errs, err)
			f.unknown = true
		}
		s.filesystems = append(s.filesystems, f)
	}
	return errs
}

func (s *survey) locate(f *filesystemPlan) error {
	places := locate(f.Device, s.disks)
	node, err := resolve(f.Device)
	if err == nil && len(places) == 0 {
		places = locate(node, s.disks)
	}
	switch {
	case len(places) > 1:
		return report.Conflict(f.Origin("device"), "name the partition by its disk, or give each label once",
			"%s would be both %s and %s", f.Device, places[0], places[1])
	case len(places) == 1:
		f.disk, f.entry = places[0].disk, places[0].entry
		return nil
	case err != nil:
		return nil // it is not there yet
	}
	return s.locateNode(f, node)
}

// locateNode deals with devices that exist already and are no partition of the
// tables as they will be.
func (s *survey) locateNode(f *filesystemPlan, node string) error {
	f.node = node
	for i, d := range s.disks {
		if node == d.Facts.Node && len(d.After.Entries) > 0 && wantsFilesystem(f.Filesystem) {
			return report.Conflict(f.Origin("device"), "name one of its partitions", "%s has partitions; a filesystem on the whole disk would destroy them", f.Device)
		}
		if node == d.Facts.Node {
			f.disk = d
			return nil
		}
		for _, part := range s.m.partitions(s.open[i].sysfs) {
			if node == part.node && !d.Facts.Mapped && !d.idle() {
				return report.Conflict(f.Origin("device"), "name a device that is there when the disk is partitioned",
					"%s is partition %d of %s, which the config takes away", f.Device, part.number, d.Facts.Device)
			}
		}
	}
	return nil
}

// lookAtFilesystems finds out what is where filesystems are to be.
func (s *survey) lookAtFilesystems(ctx context.Context) error {
	var devices []needed
	for _, f := range s.filesystems {
		if f.disk == nil && !f.unknown {
			devices = append(devices, needed{path: f.Device, origin: f.Origin("device")})
		}
	}
	missing := s.m.wait(ctx, devices)
	if missing != nil {
		for _, f := range s.filesystems {
			f.unknown = f.unknown || f.disk == nil && system.DeviceReady(f.Device, s.m.udev()) != nil
		}
	}
	return errors.Join(missing, errors.Join(s.lookEach(ctx)...))
}

func (s *survey) lookEach(ctx context.Context) []error {
	return each(ctx, len(s.filesystems), func(_ context.Context, i int) error {
		f := s.filesystems[i]
		if f.unknown || f.Format == nil {
			return nil
		}
		if f.disk != nil && !s.lookThroughPartition(f) {
			s.lookAtPlace(f)
		}
		if f.disk != nil {
			return nil
		}
		if err := s.lookAtDevice(f); err != nil {
			f.unknown = true
			return &report.Error{Doing: "looking at " + f.Device, Origin: f.Origin("device"), Err: err}
		}
		return nil
	})
}

// lookThroughPartition looks at a partition that is there already and stays
// where it is. If it is mounted, what its device shows is newer than the disk.
func (s *survey) lookThroughPartition(f *filesystemPlan) bool {
	d := f.disk.Facts
	if f.disk.Wipe || f.entry.Number == 0 {
		return false
	}
	for _, k := range s.m.partitions(s.diskOf(f).sysfs) {
		if k.number != f.entry.Number || k.start != f.entry.Start*d.Sector || k.length != f.entry.Size*d.Sector {
			continue
		}
		part, err := s.m.open(k.node)
		if err != nil {
			return false // the disk has it too
		}
		defer part.file.Close()
		f.target.Signatures, f.target.Uses = probe(part.view()), d.uses(k.number)
		return true
	}
	return false
}

// diskOf is the open disk that a filesystem is on.
func (s *survey) diskOf(f *filesystemPlan) *device {
	return s.open[slices.Index(s.disks, f.disk)]
}

// lookAtPlace looks at the place on a disk where a partition is or will be, as
// it will be when the disk has been wiped.
func (s *survey) lookAtPlace(f *filesystemPlan) {
	d := f.disk.Facts
	v := s.diskOf(f).view()
	if f.disk.Wipe {
		v.zero = wipeRanges(v.size, d.Signatures)
	}
	if f.entry.Number == 0 {
		f.node = d.Node
		f.target.Signatures = s.probeDevice(v, d.Sector)
		for _, u := range d.Uses {
			f.target.Uses = append(f.target.Uses, u.How)
		}
		return
	}
	f.target.Signatures = probe(v.sub(int64(f.entry.Start*d.Sector), int64(f.entry.Size*d.Sector)))
	f.target.Uses = d.uses(f.entry.Number)
}

func (s *survey) lookAtDevice(f *filesystemPlan) error {
	d, err := s.m.open(f.Device)
	if err != nil {
		return err
	}
	defer d.file.Close()
	f.node = d.node
	f.target.Signatures = s.probeDevice(d.view(), d.sector)
	f.target.Uses = s.m.everyUse(d, s.busy)
	return nil
}

// probeDevice probes what may be a whole disk, on which a partition table
// counts as something that a filesystem must not destroy in silence.
func (s *survey) probeDevice(v *view, sector uint64) []signature {
	found := probe(v)
	if t, ok := probeTable(v, sector); ok {
		found = append(found, t)
	}
	return found
}

func (s *survey) decideFilesystems() []error {
	var errs []error
	for i, f := range s.filesystems {
		if f.unknown || !wantsFilesystem(f.Filesystem) {
			continue
		}
		for _, other := range s.filesystems[:i] {
			if f.samePlace(other) && wantsFilesystem(other.Filesystem) {
				errs = append(errs, report.Conflict(f.Origin("device"), "keep one of the two entries",
					"%s and %s are the same device", other.Device, f.Device))
			}
		}
		var err error
		if f.action, err = decideFilesystem(f.Filesystem, f.target); err != nil {
			errs = append(errs, err)
		}
		if found := f.target.Signatures; len(found) > 1 && f.action == keep {
			s.m.Log.Warn(fmt.Sprintf("%s holds %s; taking it for the first", f.Device, describeSignatures(found)))
		}
	}
	return errs
}

func (f *filesystemPlan) samePlace(other *filesystemPlan) bool {
	if f.unknown || other.unknown || f.disk != other.disk {
		return false
	}
	if f.disk != nil {
		return f.entry.Number == other.entry.Number
	}
	return f.node == other.node
}

// plan makes operations of the decisions.
func (s *survey) plan() report.Plan {
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
	for _, f := range s.filesystems {
		if f.action == keep {
			continue
		}
		op := &report.Operation{Name: f.name(), Origin: f.Filesystem.Origin(), Do: func(ctx context.Context) error {
			return s.m.makeFilesystem(ctx, f)
		}}
		if before := partitioning[f.disk]; before != nil {
			op.After = append(op.After, before)
		}
		plan = append(plan, op)
	}
	return plan
}

func (f *filesystemPlan) name() string {
	if f.action == blank {
		return "wiping " + f.Device
	}
	name := fmt.Sprintf("making %s on %s", *f.Format, f.Device)
	if config.IsSet(f.Label) {
		name = fmt.Sprintf("making %s %q on %s", *f.Format, *f.Label, f.Device)
	}
	return name
}
