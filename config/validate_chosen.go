package config

import (
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// ChosenPrefix is the directory of the devices that ChosenDisk names.
const ChosenPrefix = "/dev/firstlight/"

// The values of ChosenDisk.Pick.
const (
	PickOnly     = "only"
	PickSmallest = "smallest"
	PickLargest  = "largest"
	PickAll      = "all"
)

var diskPicks = []string{PickOnly, PickSmallest, PickLargest, PickAll}

// DiskPicks returns the values that ChosenDisk.Pick can have.
func DiskPicks() []string { return diskPicks }

// maxDiskName leaves room for numbers in names of files, and in messages.
const maxDiskName = 64

// IsNumbered reports whether a ChosenDisk is all disks that match, so that their names are
// NAME1, NAME2 and so on.
func (d *ChosenDisk) IsNumbered() bool { return ValueOr(d.Pick, "") == PickAll }

// diskNames finds disks by the names below ChosenPrefix.
type diskNames map[string]*ChosenDisk // by As

// find returns the disk that has a name, or nil.
func (n diskNames) find(name string) *ChosenDisk {
	if d := n[name]; d != nil && !d.IsNumbered() {
		return d
	}
	return n.findAll(name)
}

// findAll returns the disk that is all that match, one of which has a name, or nil.
func (n diskNames) findAll(name string) *ChosenDisk {
	const digits = 20 // of any number
	for i := len(name) - 1; i > 0 && len(name)-i < digits && isDigit(name[i]); i-- {
		if d := n[name[:i]]; d != nil && d.IsNumbered() && isWholeNumber(name[i:]) {
			return d
		}
	}
	return nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// chosenDisks checks the disks that are chosen by what they are, and their names wherever
// a device is named.
func (v *validator) chosenDisks(c *Config) {
	disks := c.Firstlight.Disks
	names := make(diskNames, len(disks))
	for i := range disks {
		v.chosenDisk(&disks[i])
		names[disks[i].As] = &disks[i]
	}
	for i := range disks {
		d := &disks[i]
		if all := names.findAll(d.As); all != nil {
			v.error(RuleDiskName, d.Origin("as"), "%s could be two disks: %s is all disks that match, with numbers, and this is another one; choose names that differ in more than a number",
				quote(d.shownName()), quote(all.As))
		}
	}
	used := map[*ChosenDisk]bool{}
	looked := 0
	visit := func(path string, at Origin) {
		name, found := strings.CutPrefix(path, ChosenPrefix)
		name, _ = cutPartition(name)
		switch d := names.find(name); {
		case !found:
		case d != nil:
			used[d] = true
		case looked < maxMeant:
			looked++
			used[names[name]] = true // all disks are meant by the name of none
			v.unknownDiskName(name, names, disks, at)
		}
	}
	for i := range c.Storage.Disks {
		visit(c.Storage.Disks[i].Device, c.Storage.Disks[i].Origin("device"))
	}
	v.eachDevice(&c.Storage, visit)
	for i := range disks {
		if d := names[disks[i].As]; !used[d] && d.As != "" {
			v.warn(RuleDiskNameUnused, disks[i].Origin("as"), "nothing in the config names the device %s", d.shownName())
		}
	}
}

// shownName is the device as it is named.
func (d *ChosenDisk) shownName() string {
	if d.IsNumbered() {
		return ChosenPrefix + d.As + "1"
	}
	return ChosenPrefix + d.As
}

// unknownDiskName reports a name that no disk has. Without any disks the config is a part
// of one with some, or another program has made the link.
func (v *validator) unknownDiskName(name string, names diskNames, disks []ChosenDisk, at Origin) {
	device, hint := quote(ChosenPrefix+name), "define it with \"as\" and \"match\""
	least := min(max(len(name)/3, 1), 2) + 1
	for i := range disks {
		if d := doc.Distance(name, disks[i].As); d < least {
			hint, least = "did you mean "+quote(disks[i].shownName())+"?", d
		}
	}
	if names[name] != nil {
		hint = "with pick all the disks have numbers; " + hint
	}
	p := NewProblem(RuleDiskNameUnknown, Warning, at, "no disk of the config has the name of %s; %s", device, hint)
	if v.whole && len(disks) > 0 {
		p.Severity = Error
	}
	v.problems.Add(p)
}

func (v *validator) chosenDisk(d *ChosenDisk) {
	v.fault(checkDiskName(d.As), d.Origin("as"))
	if pick := ValueOr(d.Pick, PickOnly); !slices.Contains(diskPicks, pick) {
		v.error(RuleDiskPick, d.Origin("pick"), "%s is not how a disk is picked of several; it should be one of %s", quote(pick), strings.Join(diskPicks, ", "))
	}
	v.diskMatch(&d.Match)
}

func checkDiskName(as string) *fault {
	disk, isPartition := cutPartition(as)
	switch {
	case as == "":
		return newFault(RuleDiskName, "a disk that is chosen by its properties needs a name; \"as\": \"data\" makes it %sdata", ChosenPrefix)
	case len(as) > maxDiskName:
		return newFault(RuleDiskName, "the name %s of the disk is %d bytes long, at most %d are possible", quote(as), len(as), maxDiskName)
	case isPartition:
		return newFault(RuleDiskName, "%s cannot be the name of a disk: it would be that of a partition of disk %s", quote(as), quote(disk))
	case !isDiskName(as):
		return newFault(RuleDiskName, "%s cannot be the name of a disk; it should have letters, digits, - and _ only, and begin with a letter or a digit", quote(as))
	}
	return nil
}

// cutPartition returns the name of a disk without what names one of its partitions, as udev
// does it in links: NAME-part1.
func cutPartition(name string) (disk string, isPartition bool) {
	if i := strings.LastIndex(name, "-part"); i > 0 && isWholeNumber(name[i+len("-part"):]) {
		return name[:i], true
	}
	return name, false
}

func isDiskName(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	return strings.Trim(s[:1], letters) == "" && strings.Trim(s, letters+"-_") == ""
}

// diskMatch checks what is looked for: at least one property, and each of them a possible
// one.
func (v *validator) diskMatch(m *DiskMatch) {
	isSet := m.Rotational != nil || m.Removable != nil || m.Empty != nil
	for _, t := range []struct {
		member string
		value  *string
		check  func(string) *fault
	}{
		{"serial", m.Serial, nil}, {"wwn", m.WWN, nil}, {"model", m.Model, checkPattern}, {"transport", m.Transport, nil},
		{"path", m.Path, checkPattern}, {"size", m.Size, checkSizeRange}, {"holds", m.Holds, nil},
	} {
		if t.value == nil {
			continue
		}
		isSet = true
		var f *fault
		switch {
		case *t.value == "":
			f = newFault(RuleDiskMatchEmpty, "%s is empty, which no disk matches; leave it out if it does not matter", t.member)
		case t.check != nil:
			f = t.check(*t.value)
		}
		v.fault(f, m.Origin(t.member))
	}
	if !isSet {
		v.error(RuleDiskMatchEmpty, m.Origin(), "there is no property to look for, so that each disk would match; name at least one, such as serial, size or transport")
	}
}

func checkPattern(pattern string) *fault {
	if _, err := MatchPattern(pattern, ""); err != nil {
		return newFault(RuleDiskPattern, "%s is not a pattern: a [ or a \\ in it has no end; write \\[ for the character itself", quote(pattern))
	}
	return nil
}

func checkSizeRange(text string) *fault {
	if _, err := ParseSizeRange(text); err != nil {
		return newFault(RuleDiskSize, "%v", err)
	}
	return nil
}
