package storage

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/report"
)

// A wish is a partition of the config with what was found for it.
type partitionSpec struct {
	*config.Partition
	number int
	exists bool
	before gpt.Partition
	// adopted is an existing partition that was found by its label.
	matched bool
	wipe    bool
	after   gpt.Partition
}

// absent reports that the partition is not to exist.
func (w *partitionSpec) absent() bool { return !config.ValueOr(w.ShouldExist, true) }

// decidePartitions fills After and Changes.
func (p *diskPlan) decidePartitions(base gpt.Table, newGUID func() string) []error {
	specs := assignNumbers(p.Config.Partitions, base)
	free := base
	free.Partitions = slices.DeleteFunc(slices.Clone(base.Partitions), func(e gpt.Partition) bool {
		return slices.ContainsFunc(specs, func(w *partitionSpec) bool { return w.number == e.Number })
	})
	p.After = free
	p.After.Partitions = slices.Clone(free.Partitions)
	var errs []error
	for _, w := range specs {
		if err := p.decidePartition(w, newGUID); err != nil {
			errs = append(errs, err)
		}
	}
	sort.SliceStable(p.After.Partitions, func(i, j int) bool { return p.After.Partitions[i].Number < p.After.Partitions[j].Number })
	return append(errs, p.refuseSameGUIDs(specs)...)
}

// refuseSameGUIDs finds GUIDs of the config that two partitions would have.
// Links in /dev and those who mount by GUID would find one of them by chance.
func (p *diskPlan) refuseSameGUIDs(specs []*partitionSpec) []error {
	const hint = "give each partition a GUID of its own, or leave it out to have one made"
	has := func(w *partitionSpec, guid string) bool {
		return !w.absent() && config.NonZero(w.GUID) && strings.EqualFold(*w.GUID, guid)
	}
	var errs []error
	for i, w := range specs {
		if !has(w, config.ValueOr(w.GUID, "")) {
			continue
		}
		if j := slices.IndexFunc(specs[:i], func(other *partitionSpec) bool { return has(other, *w.GUID) }); j >= 0 {
			errs = append(errs, report.Conflict(w.Origin("guid"), hint, "partitions %s and %s on %s would both have the GUID %s",
				specs[j].title(), w.title(), p.Facts.Device, strings.ToUpper(*w.GUID)))
			continue
		}
		for _, e := range p.After.Partitions {
			if e.Number != w.number && strings.EqualFold(e.GUID, *w.GUID) && !slices.ContainsFunc(specs, func(other *partitionSpec) bool { return other.number == e.Number && has(other, e.GUID) }) {
				errs = append(errs, report.Conflict(w.Origin("guid"), hint, "partition %s on %s would have the GUID %s, which partition %s has",
					w.title(), p.Facts.Device, strings.ToUpper(*w.GUID), e.Title()))
			}
		}
	}
	return errs
}

func (p *diskPlan) decidePartition(w *partitionSpec, newGUID func() string) error {
	if w.absent() {
		return p.decideAbsent(w)
	}
	if w.number > p.After.Slots || w.number < 1 {
		return report.Conflict(w.Origin("number"), "use a smaller number; wipeTable: true makes a table for 128",
			"partition number %d: the table of %s has room for the numbers 1 to %d", w.number, p.Facts.Device, p.After.Slots)
	}
	if err := p.allocate(w); err != nil {
		if w.exists { // it stays in the way of others
			p.After.Partitions = append(p.After.Partitions, w.before)
		}
		return err
	}
	differences := w.compare(p.After.Sector)
	switch {
	case !w.exists:
		p.add("create", w, newGUID)
	case len(differences) == 0:
		p.After.Partitions = append(p.After.Partitions, w.before)
	case w.wipe:
		p.add("replace", w, newGUID)
	case config.ValueOr(w.Resize, false) && len(differences) == 1 && differences[0].member == "sizeMiB":
		size := w.after.Size
		w.after = w.before
		w.after.Size = size
		p.After.Partitions = append(p.After.Partitions, w.after)
		p.Changes = append(p.Changes, change{"resize", w.before, w.after})
	default:
		return p.refuseDifference(w, differences)
	}
	return nil
}

// add makes an entry as the config has it.
func (p *diskPlan) add(verb string, w *partitionSpec, newGUID func() string) {
	if w.after.GUID == "" {
		w.after.GUID = newGUID()
	}
	p.After.Partitions = append(p.After.Partitions, w.after)
	p.Changes = append(p.Changes, change{verb, w.before, w.after})
}

func (p *diskPlan) decideAbsent(w *partitionSpec) error {
	switch {
	case !w.exists:
		return nil
	case !w.wipe:
		// It stays, so what the config wants elsewhere must not overlap it.
		p.After.Partitions = append(p.After.Partitions, w.before)
		return report.Conflict(w.Origin("shouldExist"), "wipePartitionEntry: true deletes it",
			"partition %s on %s exists (%s); the config says that it should not", w.before.Title(), p.Facts.Device, describeExtent(p.After, w.before))
	}
	p.Changes = append(p.Changes, change{Verb: "delete", Before: w.before})
	return nil
}

