package config

import "strings"

// The values that members of the spec can have. Validation, the JSON schemas and
// the documents all take them from here; what can be fetched is in
// validate_url.go.

// filesystemFormats lists what filesystems can be, since which version, and how
// many bytes a label may have (0 is without limit).
var filesystemFormats = [...]struct {
	name  string
	since Version
	label int
}{
	{"ext4", V3_0, 16},
	{"btrfs", V3_0, 256},
	{"xfs", V3_0, 12},
	{"vfat", V3_0, 11},
	{"swap", V3_0, 15},
	{"none", V3_3, 0},
	{"virtiofs", V3_7Experimental, 0},
}

// FilesystemFormats returns the formats that a version of the spec has.
func FilesystemFormats(v Version) []string {
	var names []string
	for _, f := range filesystemFormats {
		if f.since <= v {
			names = append(names, f.name)
		}
	}
	return names
}

// raidLevels lists the names of RAID levels and the kernel's numbers for them.
// The first name of a number is the one to show. Levels below 1 have no spares.
var raidLevels = [...]struct {
	name   string
	number int
}{
	{"linear", -1}, {"raid0", 0}, {"0", 0}, {"stripe", 0}, {"raid1", 1}, {"1", 1}, {"mirror", 1},
	{"raid4", 4}, {"4", 4}, {"raid5", 5}, {"5", 5}, {"raid6", 6}, {"6", 6}, {"raid10", 10}, {"10", 10},
}

// RaidLevels returns all names of RAID levels.
func RaidLevels() []string {
	var names []string
	for _, l := range raidLevels {
		names = append(names, l.name)
	}
	return names
}

// RaidLevelNumber returns the kernel's number of a RAID level, which is -1 for
// linear, and whether there is a level of that name.
func RaidLevelNumber(name string) (number int, known bool) {
	for _, l := range raidLevels {
		if l.name == name {
			return l.number, true
		}
	}
	return 0, false
}

// raidLevelList has each RAID level once.
func raidLevelList() string {
	var names []string
	for i, l := range raidLevels {
		if i == 0 || raidLevels[i-1].number != l.number {
			names = append(names, l.name)
		}
	}
	return strings.Join(names, ", ")
}

var unitTypes = []string{
	".service", ".socket", ".device", ".mount", ".automount", ".swap",
	".target", ".path", ".timer", ".snapshot", ".slice", ".scope",
}

// UnitTypes returns the extensions that names of units can have.
func UnitTypes() []string { return unitTypes }

var clevisPins = []string{"tpm2", "tang", "sss"}

// ClevisPins returns the pins that a version of the spec has, or nil if it has
// all that clevis has.
func ClevisPins(v Version) []string {
	if v >= V3_6 {
		return nil
	}
	return clevisPins
}
