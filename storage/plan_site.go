package storage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/report"
)

// A target is a device on which the config wants something, and where it will
// come from: it exists, or it is a partition of a disk in the plan, or the plan
// builds it of others.
type target struct {
	deviceFacts // what is there now
	origin      config.Origin
	what        string // that is wanted there: `the array "data"`
	wanted      bool   // there is something to do for it
	// disk is the disk in the plan that it is on, if any, and entry the
	// partition; without a number it is the whole disk.
	disk  *diskPlan
	entry gpt.Partition
	// on is what the plan builds, if the device is one of those.
	on *stackedDevice
	// node is the device if it exists already.
	node    string
	unknown bool // where it is, or what is there, could not be found out
}

// A built device is one that is made of others: an array or a volume.
type stackedDevice struct {
	title  string   // `the array "data"`
	paths  []string // under which it will be known, first the one that its program makes
	origin config.Origin
	sites  []*target // what it is made of
	node   string    // the device if it exists already
	// outlook is what the plan knows of its contents.
	state contentState
	op    *report.Operation
}

func (b *stackedDevice) base() *stackedDevice { return b }

// found is what was found of what it is made of.
func (b *stackedDevice) facts() []deviceFacts {
	var all []deviceFacts
	for _, s := range b.sites {
		all = append(all, s.deviceFacts)
	}
	return all
}

// An outlook is what can be said about a built device while a plan is made.
type contentState int

const (
	contentUnknown  contentState = iota // because of conflicts
	contentNew                          // it will be new and hold nothing
	contentExisting                     // it is there, and stays
	contentDeferred                     // it stays, but can be looked at only when it has been started
)

// later reports that what is there can be found out only when the plan runs.
func (s *target) deferred() bool { return s.on != nil && s.on.state == contentDeferred }

// before is the operation after which the device is there, if there is one.
func (s *target) before(partitioning map[*diskPlan]*report.Operation) *report.Operation {
	if s.on != nil {
		return s.on.op
	}
	return partitioning[s.disk]
}

func (s *target) sameDevice(other *target) bool {
	if s.unknown || other.unknown || s.disk != other.disk || s.on != other.on {
		return false
	}
	switch {
	case s.on != nil:
		return true
	case s.disk != nil:
		return s.entry.Number == other.entry.Number
	}
	return s.node == other.node
}

// refuseSharedDevices finds devices that are wanted for two things.
func refuseSharedDevices(sites []*target) []error {
	var errs []error
	for i, s := range sites {
		for _, other := range sites[:i] {
			if !s.wanted || !other.wanted || !s.sameDevice(other) {
				continue
			}
			wanted := ""
			if s.what != other.what {
				wanted = fmt.Sprintf(", wanted for %s and for %s", other.what, s.what)
			}
			errs = append(errs, report.Conflict(s.origin, "keep one of the two entries", "%s and %s are the same device%s", other.Device, s.Device, wanted))
		}
	}
	return errs
}

// buildOrder sorts constructions so that each comes after those that it is built
// upon. What is built upon itself is left out, and what is built upon that, too.
func buildOrder(all []stackedPlan) ([]stackedPlan, []error) {
	var sorted []stackedPlan
	var errs []error
	of := map[*stackedDevice]stackedPlan{}
	for _, c := range all {
		of[c.base()] = c
	}
	done := map[*stackedDevice]bool{} // false is a dead end
	var visit func(b *stackedDevice, way []*stackedDevice) bool
	visit = func(b *stackedDevice, way []*stackedDevice) bool {
		if sound, known := done[b]; known {
			return sound
		}
		for i, earlier := range way {
			if earlier == b {
				errs = append(errs, formatCycle(append(way[i:len(way):len(way)], b)))
				return false
			}
		}
		sound := true
		for _, s := range b.sites {
			if s.on != nil && !visit(s.on, append(way, b)) {
				s.unknown, sound = true, false
			}
		}
		if done[b] = sound; sound {
			sorted = append(sorted, of[b])
		}
		return sound
	}
	for _, c := range all {
		visit(c.base(), nil)
	}
	return sorted, errs
}

func formatCycle(way []*stackedDevice) error {
	var titles []string
	for _, b := range way {
		titles = append(titles, b.title)
	}
	return report.Conflict(way[0].origin, "something of them has to be on a device that is there", "these are built upon each other in a circle: %s", strings.Join(titles, " -> "))
}

// locate finds what the path of a device will mean when everything is as planned.
func findLocations(device string, disks []*diskPlan, all []stackedPlan) []location {
	var found []location
	for _, p := range disks {
		for _, e := range p.After.Partitions {
			if slices.Contains(p.partitionNames(e), device) {
				found = append(found, location{disk: p, entry: e})
			}
		}
	}
	for _, c := range all {
		if slices.Contains(c.base().paths, device) {
			found = append(found, location{on: c.base()})
		}
	}
	return found
}

// A place is a partition of a disk that is in the plan, or something built.
type location struct {
	disk  *diskPlan
	entry gpt.Partition
	on    *stackedDevice
}

func (p location) String() string {
	if p.on != nil {
		return p.on.title
	}
	return fmt.Sprintf("partition %s on %s", p.entry.Title(), p.disk.Facts.Device)
}
