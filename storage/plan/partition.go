package plan

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/report"
)

// linuxData is the type of partitions for which the config names none.
const linuxData = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"

// A partitionSpec is a partition of the config with the number that it gets.
type partitionSpec struct {
	*config.Partition
	number int
	// existing is the partition that has the number now; its number is 0 if
	// there is none.
	existing gpt.Partition
	matched  bool // existing was found by its label
	wipe     bool // existing may be replaced or deleted
}

// absent reports whether the partition is not to exist.
func (s *partitionSpec) absent() bool { return !config.ValueOr(s.ShouldExist, true) }

func (s *partitionSpec) exists() bool { return s.existing.Number != 0 }

// title is how messages call it.
func (s *partitionSpec) title() string {
	return gpt.Partition{Number: s.number, Name: config.ValueOr(s.Label, s.existing.Name)}.Title()
}

// hasGUID reports whether the config gives the partition a certain GUID.
func (s *partitionSpec) hasGUID(guid string) bool {
	return !s.absent() && config.NonZero(s.GUID) && strings.EqualFold(*s.GUID, guid)
}

// decidePartitions fills After and Changes.
func (d *Disk) decidePartitions(base gpt.Table, newGUID func() string) []error {
	specs := assignNumbers(d.Config.Partitions, base)
	d.After = base
	d.After.Partitions = slices.DeleteFunc(slices.Clone(base.Partitions), func(p gpt.Partition) bool {
		return slices.ContainsFunc(specs, func(s *partitionSpec) bool { return s.number == p.Number })
	})
	var errs []error
	for _, s := range specs {
		if err := d.decidePartition(s, newGUID); err != nil {
			errs = append(errs, err)
			if s.exists() { // it stays, and in the way of others
				d.After.Partitions = append(d.After.Partitions, s.existing)
			}
		}
	}
	after := d.After.Partitions
	sort.SliceStable(after, func(i, j int) bool { return after[i].Number < after[j].Number })
	return append(errs, d.refuseSameGUIDs(specs)...)
}

// refuseSameGUIDs finds GUIDs of the config that two partitions would have.
// Links in /dev and those who mount by GUID would find one of them by chance.
func (d *Disk) refuseSameGUIDs(specs []*partitionSpec) []error {
	const hint = "set another GUID for each partition, or remove it to have one generated"
	var errs []error
	for i, s := range specs {
		guid := config.ValueOr(s.GUID, "")
		if !s.hasGUID(guid) {
			continue
		}
		if j := slices.IndexFunc(specs[:i], func(other *partitionSpec) bool { return other.hasGUID(guid) }); j >= 0 {
			errs = append(errs, report.Conflict(s.Origin("guid"), hint, "partitions %s and %s on %s would both have the GUID %s",
				specs[j].title(), s.title(), d.Facts.Device, strings.ToUpper(guid)))
			continue
		}
		for _, p := range d.After.Partitions {
			fromConfig := slices.ContainsFunc(specs, func(other *partitionSpec) bool { return other.number == p.Number && other.hasGUID(guid) })
			if p.Number != s.number && strings.EqualFold(p.GUID, guid) && !fromConfig {
				errs = append(errs, report.Conflict(s.Origin("guid"), hint, "partition %s on %s would have the GUID %s, which partition %s has",
					s.title(), d.Facts.Device, strings.ToUpper(guid), p.Title()))
			}
		}
	}
	return errs
}

func (d *Disk) decidePartition(s *partitionSpec, newGUID func() string) error {
	if s.absent() {
		return d.decideAbsent(s)
	}
	if s.number > d.After.Slots || s.number < 1 {
		return report.Conflict(s.Origin("number"), "use a smaller number; "+s.Key("wipeTable")+": true makes a table for 128",
			"partition number %d: the table of %s has room for the numbers 1 to %d", s.number, d.Facts.Device, d.After.Slots)
	}
	want, err := d.allocate(s)
	if err != nil {
		return err
	}
	differences := s.compare(want, d.After.Sector)
	switch {
	case !s.exists():
		d.change(Created, s.existing, want, newGUID)
	case len(differences) == 0:
		d.After.Partitions = append(d.After.Partitions, s.existing)
	case s.wipe:
		d.change(Replaced, s.existing, want, newGUID)
	case config.ValueOr(s.Resize, false) && len(differences) == 1 && differences[0].member == "sizeMiB":
		resized := s.existing
		resized.Size = want.Size
		d.change(Resized, s.existing, resized, newGUID)
	default:
		return d.refuseDifferences(s, differences)
	}
	return nil
}

func (d *Disk) change(kind ChangeKind, before, after gpt.Partition, newGUID func() string) {
	if after.GUID == "" {
		after.GUID = newGUID()
	}
	d.After.Partitions = append(d.After.Partitions, after)
	d.Changes = append(d.Changes, Change{kind, before, after})
}

func (d *Disk) decideAbsent(s *partitionSpec) error {
	switch {
	case !s.exists():
		return nil
	case !s.wipe:
		return report.Conflict(s.Origin("shouldExist"), s.Key("wipePartitionEntry")+": true deletes it",
			"partition %s on %s exists (%s); the config says that it should not", s.existing.Title(), d.Facts.Device, extent(s.existing, d.After.Sector))
	}
	d.Changes = append(d.Changes, Change{Kind: Deleted, Before: s.existing})
	return nil
}

