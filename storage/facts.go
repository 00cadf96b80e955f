package storage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/system"
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
	node, err := resolve(path)
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
		d.sector = m.fileSector(d.view())
	}
	if n, ok := deviceNumber(d.node); ok {
		d.sysfs, err = filepath.EvalSymlinks(m.sys("dev", "block", string(n)))
	}
	return err
}

// fileSector is the size of the sectors of a file that stands for a disk. A GPT
// header is in the second sector, its copy in the last one.
func (m *Machine) fileSector(v *view) uint64 {
	if m.Sector != 0 {
		return uint64(m.Sector)
	}
	const usual, large, magic = 512, 4096, "EFI PART"
	at := func(sector int64) bool { return v.magic(sector, magic) || v.magic(v.size-sector, magic) }
	if at(large) && !at(usual) {
		return large
	}
	return usual
}

func (d *device) view() *view { return &view{r: d.file, size: int64(d.size)} }

// look gathers the facts about a disk.
func (m *Machine) look(d *device, busy map[number][]string) (*diskFacts, error) {
	facts := &diskFacts{Device: d.path, Node: d.node, Size: d.size, Sector: d.sector}
	facts.Disk = gpt.Read(d.file, d.size, d.sector)
	if facts.Kind == gpt.None {
		facts.Signatures = d.view().probe()
	}
	if d.sysfs == "" {
		return facts, nil
	}
	facts.Mapping = m.attribute(d.sysfs, "dm/name")
	parts := m.partitions(d.sysfs)
	facts.Unmapped = facts.Mapping != "" && len(diffKernel(parts, facts.Table).add) > 0
	// Partitions of a mapped disk are built upon it.
	facts.Holders = slices.DeleteFunc(m.holders(d.sysfs, busy), func(u holder) bool {
		return slices.ContainsFunc(parts, func(k kernelPartition) bool { return u.Kernel != "" && filepath.Base(k.sysfs) == u.Kernel })
	})
	for _, part := range parts {
		for _, u := range m.holders(part.sysfs, busy) {
			u.Number = part.number
			facts.Holders = append(facts.Holders, u)
		}
	}
	return facts, nil
}

// A kernelPartition is a partition as the kernel knows it, or a mapping that is
// one of a mapped disk.
type kernelPartition struct {
	number        int
	start, length uint64 // bytes
	sysfs, node   string
}

// partitions lists what the kernel knows of a disk's partitions.
func (m *Machine) partitions(disk string) []kernelPartition {
	if name := m.attribute(disk, "dm/name"); name != "" {
		return m.mappedPartitions(disk, name)
	}
	entries, err := os.ReadDir(disk)
	if err != nil {
		return nil
	}
	var all []kernelPartition
	for _, e := range entries {
		dir := filepath.Join(disk, e.Name())
		n, err := strconv.Atoi(m.attribute(dir, "partition"))
		if err != nil {
			continue
		}
		// Whatever the disk's sectors are, sysfs counts in 512 bytes.
		start, _ := strconv.ParseUint(m.attribute(dir, "start"), 10, 64)
		size, _ := strconv.ParseUint(m.attribute(dir, "size"), 10, 64)
		all = append(all, kernelPartition{n, start * 512, size * 512, dir, "/dev/" + strings.ReplaceAll(e.Name(), "!", "/")})
	}
	return all
}

// mountsAndSwaps finds out which block devices are mounted or swapped to.
func (m *Machine) mountsAndSwaps() (map[number][]string, error) {
	points, err := system.MountPoints(m.proc("self/mountinfo"))
	if err != nil {
		return nil, err
	}
	busy := map[number][]string{}
	for _, p := range points {
		how := "mounted at " + p.Target
		n := number(fmt.Sprintf("%d:%d", p.Major, p.Minor))
		busy[n] = append(busy[n], how)
		// Btrfs has device numbers of its own; its device is the source.
		if source, ok := deviceNumber(p.Source); ok && source != n {
			busy[source] = append(busy[source], how)
		}
	}
	swaps, err := os.ReadFile(m.proc("swaps"))
	if err != nil && !os.IsNotExist(err) { // a kernel without swap
		return nil, fmt.Errorf("reading what is swapped to: %w", err)
	}
	for line := range strings.SplitSeq(string(swaps), "\n") {
		path, _, _ := strings.Cut(line, " ")
		if n, ok := deviceNumber(path); ok {
			busy[n] = append(busy[n], "swapped to")
		}
	}
	return busy, nil
}

// holders returns what uses a disk or a partition. One that is write-protected is as
// little ours to change.
func (m *Machine) holders(sysfs string, busy map[number][]string) []holder {
	var found []holder
	if m.attribute(sysfs, "ro") == "1" {
		found = append(found, holder{How: "read-only (write-protected)"})
	}
	for _, how := range busy[number(m.attribute(sysfs, "dev"))] {
		found = append(found, holder{How: how})
	}
	holders, err := os.ReadDir(filepath.Join(sysfs, "holders"))
	if err != nil {
		return found
	}
	for _, h := range holders {
		u := holder{How: "part of " + h.Name(), Kernel: h.Name(), Mapping: m.attribute(m.sys("class", "block", h.Name()), "dm/name")}
		if u.Mapping != "" {
			u.How += " (" + u.Mapping + ")"
		}
		found = append(found, u)
	}
	return found
}

// allHolders is what uses a device or any of its partitions.
func (m *Machine) allHolders(d *device, busy map[number][]string) []holder {
	if d.sysfs == "" {
		return nil
	}
	found := m.holders(d.sysfs, busy)
	for _, part := range m.partitions(d.sysfs) {
		found = append(found, m.holders(part.sysfs, busy)...)
	}
	return found
}
