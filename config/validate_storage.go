package config

import (
	"cmp"
	"math"
	"path"
	"sort"
	"strings"
)

func (v *validator) storage(s *Storage) {
	v.absent(s)
	for i := range s.Archives {
		v.archive(&s.Archives[i])
	}
	for i := range s.Directories {
		v.directory(&s.Directories[i])
	}
	for i := range s.Disks {
		v.disk(&s.Disks[i])
	}
	for i := range s.Files {
		v.file(&s.Files[i])
	}
	for i := range s.Filesystems {
		v.filesystem(&s.Filesystems[i])
	}
	for i := range s.Links {
		v.link(&s.Links[i])
	}
	for i := range s.Luks {
		v.luks(&s.Luks[i])
	}
	for i := range s.Raid {
		v.raid(&s.Raid[i])
	}
	v.belowLinks(s)
	v.belowAbsent(s)
	v.archivePaths(s)
	v.hardLinks(s)
	v.filesystemsOnDisks(s)
	v.subvolumePaths(s)
}

func (v *validator) disk(d *Disk) {
	v.absolute(d.Device, d.Object, "device")
	v.partitionIdentities(d)
	v.partitionOverlaps(d)
	for i := range d.Partitions {
		v.partition(&d.Partitions[i])
	}
}

// partitionIdentities checks that numbers and labels tell partitions apart. Both
// rules hold for partitions that should not exist, too.
func (v *validator) partitionIdentities(d *Disk) {
	numbers, labels := map[int]*Partition{}, map[string]*Partition{}
	for i := range d.Partitions {
		p := &d.Partitions[i]
		if p.Number != 0 {
			if first := numbers[p.Number]; first != nil {
				v.error(RuleDuplicatePartition, p.Origin(), "partition %d is given twice, first at %s", p.Number, shortOrigin(first.Origin()))
			} else {
				numbers[p.Number] = p
			}
		}
		if p.Label != nil {
			if first := labels[*p.Label]; first != nil {
				v.error(RuleDuplicatePartition, p.Origin(), "the label %s is already that of the partition at %s; on one disk labels should differ", quote(*p.Label), shortOrigin(first.Origin()))
			} else {
				labels[*p.Label] = p
			}
		}
	}
}

// partitionOverlaps checks that partitions do not overlap, as far as that can be
// told from the config: with start and size in figures. A size of 0 counts as 1.
func (v *validator) partitionOverlaps(d *Disk) {
	var fixed []int
	for i := range d.Partitions {
		if p := &d.Partitions[i]; NonZero(p.StartMiB) && ValueOr(p.SizeMiB, -1) >= 0 {
			fixed = append(fixed, i)
		}
	}
	start := func(i int) int { return *d.Partitions[i].StartMiB }
	size := func(p *Partition) int { return cmp.Or(*p.SizeMiB, 1) }
	end := func(i int) int {
		s := size(&d.Partitions[i])
		return start(i) + min(s, math.MaxInt-max(start(i), 0))
	}
	sort.SliceStable(fixed, func(i, j int) bool { return start(fixed[i]) < start(fixed[j]) })
	for n, i := range fixed {
		if n == 0 {
			continue
		}
		// The farthest reaching partition before i in the order of starts.
		far := fixed[n-1]
		if start(i) < end(far) {
			first, second := &d.Partitions[min(i, far)], &d.Partitions[max(i, far)]
			v.error(RulePartitionOverlap, second.Origin(), "the partition takes %d MiB from %d MiB on and overlaps the one at %s, which takes %d MiB from %d MiB on",
				size(second), *second.StartMiB, shortOrigin(first.Origin()), size(first), *first.StartMiB)
		}
		if end(far) > end(i) {
			fixed[n] = far
		}
	}
}

func (v *validator) partition(p *Partition) {
	label := ValueOr(p.Label, "")
	if ValueOr(p.ShouldExist, true) {
		v.partitionNumbers(p)
	} else {
		v.unwantedPartition(p)
	}
	if p.Number == 0 && p.Label == nil {
		v.error(RulePartitionUnidentified, p.Origin(), "the partition has neither a number nor a label; it needs one of the two")
	}
	v.resize(p)
	v.bytesAtMost(36, "the partition's label", label, p.Object, "label")
	if len(label) <= 36 && strings.Contains(label, ":") {
		v.error(RulePartitionLabelColon, p.Origin("label"), "the partition's label %s has a colon in it, which is not possible", quote(label))
	}
	for _, g := range []struct {
		name  string
		value *string
	}{{"guid", p.GUID}, {"typeGuid", p.TypeGUID}} {
		if NonZero(g.value) && !isGUID(*g.value) {
			v.error(RuleGUIDForm, p.Origin(g.name), "%s is not a GUID; it should look like \"0FC63DAF-8483-4772-8E79-3D69D8477DE4\"", quote(*g.value))
		}
	}
}

