package storage

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/storage/plan"
)

// A number is the kernel's for a block device, as "major:minor".
type number string

func deviceNumber(path string) (number, bool) {
	var stat unix.Stat_t
	if unix.Stat(path, &stat) != nil || stat.Mode&unix.S_IFMT != unix.S_IFBLK {
		return "", false
	}
	return number(fmt.Sprintf("%d:%d", unix.Major(stat.Rdev), unix.Minor(stat.Rdev))), true
}

// A device is a disk or a partition, or a file instead, open for reading.
type device struct {
	path   string // as in the config
	node   string
	file   *os.File
	size   uint64 // bytes
	sector uint64 // bytes
	sysfs  string // directory; empty for files
}

func (m *Machine) open(path string) (*device, error) {
	node, err := resolve(m.devPath(path))
	if err != nil {
		return nil, err
	}
	d := &device{path: path, node: node}
	if d.file, err = os.Open(node); err != nil {
		return nil, err
	}
	if err := errors.Join(system.Refresh(d.file), m.measure(d)); err != nil {
		d.file.Close()
		return nil, err
	}
	return d, nil
}

func (m *Machine) measure(d *device) (err error) {
	if d.size, err = system.DeviceSize(d.file); err != nil {
		return err
	}
	if system.IsBlockDevice(d.file) {
		sector, err := system.SectorSize(d.file)
		if err != nil {
			return err
		}
		d.sector = uint64(sector)
	} else {
		d.sector = m.fileSector(d)
	}
	if n, ok := deviceNumber(d.node); ok {
		d.sysfs, err = filepath.EvalSymlinks(m.sys("dev", "block", string(n)))
	}
	return err
}

// fileSector is the size of the sectors of a file that stands for a disk. A GPT
// header is in the second sector, its copy in the last one.
func (m *Machine) fileSector(d *device) uint64 {
	if m.Sector != 0 {
		return uint64(m.Sector)
	}
	const usual, large, magic = 512, 4096, "EFI PART"
	is := func(offset int64) bool {
		b := make([]byte, len(magic))
		_, err := d.file.ReadAt(b, offset)
		return err == nil && string(b) == magic
	}
	at := func(sector int64) bool { return is(sector) || is(int64(d.size)-sector) }
	if at(large) && !at(usual) {
		return large
	}
	return usual
}

func (d *device) probe() []blkprobe.Signature { return probe(d.file, int64(d.size)) }

// probe returns what a device or a part of one seems to hold. What cannot be read
// is taken for empty.
func probe(r io.ReaderAt, size int64) []blkprobe.Signature {
	found, _ := blkprobe.Probe(r, size)
	return found
}

// facts are those that need no look at its contents.
func (d *device) facts(inConfig string) plan.DeviceFacts {
	f := plan.DeviceFacts{Device: inConfig, Node: d.node, Size: d.size, Sector: d.sector}
	if d.sysfs != "" {
		f.Kernel = filepath.Base(d.sysfs)
	}
	return f
}

// tableSignatures returns the partition table of a whole disk, which counts as
// something that must not be destroyed in silence, under libblkid's name.
func tableSignatures(r io.ReaderAt, size, sector uint64) []blkprobe.Signature {
	switch gpt.Read(r, size, sector).Kind {
	case gpt.MBR:
		return []blkprobe.Signature{{Type: "dos partition table", Magics: []blkprobe.Range{{Offset: 0, Length: 512}}}}
	case gpt.Intact, gpt.Damaged:
		s := int64(sector)
		return []blkprobe.Signature{{Type: "gpt partition table", Magics: []blkprobe.Range{{Offset: 0, Length: 2 * s}, {Offset: int64(size) - s, Length: s}}}}
	}
	return nil
}

// passedOver are partition tables that do not count as one, but must not be
// destroyed in silence either.
func passedOver(d gpt.Disk) []blkprobe.Signature {
	var all []blkprobe.Signature
	if d.Other != "" {
		all = append(all, blkprobe.Signature{Type: d.Other + " partition table"})
	}
	if len(d.Unused) > 0 {
		all = append(all, blkprobe.Signature{Type: "a backup GPT with partitions " + gpt.Titles(d.Unused)})
	}
	return all
}

// partitions lists what the kernel knows of a disk's partitions.
func (m *Machine) partitions(disk string) []plan.KernelPartition {
	if name := m.attribute(disk, "dm/name"); name != "" {
		return m.mappedPartitions(disk, name)
	}
	entries, err := os.ReadDir(disk)
	if err != nil {
		return nil
	}
	var all []plan.KernelPartition
	for _, e := range entries {
		dir := filepath.Join(disk, e.Name())
		n, err := strconv.Atoi(m.attribute(dir, "partition"))
		if err != nil {
			continue
		}
		// Whatever the disk's sectors are, sysfs counts in 512 bytes.
		start, _ := strconv.ParseUint(m.attribute(dir, "start"), 10, 64)
		size, _ := strconv.ParseUint(m.attribute(dir, "size"), 10, 64)
		all = append(all, plan.KernelPartition{Number: n, Start: start * 512, Length: size * 512, Sysfs: dir, Node: nodeOfKernel(e.Name())})
	}
	return all
}

// nodeOf returns the device of a target when what makes it has run. A partition
// is found through what the kernel knows of its disk, not by a link of udev's
// that may be older than the table.
func (m *Machine) nodeOf(t *plan.Target) (string, error) {
	if t.On != nil {
		return resolve(m.devPath(t.On.Device().Paths[0]))
	}
	if t.Disk == nil || t.Partition.Number == 0 {
		return t.Facts.Node, nil
	}
	disk, err := m.open(t.Disk.Facts.Node)
	if err != nil {
		return "", err
	}
	defer disk.file.Close()
	if disk.sysfs == "" {
		return "", fmt.Errorf("%s is a file; there are no devices for partitions in files", t.Disk.Facts.Device)
	}
	for _, k := range m.partitions(disk.sysfs) {
		if k.Number != t.Partition.Number {
			continue
		}
		if k.Start != t.Partition.Start*disk.sector || k.Length != t.Partition.Size*disk.sector {
			return "", errChanged
		}
		return k.Node, nil
	}
	return "", fmt.Errorf("the kernel has no partition %s on %s", t.Partition.Title(), t.Disk.Facts.Device)
}

// resolve is the real path of a device. Links in /dev/disk come and go as udev
// works, the node stays.
func resolve(device string) (string, error) { return filepath.EvalSymlinks(device) }

// devPath is where a device is that the config or a helper program names: a chosen disk is
// what it was chosen to be, whether or not there is a link already.
func (m *Machine) devPath(path string) string {
	if node, ok := m.chosen(path); ok {
		path = node
	}
	return m.underDev(path)
}

// underDev is a path below /dev where tests have it.
func (m *Machine) underDev(path string) string {
	if rest, ok := strings.CutPrefix(path, "/dev/"); ok && m.Dev != "" {
		return filepath.Join(m.Dev, rest)
	}
	return path
}

// attribute reads a file of sysfs; empty if it is not there.
func (m *Machine) attribute(dir, name string) string {
	text, err := system.ReadFile(filepath.Join(dir, name), system.KernelText)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
