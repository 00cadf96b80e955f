package plan

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
)

// A SubvolumeNode is what there is in a btrfs at a path.
type SubvolumeNode struct {
	// Exists reports whether there is anything. Neither Directory nor Subvolume, it is a
	// file, a link or the like.
	Exists, Directory, Subvolume bool
	// NoCOW reports that new files in it are overwritten in place.
	NoCOW bool
	// Default reports that it is what is mounted where no subvolume is named.
	Default bool
}

// A SubvolumeChange is what to do about a subvolume.
type SubvolumeChange struct {
	Config                 *config.Subvolume
	Create, NoCOW, Default bool
}

// String is the subvolume, with what it becomes.
func (c SubvolumeChange) String() string {
	var words []string
	for _, w := range []struct {
		word string
		set  bool
	}{{"new", c.Create}, {"nocow", c.NoCOW}, {"default", c.Default}} {
		if w.set {
			words = append(words, w.word)
		}
	}
	return c.Config.Name + " (" + strings.Join(words, ", ") + ")"
}

// SubvolumePaths are the paths in a btrfs that there is something to know about: those of the
// subvolumes, and of what leads there, each after those that it lies in.
func SubvolumePaths(fs *config.Filesystem) []string {
	var all []string
	for i := range fs.Subvolumes {
		for at := fs.Subvolumes[i].Name; at != "."; at = path.Dir(at) {
			all = append(all, at)
		}
	}
	slices.SortFunc(all, func(a, b string) int {
		return cmp.Or(cmp.Compare(strings.Count(a, "/"), strings.Count(b, "/")), cmp.Compare(a, b))
	})
	return slices.Compact(all)
}

// DecideSubvolumes decides on those of a filesystem, in the order in which they can be made.
// What is not in found does not exist.
func DecideSubvolumes(fs *config.Filesystem, found map[string]SubvolumeNode) ([]SubvolumeChange, []error) {
	byName := map[string]*config.Subvolume{}
	for i := range fs.Subvolumes {
		byName[fs.Subvolumes[i].Name] = &fs.Subvolumes[i]
	}
	var changes []SubvolumeChange
	var errs []error
	for _, at := range SubvolumePaths(fs) {
		is, s := found[at], byName[at]
		switch {
		case is.Exists && !is.Directory:
			errs = append(errs, refuseInTheWay(fs, s, at, "a file or a link"))
		case s == nil:
		case is.Exists && !is.Subvolume:
			errs = append(errs, refuseInTheWay(fs, s, at, "a directory"))
		default:
			c := SubvolumeChange{Config: s, Create: !is.Exists}
			c.NoCOW = config.ValueOr(s.NoCOW, false) && !is.NoCOW
			c.Default = config.ValueOr(s.Default, false) && !is.Default
			if c.Create || c.NoCOW || c.Default {
				changes = append(changes, c)
			}
		}
	}
	return changes, errs
}

// refuseInTheWay is about what is in the place of a subvolume, or, without one, of a directory
// that leads to some.
func refuseInTheWay(fs *config.Filesystem, s *config.Subvolume, at, what string) error {
	wanted := "the subvolume"
	if s == nil {
		wanted = "a directory for subvolumes"
		for i := range fs.Subvolumes {
			if strings.HasPrefix(fs.Subvolumes[i].Name, at+"/") {
				s = &fs.Subvolumes[i]
				break
			}
		}
	}
	return report.Conflict(s.Origin("name"), "move it away, or choose another name; "+fs.Key("wipeFilesystem")+": true makes the filesystem anew, and its contents are lost",
		"the btrfs on %s has %s at %q, where the config wants %s", fs.Device, what, at, wanted)
}

// decideSubvolumes decides on those of a filesystem that is kept, or made.
func (g *Graph) decideSubvolumes(f *Filesystem) []error {
	if len(f.Config.Subvolumes) == 0 {
		return nil
	}
	var found map[string]SubvolumeNode
	if f.Action == Keep && (f.Shares == nil || f.Shares.Action == Keep) {
		var err error
		if found, err = g.facts.Subvolumes(f); err != nil {
			return []error{&report.Error{Doing: "looking at the subvolumes of " + f.Config.Device, Origin: f.Config.Origin("subvolumes"), Err: err}}
		}
		if f.Unseen = found == nil; f.Unseen {
			return nil
		}
	}
	var errs []error
	f.Subvolumes, errs = DecideSubvolumes(f.Config, found)
	return errs
}

// refuseTwoOwners is for two entries for one device, both of which have subvolumes.
func (f *Filesystem) refuseTwoOwners() []error {
	if f.Shares == nil || len(f.Config.Subvolumes) == 0 || len(f.Shares.Config.Subvolumes) == 0 {
		return nil
	}
	return []error{report.Conflict(f.Config.Origin("subvolumes"), "put all subvolumes into one of the two entries",
		"%s and %s are the same device, and both entries have subvolumes", f.Shares.Config.Device, f.Config.Device)}
}

// subvolumesText is what becomes of the subvolumes of a filesystem, for the name of its
// operation.
func (f *Filesystem) subvolumesText() string {
	var names []string
	if f.Action == Keep && !f.Unseen && !f.Deferred() {
		for _, c := range f.Subvolumes {
			names = append(names, c.String())
		}
		return strings.Join(names, ", ")
	}
	for i := range f.Config.Subvolumes {
		names = append(names, f.Config.Subvolumes[i].Name)
	}
	return strings.Join(names, ", ")
}

// A SubvolumePreview is a subvolume after the plan.
type SubvolumePreview struct {
	// Partition is the number of the one that it is on, or 0.
	Partition int    `json:"partition"`
	Name      string `json:"name"`
	// New reports that the plan makes it. That is not known where the filesystem could not
	// be looked at.
	New bool `json:"new"`
}

// previewSubvolumes are those of the config on a device.
func (g *Graph) previewSubvolumes(device *Target) []SubvolumePreview {
	var all []SubvolumePreview
	for _, f := range g.Filesystems {
		if !f.Target.Wanted || !f.Target.sameDevice(device) {
			continue
		}
		for i := range f.Config.Subvolumes {
			s := &f.Config.Subvolumes[i]
			isNew := slices.ContainsFunc(f.Subvolumes, func(c SubvolumeChange) bool { return c.Create && c.Config == s })
			all = append(all, SubvolumePreview{device.Partition.Number, s.Name, isNew})
		}
	}
	return all
}

// nameOfSubvolumes names what is done where the filesystem itself is kept.
func (f *Filesystem) nameOfSubvolumes() string {
	if f.Unseen {
		return fmt.Sprintf("checking and, if needed, making the subvolumes of %s: %s", f.Config.Device, f.subvolumesText())
	}
	return fmt.Sprintf("preparing subvolumes of %s: %s", f.Config.Device, f.subvolumesText())
}
