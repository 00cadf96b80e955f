package config

import (
	"path"
	"strings"

	"github.com/coreos/go-systemd/v22/unit"
)

// Notes returns advice about a valid config: what is right today but may not stay so.
// All have the severity Note. Parse and machines do not ask for it.
func Notes(c *Config) Problems {
	var notes Problems
	for i := range c.Systemd.Units {
		u := &c.Systemd.Units[i]
		device := whatOf(u)
		if !isKernelName(device) {
			continue
		}
		notes = append(notes, NewProblem(RuleDeviceKernelName, Note, u.Origin("contents"),
			"the unit %s uses %s, which can be the name of another disk after the next boot; use a name that stays, %s", quote(u.Name), device, c.stableName(device)))
	}
	return notes
}

// isKernelName reports whether a path is one that the kernel gives to a disk or partition
// by its order: /dev/sda1, /dev/nvme0n1p1.
func isKernelName(device string) bool {
	name, ok := strings.CutPrefix(device, "/dev/")
	name = withNumbersAsZero(name)
	switch name {
	case "nvme0n0", "nvme0n0p0", "mmcblk0", "mmcblk0p0":
		return ok
	}
	order, known := cutAny(strings.TrimSuffix(name, "0"), "sd", "vd", "xvd", "hd", "dasd")
	return ok && known && order != "" && strings.Trim(order, lowerLetters) == ""
}

func withNumbersAsZero(name string) string {
	var b strings.Builder
	for i := range len(name) {
		switch {
		case !isDigit(name[i]):
			b.WriteByte(name[i])
		case i == 0 || !isDigit(name[i-1]):
			b.WriteByte('0')
		}
	}
	return b.String()
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
