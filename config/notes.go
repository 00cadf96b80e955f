package config

import (
	"path"
	"regexp"
	"strings"

	"github.com/coreos/go-systemd/v22/unit"
)

// Notes returns advice about a valid config: what is right today but may not stay so.
// All have the severity Note. Parse and machines do not ask for it.
func Notes(c *Config) Problems {
	var notes Problems
	kernelName := regexp.MustCompile(`^/dev/((sd|vd|xvd|hd|dasd)[a-z]+[0-9]*|(nvme[0-9]+n|mmcblk)[0-9]+(p[0-9]+)?)$`)
	for i := range c.Systemd.Units {
		u := &c.Systemd.Units[i]
		device := whatOf(u)
		if !kernelName.MatchString(device) {
			continue
		}
		notes = append(notes, NewProblem(RuleDeviceKernelName, Note, u.Origin("contents"),
			"the unit %s uses %s, which can be the name of another disk after the next boot; use a name that stays, %s", quote(u.Name), device, c.stableName(device)))
	}
	return notes
}

// whatOf returns the device of a mount or swap unit, or "".
func whatOf(u *Unit) string {
	if kind := path.Ext(u.Name); kind != ".mount" && kind != ".swap" {
		return ""
	}
	options, err := unit.DeserializeOptions(strings.NewReader(ValueOr(u.Contents, "")))
	if err != nil {
		return "" // which Parse has refused
	}
	device := ""
	for _, o := range options {
		if (o.Section == "Mount" || o.Section == "Swap") && o.Name == "What" {
			device = o.Value
		}
	}
	return device
}

// stableName says by which link a device can be found.
func (c *Config) stableName(device string) string {
	for _, f := range c.Storage.Filesystems {
		if f.Device == device && NonZero(f.Label) {
			return "like /dev/disk/by-label/" + *f.Label
		}
	}
	return "below /dev/disk/by-label, /dev/disk/by-partlabel or /dev/disk/by-id"
}