// partitionNumbers checks that the numbers of a partition are possible on any disk.
func (v *validator) partitionNumbers(p *Partition) {
	const maxMiB int64 = 1 << 43 // 2^63 bytes
	if p.Number < 0 {
		v.error(RulePartitionNumber, p.Origin("number"), "the partition's number %d is negative; numbers begin at 1, and 0 is the next free one", p.Number)
	}
	for _, g := range []struct {
		name  string
		value *int
	}{{"sizeMiB", p.SizeMiB}, {"startMiB", p.StartMiB}} {
		if mib := ValueOr(g.value, 0); mib < 0 || int64(mib) > maxMiB {
			v.error(RulePartitionSize, p.Origin(g.name), "%s cannot be %d; it is in MiB and between 0 and %d", p.Key(g.name), mib, maxMiB)
		}
	}
}

// resize warns where it changes nothing: the size that an existing partition has is
// kept if none is given, and one without a number is taken only if it is as described.
func (v *validator) resize(p *Partition) {
	var missing []string
	if p.Number == 0 {
		missing = append(missing, p.Key("number"))
	}
	if p.SizeMiB == nil {
		missing = append(missing, p.Key("sizeMiB"))
	}
	if ValueOr(p.Resize, false) && ValueOr(p.ShouldExist, true) && len(missing) > 0 {
		v.warn(RulePartitionResize, p.Origin("resize"), "resize has no effect without %s: an existing partition keeps its size; %s: 0 makes it as large as possible",
			strings.Join(missing, " and "), p.Key("sizeMiB"))
	}
}

// isGUID reports whether s has the form 8-4-4-4-12, in hexadecimal digits.
func isGUID(s string) bool {
	for i := range len(s) {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (s[i] == '-') || !dash && !isHex(s[i]) {
			return false
		}
	}
	return len(s) == 36
}

func (v *validator) unwantedPartition(p *Partition) {
	for _, property := range []struct {
		name string
		set  bool
	}{
		{"label", p.Label != nil},
		{"typeGuid", NonZero(p.TypeGUID)},
		{"guid", NonZero(p.GUID)},
		{"startMiB", p.StartMiB != nil},
		{"sizeMiB", p.SizeMiB != nil},
	} {
		if property.set {
			v.error(RulePartitionUnwanted, p.Origin(), "the partition should not exist, so %s has no meaning; set only the number", p.Key(property.name))
			return
		}
	}
}

func (v *validator) raid(r *Raid) {
	level := ValueOr(r.Level, "")
	number, known := RaidLevelNumber(level)
	switch {
	case level == "":
		v.error(RuleRaidLevel, r.Origin("level"), "the RAID level is missing; it should be one of %s", raidLevelList())
	case !known:
		v.error(RuleRaidLevel, r.Origin("level"), "the RAID level %s is unknown; it should be one of %s", quote(level), raidLevelList())
	case number < 1 && NonZero(r.Spares):
		v.error(RuleRaidSpares, r.Origin("level"), "there are %d spares, but a RAID of level %s cannot have any", *r.Spares, level)
	}
	if len(r.Devices) == 0 {
		v.error(RuleRaidDevicesMissing, r.Origin("devices"), "the RAID has no devices")
	}
	v.raidName(r)
	if !known || number >= 1 {
		v.spares(r)
	}
	for i, device := range r.Devices {
		v.absolute(device, r.Object, "devices", i)
	}
}

// raidName checks the name of an array, which is that of a link in /dev/md. mdadm takes
// the path of a device, too.
func (v *validator) raidName(r *Raid) {
	name, _ := strings.CutPrefix(r.Name, "/dev/")
	if !v.fileName("RAID", r.Name, maxComponent, r.Object) || name != r.Name && path.Clean(r.Name) == r.Name {
		return
	}
	if strings.Contains(r.Name, "/") || r.Name == "." || r.Name == ".." {
		v.error(RuleRaidName, r.Origin("name"), "%s cannot be the name of a RAID, which is a name in /dev/md", quote(r.Name))
	}
}

// spares checks their number.
func (v *validator) spares(r *Raid) {
	switch spares := ValueOr(r.Spares, 0); {
	case spares < 0:
		v.error(RuleRaidSpares, r.Origin("spares"), "the number of spares cannot be %d", spares)
	case spares > 0 && spares >= len(r.Devices):
		v.unbootable(RuleRaidSpares, r.Origin("spares"), "of %d devices %d cannot be spares", len(r.Devices), spares)
	}
}

// filesystemsOnDisks warns of filesystems on a whole disk whose partition
// table is changed, too.
func (v *validator) filesystemsOnDisks(s *Storage) {
	disks := make(map[string]*Disk, len(s.Disks))
	for i := range s.Disks {
		disks[s.Disks[i].Device] = &s.Disks[i]
	}
	for i := range s.Filesystems {
		f := &s.Filesystems[i]
		d := disks[f.Device]
		switch {
		case d == nil || f.Device == "":
		case len(d.Partitions) > 0:
			v.warn(RuleFilesystemWholeDisk, f.Origin("device"), "the filesystem is on the whole of %s, for which %s has partitions", quote(f.Device), shortOrigin(d.Origin()))
		case ValueOr(d.WipeTable, false) && !ValueOr(f.WipeFilesystem, false):
			v.warn(RuleFilesystemWholeDisk, f.Origin("device"), "the filesystem is on the whole of %s, whose partition table %s wipes; that wipes the filesystem without saying so here", quote(f.Device), shortOrigin(d.Origin()))
		}
	}
}
