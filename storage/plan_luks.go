package storage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/json"
	"github.com/firstlight-os/firstlight/internal/report"
)

// unfinishedMark is the subsystem in the header of a volume that is ours and
// not complete: its key is not yet where the new system will look for it, or the
// first boot is not over. An interrupted run leaves such volumes. Their keys are
// gone, or on a root that the disks stage cannot read, so they are made again.
//
// The disks stage takes the mark away if the key is in the config, so that it
// can open the volume again; else the umount stage does, as the last thing
// before the machine leaves the initramfs.
const unfinishedMark = "firstlight-unfinished"

// A volumePlan is a LUKS volume of the config and what to do about it.
type volumePlan struct {
	*config.Luks
	stackedDevice
	action volumeAction
	keyed  bool // the key is with the state already
}

// idle reports that there is nothing to do: with the key at hand, for a volume
// that is open.
func (p *volumePlan) idle() bool { return p.state == contentExisting && p.keyed }

// volumePaths are the names of a volume in /dev.
func volumePaths(l *config.Luks) []string {
	name := udevEncode(l.Name)
	return slices.Compact([]string{"/dev/mapper/" + name, "/dev/mapper/" + l.Name, "/dev/disk/by-id/dm-name-" + name})
}

// lookAtVolume are what was found of a volume.
type volumeFacts struct {
	deviceFacts
	// Mapper is the kernel's name of the device that has the volume's name, and
	// Holders of it are MapperHolders; empty if there is none.
	Mapper        string
	MapperHolders []holder
}

// open reports whether the device is open under the name of the volume.
func (f volumeFacts) open() bool {
	return f.Mapper != "" && slices.ContainsFunc(f.Holders, func(u holder) bool { return u.Kernel == f.Mapper })
}

// A volumeAction is what is done about a volume.
type volumeAction int

const (
	keepVolume volumeAction = iota // it is open
	openVolume
	createVolume
)

// decideVolume compares a LUKS volume of the config with what is there.
func decideVolume(l *config.Luks, f volumeFacts) (volumeAction, []error) {
	action, errs := decideVolumeContents(l, f.deviceFacts)
	others := slices.DeleteFunc(slices.Clone(f.Holders), func(u holder) bool { return u.Kernel != "" && u.Kernel == f.Mapper })
	if len(others) > 0 {
		errs = append(errs, report.Conflict(l.Origin("device"), "a LUKS volume can be only on what nothing else uses",
			"%s is to hold the LUKS volume %q but is %s", f.Device, l.Name, describeHolders(others)))
	}
	switch {
	case f.Mapper != "" && !f.open():
		errs = append(errs, report.Conflict(l.Origin("name"), "name the volume otherwise, or close the other one (cryptsetup close)",
			"%s is there already, and not on %s", volumePaths(l)[0], f.Device))
	case f.open() && action == openVolume:
		action = keepVolume
	case f.open() && action == createVolume && len(f.MapperHolders) > 0:
		errs = append(errs, report.Conflict(l.Origin(), "stop using it before",
			"the LUKS volume %q on %s is to be made anew but is %s", l.Name, f.Device, describeHolders(f.MapperHolders)))
	}
	return action, errs
}

// decideVolumeContents is about what the device holds.
func decideVolumeContents(l *config.Luks, t deviceFacts) (volumeAction, []error) {
	const hint = "wipeVolume: true makes it anew, and its contents are lost"
	switch {
	case config.ValueOr(l.WipeVolume, false) || len(t.Signatures) == 0 && t.LUKS == nil:
		return createVolume, nil
	case t.LUKS == nil || len(t.Signatures) > 0 && t.Signatures[0].Type != "crypto_LUKS":
		return createVolume, []error{report.Conflict(l.Origin("device"), hint, "%s holds %s; the config asks for a LUKS volume", t.Device, blkprobe.Describe(t.Signatures))}
	case t.LUKS.Version != 2:
		return createVolume, []error{report.Conflict(l.Origin("device"), hint, "%s holds a volume of LUKS version %d; only those of version 2 can be kept", t.Device, t.LUKS.Version)}
	case t.LUKS.Subsystem == unfinishedMark:
		return createVolume, nil
	}
	differences := compareVolume(l, t.LUKS)
	if len(differences) == 0 {
		return openVolume, nil
	}
	origin := l.Origin()
	if len(differences) == 1 {
		origin = l.Origin(differences[0].member)
	}
	var texts []string
	for _, d := range differences {
		texts = append(texts, d.what)
	}
	return createVolume, []error{report.Conflict(origin, hint, "the LUKS volume that is on %s cannot be kept: %s", t.Device, strings.Join(texts, "; "))}
}

