package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// A construction is the plan for a built device.
type stackedPlan interface {
	base() *stackedDevice
	decide(m *Machine, busy map[number][]string) []error
	idle() bool
	name() string
	do(ctx context.Context, m *Machine) error
}

// collect makes the sites of all that the config wants on devices.
func (s *planner) addTargets() {
	storage := &s.cfg.Storage
	for i := range storage.Raid {
		r := &storage.Raid[i]
		p := &arrayPlan{Raid: r, stackedDevice: stackedDevice{title: fmt.Sprintf("the array %q", r.Name), paths: arrayPaths(r), origin: r.Origin()}}
		for j, device := range r.Devices {
			p.sites = append(p.sites, &target{deviceFacts: deviceFacts{Device: device}, origin: r.Origin("devices", j), what: p.title, wanted: true})
		}
		s.add(p)
	}
	for i := range storage.Luks {
		l := &storage.Luks[i]
		p := &volumePlan{Luks: l, stackedDevice: stackedDevice{title: fmt.Sprintf("the LUKS volume %q", l.Name), paths: volumePaths(l), origin: l.Origin()}}
		p.sites = []*target{{deviceFacts: deviceFacts{Device: config.ValueOr(l.Device, "")}, origin: l.Origin("device"), what: p.title, wanted: true}}
		s.add(p)
	}
	for i := range storage.Filesystems {
		fs := &storage.Filesystems[i]
		if config.ValueOr(fs.Format, "") == "virtiofs" {
			continue
		}
		f := &filesystemPlan{Filesystem: fs, target: target{deviceFacts: deviceFacts{Device: fs.Device}, origin: fs.Origin("device"), what: "a filesystem", wanted: wantsFilesystem(fs)}}
		s.filesystems = append(s.filesystems, f)
		s.targets = append(s.targets, &f.target)
	}
}

func (s *planner) add(c stackedPlan) {
	b := c.base()
	if node, err := resolve(s.m.devPath(b.paths[0])); err == nil {
		b.node = node
	}
	s.stacked = append(s.stacked, c)
	s.targets = append(s.targets, b.sites...)
}

// locateTargets finds out where everything will be.
func (s *planner) locateTargets() []error {
	var errs []error
	for _, at := range s.targets {
		if err := s.locate(at); err != nil {
			errs = append(errs, err)
			at.unknown = true
		}
	}
	var circles []error
	s.stacked, circles = buildOrder(s.stacked)
	return append(errs, circles...)
}

func (s *planner) locate(at *target) error {
	places := findLocations(at.Device, s.disks, s.stacked)
	node, err := resolve(s.m.devPath(at.Device))
	if err == nil && len(places) == 0 {
		places = findLocations(node, s.disks, s.stacked)
	}
	switch {
	case len(places) > 1:
		return report.Conflict(at.origin, "name the partition by its disk, or give each label once",
			"%s would be both %s and %s", at.Device, places[0], places[1])
	case len(places) == 1:
		at.disk, at.entry, at.on = places[0].disk, places[0].entry, places[0].on
		return nil
	case err != nil:
		return nil // it is not there yet
	}
	return s.locateNode(at, node)
}

// locateNode deals with devices that exist already and are no partition of the
// tables as they will be.
func (s *planner) locateNode(at *target, node string) error {
	for _, c := range s.stacked {
		if c.base().node == node {
			at.on = c.base()
			return nil
		}
	}
	at.node = node
	for i, d := range s.disks {
		if node == d.Facts.Node && len(d.After.Partitions) > 0 && at.wanted {
			return report.Conflict(at.origin, "name one of its partitions", "%s has partitions; %s on the whole disk would destroy them", at.Device, at.what)
		}
		if node == d.Facts.Node {
			at.disk = d
			return nil
		}
		for _, part := range s.m.partitions(s.open[i].sysfs) {
			if node == part.node && !d.idle() {
				return report.Conflict(at.origin, "name a device that is there when the disk is partitioned",
					"%s is partition %d of %s, which the config takes away", at.Device, part.number, d.Facts.Device)
			}
		}
	}
	return nil
}

// lookAtTargets finds out what is where things are to be, but for what is built.
// If it is not to wait, what is not there is left out.
func (s *planner) lookAtTargets(ctx context.Context, wait bool) error {
	var devices []requiredDevice
	outside := func(at *target) bool { return at.disk == nil && at.on == nil && !at.unknown }
	for _, at := range s.targets {
		if outside(at) {
			devices = append(devices, requiredDevice{path: s.m.devPath(at.Device), origin: at.origin})
		}
	}
	var missing error
	if wait {
		missing = s.m.wait(ctx, devices)
	}
	if !wait || missing != nil {
		for _, at := range s.targets {
			at.unknown = at.unknown || outside(at) && system.DeviceReady(s.m.devPath(at.Device), s.m.udev()) != nil
		}
	}
	errs := each(ctx, len(s.targets), func(_ context.Context, i int) error {
		at := s.targets[i]
		switch {
		case at.unknown || !at.wanted || at.on != nil:
			return nil
		case at.disk == nil:
			return s.lookAtDevice(at, s.m.devPath(at.Device))
		case !s.lookThroughPartition(at):
			s.lookAtLocation(at)
		}
		return nil
	})
	return errors.Join(missing, errors.Join(errs...))
}

