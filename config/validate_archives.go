package config

import (
	"path"
	"slices"
	"strings"
)

// The formats of archives.
const (
	FormatTar   = "tar"
	FormatTarGz = "tar.gz"
)

var archiveFormats = []string{FormatTar, FormatTarGz}

// ArchiveFormats returns the values that Archive.Format can have.
func ArchiveFormats() []string { return slices.Clone(archiveFormats) }

// maxStrip is more than the names of an archive can have.
const maxStrip = 100

func (v *validator) archive(a *Archive) {
	v.ownFile(a.Path, false, a.Object)
	v.owner(&a.Group, "group")
	v.absolute(a.Path, a.Object, "path")
	v.owner(&a.User, "user")
	if ValueOr(a.Contents.Source, "") == "" {
		v.error(RuleSourceMissing, a.Origin("contents"), "the source of the archive is missing: its URL")
	}
	v.resource(&a.Contents)
	switch {
	case a.Format == "":
		v.error(RuleArchiveFormat, a.Origin("format"), "the format of the archive is missing; it should be %s or %s", FormatTar, FormatTarGz)
	case !slices.Contains(archiveFormats, a.Format):
		v.error(RuleArchiveFormat, a.Origin("format"), "the format %s of the archive is unknown; it should be %s or %s", quote(a.Format), FormatTar, FormatTarGz)
	}
	if strip := ValueOr(a.Strip, 0); strip < 0 || strip > maxStrip {
		v.error(RuleArchiveStrip, a.Origin("strip"), "%d directories cannot be left out of each name; it should be a number from 0 to %d", strip, maxStrip)
	}
}

// archivePaths checks that archives are unpacked into directories.
func (v *validator) archivePaths(s *Storage) {
	if len(s.Archives) == 0 {
		return
	}
	made := make(map[string]Object, len(s.Files)+len(s.Links))
	for i := range s.Files {
		made[s.Files[i].Path] = s.Files[i].Object
	}
	for i := range s.Links {
		made[s.Links[i].Path] = s.Links[i].Object
	}
	for i := range s.Archives {
		a := &s.Archives[i]
		if other, ok := made[a.Path]; ok && a.Path != "" {
			v.error(RuleArchivePath, a.Origin("path"), "the archive is unpacked into a directory, but %s makes something else at %s", shortOrigin(other.Origin()), quote(a.Path))
		}
	}
}

// absent checks paths at which nothing is to be.
func (v *validator) absent(s *Storage) {
	for i, name := range s.Absent {
		v.absolute(name, s.Object, "absent", i)
		for _, own := range []string{ownLedger, ownResult} {
			if name == own {
				v.error(RulePathOwnFile, s.Origin("absent", i), "%s is a file of Firstlight's own, in which it records what it does; it cannot be absent", own)
			}
		}
		if name == "/" {
			v.error(RuleAbsentPath, s.Origin("absent", i), "the root itself cannot be absent; name a file or a link")
		}
	}
}

// belowAbsent checks that nothing is made below a path at which nothing is to be. What is
// made at one is a duplicate.
func (v *validator) belowAbsent(s *Storage) {
	if len(s.Absent) == 0 {
		return
	}
	gone := make(map[string]int, len(s.Absent))
	for i, name := range s.Absent {
		gone[name] = i
	}
	s.eachPath(func(name string, o Object) {
		if len(name) > maxPath {
			return // which is reported
		}
		for above := path.Dir(name); above != "/" && above != "."; above = path.Dir(above) {
			if i, ok := gone[above]; ok {
				v.error(RuleAbsentPath, o.Origin("path"), "%s is below %s, which should be absent by %s; remove one of the two", quote(name), quote(above), shortOrigin(s.Origin("absent", i)))
				return
			}
		}
	})
	for i := range s.Archives {
		a := &s.Archives[i]
		if n, ok := gone[a.Path]; ok {
			v.error(RuleAbsentPath, a.Origin("path"), "an archive is unpacked into %s, which should be absent by %s; remove one of the two", quote(a.Path), shortOrigin(s.Origin("absent", n)))
		}
	}
}

// absentUnits checks that no unit is to be absent that the config writes.
func (v *validator) absentUnits(s *Storage, written map[string]Object) {
	for i, name := range s.Absent {
		if !strings.HasPrefix(name, unitDirectory) {
			continue
		}
		if by, ok := written[name]; ok {
			v.error(RuleAbsentPath, s.Origin("absent", i), "%s should be absent, but %s writes it; remove one of the two", quote(name), shortOrigin(by.Origin()))
		}
	}
}
