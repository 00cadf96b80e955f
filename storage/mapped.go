package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/storage/plan"
)

// A disk of the device mapper (of multipath, mostly) has no partitions of the
// kernel's. They are linear mappings onto it, which kpartx(8) makes, usually by
// rules of udev. What such rules have not done when udev is done with the disk
// is done here with dmsetup, as kpartx would do it.

// mappedPartitions lists the mappings that are partitions of a disk.
func (m *Machine) mappedPartitions(disk, name string) []plan.KernelPartition {
	holders, err := os.ReadDir(filepath.Join(disk, "holders"))
	if err != nil {
		return nil
	}
	var all []plan.KernelPartition
	for _, h := range holders {
		dir := m.sys("class", "block", h.Name())
		mapping := m.attribute(dir, "dm/name")
		n := mappedNumber(name, mapping, m.attribute(dir, "dm/uuid"))
		if n == 0 {
			continue
		}
		start, ok := m.linearStart(mapping)
		size, err := strconv.ParseUint(m.attribute(dir, "size"), 10, 64)
		if ok && err == nil {
			all = append(all, plan.KernelPartition{Number: n, Start: start * 512, Length: size * 512, Sysfs: dir, Node: "/dev/" + h.Name()})
		}
	}
	return all
}

// mappedNumber is the number of a partition, by the UUID that kpartx gives its
// mapping or by the name; 0 if it is something else that is built on the disk.
func mappedNumber(disk, mapping, uuid string) int {
	text, found := strings.CutPrefix(uuid, "part")
	text, _, dashed := strings.Cut(text, "-")
	if !found || !dashed {
		if text, found = strings.CutPrefix(mapping, disk); !found {
			return 0
		}
		text = strings.TrimPrefix(strings.TrimPrefix(text, "-part"), "p")
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// linearStart is where a linear mapping begins on its disk, in 512 bytes. Such a
// one has a single line: the first sector, how many, "linear", the disk, the start.
func (m *Machine) linearStart(mapping string) (start uint64, ok bool) {
	out, err := m.Run.Run(context.Background(), system.Command{Name: "dmsetup", Args: []string{"table", mapping}})
	if err != nil {
		m.Log.Warn("looking at the partitions of a mapped disk: " + err.Error())
		return 0, false
	}
	f := strings.Fields(string(out))
	if len(f) != 5 || f[2] != "linear" {
		return 0, false
	}
	start, err = strconv.ParseUint(f[4], 10, 64)
	return start, err == nil
}

// partitionMapped carries out the plan for a disk of the device mapper.
func (m *Machine) partitionMapped(ctx context.Context, p *plan.Disk, disk *device) error {
	if err := verifyUnchanged(p, disk); err != nil {
		return err
	}
	// If one is busy after all, nothing has happened yet.
	if err := m.unmap(ctx, diffKernel(m.partitions(disk.sysfs), p.After).remove); err != nil {
		return err
	}
	if p.Wipe || p.Write {
		if err := writeDisk(p, kernelDiff{}); err != nil {
			return err
		}
	}
	if err := m.settle(ctx, disk.sysfs); err != nil {
		return err
	}
	diff := diffKernel(m.partitions(disk.sysfs), p.After)
	if err := m.unmap(ctx, diff.remove); err != nil {
		return err
	}
	if err := m.mapPartitions(ctx, p, disk, diff); err != nil && m.verifyKernel(disk.sysfs, p.After) != nil {
		return err // else udev was quicker
	}
	return m.verifyKernel(disk.sysfs, p.After)
}

func (m *Machine) unmap(ctx context.Context, partitions []plan.KernelPartition) error {
	for _, k := range partitions {
		if err := m.dmsetup(ctx, "remove", m.attribute(k.Sysfs, "dm/name")); err != nil {
			return err
		}
	}
	return nil
}

func (m *Machine) mapPartitions(ctx context.Context, p *plan.Disk, disk *device, diff kernelDiff) error {
	number := m.attribute(disk.sysfs, "dev")
	line := func(e gpt.Partition) string {
		const unit = 512 // bytes, of the device mapper's numbers
		return fmt.Sprintf("0 %d linear %s %d", e.Size*disk.sector/unit, number, e.Start*disk.sector/unit)
	}
	for _, e := range diff.resize {
		for _, k := range m.partitions(disk.sysfs) {
			if k.Number != e.Number {
				continue
			}
			name := m.attribute(k.Sysfs, "dm/name")
			if err := errors.Join(m.dmsetup(ctx, "reload", name, "--table", line(e)), m.dmsetup(ctx, "resume", name)); err != nil {
				return err
			}
		}
	}
	for _, e := range diff.add {
		uuid := fmt.Sprintf("part%d-%s", e.Number, m.attribute(disk.sysfs, "dm/uuid"))
		if err := m.dmsetup(ctx, "create", fmt.Sprintf("%sp%d", p.Facts.Mapping, e.Number), "--uuid", uuid, "--table", line(e)); err != nil {
			return err
		}
	}
	return nil
}

func (m *Machine) dmsetup(ctx context.Context, args ...string) error {
	_, err := m.Run.Run(ctx, system.Command{Name: "dmsetup", Args: args})
	return err
}
