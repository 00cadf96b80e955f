package config

import (
	"slices"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// A namedDevice is the device of a mount or swap unit.
type namedDevice struct {
	path string
	at   Origin
}

// noteDevice keeps What= of a mount or swap unit for when all devices are known.
func (v *validator) noteDevice(section, name, value string, at Origin) {
	if (section == "Mount" || section == "Swap") && name == "What" {
		v.unitDevices = append(v.unitDevices, namedDevice{strings.TrimSpace(value), at})
	}
}

// maxMeant bounds how many devices are compared with all labels, whatever is in a config.
const maxMeant = 100

// devices warns of devices that are named by a label of a partition that the config does
// not have, but for which it has a similar one.
func (v *validator) devices(c *Config) {
	labels := c.partitionLabels()
	looked := map[string]bool{}
	check := func(path string, at Origin) {
		name := partitionLabel(path)
		if name == "" || labels[name] || looked[path] || len(looked) == maxMeant {
			return
		}
		looked[path] = true
		if label := nearestLabel(name, labels); label != "" {
			v.warn(RuleDeviceLabelUnknown, at, "no partition of the config has the label of %s; did you mean %q?", quote(path), partLabelPrefix+label)
		}
	}
	v.eachDevice(&c.Storage, check)
}

// eachDevice visits the devices that are named anywhere but in the entries of disks.
func (v *validator) eachDevice(s *Storage, visit func(path string, at Origin)) {
	for i := range s.Raid {
		for n, device := range s.Raid[i].Devices {
			visit(device, s.Raid[i].Origin("devices", n))
		}
	}
	for i := range s.Luks {
		visit(ValueOr(s.Luks[i].Device, ""), s.Luks[i].Origin("device"))
	}
	for i := range s.Filesystems {
		visit(s.Filesystems[i].Device, s.Filesystems[i].Origin("device"))
	}
	for _, d := range v.unitDevices {
		visit(d.path, d.at)
	}
}

const partLabelPrefix = "/dev/disk/by-partlabel/"

// imageLabels are those of partitions that images of systems have, so that a config
// need not.
var imageLabels = []string{"BIOS-BOOT", "EFI-SYSTEM", "PowerPC-PReP-boot", "reserved", "boot", "root",
	"USR-A", "USR-B", "OEM", "OEM-CONFIG", "ROOT"}

// MeantLabel returns the label of a partition of the config that is probably meant by a
// path below /dev/disk/by-partlabel if no partition has the one that is named there;
// else it is "".
func (c *Config) MeantLabel(device string) string {
	name, labels := partitionLabel(device), c.partitionLabels()
	if name == "" || labels[name] {
		return ""
	}
	return nearestLabel(name, labels)
}

// partitionLabel is the label in a path below /dev/disk/by-partlabel, or "". Udev writes
// some characters as \xNN.
func partitionLabel(device string) string {
	name, ok := strings.CutPrefix(device, partLabelPrefix)
	if !ok {
		return ""
	}
	if plain, err := strconv.Unquote(`"` + name + `"`); err == nil {
		return plain
	}
	return name
}

// partitionLabels are those that the partitions of the config have.
func (c *Config) partitionLabels() map[string]bool {
	labels := map[string]bool{}
	for i := range c.Storage.Disks {
		for _, p := range c.Storage.Disks[i].Partitions {
			if NonZero(p.Label) {
				labels[*p.Label] = true
			}
		}
	}
	return labels
}

// nearestLabel is the label that is most like a name, the first in order of several; ""
// if none is, or if images of systems have a partition of that name.
func nearestLabel(name string, labels map[string]bool) string {
	if slices.Contains(imageLabels, name) {
		return ""
	}
	const farthest = 2
	best, least := "", min(len(name)/3, farthest)+1
	for label := range labels {
		if d := doc.Distance(name, label); d < least || d == least && label < best {
			best, least = label, d
		}
	}
	return best
}
