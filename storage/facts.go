package storage

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/storage/plan"
)

// An inspection looks at the machine for one plan, and implements [plan.Facts].
type inspection struct {
	m     *Machine
	inUse mountsAndSwaps
	disks map[*plan.DiskFacts]*device
}

func (in *inspection) close() {
	for _, d := range in.disks {
		d.file.Close()
	}
}

func (in *inspection) choose(ctx context.Context, cfg *config.Config) ([]*plan.Choice, error) {
	return in.m.choose(ctx, cfg)
}

// lookAtDisks waits for the disks of the config, and for the TPM that its volumes need,
// and gathers the facts about the disks. Of those that it could not look at there are
// none.
func (in *inspection) lookAtDisks(ctx context.Context, storage *config.Storage) ([]*plan.DiskFacts, error) {
	devices, disks := in.m.requiredTPM(storage.Luks), storage.Disks
	for _, d := range disks {
		devices = append(devices, requiredDevice{path: d.Device, origin: d.Origin("device")})
	}
	err := in.m.wait(ctx, devices)
	if err != nil {
		return nil, err
	}
	if in.inUse, err = in.m.mountsAndSwaps(); err != nil {
		return nil, err
	}
	open, all := make([]*device, len(disks)), make([]*plan.DiskFacts, len(disks))
	errs := each(ctx, len(disks), func(_ context.Context, i int) (err error) {
		if open[i], err = in.m.open(disks[i].Device); err == nil {
			all[i] = in.m.diskFacts(open[i], in.inUse)
			return nil
		}
		return &report.Error{Doing: "looking at " + disks[i].Device, Origin: disks[i].Origin("device"), Err: err}
	})
	in.disks = map[*plan.DiskFacts]*device{}
	for i, d := range open {
		if d != nil {
			in.disks[all[i]] = d
		}
	}
	return all, errors.Join(errs...)
}

// diskFacts gathers the facts about a disk.
func (m *Machine) diskFacts(d *device, inUse mountsAndSwaps) *plan.DiskFacts {
	f := &plan.DiskFacts{DeviceFacts: d.facts(d.path), Disk: gpt.Read(d.file, d.size, d.sector)}
	if f.Kind == gpt.None {
		f.PassedOver = passedOver(f.Disk)
		f.Signatures = append(d.probe(), f.PassedOver...)
		f.Traces = len(gpt.Traces(d.file, d.size)) > 0
		f.Blank = blank(d.file, wipeRanges(d.file, int64(d.size), f.Signatures))
	}
	if d.sysfs == "" {
		return f
	}
	f.Partitions = m.partitions(d.sysfs)
	f.Mapping = m.attribute(d.sysfs, "dm/name")
	f.Unmapped = f.Mapping != "" && len(diffKernel(f.Partitions, f.Table).add) > 0
	// Partitions of a mapped disk are built upon it.
	f.Holders = slices.DeleteFunc(m.holders(d.sysfs, inUse), func(h plan.Holder) bool {
		return slices.ContainsFunc(f.Partitions, func(k plan.KernelPartition) bool { return h.Kernel != "" && filepath.Base(k.Sysfs) == h.Kernel })
	})
	for _, k := range f.Partitions {
		for _, h := range m.holders(k.Sysfs, inUse) {
			h.Number = k.Number
			f.Holders = append(f.Holders, h)
		}
	}
	return f
}

// lookAtTargets looks at the devices on which the config wants something, but
// for those that the plan makes. If it is not to wait, what is not there is
// unknown.
func (in *inspection) lookAtTargets(ctx context.Context, targets []*plan.Target, wait bool) error {
	var external []*plan.Target
	var devices []requiredDevice
	for _, t := range targets {
		if t.External() {
			external = append(external, t)
			devices = append(devices, requiredDevice{path: in.m.devPath(t.Device), origin: t.Origin, meant: t.Meant})
		}
	}
	var missing error
	if wait {
		missing = in.m.wait(ctx, devices)
	}
	for i, t := range external {
		t.Unknown = (!wait || missing != nil) && system.DeviceReady(devices[i].path, in.m.udev()) != nil
	}
	errs := each(ctx, len(targets), func(_ context.Context, i int) error {
		if targets[i].On != nil {
			return nil
		}
		return targets[i].Look(in)
	})
	return errors.Join(missing, errors.Join(errs...))
}

// Resolve implements plan.Facts.
func (in *inspection) Resolve(path string) (string, error) { return resolve(in.m.devPath(path)) }

