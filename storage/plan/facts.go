package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/gpt"
)

// Facts answers the questions about the machine that arise while a plan is made.
type Facts interface {
	// Resolve returns the device to which a path leads now, or an error if
	// there is none yet.
	Resolve(path string) (node string, err error)
	// Device looks at a target as it is now.
	Device(t *Target) (DeviceFacts, error)
	// Location looks at the sectors of a partition, whether it exists or is
	// only planned, or at the whole disk if it has no number. If the disk is to
	// be wiped, wiped shows it as it will be then.
	Location(d *Disk, p gpt.Partition, wiped bool) []blkprobe.Signature
	// PartitionTable looks at the table of a disk and at what its partitions hold.
	// Previews ask for it.
	PartitionTable(f DeviceFacts) PartitionTable
	// Array and Volume look for what the kernel has of an array or a volume.
	Array(a *Array) ArrayFacts
	Volume(v *Volume) VolumeFacts
	// Subvolumes looks for what there is, of SubvolumePaths, in a filesystem that is kept;
	// nil if that cannot be found out before the plan runs.
	Subvolumes(f *Filesystem) (map[string]SubvolumeNode, error)
}

// DiskFacts are what was found out about a disk of the config. It has signatures
// only if it has no partition table.
type DiskFacts struct {
	DeviceFacts
	gpt.Disk
	// Blank reports that there is nothing on a disk without a table that a wipe
	// would take away.
	Blank bool
	// Traces reports that a disk without a table that could be used has something
	// of one or more.
	Traces bool
	// Partitions are those that the kernel knows.
	Partitions []KernelPartition
	// Mapping is the device mapper's name of the disk if it is one of its devices.
	Mapping string
	// Unmapped reports that such a disk has partitions without a device.
	Unmapped bool
}

// A KernelPartition is a partition as the kernel knows it, or a mapping that
// stands for one on a disk of the device mapper.
type KernelPartition struct {
	Number        int
	Start, Length uint64 // bytes
	Sysfs, Node   string
}

// DeviceFacts are what was found out about a device, or about the sectors of a
// partition that is only planned.
type DeviceFacts struct {
	Device       string // as in the config
	Node         string // the device that it is
	Kernel       string // the kernel's name, unless it is a file
	Size, Sector uint64 // bytes
	Signatures   []blkprobe.Signature
	// PassedOver are partition tables of a device that do not count as one.
	PassedOver []blkprobe.Signature
	Holders    []Holder
}

// md returns the superblock of a member of an array.
func (f DeviceFacts) md() *blkprobe.MDSuperblock {
	for _, s := range f.Signatures {
		if s.MD != nil {
			return s.MD
		}
	}
	return nil
}

// LUKS returns the header of a LUKS device.
func (f DeviceFacts) LUKS() *blkprobe.LUKSHeader {
	for _, s := range f.Signatures {
		if s.LUKS != nil {
			return s.LUKS
		}
	}
	return nil
}

// A Holder is what uses a disk (number 0), a partition of it, or another device.
type Holder struct {
	Number int
	How    string // "mounted at /boot"
	// Kernel is the name of a device that is built upon it, and Mapping the
	// device mapper's name of that.
	Kernel, Mapping string
}

// HoldersOf are those of a partition, or with 0 of the disk itself.
func (d *DiskFacts) HoldersOf(number int) []Holder {
	return slices.DeleteFunc(slices.Clone(d.Holders), func(h Holder) bool { return h.Number != number })
}

// DescribeHolders lists holders for a message.
func DescribeHolders(holders []Holder) string {
	var all []string
	for _, h := range holders {
		all = append(all, h.How)
	}
	return strings.Join(all, ", ")
}

// describeAllHolders lists the holders of a disk and of its partitions.
func (d *DiskFacts) describeAllHolders() string {
	var all []string
	for _, h := range d.Holders {
		what := "the disk"
		if h.Number != 0 {
			what = fmt.Sprintf("partition %d", h.Number)
		}
		all = append(all, what+" is "+h.How)
	}
	return strings.Join(all, ", ")
}
