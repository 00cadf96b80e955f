package clearing

import (
	"context"
	"fmt"

	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// A Request says what of a root stays.
type Request struct {
	// Keep are the paths that stay, with all that is in them: clean, absolute, none inside
	// of another one, and without links (reset.Check).
	Keep []string
	// MachineID is what /etc/machine-id will say; "" leaves that to the image.
	MachineID string
	// Settings are those of the distribution.
	Settings distribution.Settings
	// Run runs setfiles, if what is copied to /etc needs labels. Nil is for who only looks.
	Run system.Runner
	// Log is told what takes long.
	Log *report.Logger
}

// A Reason is why something stays.
type Reason string

// The reasons.
const (
	Kept      Reason = "it is kept"
	Image     Reason = "it belongs to the image"
	Mounted   Reason = "a filesystem is mounted there"
	Mark      Reason = "it says that this is a first boot"
	MachineID Reason = "the machine keeps its ID"
)

// A Part is something of the root with all that is in it.
type Part struct {
	Path string `json:"path"`
	// Files are the nodes that are no directories, and Bytes the sizes of the regular ones of
	// them. A node with several names is one for each.
	Files int64 `json:"files"`
	Bytes int64 `json:"bytes"`
	// Reason is why it stays; "" if it goes.
	Reason Reason `json:"reason,omitempty"`

	directories int64
}

func (p *Part) add(o Part) {
	p.Files, p.Bytes, p.directories = p.Files+o.Files, p.Bytes+o.Bytes, p.directories+o.directories
}

// String says how much it is.
func (p *Part) String() string {
	return fmt.Sprintf("%s, %s", system.Plural(int(p.Files), "file"), system.FormatSize(uint64(p.Bytes)))
}

// A Plan is what a clearing will do. Nothing has been changed yet.
type Plan struct {
	// Layout is what kind of root it is, for people.
	Layout string
	// Goes are the parts that go, by the directories right below those that are cleared: "/home",
	// or "/var/lib" if only /var is cleared. Of /etc it is one part. Sorted by path.
	Goes []Part
	// Stays are the parts of what is cleared that stay, sorted by path. Those of mount points
	// and of the image are not counted.
	Stays []Part
	// EtcFrom is the directory of the image from which /etc is made anew, "" if it is not.
	EtcFrom string

	look *looker
	// made are the paths in /etc that were made, with all that is in them.
	made []string
	// step is called before each change, nil if there is nothing to call.
	step func() error
}

// Removed is how much goes in all.
func (p *Plan) Removed() Part { return Sum(p.Goes) }

// Sum is how much some parts are together.
func Sum(parts []Part) (all Part) {
	for _, p := range parts {
		all.add(p)
	}
	return all
}

// Operations are what clears the root, in their order. At the end, when all is on the disk,
// record is called: until it has returned a clearing has to be repeated, from Look on, which
// may be as often as one likes. The root stays open until they have run.
func (p *Plan) Operations(record func() error) report.Plan {
	all := p.Removed()
	plan := report.Plan{{Name: fmt.Sprintf("removing from %s what does not stay (%v)", p.look.root.HostPath("/"), &all), Do: p.clear}}
	add := func(name string, do func(context.Context) error) {
		plan = append(plan, &report.Operation{Name: name, Do: do})
	}
	if p.EtcFrom != "" {
		add("making /etc anew from "+p.EtcFrom, p.makeEtc)
	}
	if p.look.writeID {
		add("writing /etc/machine-id", p.writeMachineID)
	}
	if p.look.Run != nil && p.look.Settings.Is(distribution.SELinuxRelabel, "yes") && (p.EtcFrom != "" || p.look.writeID) {
		add("labelling /etc for SELinux, if it has a policy", p.label)
	}
	add("writing what is left through to the disk", p.sync)
	if record != nil {
		add("recording that the root is cleared", func(context.Context) error { return record() })
	}
	return plan
}
