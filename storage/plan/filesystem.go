package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/report"
)

// A Filesystem is a filesystem of the config and what to do about it.
type Filesystem struct {
	Config *config.Filesystem
	Target *Target
	Action Action
	// Shares is an earlier entry for the same device that this one only uses, too: for
	// another mount point.
	Shares *Filesystem
	// Subvolumes are what to do about those of the config, after Action.
	Subvolumes []SubvolumeChange
	// Unseen reports that it is not known which of them there are, so that it is decided
	// when the plan runs.
	Unseen bool
}

// wantsFilesystem reports whether the disks stage has anything to do for it.
// Virtiofs is the host's.
func wantsFilesystem(fs *config.Filesystem) bool {
	return fs.Format != nil && *fs.Format != "virtiofs"
}

func isNone(fs *config.Filesystem) bool { return *fs.Format == "" || *fs.Format == "none" }

// Deferred reports whether what is done is decided only when the plan runs.
func (f *Filesystem) Deferred() bool { return f.Target.Wanted && f.Target.deferred() }

// Origin implements Node.
func (f *Filesystem) Origin() config.Origin { return f.Config.Origin() }

// Idle implements Node.
func (f *Filesystem) Idle() bool {
	return f.Action == Keep && !f.Deferred() && !f.Unseen && len(f.Subvolumes) == 0
}

// DependsOn implements Node.
func (f *Filesystem) DependsOn() []Node {
	all := f.Target.dependsOn()
	if f.Shares != nil {
		all = append(all, f.Shares)
	}
	return all
}

// Name implements Node.
func (f *Filesystem) Name() string {
	device := f.Config.Device
	switch {
	case f.Action == Wipe:
		return "wiping " + device
	case f.Deferred() && isNone(f.Config):
		return "checking and, if needed, wiping " + device
	case f.Action == Keep && !f.Deferred():
		return f.nameOfSubvolumes()
	}
	what := *f.Config.Format
	if config.NonZero(f.Config.Label) {
		what = fmt.Sprintf("%s %q", what, *f.Config.Label)
	}
	subvolumes := ""
	if len(f.Config.Subvolumes) > 0 {
		subvolumes = " with the subvolumes " + f.subvolumesText()
	}
	if f.Deferred() {
		return fmt.Sprintf("checking and, if needed, making %s on %s%s", what, device, subvolumes)
	}
	return fmt.Sprintf("making %s on %s%s", what, device, subvolumes)
}

func (g *Graph) decideFilesystem(f *Filesystem) []error {
	t := f.Target
	errs := append(g.lookAtStacked(t), f.refuseTwoOwners()...)
	if t.Unknown || !t.Wanted || t.deferred() {
		return errs
	}
	if f.Shares != nil && f.Shares.Action != Keep {
		return slices.Concat(errs, f.refuseOtherThanMade(), g.decideSubvolumes(f))
	}
	var err error
	if f.Action, err = DecideFilesystem(f.Config, t.Facts); err != nil {
		errs = append(errs, err)
	} else {
		errs = append(errs, g.decideSubvolumes(f)...)
	}
	if found := t.Facts.Signatures; len(found) > 1 && f.Action == Keep {
		g.Warnings = append(g.Warnings, fmt.Sprintf("%s holds %s; taking it for the first", t.Device, blkprobe.Describe(found)))
	}
	return errs
}

// share finds the earlier entry for the same device, if both ask for a filesystem that
// the other one may use, too.
func (g *Graph) share(f *Filesystem) {
	for _, other := range g.Filesystems {
		switch {
		case other == f:
			return
		case other.Target.Wanted && f.Target.Wanted && f.Target.sameDevice(other.Target) && f.agrees(other):
			f.Shares = other
			return
		}
	}
}

// agrees reports whether two entries can be about one filesystem. One that is to be
// wiped is not for two: the second would take away what the first has made.
func (f *Filesystem) agrees(other *Filesystem) bool {
	a, b := f.Config, other.Config
	same := func(a, b *string) bool { return a == nil || b == nil || *a == *b }
	uuid := func(s *string) *string {
		if s == nil {
			return nil
		}
		normal := NormalizeUUID(*a.Format, *s)
		return &normal
	}
	return *a.Format == *b.Format && same(a.Label, b.Label) && same(uuid(a.UUID), uuid(b.UUID)) &&
		!config.ValueOr(a.WipeFilesystem, false) && !config.ValueOr(b.WipeFilesystem, false)
}

