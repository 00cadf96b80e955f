package config

import (
	"path"
	"strings"
)

// subvolumes checks those of a filesystem.
func (v *validator) subvolumes(f *Filesystem) {
	if len(f.Subvolumes) == 0 {
		return
	}
	if format := ValueOr(f.Format, ""); format != "" && format != "btrfs" {
		v.error(RuleSubvolumeFormat, f.Origin("subvolumes"), "%s has no subvolumes; only the format \"btrfs\" has", format)
	}
	v.subvolumeOptions(f.MountOptions, f.Object)
	var first *Subvolume
	for i := range f.Subvolumes {
		s := &f.Subvolumes[i]
		v.fault(checkSubvolumeName(s.Name), s.Origin("name"))
		v.pathLength(s.Name, s.Object, "name")
		if NonZero(s.Path) {
			v.absolute(*s.Path, s.Object, "path")
			v.ownFile(*s.Path, false, s.Object)
		}
		v.subvolumeOptions(s.MountOptions, s.Object)
		switch {
		case !ValueOr(s.Default, false):
		case first != nil:
			v.error(RuleSubvolumeDefault, s.Origin("default"), "%s is the default already (%s); a filesystem has one default subvolume", quote(first.Name), shortOrigin(first.Origin("default")))
		default:
			first = s
		}
	}
}

func checkSubvolumeName(name string) *fault {
	simple := strings.TrimPrefix(path.Clean("/"+name), "/")
	switch {
	case name == "":
		return newFault(RuleSubvolumeName, "the name of the subvolume is missing; it is the path from the top of the filesystem, like \"@/var\"")
	case strings.Contains("/"+name+"/", "/../"):
		return newFault(RuleSubvolumeName, "the name %s of the subvolume leads upwards with \"..\", which is not possible; it is the path from the top of the filesystem", quote(name))
	case simple == "":
		return newFault(RuleSubvolumeName, "%s is the top of the filesystem, which always exists; to mount it, set the path of the filesystem itself", quote(name))
	case simple != name:
		return newFault(RuleSubvolumeName, "the name %s of the subvolume is not in its simplest form, from the top of the filesystem and without a slash before it; write %s", quote(name), quote(simple))
	case strings.ContainsAny(name, ",\"") || hasControl(name):
		return newFault(RuleSubvolumeName, "the name %s of the subvolume has a comma, a quote or a control character in it, which mount options cannot have", quote(name))
	}
	return nil
}

// subvolumeOptions checks that mount options leave the subvolume to its name.
func (v *validator) subvolumeOptions(options []string, o Object) {
	for i, text := range options {
		for option := range strings.SplitSeq(text, ",") {
			if name, _, _ := strings.Cut(option, "="); name == "subvol" || name == "subvolid" {
				v.error(RuleSubvolumeOption, o.Origin("mountOptions", i), "the mount option %s is another way to name a subvolume; give the path of mounting to the subvolume of that name instead", quote(option))
			}
		}
	}
}

// subvolumePaths checks that each subvolume has a mount point of its own. Filesystems
// without any may be mounted over each other, as in the reference.
func (v *validator) subvolumePaths(s *Storage) {
	var at map[string]Origin
	for i := range s.Filesystems {
		if len(s.Filesystems[i].Subvolumes) > 0 {
			at = map[string]Origin{}
		}
	}
	if at == nil {
		return
	}
	for i := range s.Filesystems {
		for _, m := range s.Filesystems[i].Mounts() {
			if m.Subvolume == nil {
				at[m.Path] = m.Origin("path")
			}
		}
	}
	for i := range s.Filesystems {
		for _, m := range s.Filesystems[i].Mounts() {
			if m.Subvolume == nil {
				continue
			}
			if first, taken := at[m.Path]; taken {
				v.error(RuleDuplicatePath, m.Origin("path"), "the path %s is already that of another mount, %s; mount the subvolume elsewhere, or only one of the two", quote(m.Path), shortOrigin(first))
				continue
			}
			at[m.Path] = m.Origin("path")
		}
	}
}
