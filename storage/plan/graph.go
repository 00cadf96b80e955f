package plan

import (
	"fmt"
	"slices"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/report"
)

// A Graph is the devices of a config, what depends on what, and what is to be
// done about each.
type Graph struct {
	// Choices are the disks that the config names by what they are.
	Choices     []*Choice
	Disks       []*Disk
	Stacked     []Stacked // each after those that it depends on
	Filesystems []*Filesystem
	// Targets are all the devices on which the config wants something.
	Targets []*Target
	// Warnings are for the log.
	Warnings []string

	cfg   *config.Config
	facts Facts
}

// A Node is what one operation changes: a disk with its partitions, an array, a
// LUKS volume or a filesystem.
type Node interface {
	Name() string // of the operation: "making ext4 on /dev/vdb1"
	Origin() config.Origin
	// Idle reports whether nothing is to be done.
	Idle() bool
	// DependsOn are the nodes that make the devices that it is on.
	DependsOn() []Node
}

// A Target is a device on which the config wants something, and where it comes
// from: a partition of a disk in the plan, or a whole one; an array or a volume
// of the plan; or else some device that exists, or is waited for.
type Target struct {
	Device  string // as in the config
	Origin  config.Origin
	Purpose string // `the array "data"`
	Wanted  bool   // there is something to do for it

	Disk      *Disk
	Partition gpt.Partition // without a number it is the whole disk
	On        Stacked
	// Meant is a partition's label in the config that may be meant by the device, if
	// nothing in the config makes that.
	Meant string
	// Unknown reports that it is not known where the device is, or what is on it.
	Unknown bool
	// Facts are what is there now.
	Facts DeviceFacts
}

// External reports whether the device is neither on a disk of the plan nor made
// by it.
func (t *Target) External() bool { return t.Disk == nil && t.On == nil && !t.Unknown }

// deferred reports whether what is there can be found out only when the plan runs.
func (t *Target) deferred() bool { return t.On != nil && t.On.Device().Content == ContentDeferred }

func (t *Target) dependsOn() []Node {
	switch {
	case t.On != nil:
		return []Node{t.On}
	case t.Disk != nil:
		return []Node{t.Disk}
	}
	return nil
}

func (t *Target) sameDevice(other *Target) bool {
	if t.Unknown || other.Unknown || t.Disk != other.Disk || t.On != other.On {
		return false
	}
	switch {
	case t.On != nil:
		return true
	case t.Disk != nil:
		return t.Partition.Number == other.Partition.Number
	}
	return t.Facts.Node == other.Facts.Node
}

// New returns the graph of a config, of which nothing is decided yet. Disks are
// the facts about its disks, nil where there are none.
func New(cfg *config.Config, disks []*DiskFacts, facts Facts) *Graph {
	g := &Graph{cfg: cfg, facts: facts}
	storage := &cfg.Storage
	for i, d := range disks {
		g.Disks = append(g.Disks, &Disk{Config: &storage.Disks[i], Facts: d})
	}
	for i := range storage.Raid {
		g.addStacked(newArray(&storage.Raid[i]))
	}
	for i := range storage.Luks {
		g.addStacked(newVolume(&storage.Luks[i]))
	}
	for i := range storage.Filesystems {
		fs := &storage.Filesystems[i]
		if config.ValueOr(fs.Format, "") == "virtiofs" {
			continue
		}
		f := &Filesystem{Config: fs, Target: newTarget(fs.Device, fs.Origin("device"), "a filesystem")}
		f.Target.Wanted = wantsFilesystem(fs)
		g.Filesystems = append(g.Filesystems, f)
		g.Targets = append(g.Targets, f.Target)
	}
	return g
}

func newTarget(device string, origin config.Origin, purpose string) *Target {
	return &Target{Device: device, Origin: origin, Purpose: purpose, Wanted: true, Facts: DeviceFacts{Device: device}}
}

// Nodes returns all nodes, each after those that it depends on.
func (g *Graph) Nodes() []Node {
	var all []Node
	for _, c := range g.Choices {
		all = append(all, c)
	}
	for _, d := range g.Disks {
		all = append(all, d)
	}
	for _, s := range g.Stacked {
		all = append(all, s)
	}
	for _, f := range g.Filesystems {
		all = append(all, f)
	}
	return all
}

