package storage

import (
	"context"
	"errors"
	"os"
	"reflect"
	"slices"

	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/storage/plan"
)

// errChanged guards the disk that was planned for against surprises.
var errChanged = errors.New("it is not as it was when it was looked at; something else is writing to it")

// partition carries out the plan for a disk.
func (m *Machine) partition(ctx context.Context, p *plan.Disk) error {
	disk, err := m.open(p.Facts.Node)
	if err != nil {
		return err
	}
	if disk.sysfs == "" { // the kernel knows no partitions in files
		defer disk.file.Close()
		if err := verifyUnchanged(p, disk); err != nil {
			return err
		}
		return writeDisk(p, kernelDiff{})
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
		if slices.ContainsFunc(p.Changes, func(c plan.Change) bool { return c.After.Number == k.Number }) {
			changed = append(changed, k.Sysfs)
		}
	}
	return m.settle(ctx, changed...)
}

// partitionLocked carries out the plan for a disk of the kernel's own.
func (m *Machine) partitionLocked(ctx context.Context, p *plan.Disk, disk *device) error {
	m.unlock(disk)
	if err := lock(ctx, disk.file); err != nil {
		disk.file.Close()
		return err
	}
	defer m.keepLocked(disk)
	if err := verifyUnchanged(p, disk); err != nil {
		return err
	}
	if err := writeDisk(p, diffKernel(m.partitions(disk.sysfs), p.After)); err != nil {
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

// verifyUnchanged makes sure that the plan is for what is there.
func verifyUnchanged(p *plan.Disk, d *device) error {
	now := gpt.Read(d.file, d.size, d.sector)
	if d.size != p.Facts.Size || !reflect.DeepEqual(now, p.Facts.Disk) {
		return errChanged
	}
	return nil
}

// writeDisk changes the disk, and the kernel's knowledge of it.
func writeDisk(p *plan.Disk, diff kernelDiff) (err error) {
	f, err := os.OpenFile(p.Facts.Node, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := diff.removePartitions(f); err != nil {
		return err
	}
	if p.Wipe {
		if err := wipe(f, wipeRanges(f, int64(p.Facts.Size), p.Facts.Signatures)); err != nil {
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
