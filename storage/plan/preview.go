package plan

import (
	"cmp"
	"slices"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/gpt"
)

// A DiskPreview is a disk before and after a plan. Sizes are in bytes.
type DiskPreview struct {
	Device string `json:"device"` // as in the config
	Node   string `json:"node"`   // the device or the file that it is
	Size   uint64 `json:"size"`
	Sector uint64 `json:"sector"`
	Before Layout `json:"before"`
	// After is nil if the plan was refused.
	After *Layout `json:"after,omitempty"`
	// Destroys are the tables, partitions and contents that the plan takes away,
	// or parts of them, for people: `an MBR table with 2 partitions`, `ext4 "data"`.
	Destroys []string `json:"destroys"`
}

// A Layout is what is on a disk.
type Layout struct {
	// Table is "gpt", "dos", "damaged gpt" or, without one, empty.
	Table string `json:"table"`
	// Damage is what is wrong with a table that can still be read.
	Damage string `json:"damage,omitempty"`
	// Whole is what is on a disk without a table.
	Whole      Contents           `json:"whole,omitzero"`
	Partitions []PartitionPreview `json:"partitions"`
	// Subvolumes are those that the config has on it, after the plan.
	Subvolumes []SubvolumePreview `json:"subvolumes,omitempty"`
}

// minShownGap is the smallest free space in bytes that is shown; smaller ones come from
// alignment and from the table itself.
const minShownGap = 1 << 20

// Parts returns the partitions of a disk of some bytes in the order of their places, and
// the free space between them as partitions without a number.
func (l Layout) Parts(size uint64) []PartitionPreview {
	var all []PartitionPreview
	at := uint64(0)
	free := func(to uint64) {
		if to > at+minShownGap {
			all = append(all, PartitionPreview{Start: at, Size: to - at})
		}
	}
	for _, p := range slices.SortedFunc(slices.Values(l.Partitions), func(a, b PartitionPreview) int { return cmp.Compare(a.Start, b.Start) }) {
		free(p.Start)
		all = append(all, p)
		at = p.Start + p.Size
	}
	free(size)
	return all
}

// A PartitionPreview is a partition in one of the two layouts.
type PartitionPreview struct {
	Number   int        `json:"number"`
	Label    string     `json:"label"`
	Start    uint64     `json:"start"`
	Size     uint64     `json:"size"`
	State    ChangeKind `json:"state"`
	Contents Contents   `json:"contents,omitzero"`
}

// Contents are what is on a partition or a disk: `ext4 "root"`.
type Contents struct {
	What string `json:"what"`
	// New reports that the plan makes them; what existed before is lost.
	New bool `json:"new"`
	// Wiped reports that the plan takes away what is there.
	Wiped bool `json:"wiped,omitempty"`
}

// Preview shows the disks before and after the plan. If the plan was refused,
// those that could be looked at are shown as they are.
func (g *Graph) Preview(refused bool) []DiskPreview {
	all := []DiskPreview{} // never null in JSON
	for _, d := range g.Disks {
		if f := d.Facts; f != nil {
			p := DiskPreview{Device: f.Device, Node: f.Node, Size: f.Size, Sector: f.Sector, Before: g.before(d, refused), Destroys: []string{}}
			if !refused {
				p.After, p.Destroys = g.after(d, p.Before), names(g.lostOnDisk(d))
			}
			all = append(all, p)
		}
	}
	return append(all, g.previewOthers(refused)...)
}

// previewOthers shows the devices that the config names for something, but not
// among its disks: partitions of other disks, or whole ones, and arrays and volumes
// that stay.
func (g *Graph) previewOthers(refused bool) []DiskPreview {
	var all []DiskPreview
	seen := map[string]bool{}
	for _, t := range g.Targets {
		f := t.Facts
		stays := t.On != nil && t.On.Device().Content == ContentExisting
		if !t.External() && !stays || !t.Wanted || f.Node == "" || seen[f.Node] {
			continue
		}
		seen[f.Node] = true
		p := DiskPreview{Device: t.Device, Node: f.Node, Size: f.Size, Sector: f.Sector, Destroys: []string{}, Before: g.beforeOther(t, refused)}
		if !refused {
			same := func(base *Target) bool { return base.sameDevice(t) }
			after := p.Before
			if g.overwritten(t) {
				after = Layout{Partitions: []PartitionPreview{}}
			}
			after.Whole, after.Subvolumes = g.planned(t, after.Whole), g.previewSubvolumes(t)
			p.After, p.Destroys = &after, names(g.lostOn(same))
		}
		all = append(all, p)
	}
	return all
}