// compareVolume says why a volume cannot be taken for the one of the config.
func compareVolume(l *config.Luks, h *blkprobe.LUKSHeader) []difference {
	var d []difference
	add := func(differs bool, member, format string, args ...any) {
		if differs {
			d = append(d, difference{member: member, what: fmt.Sprintf(format, args...)})
		}
	}
	card := config.ValueOr(l.Cex.Enabled, false)
	add(l.HasClevis(), "clevis", "whether clevis unlocks it as the config says cannot be known")
	add(card, "cex", "whether it is bound to the card cannot be known")
	add(!card && !l.HasClevis() && !config.NonZero(l.KeyFile.Source), "keyFile", "the config gives no key to open it with")
	add(config.NonZero(l.Label) && *l.Label != h.Label, "label", "its label is %q, the config asks for %q", h.Label, config.ValueOr(l.Label, ""))
	// Other than the reference, as with filesystems, whatever the case.
	add(config.NonZero(l.UUID) && !strings.EqualFold(*l.UUID, h.UUID), "uuid", "its UUID is %s, the config asks for %s", h.UUID, config.ValueOr(l.UUID, ""))
	const flag = "allow-discards"
	is, asked := slices.Contains(h.Flags, flag), config.ValueOr(l.Discard, false)
	add(is && !asked, "discard", "it passes discards on, the config does not ask for that")
	add(!is && asked, "discard", "it does not pass discards on, the config asks for that")
	return d
}

// marksUnfinished reports whether a new volume gets the mark: not where the
// config has a subsystem of its own.
func marksUnfinished(l *config.Luks) bool {
	return !slices.ContainsFunc(l.Options, func(o string) bool { return strings.HasPrefix(o, "--subsystem") })
}

// staysMarked reports whether a volume has the mark until the end of the first
// boot, as the disks stage could not open it in another one.
func staysMarked(l *config.Luks) bool {
	return marksUnfinished(l) && (l.HasClevis() || !config.NonZero(l.KeyFile.Source))
}

// generatesKey reports whether the config leaves the key to us.
func generatesKey(l *config.Luks) bool {
	return !config.NonZero(l.KeyFile.Source) && !config.ValueOr(l.Cex.Enabled, false)
}

// provable reports whether clevis can be asked to unlock the volume here and now:
// the servers were asked for their keys and the TPM is there. A server that
// gave its keys beforehand need not be in reach.
func canVerifyUnlock(c *config.Clevis) bool {
	shares := 0
	for _, t := range c.Tang {
		if !config.NonZero(t.Advertisement) {
			shares++
		}
	}
	if config.ValueOr(c.TPM2, false) {
		shares++
	}
	return !config.NonZero(c.Custom.Pin) && shares >= max(1, config.ValueOr(c.Threshold, 1))
}

// clevisPin is the pin and its config, as clevis-encrypt-sss(1) wants it.
func clevisPin(c *config.Clevis) (pin, text string, err error) {
	if config.NonZero(c.Custom.Pin) {
		return *c.Custom.Pin, config.ValueOr(c.Custom.Config, ""), nil
	}
	type tang struct {
		URL           string   `json:"url"`
		Thumbprint    string   `json:"thp,omitempty"`
		Advertisement json.Raw `json:"adv,omitempty"`
	}
	type pins struct {
		Tang []tang    `json:"tang,omitempty"`
		TPM2 *struct{} `json:"tpm2,omitempty"`
	}
	var p pins
	for _, t := range c.Tang {
		p.Tang = append(p.Tang, tang{t.URL, config.ValueOr(t.Thumbprint, ""), json.Raw(config.ValueOr(t.Advertisement, ""))})
	}
	if config.ValueOr(c.TPM2, false) {
		p.TPM2 = new(struct{})
	}
	encoded, err := json.Marshal(struct {
		Pins      pins `json:"pins"`
		Threshold int  `json:"t"`
	}{p, max(1, config.ValueOr(c.Threshold, 1))})
	if err != nil {
		err = fmt.Errorf("making the config of clevis: %w", err)
	}
	return "sss", string(encoded), err
}

func (p *volumePlan) name() string {
	verb := map[volumeAction]string{keepVolume: "checking the key of", openVolume: "opening", createVolume: "making"}[p.action]
	if p.sites[0].deferred() {
		verb = "checking and, if needed, making"
	}
	name := fmt.Sprintf("%s LUKS volume %q on %s", verb, p.Luks.Name, p.sites[0].Device)
	if p.HasClevis() {
		name += ", unlocked by clevis"
	}
	return name
}
