package plan

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/report"
)

// HomeHost is the host that arrays are made for: with this name every host
// takes them for its own and leaves their names as they are.
const HomeHost = "any"

// An Array is an array of the config and what to do about it.
type Array struct {
	Config *config.Raid
	StackedDevice
}

func newArray(r *config.Raid) *Array {
	a := &Array{Config: r, StackedDevice: StackedDevice{Title: fmt.Sprintf("the array %q", r.Name), Paths: arrayPaths(r)}}
	for i, device := range r.Devices {
		a.Members = append(a.Members, newTarget(device, r.Origin("devices", i), a.Title))
	}
	return a
}

// arrayPaths are the paths of an array in /dev.
func arrayPaths(r *config.Raid) []string {
	if strings.HasPrefix(r.Name, "/dev") {
		return []string{r.Name}
	}
	return []string{"/dev/md/" + r.Name, "/dev/disk/by-id/md-name-" + HomeHost + ":" + r.Name}
}

// Origin implements Node.
func (a *Array) Origin() config.Origin { return a.Config.Origin() }

// Idle implements Node.
func (a *Array) Idle() bool { return a.Content == ContentExisting }

// Name implements Node.
func (a *Array) Name() string {
	verb := map[Action]string{Create: "making", Start: "assembling", Complete: "completing"}[a.Action]
	if slices.ContainsFunc(a.Members, (*Target).deferred) {
		verb = "checking and, if needed, making"
	}
	return fmt.Sprintf("%s array %q (%s of %s)", verb, a.Config.Name, config.ValueOr(a.Config.Level, ""), strings.Join(a.Config.Devices, ", "))
}

func (a *Array) decide(g *Graph) []error {
	d, errs := DecideArray(a.Config, g.facts.Array(a))
	if len(errs) > 0 {
		return errs
	}
	if d.Warning != "" {
		g.Warnings = append(g.Warnings, d.Warning)
	}
	a.decided(d.Action)
	return nil
}

// ArrayFacts are what was found out about an array.
type ArrayFacts struct {
	Members []DeviceFacts
	// Running are the arrays of the kernel that have some of the members.
	Running []RunningArray
	// Named is the device to which the array's path leads now, if any.
	Named string
}

// A RunningArray is an array in the kernel. It may be incomplete and inactive.
type RunningArray struct {
	Kernel  string   // its name: "md127"
	Members []string // by the kernel's names
	Active  bool
	// Creating reports that mdadm has told udev to keep away while it creates
	// the array. Nobody creates one while we look: that mdadm was killed with us.
	Creating bool
	Holders  []Holder
}

func (r RunningArray) node() string { return "/dev/" + r.Kernel }

// Missing are those of the devices that it runs without.
func (r RunningArray) Missing(members []DeviceFacts) []DeviceFacts {
	return slices.DeleteFunc(slices.Clone(members), func(f DeviceFacts) bool {
		return f.Kernel == "" || slices.Contains(r.Members, f.Kernel) // the kernel does not know files
	})
}

// An ArrayDecision is what is done, and which arrays of the kernel to stop before.
type ArrayDecision struct {
	Action  Action
	Stop    []string
	Warning string
}

// DecideArray compares an array of the config with what exists.
func DecideArray(r *config.Raid, f ArrayFacts) (ArrayDecision, []error) {
	d := ArrayDecision{Action: Create}
	errs := refuseMembers(r, f)
	own := f.ownArrays()
	for _, k := range own {
		d.Stop = append(d.Stop, k.node())
	}
	if f.Named != "" && !slices.Contains(d.Stop, f.Named) {
		errs = append(errs, report.Conflict(r.Origin("name"), "name the array otherwise, or stop the other one (mdadm --stop)",
			"%s is %s already, which is of other devices", arrayPaths(r)[0], f.Named))
	}
	same := isArray(r, f.Members)
	if same && len(own) == 1 && own[0].Active && !own[0].Creating && f.Named == own[0].node() {
		if len(own[0].Missing(f.Members)) > 0 {
			return ArrayDecision{Action: Complete}, errs
		}
		return ArrayDecision{Action: Keep}, errs
	}
	for _, k := range own {
		if len(k.Holders) > 0 {
			errs = append(errs, report.Conflict(r.Origin(), "stop using it before",
				"the array %q has to be stopped, as %s is not what the config describes, but that is %s", r.Name, k.node(), DescribeHolders(k.Holders)))
		}
	}
	if spares := config.ValueOr(r.Spares, 0); spares < 0 || spares >= len(r.Devices) {
		errs = append(errs, report.Conflict(r.Origin("spares"), "list more devices, or ask for fewer spares",
			"the array %q has %d devices and is to have %d spares", r.Name, len(r.Devices), spares))
	}
	if same {
		d.Action = Start
		return d, errs
	}
	d.Warning = overwriteWarning(r, f.Members)
	return d, errs
}

