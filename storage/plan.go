package storage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/report"
)

// The files plan*.go decide and do nothing else: facts about the machine and
// the config go in, what to do and what cannot be done come out.

// mebibyte is the unit of the spec and the alignment of what is placed freely:
// a multiple of every sector, erase block and stripe size in common use.
const mebibyte = 1 << 20

// linuxData is the type of partitions for which the config names none.
const linuxData = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"

// diskFacts are what was found out about a disk.
type diskFacts struct {
	Device string // as in the config
	Node   string // the device that it is
	Size   uint64 // bytes
	Sector uint64 // bytes
	// Mapping is the device mapper's name of the disk, if it is one of that; see
	// mapped.go.
	Mapping string
	// Unmapped reports that some of its partitions are in the table only.
	Unmapped bool
	gpt.Disk
	Signatures []blkprobe.Signature
	// Wanted reports that the whole disk holds what the config wants on it.
	Wanted  bool
	Holders []holder
}

// A holder is who keeps a disk (number 0) or a partition of it busy.
type holder struct {
	Number int
	How    string // "mounted at /boot"
	// Kernel is the kernel's name of a device that is built upon it, and
	// Mapping the device mapper's, if it is of that.
	Kernel, Mapping string
}

func (d *diskFacts) holdersOf(number int) []holder {
	var found []holder
	for _, u := range d.Holders {
		if u.Number == number {
			found = append(found, u)
		}
	}
	return found
}

// describeHolders lists uses for a message.
func describeHolders(uses []holder) string {
	var all []string
	for _, u := range uses {
		all = append(all, u.How)
	}
	return strings.Join(all, ", ")
}

// allHolders names all that is busy on the disk.
func (d *diskFacts) inUse() string {
	var all []string
	for _, u := range d.Holders {
		what := "the disk"
		if u.Number != 0 {
			what = fmt.Sprintf("partition %d", u.Number)
		}
		all = append(all, what+" is "+u.How)
	}
	return strings.Join(all, ", ")
}

// A change is what happens to one partition.
type change struct {
	Verb          string // "create", "delete", "replace", "resize"
	Before, After gpt.Partition
}

func (c change) String() string {
	e := c.After
	if c.Verb == "delete" {
		e = c.Before
	}
	return c.Verb + " " + e.Title()
}

// A diskPlan is what is to be done with a disk.
type diskPlan struct {
	Facts  *diskFacts
	Config *config.Disk
	// Wipe takes away everything that the disk says it holds.
	Wipe bool
	// Write writes the table After. Changes are what is new in it; without any
	// the table is only repaired.
	Write   bool
	After   gpt.Table
	Changes []change
	// Map makes devices of partitions that stay as they are; see mapped.go.
	Map bool
}

func (p *diskPlan) idle() bool { return !p.Wipe && !p.Write && !p.Map }

// name says what the plan does, as the name of an operation.
func (p *diskPlan) name() string {
	var parts []string
	for _, verb := range []string{"delete", "replace", "resize", "create"} {
		for _, c := range p.Changes {
			if c.Verb == verb {
				parts = append(parts, c.String())
			}
		}
	}
	what := strings.Join(parts, ", ")
	switch {
	case p.Wipe && !p.Write:
		return "wiping " + p.Facts.Device
	case p.Wipe:
		return fmt.Sprintf("wiping and partitioning %s (%s)", p.Facts.Device, what)
	case !p.Write:
		return "mapping the partitions of " + p.Facts.Device
	case len(p.Changes) == 0:
		return fmt.Sprintf("repairing the partition table of %s (%s)", p.Facts.Device, p.Facts.Damage)
	}
	return fmt.Sprintf("partitioning %s (%s)", p.Facts.Device, what)
}

// decideDisk compares a disk with what the config wants of it. All conflicts
// are found, not only the first. newGUID makes identities for what is new.
func decideDisk(cfg *config.Disk, d *diskFacts, newGUID func() string) (*diskPlan, []error) {
	p := &diskPlan{Facts: d, Config: cfg, After: d.Table}
	wipe := config.ValueOr(cfg.WipeTable, false)
	switch {
	case wipe && len(cfg.Partitions) == 0:
		p.Wipe = !d.Wanted && (d.Kind != gpt.None || len(d.Signatures) > 0)
		p.After = gpt.Table{}
		return p, p.refuseWipe()
	case wipe:
		return p.decideFresh(newGUID)
	case len(cfg.Partitions) == 0:
		return p, nil
	}
	if err := p.refuseContents(); err != nil {
		return p, []error{err}
	}
	base := d.Table
	if d.Kind == gpt.None {
		base = gpt.New(d.Size, d.Sector, newGUID())
	}
	errs := p.decidePartitions(base, newGUID)
	p.Write = len(p.Changes) > 0 || d.Kind == gpt.Intact && d.Damage != ""
	p.Map = d.Unmapped
	errs = append(errs, p.refuseChanges()...)
	return p, errs
}

