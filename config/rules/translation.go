package rules

import "github.com/firstlight-os/firstlight/config"

const (
	spec2     = "Ignition specification 2.x"
	translate = "translate"
)

var translation = []Rule{
	{Rule: config.RuleSpec2Conflict, ID: "spec2-conflict", Title: "Two members of a config of spec 2 exclude each other", Severities: refused, Command: translate,
		Why:    "Spec 2 has two forms for some things, of which a config uses one; Ignition of that time refuses both together.",
		Source: spec2,
		Bad:    v2(`"storage": {"files": [{"filesystem": "root", "path": "/a", "mode": 420, "append": true, "overwrite": true}]}`), Good: v2(`"storage": {"files": [{"filesystem": "root", "path": "/a", "mode": 420, "append": true}]}`)},
	{Rule: config.RuleSpec2Incomplete, ID: "spec2-incomplete", Title: "A config of spec 2 does not say where something is", Severities: refused, Command: translate,
		Why:    "In spec 2 each file, directory and link names its filesystem, of which \"root\" is the one of the system, and each filesystem has mount or path.",
		Source: spec2,
		Bad:    v2(`"storage": {"files": [{"path": "/a", "mode": 420}]}`), Good: v2(`"storage": {"files": [{"filesystem": "root", "path": "/a", "mode": 420}]}`)},
	{Rule: config.RuleSpec2Sectors, ID: "spec2-sectors", Title: "A partition does not begin or end at a whole MiB", Severities: refused, Command: translate,
		Why:    "Spec 2 counts sectors of 512 bytes, and spec 3 MiB, which are 2,048 of these.",
		Source: "Ignition specification, storage.disks.partitions.sizeMiB",
		Bad:    v2(`"storage": {"disks": [{"device": "/dev/vdb", "partitions": [{"number": 1, "size": 1000}]}]}`), Good: v2(`"storage": {"disks": [{"device": "/dev/vdb", "partitions": [{"number": 1, "size": 2048}]}]}`)},
	{Rule: config.RuleSpec2Force, ID: "spec2-force", Title: "A filesystem that exists is kept by spec 3", Severities: warned, Command: translate,
		Why:    "With create and without force spec 2 refuses a device with any filesystem, while spec 3 takes one that has the format, label and UUID of the config.",
		Source: spec2,
		Bad:    v2(`"storage": {"filesystems": [{"name": "data", "mount": {"device": "/dev/vdb", "format": "ext4", "create": {}}}]}`), Good: v2(`"storage": {"filesystems": [{"name": "data", "mount": {"device": "/dev/vdb", "format": "ext4", "create": {"force": true}}}]}`)},
	{Rule: config.RuleSpec2Filesystem, ID: "spec2-filesystem", Title: "It is not known where a filesystem of spec 2 is mounted", Severities: refused, Command: translate,
		Why:    "Spec 2 writes files by the name of their filesystem, spec 3 by their path in the system. For a filesystem that the config mounts with no unit, the path is not known.",
		Source: spec2,
		Bad:    v2(`"storage": {"files": [{"filesystem": "data", "path": "/a", "mode": 420}]}`), Good: v2(`"storage": {"files": [{"filesystem": "root", "path": "/a", "mode": 420}]}`)},
	{Rule: config.RuleSpec2Hidden, ID: "spec2-hidden", Title: "A file was hidden below a mount point", Severities: warned, Command: translate,
		Why:    "Spec 2 writes it to the root filesystem, where the other filesystem covers it as soon as it is mounted. Spec 3 mounts that first, so that the file is there.",
		Source: spec2,
		Bad:    hidden("/var/data/b"), Good: hidden("/var/b")},
	{Rule: config.RuleSpec2Parent, ID: "spec2-parent", Title: "A missing parent gets another mode and owner", Severities: warned, Command: translate,
		Why:    "Spec 2 makes the directories above one with its mode and owner, spec 3 with mode 0755 for root. If that matters, list them.",
		Source: spec2,
		Bad:    v2(`"storage": {"directories": [{"filesystem": "root", "path": "/srv/www/a", "mode": 448}]}`), Good: v2(`"storage": {"directories": [{"filesystem": "root", "path": "/srv/a", "mode": 448}]}`)},
	{Rule: config.RuleSpec2Mode, ID: "spec2-mode", Title: "A file of spec 2 has no mode", Severities: warned, Command: translate,
		Why:    "Spec 2 takes 0 for the mode of what has none, which only root can read, and spec 3 takes 0644 or 0755. The translation says 0; give it the mode that was meant.",
		Source: spec2,
		Bad:    v2(`"storage": {"files": [{"filesystem": "root", "path": "/a"}]}`), Good: v2(`"storage": {"files": [{"filesystem": "root", "path": "/a", "mode": 420}]}`)},
	{Rule: config.RuleSpec2NetworkdName, ID: "spec2-networkd-name", Title: "systemd-networkd does not read a unit of this name", Severities: refused, Command: translate,
		Why:    "Units of spec 2's networkd become files below /etc/systemd/network, whose names end in .network, .netdev or .link.",
		Source: "systemd-networkd.service(8)",
		Bad:    v2(`"networkd": {"units": [{"name": "eth0.conf", "contents": "[Match]\nName=eth0"}]}`), Good: v2(`"networkd": {"units": [{"name": "eth0.network", "contents": "[Match]\nName=eth0"}]}`)},
	{Rule: config.RuleSpec2Reference, ID: "spec2-reference", Title: "A config that is referred to means something else in spec 3", Severities: warned, Command: translate,
		Why:    "Configs elsewhere have to be translated, too: one of spec 2 cannot be merged into one of spec 3. And where both have an item of the same name, spec 3 merges the two members by members.",
		Source: spec2,
		Bad:    "{\n  \"ignition\": {\"version\": \"2.3.0\", \"config\": {\"append\": [{\"source\": \"https://example.com/base.ign\"}]}}\n}\n", Good: v2(`"systemd": {}`)},
	{Rule: config.RuleTranslationLoss, ID: "translation-loss", Title: "The version cannot say what the config says", Severities: refused, Command: "translate --to 3.2.0",
		Why:    "An older version of the spec lacks something that the config has, without which it would mean something else. The version in a MachineConfig is none of these: it belongs to the release of OpenShift.",
		Source: "Ignition specification",
		Bad:    ignition(`"kernelArguments": {"shouldExist": ["quiet"]}`), Good: ignition(`"storage": {"files": [{"path": "/a"}]}`)},
}

// v2 is a config of spec 2 with some sections.
func v2(sections string) string {
	return "{\n  \"ignition\": {\"version\": \"2.3.0\"},\n" + indent(sections) + "\n}\n"
}

// hidden is one with a filesystem at /var/data, a file on it, and one on the root.
func hidden(path string) string {
	return v2(`"storage": {
  "filesystems": [{"name": "data", "mount": {"device": "/dev/vdb", "format": "ext4"}}],
  "files": [
    {"filesystem": "data", "path": "/a", "mode": 420},
    {"filesystem": "root", "path": "` + path + `", "mode": 420}
  ]
},
"systemd": {"units": [{"name": "var-data.mount", "contents": "[Mount]\nWhat=/dev/vdb\nWhere=/var/data\n"}]}`)
}