// DecideDisks decides on the partitions of all disks. NewGUID returns random
// GUIDs for those for which the config has none.
func (g *Graph) DecideDisks(newGUID func() string) []error {
	var errs []error
	for i, d := range g.Disks {
		for _, other := range g.Disks[:i] {
			if d.Facts.Node == other.Facts.Node {
				errs = append(errs, report.Conflict(d.Config.Origin("device"), "put all partitions of a disk into one entry of storage.disks",
					"%s and %s are the same disk, %s", other.Facts.Device, d.Facts.Device, d.Facts.Node))
			}
		}
		errs = append(errs, d.decide(g.holdsWanted(d.Facts), newGUID)...)
		g.Warnings = append(append(g.Warnings, d.Warnings...), d.warnOfResize()...)
	}
	return errs
}

// holdsWanted reports whether a whole disk holds what the config wants on it,
// from a run of ours that was interrupted later on.
func (g *Graph) holdsWanted(d *DiskFacts) bool {
	if len(d.Signatures) == 0 {
		return false
	}
	return holdsWanted(g.cfg, d, func(path string) bool {
		node, err := g.facts.Resolve(path)
		return err == nil && node == d.Node
	})
}

// holdsWanted reports whether a whole disk holds what the config wants on it, under a path
// for which is reports true.
func holdsWanted(cfg *config.Config, d *DiskFacts, is func(path string) bool) bool {
	s := &cfg.Storage
	for i := range s.Filesystems {
		if fs := &s.Filesystems[i]; wantsFilesystem(fs) && is(fs.Device) {
			return MatchesFilesystem(fs, d.Signatures)
		}
	}
	for i := range s.Raid {
		if slices.ContainsFunc(s.Raid[i].Devices, is) {
			return matchesArray(&s.Raid[i], d.md())
		}
	}
	for i := range s.Luks {
		if is(config.ValueOr(s.Luks[i].Device, "")) {
			_, errs := decideVolumeContents(&s.Luks[i], d.DeviceFacts)
			return d.LUKS() != nil && len(errs) == 0
		}
	}
	return false
}

// DecideContents decides on arrays, volumes and filesystems when the targets
// outside of them have been looked at.
func (g *Graph) DecideContents() []error {
	for _, f := range g.Filesystems {
		g.share(f)
	}
	errs := g.refuseSharedDevices()
	for _, s := range g.Stacked {
		errs = append(errs, g.decideStacked(s)...)
	}
	for _, f := range g.Filesystems {
		errs = append(errs, g.decideFilesystem(f)...)
	}
	g.warnOfPassedOver()
	return errs
}

// warnOfPassedOver names partition tables that nothing uses, where something is
// made on the whole disk.
func (g *Graph) warnOfPassedOver() {
	var overwritten []*Target
	for _, s := range g.Stacked {
		if d := s.Device(); d.Content == ContentNew {
			overwritten = append(overwritten, d.Members...)
		}
	}
	for _, f := range g.Filesystems {
		if f.Action != Keep {
			overwritten = append(overwritten, f.Target)
		}
	}
	for _, t := range overwritten {
		if found := t.Facts.PassedOver; len(found) > 0 {
			g.Warnings = append(g.Warnings, fmt.Sprintf("%s holds %s, which is overwritten", t.Device, blkprobe.Describe(found)))
		}
	}
}

// refuseSharedDevices finds devices that are wanted for two things.
func (g *Graph) refuseSharedDevices() []error {
	shares := map[*Target]bool{} // of filesystems
	for _, f := range g.Filesystems {
		shares[f.Target] = f.Shares != nil
	}
	var errs []error
	for i, t := range g.Targets {
		for _, other := range g.Targets[:i] {
			if !t.Wanted || !other.Wanted || !t.sameDevice(other) {
				continue
			}
			if _, both := shares[other]; both && shares[t] {
				continue
			}
			wanted := ""
			if t.Purpose != other.Purpose {
				wanted = fmt.Sprintf(", wanted for %s and for %s", other.Purpose, t.Purpose)
			}
			errs = append(errs, report.Conflict(t.Origin, "keep one of the two entries", "%s and %s are the same device%s", other.Device, t.Device, wanted))
		}
	}
	return errs
}

// Look fills in the facts of a target on which something is wanted.
func (t *Target) Look(facts Facts) error {
	if t.Unknown || !t.Wanted {
		return nil
	}
	found, err := facts.Device(t)
	if err != nil {
		t.Unknown = true
		return &report.Error{Doing: "looking at " + t.Device, Origin: t.Origin, Err: err}
	}
	t.Facts = found
	return nil
}
