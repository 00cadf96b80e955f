package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"

	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/system"
)

// errChanged guards the disk that was planned for against surprises.
var errChanged = errors.New("it is not as it was when it was looked at; something else is writing to it")

// partition carries out the plan for a disk.
func (m *Machine) partition(ctx context.Context, p *diskPlan) error {
	disk, err := m.open(p.Facts.Node)
	if err != nil {
		return err
	}
	if disk.sysfs == "" { // the kernel knows no partitions in files
		defer disk.file.Close()
		if err := p.unchanged(disk); err != nil {
			return err
		}
		return p.write(kernelDiff{})
	}
	if p.Facts.Mapping != "" {
		err = m.partitionMapped(ctx, p, disk)
		disk.file.Close()
	} else {
		err = m.partitionLocked(ctx, p, disk)
	}
	if err != nil {
		return err
	}
	var changed []string
	for _, k := range m.partitions(disk.sysfs) {
		if slices.ContainsFunc(p.Changes, func(c change) bool { return c.After.Number == k.number }) {
			changed = append(changed, k.sysfs)
		}
	}
	return m.settle(ctx, changed...)
}

// partitionLocked carries out the plan for a disk of the kernel's own.
func (m *Machine) partitionLocked(ctx context.Context, p *diskPlan, disk *device) error {
	m.unlock(disk)
	if err := lock(ctx, disk.file); err != nil {
		disk.file.Close()
		return err
	}
	defer m.keepLocked(disk)
	if err := p.unchanged(disk); err != nil {
		return err
	}
	if err := p.write(diffKernel(m.partitions(disk.sysfs), p.After)); err != nil {
		return err
	}
	return m.verifyKernel(disk.sysfs, p.After)
}

// keepLocked lets udev look at the disk, but not read its table again, until
// this process ends. See system.Lock.
func (m *Machine) keepLocked(d *device) {
	// It cannot be that another program has it: the lock was ours.
	_ = system.Lock(d.file, false)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.locks == nil {
		m.locks = map[string]*os.File{}
	}
	m.locks[d.node] = d.file
}

// unlock gives up what an earlier plan of this process has kept.
func (m *Machine) unlock(d *device) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f := m.locks[d.node]; f != nil {
		f.Close()
		delete(m.locks, d.node)
	}
}

// unchanged makes sure that the plan is for what is there.
func (p *diskPlan) unchanged(d *device) error {
	now := gpt.Read(d.file, d.size, d.sector)
	if d.size != p.Facts.Size || now.Kind != p.Facts.Kind || !reflect.DeepEqual(now.Table, p.Facts.Table) {
		return errChanged
	}
	return nil
}

// write changes the disk, and the kernel's knowledge of it.
func (p *diskPlan) write(diff kernelDiff) (err error) {
	f, err := os.OpenFile(p.Facts.Node, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := diff.removePartitions(f); err != nil {
		return err
	}
	if p.Wipe {
		if err := wipe(f, wipeRanges(int64(p.Facts.Size), p.Facts.Signatures)); err != nil {
			return err
		}
	}
	if p.Write {
		if err := gpt.Write(f, p.After, p.Facts.Size); err != nil {
			return err
		}
	}
	return diff.addPartitions(f, p.Facts.Sector)
}

// checkFilesystem decides on a filesystem that could not be looked at before.
func (m *Machine) checkFilesystem(ctx context.Context, f *filesystemPlan) error {
	_, found, _, err := m.lookAgain(ctx, []*target{&f.target})
	if err != nil {
		return err
	}
	now := *f
	now.deviceFacts = found[0]
	if now.action, err = decideFilesystem(f.Filesystem, now.deviceFacts); err != nil || now.action == keepFilesystem {
		return err
	}
	return m.makeFilesystem(ctx, &now)
}

// makeFilesystem carries out the plan for a filesystem.
func (m *Machine) makeFilesystem(ctx context.Context, f *filesystemPlan) error {
	node, err := m.targetNode(&f.target)
	if err != nil {
		return err
	}
	if err := m.wait(ctx, []requiredDevice{{path: node, origin: f.Origin("device")}}); err != nil {
		return err
	}
	if err := wipeDevice(node, f.deviceFacts.Signatures); err != nil {
		return err
	}
	if f.action == makeFilesystem {
		if err := m.mkfs(ctx, f, node); err != nil {
			return err
		}
	}
	d, err := m.open(node)
	if err != nil {
		return err
	}
	defer d.file.Close()
	if found := d.view().probe(); f.action == makeFilesystem && (len(found) == 0 || len(compareFilesystem(f.Filesystem, found[0])) > 0) {
		return fmt.Errorf("looking at what was made: it is %q instead of %s as the config describes it", blkprobe.Describe(found), *f.Format)
	}
	if d.sysfs == "" {
		return nil
	}
	return m.settle(ctx, d.sysfs)
}

// wipeDevice clears what a device held, alone: a device that is mounted, or
// part of something, cannot be opened exclusively.
func wipeDevice(node string, found []blkprobe.Signature) (err error) {
	f, err := os.OpenFile(node, os.O_RDWR|os.O_EXCL, 0)
	if err != nil {
		return fmt.Errorf("opening it exclusively: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	size, err := system.DeviceSize(f)
	if err != nil {
		return err
	}
	return wipe(f, wipeRanges(int64(size), found))
}

func (m *Machine) mkfs(ctx context.Context, f *filesystemPlan, node string) error {
	command, known := mkfs(f.Filesystem, node)
	if !known {
		return fmt.Errorf("no program is known that makes %q", *f.Format)
	}
	_, err := m.Run.Run(ctx, command)
	return err
}