// beforeOther shows a device that is none of the config's disks as it is.
func (g *Graph) beforeOther(t *Target, refused bool) Layout {
	table := g.facts.PartitionTable(t.Facts)
	l := Layout{Table: tableNames[table.Kind], Partitions: []PartitionPreview{}}
	l.Whole.What = blkprobe.Describe(slices.DeleteFunc(slices.Clone(t.Facts.Signatures), blkprobe.Signature.IsTable))
	kind := Kept
	if !refused && g.overwritten(t) {
		kind = Deleted
	}
	for _, p := range table.Partitions {
		if table.Kind != gpt.None {
			l.Partitions = append(l.Partitions, p.preview(t.Facts.Sector, kind))
		}
	}
	return l
}

// overwritten reports whether the plan takes away what a device holds.
func (g *Graph) overwritten(t *Target) bool {
	return slices.ContainsFunc(g.Targets, func(other *Target) bool { return other.Wanted && other.sameDevice(t) && g.overwrites(other) })
}

func (p HeldPartition) preview(sector uint64, kind ChangeKind) PartitionPreview {
	shown := newPartitionPreview(p.Partition, sector, kind)
	shown.Contents.What = blkprobe.Describe(p.Signatures)
	return shown
}

func newPartitionPreview(p gpt.Partition, sector uint64, kind ChangeKind) PartitionPreview {
	return PartitionPreview{Number: p.Number, Label: p.Name, Start: p.Start * sector, Size: p.Size * sector, State: kind}
}

// before shows a disk as it is.
func (g *Graph) before(d *Disk, refused bool) Layout {
	f := d.Facts
	l := Layout{Table: tableNames[f.Kind], Damage: f.Damage, Partitions: []PartitionPreview{}}
	switch f.Kind {
	case gpt.None:
		l.Whole.What = blkprobe.Describe(f.Signatures)
	case gpt.MBR:
		kind := Kept
		if d.Wipe && !refused {
			kind = Deleted
		}
		for _, p := range g.facts.PartitionTable(f.DeviceFacts).Partitions {
			l.Partitions = append(l.Partitions, p.preview(f.Sector, kind))
		}
	}
	for _, p := range f.Table.Partitions {
		kind := Kept
		i := slices.IndexFunc(d.Changes, func(c Change) bool { return c.Before.Number == p.Number })
		switch {
		case refused:
		case d.Wipe:
			kind = Deleted
		case i >= 0:
			kind = d.Changes[i].Kind
		}
		shown := newPartitionPreview(p, f.Sector, kind)
		shown.Contents.What = blkprobe.Describe(g.facts.Location(d, p, false))
		l.Partitions = append(l.Partitions, shown)
	}
	return l
}

// after shows a disk as it will be.
func (g *Graph) after(d *Disk, before Layout) *Layout {
	l := Layout{Table: before.Table, Damage: before.Damage, Partitions: []PartitionPreview{}}
	switch {
	case d.Write:
		l.Table, l.Damage = "gpt", ""
	case d.Wipe:
		l.Table, l.Damage = "", ""
	default:
		l.Whole = before.Whole
		if d.Facts.Kind == gpt.MBR {
			l.Partitions = before.Partitions
		}
	}
	whole := &Target{Disk: d}
	l.Whole, l.Subvolumes = g.planned(whole, l.Whole), g.previewSubvolumes(whole)
	for _, p := range d.After.Partitions {
		kind := Kept
		if i := slices.IndexFunc(d.Changes, func(c Change) bool { return c.After.Number == p.Number }); i >= 0 {
			kind = d.Changes[i].Kind
		}
		shown := newPartitionPreview(p, d.Facts.Sector, kind)
		// What is where a new partition will be comes to light again.
		existing := Contents{What: blkprobe.Describe(g.facts.Location(d, p, d.Wipe))}
		for _, old := range before.Partitions {
			if old.Number == p.Number && (kind == Kept || kind == Resized) {
				existing = old.Contents
			}
		}
		target := &Target{Disk: d, Partition: p}
		shown.Contents = g.planned(target, existing)
		l.Partitions, l.Subvolumes = append(l.Partitions, shown), append(l.Subvolumes, g.previewSubvolumes(target)...)
	}
	return &l
}

// planned are the contents that a device has after the plan.
func (g *Graph) planned(device *Target, existing Contents) Contents {
	c := existing
	same := func(t *Target) bool { return t.Wanted && t.sameDevice(device) }
	for _, f := range g.Filesystems {
		if !same(f.Target) {
			continue
		}
		switch f.Action {
		case Create:
			c = Contents{What: blkprobe.Signature{Type: *f.Config.Format, Label: config.ValueOr(f.Config.Label, "")}.String(), New: true}
		case Wipe:
			c = Contents{Wiped: true}
		}
	}
	for _, s := range g.Stacked {
		if d := s.Device(); slices.ContainsFunc(d.Members, same) {
			c = Contents{What: "part of " + d.Title, New: d.Content == ContentNew}
		}
	}
	return c
}
