package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/report"
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

// A loss is something that the plan takes away.
type loss struct {
	what string // for people: `ext4 "data"`
	// found has what it is known by, if it is the contents of a device.
	found []blkprobe.Signature
	by    Node
}

// names are those of losses, never null in JSON.
func names(losses []loss) []string {
	all := []string{}
	for _, l := range losses {
		all = append(all, l.what)
	}
	return all
}

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

// lostContents are what was found, but for tables.
func lostContents(by Node, found []blkprobe.Signature) (all []loss) {
	names := map[string]string{"crypto_LUKS": "a LUKS volume", "linux_raid_member": "a member of a RAID", "LVM2_member": "an LVM physical volume", "zfs_member": "a member of a ZFS pool"}
	for i, s := range found {
		if s.IsTable() {
			continue
		}
		name := cmp.Or(names[s.Type], s.Type)
		if s.Label != "" {
			name += fmt.Sprintf(" %q", s.Label)
		}
		all = append(all, loss{name, found[i : i+1], by})
	}
	return all
}

// lostOnDisk is what the plan destroys on a disk of the config.
func (g *Graph) lostOnDisk(d *Disk) (lost []loss) {
	counted := map[uint64]bool{}
	if d.Wipe {
		table := g.facts.PartitionTable(d.Facts.DeviceFacts)
		for _, name := range lostTable(table) {
			lost = append(lost, loss{name, nil, d})
		}
		lost = append(lost, lostContents(d, d.Facts.Signatures)...)
		counted[0] = true
		for _, p := range table.Partitions {
			if !g.keeps(d, p.Partition) {
				lost = append(lost, lostContents(d, p.Signatures)...)
			}
			counted[p.Start] = true
		}
	}
	for _, c := range d.Changes {
		if d.Wipe || c.Before.Number == 0 {
			continue
		}
		held := lostContents(d, g.facts.Location(d, c.Before, false))
		switch {
		case c.Kind == Deleted, c.Kind == Replaced:
			if g.keeps(d, c.Before) {
				held = nil
			}
			lost = append(append(lost, loss{"partition " + c.Before.Title(), nil, d}), held...)
			counted[c.Before.Start] = true
		case c.After.Size < c.Before.Size && len(held) > 0:
			lost = append(lost, loss{fmt.Sprintf("the end of partition %s with %s", c.Before.Title(), held[0].what), held[0].found, d})
		}
	}
	return append(lost, g.lostOn(func(t *Target) bool { return t.Disk == d && !counted[t.Partition.Start] })...)
}

// lostOn is what is lost on the devices on which something else is made, if what
// they are built upon is one of those.
func (g *Graph) lostOn(is func(base *Target) bool) (lost []loss) {
	for _, t := range g.Targets {
		base := t
		for base.deferred() {
			base = base.On.Device().Members[0]
		}
		switch {
		case !is(base) || !t.Wanted:
		case t.deferred() && g.wipes(t):
			lost = append(lost, loss{"whatever " + t.On.Device().Title + " holds", base.Facts.Signatures, g.maker(t)})
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

// maker is the node that makes something on a target, nil if none does.
func (g *Graph) maker(t *Target) Node {
	for _, f := range g.Filesystems {
		if f.Target == t {
			return f
		}
	}
	for _, s := range g.Stacked {
		if slices.Contains(s.Device().Members, t) {
			return s
		}
	}
	return nil
}

// overwrites reports whether the plan takes away what a target holds now.
func (g *Graph) overwrites(t *Target) bool {
	switch n := g.maker(t).(type) {
	case *Filesystem:
		return n.Action == Create || n.Action == Wipe
	case Stacked:
		return n.Device().Action == Create && n.Device().Content == ContentNew
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

// lostOnTarget is what a device holds, and the partitions of a whole disk.
func (g *Graph) lostOnTarget(t *Target) (lost []loss) {
	by := g.maker(t)
	if t.Partition.Number == 0 && t.Facts.Node != "" {
		table := g.facts.PartitionTable(t.Facts)
		for _, name := range lostTable(table) {
			lost = append(lost, loss{name, nil, by})
		}
		for _, p := range table.Partitions {
			lost = append(lost, lostContents(by, p.Signatures)...)
		}
	}
	return append(lost, lostContents(by, t.Facts.Signatures)...)
}

// RefuseLosses returns a conflict for each of the things with these UUIDs that the plan
// destroys, if only in part. What they are to somebody is for messages: "the root, of which
// /home is kept". Without any of them on the devices of the config nothing is refused.
func (g *Graph) RefuseLosses(uuids []string, what string) (errs []error) {
	var all []loss
	for _, d := range g.Disks {
		all = append(all, g.lostOnDisk(d)...)
	}
	all = append(all, g.lostOn(func(base *Target) bool { return base.Disk == nil })...)
	for _, l := range all {
		is := func(s blkprobe.Signature) bool {
			return s.UUID != "" && slices.ContainsFunc(uuids, func(uuid string) bool { return sameUUID(uuid, s.UUID) })
		}
		if slices.ContainsFunc(l.found, is) {
			errs = append(errs, report.Conflict(l.by.Origin(), "take that out of the config, or keep nothing",
				"%s would destroy %s, which is part of %s", l.by.Name(), l.what, what))
		}
	}
	return errs
}

// sameUUID compares UUIDs as different programs write them.
func sameUUID(a, b string) bool {
	plain := func(uuid string) string { return strings.NewReplacer("-", "", ":", "").Replace(strings.ToLower(uuid)) }
	return plain(a) == plain(b)
}
