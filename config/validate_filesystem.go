package config

import "strings"

func (v *validator) filesystem(f *Filesystem) {
	format := ValueOr(f.Format, "")
	if NonZero(f.Path) {
		v.absolute(*f.Path, f.Object, "path")
		v.ownFile(*f.Path, false, f.Object)
	}
	virtiofs := format == "virtiofs" && v.version >= V3_7Experimental
	if !virtiofs {
		v.absolute(f.Device, f.Object, "device")
	}
	switch {
	case format == "" && f.needsFormatFor() != "":
		v.error(RuleFilesystemFormatMissing, f.Origin("format"), "the format is missing, and without it %s has no meaning; it should be one of %s", f.Key(f.needsFormatFor()), formatList(v.version))
	case format != "":
		v.filesystemFormat(f, format)
	}
	if virtiofs {
		v.virtiofs(f)
	}
	v.subvolumes(f)
}

// needsFormatFor returns the name of a member that is set and needs a format.
func (f *Filesystem) needsFormatFor() string {
	switch {
	case NonZero(f.Path):
		return "path"
	case NonZero(f.Label):
		return "label"
	case NonZero(f.UUID):
		return "uuid"
	case ValueOr(f.WipeFilesystem, false):
		return "wipeFilesystem"
	case len(f.Options) > 0:
		return "options"
	case len(f.MountOptions) > 0:
		return "mountOptions"
	case len(f.Subvolumes) > 0:
		return "subvolumes"
	}
	return ""
}

func (v *validator) filesystemFormat(f *Filesystem, format string) {
	for i := range filesystemFormats {
		known := &filesystemFormats[i]
		switch {
		case known.name != format:
			continue
		case known.since > v.version:
			v.error(RuleValueSince, f.Origin("format"), "the format %q exists since version %s of the spec", format, known.since)
		case known.label > 0:
			v.bytesAtMost(known.label, "the label of "+format, ValueOr(f.Label, ""), f.Object, "label")
		}
		return
	}
	v.error(RuleFilesystemFormat, f.Origin("format"), "the format %s is unknown; it should be one of %s", quote(format), formatList(v.version))
}

func formatList(v Version) string { return strings.Join(FilesystemFormats(v), ", ") }

// virtiofs checks a directory of the host, which is mounted but not made.
func (v *validator) virtiofs(f *Filesystem) {
	if f.Device == "" {
		v.error(RuleVirtiofsTagMissing, f.Origin("device"), "the device is missing; for virtiofs it is the tag that the host gives the directory")
	}
	v.bytesAtMost(36, "the virtiofs tag", f.Device, f.Object, "device")
	for _, property := range []struct {
		name string
		set  bool
	}{
		{"label", NonZero(f.Label)},
		{"uuid", NonZero(f.UUID)},
		{"wipeFilesystem", ValueOr(f.WipeFilesystem, false)},
		{"options", len(f.Options) > 0},
	} {
		if property.set {
			v.error(RuleVirtiofsMember, f.Origin(property.name), "virtiofs is mounted, not made, so %s is not possible", f.Key(property.name))
		}
	}
}