// ownArrays are the arrays of the kernel that have no other members than the
// config's; whether whole or not, they are the array of the config.
func (f ArrayFacts) ownArrays() []RunningArray {
	return slices.DeleteFunc(slices.Clone(f.Running), func(k RunningArray) bool {
		return slices.ContainsFunc(k.Members, func(name string) bool {
			return !slices.ContainsFunc(f.Members, func(m DeviceFacts) bool { return m.Kernel == name })
		})
	})
}

// refuseMembers keeps devices from being taken away from those who use them.
func refuseMembers(r *config.Raid, f ArrayFacts) []error {
	own := f.ownArrays()
	var errs []error
	for i, m := range f.Members {
		others := slices.DeleteFunc(slices.Clone(m.Holders), func(h Holder) bool {
			return slices.ContainsFunc(own, func(k RunningArray) bool { return h.Kernel != "" && k.Kernel == h.Kernel })
		})
		if len(others) > 0 {
			errs = append(errs, report.Conflict(r.Origin("devices", i), "an array can be made only of what nothing else uses",
				"%s is to be a member of the array %q but is %s", m.Device, r.Name, DescribeHolders(others)))
		}
	}
	return errs
}

// matchesArray reports whether a superblock is one of the array of the config,
// created by this run or an earlier one.
func matchesArray(r *config.Raid, s *blkprobe.MDSuperblock) bool {
	level, known := config.RaidLevelNumber(config.ValueOr(r.Level, ""))
	name := superblockName(r)
	return s != nil && known && s.Level == level && s.Devices == len(r.Devices)-config.ValueOr(r.Spares, 0) &&
		(s.Old || s.Name == name || s.Name == HomeHost+":"+name)
}

// isArray reports whether all members are of one array, and that the config's.
func isArray(r *config.Raid, members []DeviceFacts) bool {
	return !slices.ContainsFunc(members, func(m DeviceFacts) bool {
		return !matchesArray(r, m.md()) || m.md().UUID != members[0].md().UUID
	})
}

// superblockName is the name that mdadm makes of the path or gets by an option.
func superblockName(r *config.Raid) string {
	for i, o := range r.Options {
		if name, ok := strings.CutPrefix(o, "--name="); ok {
			return name
		}
		if (o == "--name" || o == "-N") && i+1 < len(r.Options) {
			return r.Options[i+1]
		}
	}
	at := arrayPaths(r)[0]
	name := path.Base(at)
	if path.Dir(at) != "/dev" {
		return name
	}
	if rest, ok := strings.CutPrefix(name, "md_"); ok && rest != "" {
		return rest
	}
	if rest := strings.TrimPrefix(name, "md"); rest != name && rest != "" && '0' <= rest[0] && rest[0] <= '9' {
		return rest
	}
	return name
}

// overwriteWarning says what is lost, for the log.
func overwriteWarning(r *config.Raid, members []DeviceFacts) string {
	var held []string
	for _, m := range members {
		if len(m.Signatures) == 0 {
			continue
		}
		what := blkprobe.Describe(m.Signatures)
		if matchesArray(r, m.md()) {
			what = "a part of such an array, whose other devices are not"
		}
		held = append(held, fmt.Sprintf("%s (%s)", m.Device, what))
	}
	if len(held) == 0 {
		return ""
	}
	return fmt.Sprintf("making the array %q overwrites %s", r.Name, strings.Join(held, ", "))
}
