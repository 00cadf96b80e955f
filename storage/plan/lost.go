package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/gpt"
)

// A PartitionTable is the table that a disk has, with what its partitions hold.
type PartitionTable struct {
	Kind gpt.Kind
	// Other is a table of another kind, as in gpt.Disk.
	Other string
	// Partitions are, of a disk without a table, those of a backup that is not in use.
	Partitions []HeldPartition
}

// A HeldPartition is a partition and what was found in it. That of an MBR has only a
// number, a start and a size.
type HeldPartition struct {
	gpt.Partition
	Signatures []blkprobe.Signature
}

// tableNames are what the plan calls the tables of a kind.
var tableNames = map[gpt.Kind]string{gpt.Intact: "gpt", gpt.MBR: "dos", gpt.Damaged: "damaged gpt"}

// lostTable names a table that is taken away, "a GPT with 2 partitions"; nothing if
// there is none.
func lostTable(t PartitionTable) []string {
	count := fmt.Sprintf(" with %d partitions", len(t.Partitions))
	if len(t.Partitions) == 1 {
		count = strings.TrimSuffix(count, "s")
	}
	switch t.Kind {
	case gpt.Intact:
		return []string{"a GPT" + count}
	case gpt.MBR:
		return []string{"an MBR table" + count}
	case gpt.Damaged:
		return []string{"a GPT that cannot be used"}
	}
	var lost []string
	if t.Other != "" {
		lost = append(lost, "a partition table of another kind ("+t.Other+")")
	}
	if len(t.Partitions) > 0 {
		lost = append(lost, "the backup of a GPT"+count)
	}
	return lost
}

// lostContents names what was found, but for tables: `ext4 "data"`.
func lostContents(found []blkprobe.Signature) []string {
	names := map[string]string{"crypto_LUKS": "a LUKS volume", "linux_raid_member": "a member of a RAID", "LVM2_member": "an LVM physical volume", "zfs_member": "a member of a ZFS pool"}
	all := []string{} // never null in JSON
	for _, s := range found {
		if s.IsTable() {
			continue
		}
		name := cmp.Or(names[s.Type], s.Type)
		if s.Label != "" {
			name += fmt.Sprintf(" %q", s.Label)
		}
		all = append(all, name)
	}
	return all
}

// lostOnDisk names what the plan destroys on a disk of the config.
func (g *Graph) lostOnDisk(d *Disk) []string {
	lost := []string{} // never null in JSON
	counted := map[uint64]bool{}
	if d.Wipe {
		table := g.facts.PartitionTable(d.Facts.DeviceFacts)
		lost = append(append(lost, lostTable(table)...), lostContents(d.Facts.Signatures)...)
		counted[0] = true
		for _, p := range table.Partitions {
			if !g.keeps(d, p.Partition) {
				lost = append(lost, lostContents(p.Signatures)...)
			}
			counted[p.Start] = true
		}
	}
	for _, c := range d.Changes {
		if d.Wipe || c.Before.Number == 0 {
			continue
		}
		held := lostContents(g.facts.Location(d, c.Before, false))
		switch {
		case c.Kind == Deleted, c.Kind == Replaced:
			if g.keeps(d, c.Before) {
				held = nil
			}
			lost = append(append(lost, "partition "+c.Before.Title()), held...)
			counted[c.Before.Start] = true
		case c.After.Size < c.Before.Size && len(held) > 0:
			lost = append(lost, fmt.Sprintf("the end of partition %s with %s", c.Before.Title(), held[0]))
		}
	}
	return append(lost, g.lostOn(func(t *Target) bool { return t.Disk == d && !counted[t.Partition.Start] })...)
}

// lostOn names what is lost on the devices on which something else is made, if what
// they are built upon is one of those.
func (g *Graph) lostOn(is func(base *Target) bool) []string {
	lost := []string{} // never null in JSON
	for _, t := range g.Targets {
		base := t
		for base.deferred() {
			base = base.On.Device().Members[0]
		}
		switch {
		case !is(base) || !t.Wanted:
		case t.deferred() && g.wipes(t):
			lost = append(lost, "whatever "+t.On.Device().Title+" holds")
		case g.overwrites(t):
			lost = append(lost, g.lostOnTarget(t)...)
		}
	}
	return lost
}

// keeps reports whether the config has a use for what a partition holds that stays
// where it is.
func (g *Graph) keeps(d *Disk, p gpt.Partition) bool {
	return slices.ContainsFunc(g.Targets, func(t *Target) bool {
		return t.Wanted && t.Disk == d && t.Partition.Start == p.Start && t.Partition.Size >= p.Size && len(t.Facts.Signatures) > 0 && !g.overwrites(t)
	})
}

// overwrites reports whether the plan takes away what a target holds now.
func (g *Graph) overwrites(t *Target) bool {
	for _, f := range g.Filesystems {
		if f.Target == t {
			return f.Action == Create || f.Action == Wipe
		}
	}
	for _, s := range g.Stacked {
		if d := s.Device(); slices.Contains(d.Members, t) {
			return d.Action == Create && d.Content == ContentNew
		}
	}
	return false
}

// wipes reports whether the config says that what a target holds is to go, whatever
// it is.
func (g *Graph) wipes(t *Target) bool {
	for _, f := range g.Filesystems {
		if f.Target == t {
			return config.ValueOr(f.Config.WipeFilesystem, false)
		}
	}
	return slices.ContainsFunc(g.Stacked, func(s Stacked) bool {
		v, ok := s.(*Volume)
		return ok && v.Members[0] == t && config.ValueOr(v.Config.WipeVolume, false)
	})
}

// lostOnTarget names what a device holds, and the partitions of a whole disk.
func (g *Graph) lostOnTarget(t *Target) []string {
	var lost []string
	if t.Partition.Number == 0 && t.Facts.Node != "" {
		table := g.facts.PartitionTable(t.Facts)
		lost = lostTable(table)
		for _, p := range table.Partitions {
			lost = append(lost, lostContents(p.Signatures)...)
		}
	}
	return append(lost, lostContents(t.Facts.Signatures)...)
}