// Device implements plan.Facts.
func (in *inspection) Device(t *plan.Target) (plan.DeviceFacts, error) {
	switch {
	case t.On != nil:
		return in.m.deviceFacts(t.On.Device().Node, t.Device, in.inUse)
	case t.Disk == nil:
		return in.m.deviceFacts(in.m.devPath(t.Device), t.Device, in.inUse)
	}
	f := t.Disk.Facts.DeviceFacts
	if t.Partition.Number != 0 {
		f = plan.DeviceFacts{Holders: t.Disk.Facts.HoldersOf(t.Partition.Number)}
	}
	if f.Device = t.Device; !t.Disk.Wipe && in.lookAtPartition(t, &f) {
		return f, nil
	}
	f.Signatures = in.Location(t.Disk, t.Partition, t.Disk.Wipe)
	if t.Disk.Wipe {
		f.PassedOver = nil
	}
	return f, nil
}

// lookAtPartition looks at a partition that exists and stays where it is. If it
// is mounted, what its device shows is newer than the disk.
func (in *inspection) lookAtPartition(t *plan.Target, f *plan.DeviceFacts) bool {
	sector := t.Disk.Facts.Sector
	for _, k := range t.Disk.Facts.Partitions {
		if k.Number != t.Partition.Number || k.Start != t.Partition.Start*sector || k.Length != t.Partition.Size*sector {
			continue
		}
		d, err := in.m.open(k.Node)
		if err != nil {
			return false // the disk has it too
		}
		defer d.file.Close()
		f.Signatures, f.Kernel = d.probe(), filepath.Base(k.Sysfs)
		return true
	}
	return false
}

// Location implements plan.Facts.
func (in *inspection) Location(d *plan.Disk, p gpt.Partition, wiped bool) []blkprobe.Signature {
	disk := in.disks[d.Facts]
	var r io.ReaderAt = disk.file
	if wiped {
		r = wipedReader{r, wipeRanges(r, int64(disk.size), d.Facts.Signatures)}
	}
	if p.Number == 0 {
		return append(probe(r, int64(disk.size)), tableSignatures(r, disk.size, disk.sector)...)
	}
	return disk.probePartition(r, p)
}

// probePartition returns what the sectors of a partition hold, as far as they are on
// the disk, which r reads.
func (d *device) probePartition(r io.ReaderAt, p gpt.Partition) []blkprobe.Signature {
	start := min(p.Start*d.sector, d.size)
	size := int64(min(p.Size*d.sector, d.size-start))
	return probe(io.NewSectionReader(r, int64(start), size), size)
}

// PartitionTable implements plan.Facts.
func (in *inspection) PartitionTable(f plan.DeviceFacts) plan.PartitionTable {
	d, err := in.m.open(f.Node)
	if err != nil {
		return plan.PartitionTable{}
	}
	defer d.file.Close()
	found := gpt.Read(d.file, d.size, d.sector)
	partitions := found.Table.Partitions
	switch found.Kind {
	case gpt.MBR:
		partitions = gpt.MBRPartitions(d.file, d.size, d.sector)
	case gpt.None:
		partitions = found.Unused
	}
	t := plan.PartitionTable{Kind: found.Kind, Other: found.Other}
	for _, p := range partitions {
		t.Partitions = append(t.Partitions, plan.HeldPartition{Partition: p, Signatures: d.probePartition(d.file, p)})
	}
	return t
}

// Array implements plan.Facts.
func (in *inspection) Array(a *plan.Array) plan.ArrayFacts {
	var members []plan.DeviceFacts
	for _, t := range a.Members {
		members = append(members, t.Facts)
	}
	return in.m.arrayFacts(a, members, in.inUse)
}

// Volume implements plan.Facts.
func (in *inspection) Volume(v *plan.Volume) plan.VolumeFacts {
	return in.m.volumeFacts(v, v.Members[0].Facts, in.inUse)
}

// deviceFacts looks at a device that exists.
func (m *Machine) deviceFacts(path, inConfig string, inUse mountsAndSwaps) (plan.DeviceFacts, error) {
	d, err := m.open(path)
	if err != nil {
		return plan.DeviceFacts{Device: inConfig}, err
	}
	defer d.file.Close()
	f := d.facts(inConfig)
	f.Signatures = append(d.probe(), tableSignatures(d.file, d.size, d.sector)...)
	f.PassedOver = passedOver(gpt.Read(d.file, d.size, d.sector))
	f.Holders = m.allHolders(d.sysfs, inUse)
	return f, nil
}

// lookAgain looks at the targets of an operation when what makes them has run.
func (m *Machine) lookAgain(ctx context.Context, targets ...*plan.Target) ([]plan.DeviceFacts, mountsAndSwaps, error) {
	inUse, err := m.mountsAndSwaps()
	if err != nil {
		return nil, nil, err
	}
	var all []plan.DeviceFacts
	for _, t := range targets {
		node, err := m.nodeOf(t)
		if err != nil {
			return nil, nil, err
		}
		if err := m.wait(ctx, []requiredDevice{{path: node, origin: t.Origin}}); err != nil {
			return nil, nil, err
		}
		f, err := m.deviceFacts(node, t.Device, inUse)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, f)
	}
	return all, inUse, nil
}
