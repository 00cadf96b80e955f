package plan

import (
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/internal/report"
)

// Stacked is an array or a LUKS volume.
type Stacked interface {
	Node
	Device() *StackedDevice
	decide(g *Graph) []error
}

// A StackedDevice is what arrays and volumes have in common: a device that is
// made of others.
type StackedDevice struct {
	Title   string    // `the array "data"`
	Paths   []string  // in /dev, first the one that its program makes
	Members []*Target // what it is made of
	Node    string    // the device if it exists already
	Action  Action
	Content ContentState
}

// Device implements Stacked.
func (d *StackedDevice) Device() *StackedDevice { return d }

// DependsOn implements Node.
func (d *StackedDevice) DependsOn() []Node {
	var all []Node
	for _, t := range d.Members {
		all = append(all, t.dependsOn()...)
	}
	return all
}

// An Action is what is done about an array, a volume or a filesystem.
type Action int

const (
	Keep     Action = iota
	Complete        // add the members without which an array runs
	Start           // assemble an array, open a volume
	Create          // wipe the device first
	Wipe            // nothing else
)

// decided notes what is done, and what is known of the contents then.
func (d *StackedDevice) decided(a Action) {
	d.Action = a
	d.Content = map[Action]ContentState{Keep: ContentExisting, Complete: ContentDeferred, Start: ContentDeferred, Create: ContentNew}[a]
}

// A ContentState is what is known of the contents of a stacked device.
type ContentState int

const (
	ContentUnknown  ContentState = iota // because of conflicts
	ContentNew                          // the device will be new and hold nothing
	ContentExisting                     // the device is there, and stays
	ContentDeferred                     // it stays, but can be looked at only when it has been started
)

func (g *Graph) addStacked(s Stacked) {
	d := s.Device()
	if g.facts != nil { // else only the targets are looked for
		if node, err := g.facts.Resolve(d.Paths[0]); err == nil {
			d.Node = node
		}
	}
	g.Stacked = append(g.Stacked, s)
	g.Targets = append(g.Targets, d.Members...)
}

// decideStacked decides on an array or a volume when it is known what becomes of
// its members.
func (g *Graph) decideStacked(s Stacked) []error {
	d := s.Device()
	var errs []error
	unknown, deferred := false, false
	for _, t := range d.Members {
		errs = append(errs, g.lookAtStacked(t)...)
		unknown, deferred = unknown || t.Unknown, deferred || t.deferred()
	}
	switch {
	case unknown:
	case deferred:
		d.Content = ContentDeferred
	default:
		errs = append(errs, s.decide(g)...)
	}
	return errs
}

// lookAtStacked looks at a target that is an array or a volume, if that stays
// as it is.
func (g *Graph) lookAtStacked(t *Target) []error {
	if t.On == nil || t.Unknown {
		return nil
	}
	switch t.On.Device().Content {
	case ContentUnknown:
		t.Unknown = true
	case ContentExisting:
		if err := t.Look(g.facts); err != nil {
			return []error{err}
		}
	}
	return nil
}

// sortStacked sorts arrays and volumes so that each comes after those that it
// depends on. What depends on itself is dropped, and what depends on that, too.
func sortStacked(all []Stacked) ([]Stacked, []error) {
	var sorted []Stacked
	var errs []error
	done := map[Stacked]bool{} // false if it is dropped
	var visit func(s Stacked, path []Stacked) bool
	visit = func(s Stacked, path []Stacked) bool {
		if ok, known := done[s]; known {
			return ok
		}
		if i := slices.Index(path, s); i >= 0 {
			errs = append(errs, refuseCycle(append(path[i:len(path):len(path)], s)))
			return false
		}
		ok := true
		for _, t := range s.Device().Members {
			if t.On != nil && !visit(t.On, append(path, s)) {
				t.Unknown, ok = true, false
			}
		}
		if done[s] = ok; ok {
			sorted = append(sorted, s)
		}
		return ok
	}
	for _, s := range all {
		visit(s, nil)
	}
	return sorted, errs
}

func refuseCycle(path []Stacked) error {
	var titles []string
	for _, s := range path {
		titles = append(titles, s.Device().Title)
	}
	return report.Conflict(path[0].Origin(), "something of them has to be on a device that is there", "these are built upon each other in a circle: %s", strings.Join(titles, " -> "))
}
