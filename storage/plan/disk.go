package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/report"
)

// A Disk is a disk of the config and what to do about it.
type Disk struct {
	Config *config.Disk
	Facts  *DiskFacts // nil if it could not be looked at
	// Wipe takes away everything that the disk says it holds.
	Wipe bool
	// Write writes the table After. Changes are what is new in it; without any
	// the table is only repaired.
	Write   bool
	After   gpt.Table
	Changes []Change
	// Map makes devices of partitions that stay as they are, on a disk of the
	// device mapper.
	Map bool
	// Warnings are for the log.
	Warnings []string
}

// A Change is what happens to one partition.
type Change struct {
	Kind          ChangeKind
	Before, After gpt.Partition
}

// A ChangeKind is what a plan does with a partition. Of a disk that is wiped
// everything is deleted.
type ChangeKind string

const (
	Kept     ChangeKind = "kept"
	Created  ChangeKind = "created"
	Deleted  ChangeKind = "deleted"
	Resized  ChangeKind = "resized"  // its contents stay, as far as they fit
	Replaced ChangeKind = "replaced" // by another of the same number
)

// verb is the kind without its ending: "create".
func (k ChangeKind) verb() string { return strings.TrimSuffix(string(k), "d") }

func (c Change) String() string {
	p := c.After
	if c.Kind == Deleted {
		p = c.Before
	}
	return c.Kind.verb() + " " + p.Title()
}

// Origin implements Node.
func (d *Disk) Origin() config.Origin { return d.Config.Origin() }

// Idle implements Node.
func (d *Disk) Idle() bool { return !d.Wipe && !d.Write && !d.Map }

// DependsOn implements Node.
func (d *Disk) DependsOn() []Node { return nil }

// Name implements Node.
func (d *Disk) Name() string {
	var parts []string
	for _, kind := range []ChangeKind{Deleted, Replaced, Resized, Created} {
		for _, c := range d.Changes {
			if c.Kind == kind {
				parts = append(parts, c.String())
			}
		}
	}
	what := strings.Join(parts, ", ")
	switch {
	case d.Wipe && !d.Write:
		return "wiping " + d.Facts.Device
	case d.Wipe:
		return fmt.Sprintf("wiping and partitioning %s (%s)", d.Facts.Device, what)
	case !d.Write:
		return "mapping the partitions of " + d.Facts.Device
	case len(d.Changes) == 0:
		return fmt.Sprintf("repairing the partition table of %s (%s)", d.Facts.Device, d.Facts.Damage)
	}
	return fmt.Sprintf("partitioning %s (%s)", d.Facts.Device, what)
}

// decide compares the disk with what the config wants of it. All conflicts are
// found, not only the first. HoldsWanted reports whether the whole disk holds
// what the config wants on it.
func (d *Disk) decide(holdsWanted bool, newGUID func() string) []error {
	f := d.Facts
	d.After = f.Table
	wipe := config.ValueOr(d.Config.WipeTable, false)
	switch {
	case wipe && len(d.Config.Partitions) == 0:
		d.Wipe = !f.Blank && (f.Traces || !holdsWanted)
		d.After = gpt.Table{}
		return d.refuseWipe()
	case wipe:
		return d.decideWiped(newGUID)
	case len(d.Config.Partitions) == 0:
		return nil
	}
	if err := d.refuseExisting(); err != nil {
		return []error{err}
	}
	base := f.Table
	if f.Kind == gpt.None {
		base = gpt.New(f.Size, f.Sector, newGUID())
	}
	errs := d.decidePartitions(base, newGUID)
	d.Write = len(d.Changes) > 0 || f.Kind == gpt.Intact && f.Damage != ""
	d.Map = f.Unmapped
	d.decideMBR()
	d.warnOfUnused()
	return append(errs, d.refuseChanges()...)
}

// decideWiped is for disks whose table is wiped and made anew. One that is
// exactly what would be made is kept: it is from a run of ours that was
// interrupted later on.
func (d *Disk) decideWiped(newGUID func() string) []error {
	f := d.Facts
	errs := d.decidePartitions(gpt.New(f.Size, f.Sector, newGUID()), newGUID)
	if len(errs) == 0 && f.Kind == gpt.Intact && f.Damage == "" && !f.Grown && len(f.Table.MBR) == 0 && d.equalsAfter(f.Table) {
		d.After, d.Changes, d.Map = f.Table, nil, f.Unmapped
		return nil
	}
	d.Wipe, d.Write = true, true
	return append(errs, d.refuseWipe()...)
}

// warnOfUnused is about a backup that is overwritten though it lists more than
// the first copy. An interrupted run of ours leaves one that lists what is planned.
func (d *Disk) warnOfUnused() {
	lost := gpt.Without(d.Facts.Unused, d.After.Partitions)
	if d.Write && len(lost) > 0 {
		d.Warnings = append(d.Warnings, fmt.Sprintf("the backup GPT of %s lists partitions that its first copy does not: %s; the first copy counts, and the backup is written anew",
			d.Facts.Device, gpt.Titles(lost)))
	}
}