func (d *Disk) refuseDifferences(s *partitionSpec, differences []difference) error {
	hint := s.Key("wipePartitionEntry") + ": true replaces it, and its contents are lost"
	origin := s.Origin()
	if len(differences) == 1 {
		if origin = s.Origin(differences[0].member); differences[0].member == "sizeMiB" {
			hint = "resize: true changes only its size; " + hint
		}
	}
	return report.Conflict(origin, hint, "partition %s on %s is not what the config describes: %s", s.existing.Title(), d.Facts.Device, describeDifferences(differences))
}

// assignNumbers finds a number for every partition of the config, and what has
// that number now. Those that leave the number open come last, as in the
// reference; they take the lowest free ones.
//
// An open number first looks for an existing partition of the same label that
// is as the config wants it: it was made by an earlier run of this config.
func assignNumbers(parts []config.Partition, base gpt.Table) []*partitionSpec {
	var numbered, open []*partitionSpec
	taken, deleted := map[int]bool{}, map[int]bool{}
	for i := range parts {
		s := &partitionSpec{Partition: &parts[i], number: parts[i].Number, wipe: config.ValueOr(parts[i].WipePartitionEntry, false)}
		switch {
		case s.number == 0:
			open = append(open, s)
			continue
		case !s.absent():
			taken[s.number] = true
		case s.wipe:
			deleted[s.number] = true
		}
		numbered = append(numbered, s)
	}
	open = slices.DeleteFunc(open, (*partitionSpec).absent)
	for _, s := range open {
		s.matchByLabel(base, taken)
	}
	for _, s := range open {
		if s.matched {
			continue
		}
		existing := func(n int) bool { _, ok := base.Find(n); return ok && !deleted[n] }
		for s.number = 1; taken[s.number] || existing(s.number); s.number++ {
		}
		taken[s.number] = true
		s.wipe = true // what has the number now is to be deleted
	}
	// Where a partition takes the number of one that is to go, they are one.
	specs := slices.DeleteFunc(append(numbered, open...), func(s *partitionSpec) bool { return s.absent() && taken[s.number] })
	for _, s := range specs {
		s.existing, _ = base.Find(s.number)
	}
	return specs
}

// matchByLabel looks for the partition that a spec without a number describes.
func (s *partitionSpec) matchByLabel(base gpt.Table, taken map[int]bool) {
	mib := mebibyte / base.Sector
	for _, p := range base.Partitions {
		if s.Label == nil || p.Name != *s.Label || taken[p.Number] {
			continue
		}
		if config.NonZero(s.StartMiB) && uint64(*s.StartMiB)*mib != p.Start || config.NonZero(s.SizeMiB) && uint64(*s.SizeMiB)*mib != p.Size {
			continue
		}
		if config.NonZero(s.GUID) && !strings.EqualFold(*s.GUID, p.GUID) || config.NonZero(s.TypeGUID) && !strings.EqualFold(*s.TypeGUID, p.Type) {
			continue
		}
		s.number, s.matched = p.Number, true
		taken[p.Number] = true
		return
	}
}

// warnOfResize is about partitions that were found by their labels and are not
// resized though the config says so. Package config warns of the same.
func (d *Disk) warnOfResize() []string {
	var all []string
	for i := range d.Config.Partitions {
		c := &d.Config.Partitions[i]
		if c.Number != 0 || c.Label == nil || !config.ValueOr(c.Resize, false) {
			continue
		}
		for _, p := range d.Facts.Table.Partitions {
			if p.Name == *c.Label && slices.Contains(d.After.Partitions, p) {
				all = append(all, fmt.Sprintf("partition %s on %s has the label that the config gives without a number; it is as described there and keeps its size of %s: resize has no effect without %s and %s",
					p.Title(), d.Facts.Device, inMiB(p.Size*d.After.Sector), c.Key("number"), c.Key("sizeMiB")))
			}
		}
	}
	return all
}

// A difference is a member of the config that is not as what exists.
type difference struct{ member, name, got, want string }

func describeDifferences(all []difference) string {
	var texts []string
	for _, d := range all {
		texts = append(texts, fmt.Sprintf("its %s is %s, the config asks for %s", d.name, d.got, d.want))
	}
	return strings.Join(texts, "; ")
}

// compare returns how the partition that exists differs from the wanted one. A
// member that the config does not set does not matter.
func (s *partitionSpec) compare(want gpt.Partition, sector uint64) []difference {
	if !s.exists() {
		return nil
	}
	var all []difference
	add := func(differs bool, member, name, got, want string) {
		if differs {
			all = append(all, difference{member, name, got, want})
		}
	}
	got := s.existing
	add(got.Start != want.Start, "startMiB", "start", inMiB(got.Start*sector), inMiB(want.Start*sector))
	add(got.Size != want.Size, "sizeMiB", "size", inMiB(got.Size*sector), inMiB(want.Size*sector))
	add(s.Label != nil && got.Name != want.Name, "label", "label", fmt.Sprintf("%q", got.Name), fmt.Sprintf("%q", want.Name))
	add(config.NonZero(s.TypeGUID) && !strings.EqualFold(got.Type, want.Type), "typeGuid", "type", got.Type, want.Type)
	add(config.NonZero(s.GUID) && !strings.EqualFold(got.GUID, want.GUID), "guid", "GUID", got.GUID, want.GUID)
	return all
}
