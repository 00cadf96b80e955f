package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/report"
)

// A source is where a device comes from that the plan makes or keeps: a
// partition of a disk, or a stacked device.
type source struct {
	disk      *Disk
	partition gpt.Partition
	stacked   Stacked
}

func (s source) String() string {
	if s.stacked != nil {
		return s.stacked.Device().Title
	}
	return fmt.Sprintf("partition %s on %s", s.partition.Title(), s.disk.Facts.Device)
}

// Locate finds out what the path of each target will mean when the disks are as
// planned, and sorts the stacked devices.
func (g *Graph) Locate() []error {
	var errs, cycles []error
	sources := g.sources()
	for _, t := range g.Targets {
		if err := g.locate(t, sources); err != nil {
			errs = append(errs, err)
			t.Unknown = true
		}
	}
	if g.Stacked, cycles = sortStacked(g.Stacked); len(cycles) == 0 {
		g.protectOurs()
	}
	return append(errs, cycles...)
}

func (g *Graph) locate(t *Target, byPath map[string][]source) error {
	sources := byPath[t.Device]
	node, err := g.facts.Resolve(t.Device)
	if err == nil && len(sources) == 0 {
		sources = byPath[node]
	}
	switch {
	case len(sources) > 1:
		return report.Conflict(t.Origin, "name the partition by its disk, or use each label only once",
			"%s would be both %s and %s", t.Device, sources[0], sources[1])
	case len(sources) == 1:
		t.Disk, t.Partition, t.On = sources[0].disk, sources[0].partition, sources[0].stacked
		return nil
	case err != nil:
		t.Meant = g.cfg.MeantLabel(t.Device)
		return nil // it is not there yet
	}
	return g.locateNode(t, node)
}

// sources are the partitions and stacked devices, by each path that they will have.
func (g *Graph) sources() map[string][]source {
	byPath := map[string][]source{}
	add := func(s source, paths []string) {
		for i, path := range paths {
			if !slices.Contains(paths[:i], path) {
				byPath[path] = append(byPath[path], s)
			}
		}
	}
	for _, d := range g.Disks {
		for _, p := range d.After.Partitions {
			add(source{disk: d, partition: p}, d.partitionPaths(p))
		}
	}
	for _, s := range g.Stacked {
		add(source{stacked: s}, s.Device().Paths)
	}
	return byPath
}

// locateNode is for devices that exist already and are no partition of the
// tables as they will be.
func (g *Graph) locateNode(t *Target, node string) error {
	for _, s := range g.Stacked {
		if s.Device().Node == node {
			t.On = s
			return nil
		}
	}
	t.Facts.Node = node
	for _, d := range g.Disks {
		if node == d.Facts.Node && len(d.After.Partitions) > 0 && t.Wanted {
			return report.Conflict(t.Origin, "name one of its partitions", "%s has partitions; %s on the whole disk would destroy them", t.Device, t.Purpose)
		}
		if node == d.Facts.Node {
			t.Disk = d
			return nil
		}
		for _, k := range d.Facts.Partitions {
			if node == k.Node && !d.Idle() {
				return report.Conflict(t.Origin, "name a device that is there when the disk is partitioned",
					"%s is partition %d of %s, which the config takes away", t.Device, k.Number, d.Facts.Device)
			}
		}
	}
	return nil
}

// partitionPaths are the paths in /dev under which a partition of a disk will be
// known; the config may use any of them.
func (d *Disk) partitionPaths(p gpt.Partition) []string {
	paths := []string{
		partitionPath(d.Facts.Device, p.Number), partitionPath(d.Facts.Node, p.Number),
		fmt.Sprintf("%s-part%d", d.Facts.Device, p.Number), // of /dev/disk/by-id/X and the like
		"/dev/disk/by-partuuid/" + strings.ToLower(p.GUID),
	}
	if name := d.Facts.Mapping; name != "" {
		for _, mapping := range []string{fmt.Sprintf("%sp%d", name, p.Number), fmt.Sprintf("%s-part%d", name, p.Number), partitionPath(name, p.Number)} {
			paths = append(paths, "/dev/mapper/"+mapping, "/dev/disk/by-id/dm-name-"+mapping)
		}
	}
	if p.Name != "" {
		paths = append(paths, "/dev/disk/by-partlabel/"+udevEncode(p.Name))
	}
	return paths
}

// partitionPath is the kernel's rule: a "p" between a digit and the number.
func partitionPath(disk string, number int) string {
	if disk != "" && '0' <= disk[len(disk)-1] && disk[len(disk)-1] <= '9' {
		return fmt.Sprintf("%sp%d", disk, number)
	}
	return fmt.Sprintf("%s%d", disk, number)
}

// udevEncode is how udev writes a label in the name of a link (see the option
// string_escape=... of udev(7) and libblkid's encoding): characters that could
// mean something in a path or a shell become \xNN.
func udevEncode(label string) string {
	var b strings.Builder
	for _, r := range label {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("#+-.:=@_", r), r > 0x7f:
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\x%02x`, r)
		}
	}
	return b.String()
}
