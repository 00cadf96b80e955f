package storage

import (
	"context"
	"errors"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/report"
)

// A Change is what a plan does with a partition, or with a whole disk.
type Change string

// States. Of a disk that is wiped everything is deleted.
const (
	Kept     Change = "kept"
	Created  Change = "created"
	Deleted  Change = "deleted"
	Resized  Change = "resized"  // its contents stay, as far as they fit
	Replaced Change = "replaced" // by another of the same number
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
}

// A PartitionPreview is a partition in one of the two pictures.
type PartitionPreview struct {
	Number   int      `json:"number"`
	Label    string   `json:"label"`
	Start    uint64   `json:"start"`
	Size     uint64   `json:"size"`
	State    Change   `json:"state"`
	Contents Contents `json:"contents,omitzero"`
}

// Contents are what is on a partition or a disk: `ext4 "root"`.
type Contents struct {
	What string `json:"what"`
	// New reports that the plan makes them; what was there before is lost.
	New bool `json:"new"`
	// Wiped reports that the plan takes away what is there.
	Wiped bool `json:"wiped,omitempty"`
}

// Preview plans as PlanDisks does and shows what becomes of the disks. If the
// plan is refused the disks that could be looked at are shown as they are.
func (m *Machine) Preview(ctx context.Context, cfg *config.Config) ([]DiskPreview, report.Plan, error) {
	s := &planner{m: m, cfg: cfg}
	defer s.close()
	err := s.decide(ctx)
	pictures := s.previews(err == nil)
	if err != nil {
		return pictures, nil, err
	}
	return pictures, s.plan(), nil
}

// decide looks at the machine and decides on everything. The error joins all
// conflicts.
func (s *planner) decide(ctx context.Context) error {
	if err := s.lookAtDisks(ctx); err != nil {
		return err
	}
	errs := s.decideDisks()
	s.addTargets()
	errs = append(errs, s.locateTargets()...)
	// A device that is not there may be the very partition that was refused.
	errs = append(errs, s.lookAtTargets(ctx, len(errs) == 0))
	errs = append(errs, refuseSharedDevices(s.targets)...)
	errs = append(errs, s.decideStacked()...)
	errs = append(errs, s.decideFilesystems()...)
	return errors.Join(errs...)
}

func (s *planner) previews(possible bool) []DiskPreview {
	all := []DiskPreview{} // never null in JSON
	for i, p := range s.disks {
		if p == nil || p.Facts == nil {
			continue // it could not be looked at
		}
		d := p.Facts
		picture := DiskPreview{Device: d.Device, Node: d.Node, Size: d.Size, Sector: d.Sector, Before: s.before(i, possible)}
		if possible {
			after := s.after(p, picture.Before)
			picture.After = &after
		}
		all = append(all, picture)
	}
	return append(all, s.others(possible)...)
}

// others shows the devices that the config names for something, but not among
// its disks: partitions of other disks, or whole ones.
func (s *planner) others(possible bool) []DiskPreview {
	var all []DiskPreview
	seen := map[string]bool{}
	for _, at := range s.targets {
		if at.disk != nil || at.on != nil || at.unknown || !at.wanted || seen[at.node] {
			continue
		}
		seen[at.node] = true
		d, err := s.m.open(at.node)
		if err != nil {
			continue // it has just gone
		}
		d.file.Close()
		whole := Contents{What: blkprobe.Describe(at.Signatures)}
		picture := DiskPreview{Device: at.Device, Node: at.node, Size: d.size, Sector: d.sector, Before: Layout{Whole: whole, Partitions: []PartitionPreview{}}}
		if possible {
			s.addPlanned(at, &whole)
			picture.After = &Layout{Whole: whole, Partitions: []PartitionPreview{}}
		}
		all = append(all, picture)
	}
	return all
}

// before shows a disk as it is.
func (s *planner) before(i int, possible bool) Layout {
	p := s.disks[i]
	d, v := p.Facts, s.open[i].view()
	l := Layout{Table: map[gpt.Kind]string{gpt.Intact: "gpt", gpt.MBR: "dos", gpt.Damaged: "damaged gpt"}[d.Kind], Damage: d.Damage, Partitions: []PartitionPreview{}}
	if d.Kind == gpt.None {
		l.Whole.What = blkprobe.Describe(d.Signatures)
	}
	for _, e := range d.Table.Partitions {
		part := d.preview(e)
		part.Contents.What = blkprobe.Describe(v.sub(int64(part.Start), int64(part.Size)).probe())
		if possible {
			part.State = p.changeOf(e.Number)
		}
		l.Partitions = append(l.Partitions, part)
	}
	return l
}

func (d *diskFacts) preview(e gpt.Partition) PartitionPreview {
	return PartitionPreview{Number: e.Number, Label: e.Name, Start: e.Start * d.Sector, Size: e.Size * d.Sector, State: Kept}
}

// states are what the verbs of changes lead to.
var states = map[string]Change{"create": Created, "delete": Deleted, "resize": Resized, "replace": Replaced}

// changeOf is what becomes of a partition that exists.
func (p *diskPlan) changeOf(number int) Change {
	if p.Wipe {
		return Deleted
	}
	for _, c := range p.Changes {
		if c.Before.Number == number {
			return states[c.Verb]
		}
	}
	return Kept
}

// after shows a disk as it will be.
func (s *planner) after(p *diskPlan, before Layout) Layout {
	d := p.Facts
	l := Layout{Table: before.Table, Damage: before.Damage, Partitions: []PartitionPreview{}}
	switch {
	case p.Write:
		l.Table, l.Damage = "gpt", ""
	case p.Wipe:
		l.Table, l.Damage = "", ""
	default:
		l.Whole = before.Whole
	}
	s.addPlanned(&target{disk: p}, &l.Whole)
	for _, e := range p.After.Partitions {
		part := d.preview(e)
		for _, c := range p.Changes {
			if c.After.Number == e.Number {
				part.State = states[c.Verb]
			}
		}
		s.addExisting(p, e, before, &part)
		s.addPlanned(&target{disk: p, entry: e}, &part.Contents)
		l.Partitions = append(l.Partitions, part)
	}
	return l
}

// inherit fills in what the place of a partition holds already.
func (s *planner) addExisting(p *diskPlan, e gpt.Partition, before Layout, part *PartitionPreview) {
	for _, old := range before.Partitions {
		if old.Number == e.Number && (part.State == Kept || part.State == Resized) {
			part.Contents = old.Contents
			return
		}
	}
	// What is in the place of a new partition comes to light again.
	at := &target{disk: p, entry: e}
	s.lookAtLocation(at)
	part.Contents.What = blkprobe.Describe(at.Signatures)
}

// claim fills in what the config wants in a place.
func (s *planner) addPlanned(place *target, c *Contents) {
	here := func(at *target) bool { return at.wanted && at.sameDevice(place) }
	for _, f := range s.filesystems {
		if !here(&f.target) {
			continue
		}
		switch f.action {
		case makeFilesystem:
			*c = Contents{What: blkprobe.Signature{Type: *f.Format, Label: config.ValueOr(f.Label, "")}.String(), New: true}
		case wipeOnly:
			*c = Contents{Wiped: true}
		}
	}
	for _, b := range s.stacked {
		for _, at := range b.base().sites {
			if here(at) {
				*c = Contents{What: "part of " + b.base().title, New: b.base().state == contentNew}
			}
		}
	}
}
