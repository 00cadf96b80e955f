package config

import "slices"

// A Mount is a filesystem, or a subvolume of it, that is mounted while files are written.
type Mount struct {
	// Filesystem is what has it in a config.
	Filesystem *Filesystem
	// Subvolume is nil for the filesystem itself.
	Subvolume *Subvolume
	// Path is the mount point.
	Path string
	// Options are those of mount(8).
	Options []string
}

// Origin returns where the mount, or one of its members, stands in a config.
func (m Mount) Origin(at ...any) Origin {
	if m.Subvolume != nil {
		return m.Subvolume.Origin(at...)
	}
	return m.Filesystem.Origin(at...)
}

// Mounts returns what of a filesystem is to be mounted: itself, and its subvolumes.
func (f *Filesystem) Mounts() []Mount {
	var all []Mount
	if NonZero(f.Path) {
		all = append(all, Mount{f, nil, *f.Path, f.MountOptions})
	}
	for i := range f.Subvolumes {
		if s := &f.Subvolumes[i]; NonZero(s.Path) {
			options := slices.Concat(f.MountOptions, s.MountOptions, []string{"subvol=/" + s.Name})
			all = append(all, Mount{f, s, *s.Path, options})
		}
	}
	return all
}