// decideMBR takes the entries out of a hybrid MBR where partitions change, as
// they would show what is no longer there.
func (d *Disk) decideMBR() {
	d.After.MBR = nil
	for _, e := range d.Facts.Table.MBR {
		i := slices.IndexFunc(d.Changes, func(c Change) bool {
			return c.Kind != Created && e.Overlaps(c.Before) || c.Kind != Deleted && e.Overlaps(c.After)
		})
		if i < 0 {
			d.After.MBR = append(d.After.MBR, e)
			continue
		}
		d.Warnings = append(d.Warnings, fmt.Sprintf("entry %d of the hybrid MBR of %s (%s at %s) is taken out: it would not agree with the GPT any more (%s)",
			e.Number, d.Facts.Device, inMiB(e.Size*d.After.Sector), inMiB(e.Start*d.After.Sector), d.Changes[i]))
	}
}

// equalsAfter compares a table with the plan's, but for what is random.
func (d *Disk) equalsAfter(t gpt.Table) bool {
	if len(t.Partitions) != len(d.After.Partitions) || t.First != d.After.First || t.Last != d.After.Last {
		return false
	}
	for _, want := range d.After.Partitions {
		got, ok := t.Find(want.Number)
		fromConfig := slices.ContainsFunc(d.Config.Partitions, func(c config.Partition) bool {
			return config.NonZero(c.GUID) && strings.EqualFold(*c.GUID, want.GUID)
		})
		if !fromConfig {
			want.GUID = got.GUID
		}
		if !ok || got != want {
			return false
		}
	}
	return true
}

func (d *Disk) wipeTableHint() string {
	return d.Config.Key("wipeTable") + ": true replaces it, with everything on the disk"
}

// refuseExisting is about what is where a table would be written.
func (d *Disk) refuseExisting() error {
	f, origin := d.Facts, d.Config.Origin()
	switch {
	case f.Kind == gpt.MBR:
		return report.Conflict(origin, d.wipeTableHint(), "%s has an MBR partition table; the config asks for GPT partitions", f.Device)
	case f.Kind == gpt.Damaged:
		return report.Conflict(origin, d.wipeTableHint()+"; sgdisk --verify shows the damage", "the GPT of %s cannot be used: %s", f.Device, f.Damage)
	case f.Other != "":
		return report.Conflict(origin, d.wipeTableHint(), "%s has a partition table of another kind (%s); the config asks for GPT partitions", f.Device, f.Other)
	case f.Kind == gpt.None && len(f.Unused) > 0:
		return report.Conflict(origin, d.wipeTableHint()+`; "recovery" in gdisk makes the GPT from its backup`,
			"of the GPT of %s only the backup is left, which nothing uses; it lists partitions %s", f.Device, gpt.Titles(f.Unused))
	case f.Kind == gpt.None && len(f.Signatures) > 0:
		return report.Conflict(origin, d.wipeTableHint(), "%s has no partition table but holds %s", f.Device, blkprobe.Describe(f.Signatures))
	}
	return nil
}

// refuseWipe keeps a disk that is in use from being wiped.
func (d *Disk) refuseWipe() []error {
	if !d.Wipe || len(d.Facts.Holders) == 0 {
		return nil
	}
	return []error{report.Conflict(d.Config.Origin("wipeTable"), "stop using it before, or do not set "+d.Config.Key("wipeTable")+" on this disk",
		"%s is to be wiped but is in use: %s", d.Facts.Device, d.Facts.describeAllHolders())}
}

// refuseChanges keeps what is in use from being changed.
func (d *Disk) refuseChanges() []error {
	f := d.Facts
	if !d.Write {
		return nil
	}
	var errs []error
	if f.Unwritable != nil {
		errs = append(errs, report.Conflict(d.Config.Origin(), d.wipeTableHint(), "the GPT of %s cannot be changed: %v", f.Device, f.Unwritable))
	}
	if holders := f.HoldersOf(0); len(holders) > 0 {
		errs = append(errs, report.Conflict(d.Config.Origin(), "stop using it before", "the partitions of %s are to be changed but the disk is %s", f.Device, DescribeHolders(holders)))
	}
	for _, c := range d.Changes {
		if holders := f.HoldersOf(c.Before.Number); c.Before.Number != 0 && len(holders) > 0 {
			errs = append(errs, report.Conflict(d.Config.Origin("partitions"), "the partition can be changed only when nothing uses it",
				"partition %s on %s is to be changed (%s) but is %s", c.Before.Title(), f.Device, c.Kind.verb(), DescribeHolders(holders)))
		}
	}
	return errs
}