// refuseOtherThanMade is for an entry that uses what an earlier one makes, which
// knows only its own label and UUID.
func (f *Filesystem) refuseOtherThanMade() []error {
	if isNone(f.Config) {
		return nil
	}
	first := f.Shares.Config
	made := blkprobe.Signature{Type: *first.Format, Label: config.ValueOr(first.Label, ""), UUID: config.ValueOr(first.UUID, "")}
	differences := compareFilesystem(f.Config, made)
	if len(differences) == 0 {
		return nil
	}
	return []error{report.Conflict(f.Config.Origin(differences[0].member), "give both entries the same label and UUID",
		"%s and %s are the same device, which the first entry makes otherwise: %s", first.Device, f.Config.Device, describeDifferences(differences))}
}

// DecideFilesystem compares a filesystem of the config with what exists.
func DecideFilesystem(fs *config.Filesystem, f DeviceFacts) (Action, error) {
	wipe := config.ValueOr(fs.WipeFilesystem, false)
	action := Create
	if isNone(fs) {
		action = Wipe
	}
	switch {
	case len(f.Signatures) == 0 && action == Wipe:
		return Keep, nil
	case len(f.Signatures) == 0 || wipe:
	case action == Wipe:
		return Keep, report.Conflict(fs.Origin("device"), fs.Key("wipeFilesystem")+": true clears it, and its contents are lost",
			"%s holds %s; the config says that it holds nothing", f.Device, blkprobe.Describe(f.Signatures))
	default:
		return Keep, refuseOtherFilesystem(fs, f)
	}
	if len(f.Holders) > 0 {
		return Keep, report.Conflict(fs.Origin("device"), "a filesystem can be made only on what nothing uses",
			"%s is to be wiped but is %s", f.Device, DescribeHolders(f.Holders))
	}
	return action, nil
}

// MatchesFilesystem reports whether a device holds the filesystem of the config.
func MatchesFilesystem(fs *config.Filesystem, found []blkprobe.Signature) bool {
	return len(found) > 0 && len(compareFilesystem(fs, found[0])) == 0
}

// compareFilesystem returns how what was found differs from what is wanted.
func compareFilesystem(fs *config.Filesystem, got blkprobe.Signature) []difference {
	if got.Type != *fs.Format { // the label and UUID of something else do not matter
		return []difference{{"format", "format", got.Type, *fs.Format}}
	}
	var all []difference
	if fs.Label != nil && got.Label != *fs.Label {
		all = append(all, difference{"label", "label", fmt.Sprintf("%q", got.Label), fmt.Sprintf("%q", *fs.Label)})
	}
	if fs.UUID != nil && NormalizeUUID(got.Type, got.UUID) != NormalizeUUID(*fs.Format, *fs.UUID) {
		all = append(all, difference{"uuid", "UUID", got.UUID, *fs.UUID})
	}
	return all
}

// NormalizeUUID makes UUIDs comparable. That of vfat is a serial number, which
// people write with or without the dash.
func NormalizeUUID(format, uuid string) string {
	uuid = strings.ToLower(uuid)
	if format == "vfat" {
		uuid = strings.ReplaceAll(uuid, "-", "")
	}
	return uuid
}

// refuseOtherFilesystem is about a device that holds something; nil if it is
// what the config wants.
func refuseOtherFilesystem(fs *config.Filesystem, f DeviceFacts) error {
	hint := fs.Key("wipeFilesystem") + ": true makes it anew, and its contents are lost"
	differences := compareFilesystem(fs, f.Signatures[0])
	switch {
	case len(differences) == 0:
		return nil
	case differences[0].member == "format":
		return report.Conflict(fs.Origin("format"), hint, "%s holds %s; the config asks for %s", f.Device, blkprobe.Describe(f.Signatures), *fs.Format)
	}
	return report.Conflict(fs.Origin(differences[0].member), hint, "the %s on %s is not what the config describes: %s", *fs.Format, f.Device, describeDifferences(differences))
}
