package storage

import (
	"strings"

	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/storage/plan"
)

// RulesFile is where the rules of UdevRules are to be. They need what udev's own
// 60-persistent-storage.rules find out.
const RulesFile = "/etc/udev/rules.d/65-firstlight.rules"

const rulesHead = `# Names of the disks that were chosen when this machine was provisioned: see "match" in
# the config, and docs/extensions.md of Firstlight.
`

// UdevRules are the rules by which udev makes the links to the chosen disks in later boots;
// empty if nothing was chosen.
func (m *Machine) UdevRules() string {
	if len(m.choices) == 0 {
		return ""
	}
	text := rulesHead
	for _, c := range m.choices {
		disk, partition := `ENV{DEVTYPE}=="disk"`+m.udevCondition(c.Disk), `ENV{DEVTYPE}=="partition"`+m.udevCondition(c.Disk)
		number := "%n"
		if uuid := m.attribute(m.sysOf(c.Disk.Node()), "dm/uuid"); uuid != "" { // its partitions are made by the device mapper, too
			uuid = ruleValue(uuid)
			disk, partition, number = `ENV{DM_UUID}=="`+uuid+`"`, `ENV{DM_UUID}=="part*-`+uuid+`"`, "$env{DM_PART}"
		}
		link := strings.TrimPrefix(c.Path(), "/dev/")
		if strings.HasSuffix(disk, `"disk"`) {
			m.Log.Warn(c.Disk.Node() + " has no serial number, no World Wide Name and no path of its own; later boots will have no " + c.Path())
			continue
		}
		text += `SUBSYSTEM=="block", ` + disk + `, SYMLINK+="` + link + "\"\n"
		text += `SUBSYSTEM=="block", ` + partition + `, SYMLINK+="` + link + "-part" + number + "\"\n"
	}
	return text
}

// udevCondition is what of a disk is so of no other one: its World Wide Name and its serial
// number, or else where it is attached. It is empty if there is nothing.
func (m *Machine) udevCondition(c *plan.Candidate) string {
	all := ""
	add := func(key, value string) {
		if value != "" {
			all += ", " + key + `=="` + ruleValue(value) + `"`
		}
	}
	dir := m.sysOf(c.Node())
	record, _ := m.udevRecord(dir)
	for _, names := range [][]string{udevWWNs, udevSerials} {
		name, value := record.Property(names...)
		add("ENV{"+name+"}", value)
	}
	if record == nil { // udev is not in this initramfs
		add("ATTRS{wwid}", m.anyAttribute(dir, "wwid", "device/wwid"))
		add("ATTRS{serial}", m.anyAttribute(dir, "serial", "device/serial"))
	}
	if all != "" && m.isUnique(c) {
		return all
	}
	_, path := record.Property("ID_PATH")
	if path == "" {
		return ""
	}
	add("ENV{ID_PATH}", path)
	return all
}

// isUnique reports whether no other disk of the machine has the same numbers.
func (m *Machine) isUnique(c *plan.Candidate) bool {
	same := 0
	for _, other := range m.candidates {
		if other.Serial == c.Serial && other.WWN == c.WWN && other.Excluded == "" {
			same++
		}
	}
	return same == 1
}

// ruleValue is a value in a rule. What udev would take for a pattern, a substitution or the
// end of the value is any one character.
func ruleValue(value string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(`*?[]|"\$%`, r) {
			return '?'
		}
		return r
	}, system.PrintableLine(strings.TrimSpace(value)))
}