// decideFresh is for disks whose table is wiped. One that is exactly what would
// be made is left: it is from a run of ours that was interrupted later on.
func (p *diskPlan) decideFresh(newGUID func() string) (*diskPlan, []error) {
	errs := p.decidePartitions(gpt.New(p.Facts.Size, p.Facts.Sector, newGUID()), newGUID)
	d := p.Facts
	if len(errs) == 0 && d.Kind == gpt.Intact && d.Damage == "" && !d.Grown && p.sameAsMade(d.Table) {
		p.After, p.Changes, p.Map = d.Table, nil, d.Unmapped
		return p, nil
	}
	p.Wipe, p.Write = true, true
	return p, append(errs, p.refuseWipe()...)
}

// sameAsMade compares a table with the plan's, but for what is random.
func (p *diskPlan) sameAsMade(t gpt.Table) bool {
	if len(t.Partitions) != len(p.After.Partitions) || t.First != p.After.First || t.Last != p.After.Last {
		return false
	}
	for _, want := range p.After.Partitions {
		got, ok := t.Find(want.Number)
		if !ok {
			return false
		}
		if !p.namesGUID(want.Number) {
			want.GUID = got.GUID
		}
		if got != want {
			return false
		}
	}
	return true
}

// namesGUID reports whether the GUID of a partition is the config's and not random.
func (p *diskPlan) namesGUID(number int) bool {
	e, _ := p.After.Find(number)
	return slices.ContainsFunc(p.Config.Partitions, func(c config.Partition) bool {
		return config.NonZero(c.GUID) && strings.EqualFold(*c.GUID, e.GUID)
	})
}

// refuseContents tells what stands where a table would be written.
func (p *diskPlan) refuseContents() error {
	d, origin := p.Facts, p.Config.Origin()
	const hint = "wipeTable: true replaces it, with everything on the disk"
	switch {
	case d.Kind == gpt.MBR:
		return report.Conflict(origin, hint, "%s has an MBR partition table; the config asks for GPT partitions", d.Device)
	case d.Kind == gpt.Damaged:
		return report.Conflict(origin, hint+"; sgdisk --verify shows the damage", "the GPT of %s cannot be used: %s", d.Device, d.Damage)
	case d.Kind == gpt.None && len(d.Signatures) > 0:
		return report.Conflict(origin, hint, "%s has no partition table but holds %s", d.Device, blkprobe.Describe(d.Signatures))
	}
	return nil
}

// refuseWipe keeps a disk from being wiped under its users.
func (p *diskPlan) refuseWipe() []error {
	d, origin := p.Facts, p.Config.Origin("wipeTable")
	if !p.Wipe {
		return nil
	}
	if len(d.Holders) > 0 {
		return []error{report.Conflict(origin, "stop using it before, or do not set wipeTable on this disk",
			"%s is to be wiped but is in use: %s", d.Device, d.inUse())}
	}
	return nil
}

// refuseChanges keeps what is in use from being changed.
func (p *diskPlan) refuseChanges() []error {
	d := p.Facts
	if !p.Write {
		return nil
	}
	var errs []error
	if d.Unwritable != nil {
		errs = append(errs, report.Conflict(p.Config.Origin(), "wipeTable: true replaces it, with everything on the disk",
			"the GPT of %s cannot be changed: %v", d.Device, d.Unwritable))
	}
	if how := d.holdersOf(0); len(how) > 0 {
		errs = append(errs, report.Conflict(p.Config.Origin(), "stop using it before", "the partitions of %s are to be changed but the disk is %s", d.Device, describeHolders(how)))
	}
	for _, c := range p.Changes {
		if how := d.holdersOf(c.Before.Number); c.Before.Number != 0 && len(how) > 0 {
			errs = append(errs, report.Conflict(p.Config.Origin("partitions"), "the partition can be changed only when nothing uses it",
				"partition %s on %s is to be changed (%s) but is %s", c.Before.Title(), d.Device, c.Verb, describeHolders(how)))
		}
	}
	return errs
}
