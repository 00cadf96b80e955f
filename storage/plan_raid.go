package storage

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/report"
)

// An arrayPlan is an array of the config and what to do about it.
type arrayPlan struct {
	*config.Raid
	stackedDevice
	action arrayAction
}

func (p *arrayPlan) idle() bool { return p.state == contentExisting }

// arrayPaths are the names of an array in /dev.
func arrayPaths(r *config.Raid) []string {
	if strings.HasPrefix(r.Name, "/dev") {
		return []string{r.Name}
	}
	return []string{"/dev/md/" + r.Name, "/dev/disk/by-id/md-name-" + homehost + ":" + r.Name}
}

// homehost is the host that arrays are made for: with this name every host
// takes them for its own and leaves their names as they are.
const homehost = "any"

// lookAtArray are what was found of an array.
type arrayFacts struct {
	Members []deviceFacts
	// Running are the arrays of the kernel that have some of the members.
	Running []runningArray
	// Named is the device to which the array's path leads now, if any.
	Named string
}

// A runningArray is an array in the kernel. It may be incomplete and inactive.
type runningArray struct {
	Kernel  string   // its name: "md127"
	Members []string // by the kernel's names
	Active  bool
	// Creating reports that mdadm has told udev to keep away while it makes the
	// array. Nobody makes one while we look: that mdadm was killed with us.
	Creating bool
	Holders  []holder
}

func (r runningArray) node() string { return "/dev/" + r.Kernel }

// missing are those of the devices that it runs without.
func (r runningArray) missing(members []deviceFacts) []deviceFacts {
	return slices.DeleteFunc(slices.Clone(members), func(t deviceFacts) bool {
		return t.Kernel == "" || slices.Contains(r.Members, t.Kernel) // the kernel does not know files
	})
}

// An arrayAction is what is done about an array.
type arrayAction int

const (
	keepArray     arrayAction = iota
	completeArray             // runs without some of its devices
	assembleArray
	createArray
)

// An arrayDecision is that, and which arrays of the kernel to stop before.
type arrayDecision struct {
	Action  arrayAction
	Stop    []string
	Warning string
}

// decideArray compares an array of the config with what is there.
func decideArray(r *config.Raid, f arrayFacts) (arrayDecision, []error) {
	d := arrayDecision{Action: createArray}
	errs := refuseMembers(r, f)
	own := f.ownArrays()
	for _, k := range own {
		d.Stop = append(d.Stop, k.node())
	}
	if f.Named != "" && !slices.Contains(d.Stop, f.Named) {
		errs = append(errs, report.Conflict(r.Origin("name"), "name the array otherwise, or stop the other one (mdadm --stop)",
			"%s is %s already, which is of other devices", arrayPaths(r)[0], f.Named))
	}
	same := sameArray(r, f.Members)
	if same && len(own) == 1 && own[0].Active && !own[0].Creating && f.Named == own[0].node() {
		if len(own[0].missing(f.Members)) > 0 {
			return arrayDecision{Action: completeArray}, errs
		}
		return arrayDecision{}, errs
	}
	for _, k := range own {
		if len(k.Holders) > 0 {
			errs = append(errs, report.Conflict(r.Origin(), "stop using it before",
				"the array %q has to be stopped, as %s is not what the config describes, but that is %s", r.Name, k.node(), describeHolders(k.Holders)))
		}
	}
	if spares := config.ValueOr(r.Spares, 0); spares < 0 || spares >= len(r.Devices) {
		errs = append(errs, report.Conflict(r.Origin("spares"), "list more devices, or ask for fewer spares",
			"the array %q has %d devices and is to have %d spares", r.Name, len(r.Devices), spares))
	}
	if same {
		d.Action = assembleArray
		return d, errs
	}
	d.Warning = overwriteWarning(r, f.Members)
	return d, errs
}

// ownArrays are the arrays of the kernel that have no other members than the
// config's; whether whole or not, they are the array of the config.
func (f arrayFacts) ownArrays() []runningArray {
	var own []runningArray
	for _, k := range f.Running {
		foreign := func(name string) bool {
			return !slices.ContainsFunc(f.Members, func(t deviceFacts) bool { return t.Kernel == name })
		}
		if !slices.ContainsFunc(k.Members, foreign) {
			own = append(own, k)
		}
	}
	return own
}

// refuseMembers keeps devices from being taken away from those who use them.
func refuseMembers(r *config.Raid, f arrayFacts) []error {
	own := f.ownArrays()
	var errs []error
	for i, t := range f.Members {
		others := slices.DeleteFunc(slices.Clone(t.Holders), func(u holder) bool {
			return slices.ContainsFunc(own, func(k runningArray) bool { return u.Kernel != "" && k.Kernel == u.Kernel })
		})
		if len(others) > 0 {
			errs = append(errs, report.Conflict(r.Origin("devices", i), "an array can be made only of what nothing else uses",
				"%s is to be a member of the array %q but is %s", t.Device, r.Name, describeHolders(others)))
		}
	}
	return errs
}

// levels of the kernel by their names in configs.
var levels = map[string]int{
	"linear": -1, "raid0": 0, "0": 0, "stripe": 0, "raid1": 1, "1": 1, "mirror": 1,
	"raid4": 4, "4": 4, "raid5": 5, "5": 5, "raid6": 6, "6": 6, "raid10": 10, "10": 10,
}

// describes reports whether a superblock is one of the array of the config, made
// by this run or an earlier one.
func matchesArray(r *config.Raid, s *blkprobe.MDSuperblock) bool {
	level, known := levels[config.ValueOr(r.Level, "")]
	name := superblockName(r)
	return s != nil && known && s.Level == level && s.Devices == len(r.Devices)-config.ValueOr(r.Spares, 0) &&
		(s.Old || s.Name == name || s.Name == homehost+":"+name)
}

// sameArray reports whether all members are of one array, and that the config's.
func sameArray(r *config.Raid, members []deviceFacts) bool {
	return !slices.ContainsFunc(members, func(t deviceFacts) bool {
		return !matchesArray(r, t.Member) || t.Member.UUID != members[0].Member.UUID
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

// overwritten tells what is lost, for the log.
func overwriteWarning(r *config.Raid, members []deviceFacts) string {
	var held []string
	for _, t := range members {
		if len(t.Signatures) == 0 {
			continue
		}
		what := blkprobe.Describe(t.Signatures)
		if matchesArray(r, t.Member) {
			what = "a part of such an array, whose other devices are not"
		}
		held = append(held, fmt.Sprintf("%s (%s)", t.Device, what))
	}
	if len(held) == 0 {
		return ""
	}
	return fmt.Sprintf("making the array %q overwrites %s", r.Name, strings.Join(held, ", "))
}

func (p *arrayPlan) name() string {
	verb := "making"
	switch {
	case slices.ContainsFunc(p.sites, (*target).deferred):
		verb = "checking and, if needed, making"
	case p.action == assembleArray:
		verb = "assembling"
	case p.action == completeArray:
		verb = "completing"
	}
	var devices []string
	for _, s := range p.sites {
		devices = append(devices, s.Device)
	}
	return fmt.Sprintf("%s array %q (%s of %s)", verb, p.Raid.Name, config.ValueOr(p.Level, ""), strings.Join(devices, ", "))
}
