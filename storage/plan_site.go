package storage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/report"
)

// A site is a device on which the config wants something, and where it will
// come from: it exists, or it is a partition of a disk in the plan, or the plan
// builds it of others.
type site struct {
	target // what is there now
	origin config.Origin
	what   string // that is wanted there: `the array "data"`
	wanted bool   // there is something to do for it
	// disk is the disk in the plan that it is on, if any, and entry the
	// partition; without a number it is the whole disk.
	disk  *diskPlan
	entry gpt.Partition
	// on is what the plan builds, if the device is one of those.
	on *built
	// node is the device if it exists already.
	node    string
	unknown bool // where it is, or what is there, could not be found out
}

// A built device is one that is made of others: an array or a volume.
type built struct {
	title  string   // `the array "data"`
	paths  []string // under which it will be known, first the one that its program makes
	origin config.Origin
	sites  []*site // what it is made of
	node   string  // the device if it exists already
	// outlook is what the plan knows of its contents.
	outlook outlook
	op      *report.Operation
}

func (b *built) base() *built { return b }

// found is what was found of what it is made of.
func (b *built) found() []target {
	var all []target
	for _, s := range b.sites {
		all = append(all, s.target)
	}
	return all
}

// An outlook is what can be said about a built device while a plan is made.
type outlook int

const (
	undecided outlook = iota // because of conflicts
	fresh                    // it will be new and hold nothing
	ready                    // it is there, and stays
	later                    // it stays, but can be looked at only when it has been started
)

// later tells that what is there can be found out only when the plan runs.
func (s *site) later() bool { return s.on != nil && s.on.outlook == later }

// before is the operation after which the device is there, if there is one.
func (s *site) before(partitioning map[*diskPlan]*report.Operation) *report.Operation {
	if s.on != nil {
		return s.on.op
	}
	return partitioning[s.disk]
}

func (s *site) samePlace(other *site) bool {
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

// decideClaims finds devices that are wanted for two things.
func decideClaims(sites []*site) []error {
	var errs []error
	for i, s := range sites {
		for _, other := range sites[:i] {
			if !s.wanted || !other.wanted || !s.samePlace(other) {
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

// inOrder sorts constructions so that each comes after those that it is built
// upon. What is built upon itself is left out, and what is built upon that, too.
func inOrder(all []construction) ([]construction, []error) {
	var sorted []construction
	var errs []error
	of := map[*built]construction{}
	for _, c := range all {
		of[c.base()] = c
	}
	done := map[*built]bool{} // false is a dead end
	var visit func(b *built, way []*built) bool
	visit = func(b *built, way []*built) bool {
		if sound, known := done[b]; known {
			return sound
		}
		for i, earlier := range way {
			if earlier == b {
				errs = append(errs, circle(append(way[i:len(way):len(way)], b)))
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

func circle(way []*built) error {
	var titles []string
	for _, b := range way {
		titles = append(titles, b.title)
	}
	return report.Conflict(way[0].origin, "something of them has to be on a device that is there", "these are built upon each other in a circle: %s", strings.Join(titles, " -> "))
}

// locate finds what the path of a device will mean when everything is as planned.
func locate(device string, disks []*diskPlan, all []construction) []place {
	var found []place
	for _, p := range disks {
		for _, e := range p.After.Partitions {
			if slices.Contains(p.partitionNames(e), device) {
				found = append(found, place{disk: p, entry: e})
			}
		}
	}
	for _, c := range all {
		if slices.Contains(c.base().paths, device) {
			found = append(found, place{on: c.base()})
		}
	}
	return found
}

// A place is a partition of a disk that is in the plan, or something built.
type place struct {
	disk  *diskPlan
	entry gpt.Partition
	on    *built
}

func (p place) String() string {
	if p.on != nil {
		return p.on.title
	}
	return fmt.Sprintf("partition %s on %s", p.entry.Title(), p.disk.Facts.Device)
}
