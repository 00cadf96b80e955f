package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/storage/plan"
)

// A kernelDiff is what the kernel has to be told about a disk's partitions.
type kernelDiff struct {
	remove      []plan.KernelPartition
	resize, add []gpt.Partition
}

// diffKernel compares what the kernel knows with a table.
func diffKernel(have []plan.KernelPartition, want gpt.Table) kernelDiff {
	var diff kernelDiff
	same := map[int]bool{}
	for _, k := range have {
		e, ok := want.Find(k.Number)
		switch {
		case !ok || e.Start*want.Sector != k.Start:
			diff.remove = append(diff.remove, k)
			continue
		case e.Size*want.Sector != k.Length:
			diff.resize = append(diff.resize, e)
		}
		same[k.Number] = true
	}
	for _, e := range want.Partitions {
		if !same[e.Number] {
			diff.add = append(diff.add, e)
		}
	}
	return diff
}

// removePartitions removes partitions from the kernel. It comes before the disk
// is written to: if one is in use after all, nothing has happened yet.
func (diff kernelDiff) removePartitions(disk *os.File) error {
	for _, k := range diff.remove {
		err := system.DeletePartition(disk, k.Number)
		if err != nil && !errors.Is(err, unix.ENXIO) {
			return &report.Error{Err: fmt.Errorf("taking partition %d away from the kernel: %w", k.Number, err),
				Hint: fmt.Sprintf("something uses %s; see /proc/mounts, /proc/swaps and %s/holders", k.Node, k.Sysfs)}
		}
	}
	return nil
}

// addPartitions adds and resizes partitions.
func (diff kernelDiff) addPartitions(disk *os.File, sector uint64) error {
	for _, e := range diff.resize {
		if err := system.ResizePartition(disk, e.Number, e.Start*sector, e.Size*sector); err != nil {
			return fmt.Errorf("telling the kernel the new size of partition %s: %w", e.Title(), err)
		}
	}
	for _, e := range diff.add {
		if err := system.AddPartition(disk, e.Number, e.Start*sector, e.Size*sector); err != nil {
			return fmt.Errorf("telling the kernel about partition %s: %w", e.Title(), err)
		}
	}
	return nil
}

// verifyKernel checks that the kernel has the partitions that the table has.
func (m *Machine) verifyKernel(sysfs string, want gpt.Table) error {
	diff := diffKernel(m.partitions(sysfs), want)
	if n := len(diff.remove) + len(diff.resize) + len(diff.add); n > 0 {
		return fmt.Errorf("the kernel does not agree with the new partition table about %d partitions (see %s)", n, sysfs)
	}
	return nil
}

// settle waits until udev has dealt with the partitions that are new, so that
// no link in /dev/disk leads to what was there before.
func (m *Machine) settle(ctx context.Context, sysfs ...string) error {
	if !system.UdevRuns(m.udev()) {
		return nil
	}
	timeout, err := m.timeout()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for _, err := range each(ctx, len(sysfs), func(ctx context.Context, i int) error {
		if sysfs[i] == "" { // a file
			return nil
		}
		if err := system.SettleDevice(ctx, filepath.Join(sysfs[i], "uevent")); err != nil {
			return fmt.Errorf("waiting for udev to look at %s: %w", filepath.Base(sysfs[i]), err)
		}
		return nil
	}) {
		if err != nil {
			return err
		}
	}
	return nil
}

// lockTimeout is how long udev, which has the lock while it looks at a device,
// may take to give it back.
const lockTimeout = 30 * time.Second

// lock takes the exclusive lock on a disk; see system.Lock. Waiting in the
// kernel would not end with the context.
func lock(ctx context.Context, f *os.File) error {
	w := system.Wait{What: "the lock on " + f.Name(), Limit: lockTimeout, Every: 200 * time.Millisecond}
	err := w.Until(ctx, func() (string, bool, error) {
		err := system.Lock(f, true)
		if errors.Is(err, unix.EWOULDBLOCK) {
			return "", false, nil
		}
		return "", true, err
	})
	if late := new(system.TimeoutError); errors.As(err, &late) {
		return fmt.Errorf("locking %s: another program keeps the disk locked (flock)", f.Name())
	}
	return err
}