func (s *planner) lookAtDevice(at *target, path string) error {
	found, err := s.m.examine(path, s.inUse)
	if err != nil {
		at.unknown = true
		return &report.Error{Doing: "looking at " + at.Device, Origin: at.origin, Err: err}
	}
	found.Device = at.Device
	at.deviceFacts = found
	if at.node, err = resolve(path); err != nil {
		at.unknown = true
	}
	return nil
}

// lookAtStacked looks at a device that the plan builds, if it stays as it is.
func (s *planner) lookAtStacked(at *target) error {
	switch {
	case at.on == nil || at.unknown:
	case at.on.state == contentUnknown:
		at.unknown = true
	case at.on.state == contentExisting && at.wanted:
		return s.lookAtDevice(at, at.on.node)
	}
	return nil
}

// lookThroughPartition looks at a partition that is there already and stays
// where it is. If it is mounted, what its device shows is newer than the disk.
func (s *planner) lookThroughPartition(at *target) bool {
	d := at.disk.Facts
	if at.disk.Wipe || at.entry.Number == 0 {
		return false
	}
	for _, k := range s.m.partitions(s.diskOf(at).sysfs) {
		if k.number != at.entry.Number || k.start != at.entry.Start*d.Sector || k.length != at.entry.Size*d.Sector {
			continue
		}
		part, err := s.m.open(k.node)
		if err != nil {
			return false // the disk has it too
		}
		defer part.file.Close()
		at.probe(part.view())
		at.Holders, at.Kernel = d.holdersOf(k.number), filepath.Base(k.sysfs)
		return true
	}
	return false
}

// diskOf is the open disk that something is on.
func (s *planner) diskOf(at *target) *device { return s.open[slices.Index(s.disks, at.disk)] }

// lookAtLocation looks at the place on a disk where a partition is or will be, as
// it will be when the disk has been wiped.
func (s *planner) lookAtLocation(at *target) {
	d, disk := at.disk.Facts, s.diskOf(at)
	v := disk.view()
	if at.disk.Wipe {
		v.zero = wipeRanges(v.size, d.Signatures)
	}
	if at.entry.Number == 0 {
		at.node = d.Node
		at.probe(v)
		at.probeTable(v, d.Sector)
		at.Holders = d.Holders
		if disk.sysfs != "" {
			at.Kernel = filepath.Base(disk.sysfs)
		}
		return
	}
	at.probe(v.sub(int64(at.entry.Start*d.Sector), int64(at.entry.Size*d.Sector)))
	at.Holders = d.holdersOf(at.entry.Number)
}

// examine looks at a device that is there.
func (m *Machine) examine(path string, busy map[number][]string) (deviceFacts, error) {
	t := deviceFacts{Device: path}
	d, err := m.open(path)
	if err != nil {
		return t, err
	}
	defer d.file.Close()
	t.probe(d.view())
	t.probeTable(d.view(), d.sector)
	t.Holders = m.allHolders(d, busy)
	if d.sysfs != "" {
		t.Kernel = filepath.Base(d.sysfs)
	}
	return t, nil
}

func (t *deviceFacts) probe(v *view) {
	t.Signatures = v.probe()
	for _, s := range t.Signatures {
		t.Member, t.LUKS = cmp.Or(t.Member, s.MD), cmp.Or(t.LUKS, s.LUKS)
	}
}

// probeTable is for what may be a whole disk, on which a partition table counts
// as something that must not be destroyed in silence.
func (t *deviceFacts) probeTable(v *view, sector uint64) {
	if table, ok := tableSignature(v, sector); ok {
		t.Signatures = append(t.Signatures, table)
	}
}

// tableSignature finds a partition table as libblkid would name it; for whole
// disks on which a filesystem is wanted.
func tableSignature(v *view, sector uint64) (blkprobe.Signature, bool) {
	switch gpt.Read(v, uint64(v.size), sector).Kind {
	case gpt.MBR:
		return blkprobe.Signature{Type: "dos partition table", Magics: []blkprobe.Range{{Offset: 0, Length: 512}}}, true
	case gpt.Intact, gpt.Damaged:
		return blkprobe.Signature{Type: "gpt partition table",
			Magics: []blkprobe.Range{{Offset: 0, Length: int64(2 * sector)}, {Offset: v.size - int64(sector), Length: int64(sector)}}}, true
	}
	return blkprobe.Signature{}, false
}

// targetNode is the device of a site when what makes it has run. A partition is
// found through the kernel's knowledge of its disk, not by a link of udev's
// that may be older than the table.
func (m *Machine) targetNode(at *target) (string, error) {
	if at.on != nil {
		return resolve(m.devPath(at.on.paths[0]))
	}
	if at.disk == nil || at.entry.Number == 0 {
		return at.node, nil
	}
	disk, err := m.open(at.disk.Facts.Node)
	if err != nil {
		return "", err
	}
	defer disk.file.Close()
	if disk.sysfs == "" {
		return "", fmt.Errorf("%s is a file; there are no devices for partitions in files", at.disk.Facts.Device)
	}
	for _, part := range m.partitions(disk.sysfs) {
		if part.number != at.entry.Number {
			continue
		}
		if part.start != at.entry.Start*disk.sector || part.length != at.entry.Size*disk.sector {
			return "", errChanged
		}
		return part.node, nil
	}
	return "", fmt.Errorf("the kernel has no partition %s on %s", at.entry.Title(), at.disk.Facts.Device)
}

// made is the path of a device that a helper program makes below /dev.
func (m *Machine) devPath(path string) string {
	if rest, ok := strings.CutPrefix(path, "/dev/"); ok && m.Dev != "" {
		return filepath.Join(m.Dev, rest)
	}
	return path
}
