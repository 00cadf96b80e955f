package storage

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/storage/plan"
)

// mountsAndSwaps are block devices that are mounted or swapped to, and how.
type mountsAndSwaps map[number][]string

func (m *Machine) mountsAndSwaps() (mountsAndSwaps, error) {
	points, err := system.MountPoints(m.proc("self/mountinfo"))
	if err != nil {
		return nil, err
	}
	inUse := mountsAndSwaps{}
	for _, p := range points {
		how := "mounted at " + p.Target
		n := number(fmt.Sprintf("%d:%d", p.Major, p.Minor))
		inUse[n] = append(inUse[n], how)
		// Btrfs has device numbers of its own; its device is the source.
		if source, ok := deviceNumber(p.Source); ok && source != n {
			inUse[source] = append(inUse[source], how)
		}
	}
	swaps, err := system.ReadFile(m.proc("swaps"), system.KernelText)
	if err != nil && !os.IsNotExist(err) { // a kernel without swap
		return nil, fmt.Errorf("reading what is swapped to: %w", err)
	}
	for line := range strings.SplitSeq(string(swaps), "\n") {
		path, _, _ := strings.Cut(line, " ")
		if n, ok := deviceNumber(path); ok {
			inUse[n] = append(inUse[n], "swapped to")
		}
	}
	return inUse, nil
}

// holders returns what uses a disk or a partition. One that is write-protected
// is as little ours to change.
func (m *Machine) holders(sysfs string, inUse mountsAndSwaps) []plan.Holder {
	var found []plan.Holder
	if m.attribute(sysfs, "ro") == "1" {
		found = append(found, plan.Holder{How: "read-only (write-protected)"})
	}
	for _, how := range inUse[number(m.attribute(sysfs, "dev"))] {
		found = append(found, plan.Holder{How: how})
	}
	stacked, err := os.ReadDir(filepath.Join(sysfs, "holders"))
	if err != nil {
		return found
	}
	for _, s := range stacked {
		h := plan.Holder{How: "part of " + s.Name(), Kernel: s.Name(), Mapping: m.attribute(m.sys("class", "block", s.Name()), "dm/name")}
		if h.Mapping != "" {
			h.How += " (" + h.Mapping + ")"
		}
		found = append(found, h)
	}
	return found
}

// allHolders returns what uses a device or any of its partitions.
func (m *Machine) allHolders(sysfs string, inUse mountsAndSwaps) []plan.Holder {
	if sysfs == "" { // a file
		return nil
	}
	found := m.holders(sysfs, inUse)
	for _, k := range m.partitions(sysfs) {
		found = append(found, m.holders(k.Sysfs, inUse)...)
	}
	return found
}