// refuseDifference says what is there and what was asked.
func (p *diskPlan) refuseDifference(w *partitionSpec, differences []difference) error {
	var texts []string
	onlySize := true
	for _, d := range differences {
		texts = append(texts, fmt.Sprintf("its %s is %s, the config asks for %s", d.what, d.got, d.want))
		onlySize = onlySize && d.member == "sizeMiB"
	}
	hint := "wipePartitionEntry: true replaces it, and its contents are lost"
	if onlySize {
		hint = "resize: true changes only its size; " + hint
	}
	origin := w.Origin()
	if len(differences) == 1 {
		origin = w.Origin(differences[0].member)
	}
	p.After.Partitions = append(p.After.Partitions, w.before)
	return report.Conflict(origin, hint, "partition %s on %s is not what the config describes: %s", w.before.Title(), p.Facts.Device, strings.Join(texts, "; "))
}

// assignNumbers finds a number for every partition of the config, and what has
// that number now. Those that leave the number open come last, as in the
// reference; they take the lowest free ones.
//
// An open number first looks for an existing partition of the same label that
// is as the config wants it: it was made by an earlier run of this config.
func assignNumbers(parts []config.Partition, base gpt.Table) []*partitionSpec {
	var specs []*partitionSpec
	taken := map[int]bool{}
	for i := range parts {
		w := &partitionSpec{Partition: &parts[i], number: parts[i].Number, wipe: config.ValueOr(parts[i].WipePartitionEntry, false)}
		if !w.absent() {
			taken[w.number] = true
		}
		specs = append(specs, w)
	}
	sort.SliceStable(specs, func(i, j int) bool { return compareBool(specs[i].number == 0, specs[j].number == 0) < 0 })
	for _, w := range specs {
		if w.number == 0 && !w.absent() {
			w.matchByLabel(base, taken)
		}
	}
	deleted := func(n int) bool {
		return slices.ContainsFunc(specs, func(w *partitionSpec) bool { return w.number == n && w.absent() && w.wipe })
	}
	for _, w := range specs {
		if w.number != 0 || w.absent() {
			continue
		}
		for w.number = 1; taken[w.number] || exists(base, w.number) && !deleted(w.number); w.number++ {
		}
		taken[w.number] = true
		// The entry that has the number now is deleted by another wish.
		w.wipe = true
	}
	return findExisting(specs, base, taken)
}

// findExisting finds what exists under the numbers. Where a partition takes the
// number of one that is to go, the two specs are one.
func findExisting(specs []*partitionSpec, base gpt.Table, taken map[int]bool) []*partitionSpec {
	specs = slices.DeleteFunc(specs, func(w *partitionSpec) bool { return w.absent() && (w.number == 0 || taken[w.number]) })
	for _, w := range specs {
		w.before, w.exists = base.Find(w.number)
	}
	return specs
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func exists(t gpt.Table, number int) bool {
	_, ok := t.Find(number)
	return ok
}

// adopt looks for the partition that a wish without a number describes.
func (w *partitionSpec) matchByLabel(base gpt.Table, taken map[int]bool) {
	mib := mebibyte / base.Sector
	for _, e := range base.Partitions {
		if w.Label == nil || e.Name != *w.Label || taken[e.Number] {
			continue
		}
		if config.NonZero(w.StartMiB) && uint64(*w.StartMiB)*mib != e.Start || config.NonZero(w.SizeMiB) && uint64(*w.SizeMiB)*mib != e.Size {
			continue
		}
		if config.NonZero(w.GUID) && !strings.EqualFold(*w.GUID, e.GUID) || config.NonZero(w.TypeGUID) && !strings.EqualFold(*w.TypeGUID, e.Type) {
			continue
		}
		w.number, w.matched = e.Number, true
		taken[e.Number] = true
		return
	}
}

// A difference is a member of a partition that is not as the config wants it.
type difference struct{ member, what, got, want string }

// compare tells how the partition that exists differs from what was asked.
func (w *partitionSpec) compare(sector uint64) []difference {
	if !w.exists {
		return nil
	}
	var d []difference
	add := func(differs bool, member, what, is, asked string) {
		if differs {
			d = append(d, difference{member, what, is, asked})
		}
	}
	is, want := w.before, w.after
	add(is.Start != want.Start, "startMiB", "start", inMiB(is.Start*sector), inMiB(want.Start*sector))
	add(is.Size != want.Size, "sizeMiB", "size", inMiB(is.Size*sector), inMiB(want.Size*sector))
	if w.Label != nil {
		add(is.Name != *w.Label, "label", "label", fmt.Sprintf("%q", is.Name), fmt.Sprintf("%q", *w.Label))
	}
	if config.NonZero(w.TypeGUID) {
		add(!strings.EqualFold(is.Type, *w.TypeGUID), "typeGuid", "type", is.Type, strings.ToUpper(*w.TypeGUID))
	}
	if config.NonZero(w.GUID) {
		add(!strings.EqualFold(is.GUID, *w.GUID), "guid", "GUID", is.GUID, strings.ToUpper(*w.GUID))
	}
	return d
}

// inMiB prints a number of bytes in the unit of the config, with as many
// decimals as it takes to show what is not a whole number of it.
func inMiB(bytes uint64) string {
	if bytes%mebibyte == 0 {
		return fmt.Sprintf("%d MiB", bytes/mebibyte)
	}
	return fmt.Sprintf("%.4g MiB (%d bytes)", float64(bytes)/mebibyte, bytes)
}

func describeExtent(t gpt.Table, e gpt.Partition) string {
	return fmt.Sprintf("%s at %s", inMiB(e.Size*t.Sector), inMiB(e.Start*t.Sector))
}
