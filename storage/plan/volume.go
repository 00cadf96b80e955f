package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/report"
)

// UnfinishedMark is the subsystem in the header of a volume that is ours and
// not complete: its key is not yet where the new system will look for it, or the
// first boot is not over. An interrupted run leaves such volumes. Their keys are
// gone, or on a root that the disks stage cannot read, so they are made again.
//
// The disks stage takes the mark away if the key is in the config, so that it
// can open the volume again; else the umount stage does, as the last thing
// before the machine leaves the initramfs.
const UnfinishedMark = blkprobe.UnfinishedMark

// A Volume is a LUKS volume of the config and what to do about it.
type Volume struct {
	Config *config.Luks
	StackedDevice
	keyStored bool
}

func newVolume(l *config.Luks) *Volume {
	v := &Volume{Config: l, StackedDevice: StackedDevice{Title: fmt.Sprintf("the LUKS volume %q", l.Name), Paths: volumePaths(l)}}
	v.Members = []*Target{newTarget(config.ValueOr(l.Device, ""), l.Origin("device"), v.Title)}
	return v
}

// volumePaths are the paths of a volume in /dev.
func volumePaths(l *config.Luks) []string {
	name := udevEncode(l.Name)
	return slices.Compact([]string{"/dev/mapper/" + name, "/dev/mapper/" + l.Name, "/dev/disk/by-id/dm-name-" + name})
}

// Origin implements Node.
func (v *Volume) Origin() config.Origin { return v.Config.Origin() }

// Idle implements Node. A volume that is open is not idle as long as its key is
// not at hand.
func (v *Volume) Idle() bool { return v.Content == ContentExisting && v.keyStored }

// Name implements Node.
func (v *Volume) Name() string {
	verb := map[Action]string{Keep: "checking the key of", Start: "opening", Create: "making"}[v.Action]
	if v.Members[0].deferred() {
		verb = "checking and, if needed, making"
	}
	name := fmt.Sprintf("%s LUKS volume %q on %s", verb, v.Config.Name, v.Members[0].Device)
	if v.Config.HasClevis() {
		name += ", unlocked by clevis"
	}
	return name
}

func (v *Volume) decide(g *Graph) []error {
	f := g.facts.Volume(v)
	action, errs := DecideVolume(v.Config, f)
	if len(errs) > 0 {
		return errs
	}
	v.keyStored = f.KeyStored
	v.decided(action)
	return nil
}

// VolumeFacts are what was found out about a volume.
type VolumeFacts struct {
	DeviceFacts
	// Mapper is the kernel's name of the device that has the volume's name,
	// empty if there is none, and MapperHolders are what uses that.
	Mapper        string
	MapperHolders []Holder
	// KeyStored reports that the key is kept for the files stage already.
	KeyStored bool
}

// Open reports whether the device is open under the name of the volume.
func (f VolumeFacts) Open() bool {
	return f.Mapper != "" && slices.ContainsFunc(f.Holders, func(h Holder) bool { return h.Kernel == f.Mapper })
}

// DecideVolume compares a LUKS volume of the config with what exists.
func DecideVolume(l *config.Luks, f VolumeFacts) (Action, []error) {
	action, errs := decideVolumeContents(l, f.DeviceFacts)
	others := slices.DeleteFunc(slices.Clone(f.Holders), func(h Holder) bool { return h.Kernel != "" && h.Kernel == f.Mapper })
	if len(others) > 0 {
		errs = append(errs, report.Conflict(l.Origin("device"), "a LUKS volume can be only on what nothing else uses",
			"%s is to hold the LUKS volume %q but is %s", f.Device, l.Name, DescribeHolders(others)))
	}
	switch {
	case f.Mapper != "" && !f.Open():
		errs = append(errs, report.Conflict(l.Origin("name"), "name the volume otherwise, or close the other one (cryptsetup close)",
			"%s is there already, and not on %s", volumePaths(l)[0], f.Device))
	case f.Open() && action == Start:
		action = Keep
	case f.Open() && action == Create && len(f.MapperHolders) > 0:
		errs = append(errs, report.Conflict(l.Origin(), "stop using it before",
			"the LUKS volume %q on %s is to be made anew but is %s", l.Name, f.Device, DescribeHolders(f.MapperHolders)))
	}
	return action, errs
}

// decideVolumeContents is about what the device holds.
func decideVolumeContents(l *config.Luks, f DeviceFacts) (Action, []error) {
	refuse := func(member, format string, args ...any) (Action, []error) {
		origin := l.Origin()
		if member != "" {
			origin = l.Origin(member)
		}
		return Create, []error{report.Conflict(origin, l.Key("wipeVolume")+": true makes it anew, and its contents are lost", format, args...)}
	}
	header := f.LUKS()
	switch {
	case config.ValueOr(l.WipeVolume, false) || len(f.Signatures) == 0:
		return Create, nil
	case header == nil || f.Signatures[0].Type != "crypto_LUKS":
		return refuse("device", "%s holds %s; the config asks for a LUKS volume", f.Device, blkprobe.Describe(f.Signatures))
	case header.Version != 2:
		return refuse("device", "%s holds a volume of LUKS version %d; only those of version 2 can be kept", f.Device, header.Version)
	case header.Subsystem == UnfinishedMark:
		return Create, nil
	}
	members, texts := compareVolume(l, header)
	if len(texts) == 0 {
		return Start, nil
	}
	member := ""
	if len(members) == 1 {
		member = members[0]
	}
	return refuse(member, "the LUKS volume that is on %s cannot be kept: %s", f.Device, strings.Join(texts, "; "))
}

// compareVolume returns the members of the config for which a volume cannot be
// taken for the one that it describes, and says why.
func compareVolume(l *config.Luks, h *blkprobe.LUKSHeader) (members, texts []string) {
	add := func(differs bool, member, format string, args ...any) {
		if differs {
			members, texts = append(members, member), append(texts, fmt.Sprintf(format, args...))
		}
	}
	card := config.ValueOr(l.Cex.Enabled, false)
	add(l.HasClevis(), "clevis", "whether clevis unlocks it as the config says cannot be known")
	add(card, "cex", "whether it is bound to the card cannot be known")
	add(!card && !l.HasClevis() && !config.NonZero(l.KeyFile.Source), "keyFile", "the config gives no key to open it with")
	add(config.NonZero(l.Label) && *l.Label != h.Label, "label", "its label is %q, the config asks for %q", h.Label, config.ValueOr(l.Label, ""))
	// Other than the reference, as with filesystems, whatever the case.
	add(config.NonZero(l.UUID) && !strings.EqualFold(*l.UUID, h.UUID), "uuid", "its UUID is %s, the config asks for %s", h.UUID, config.ValueOr(l.UUID, ""))
	got, want := slices.Contains(h.Flags, "allow-discards"), config.ValueOr(l.Discard, false)
	add(got && !want, "discard", "it passes discards on, the config does not ask for that")
	add(!got && want, "discard", "it does not pass discards on, the config asks for that")
	return members, texts
}
