package rules

import "github.com/firstlight-os/firstlight/config"

var subvolumeRules = []Rule{
	{Rule: config.RuleSubvolumeFormat, ID: "subvolume-format", Title: "Subvolumes of a filesystem that has none", Severities: refused,
		Why:    "Of the formats that can be made only Btrfs has subvolumes.",
		Source: extensionsDocument,
		Bad:    subvolumes("xfs", "name: home"), Good: subvolumes("btrfs", "name: home")},
	{Rule: config.RuleSubvolumeName, ID: "subvolume-name", Title: "This cannot be the name of a subvolume", Severities: refused,
		Why:    "A subvolume is found by its path from the top of the filesystem, written in one way only: without a slash before it, and without \"..\". Mount options carry it, so it has no commas, quotes and line ends.",
		Source: extensionsDocument,
		Bad:    subvolumes("btrfs", "name: /@/home"), Good: subvolumes("btrfs", "name: \"@/home\"")},
	{Rule: config.RuleSubvolumeDefault, ID: "subvolume-default", Title: "Two subvolumes are the default", Severities: refused,
		Why:    "The default subvolume is the one that is mounted where none is named, so there is one in a filesystem.",
		Source: extensionsDocument,
		Bad:    subvolumes("btrfs", "name: a\ndefault: true", "name: b\ndefault: true"), Good: subvolumes("btrfs", "name: a\ndefault: true", "name: b")},
	{Rule: config.RuleSubvolumeOption, ID: "subvolume-option", Title: "A mount option names a subvolume", Severities: refused,
		Why:    "The options of a filesystem are those of all its subvolumes, and a subvolume is mounted by its name. With another one in the options it would depend on their order which of the two is mounted.",
		Source: extensionsDocument,
		Bad:    subvolumes("btrfs", "name: home\npath: /home\nmount_options: [\"subvol=home\"]"), Good: subvolumes("btrfs", "name: home\npath: /home")},
}

// subvolumes is a config of the variant firstlight with a filesystem with subvolumes.
func subvolumes(format string, keys ...string) string {
	text := "variant: firstlight\nversion: 1.0.0\nstorage:\n  filesystems:\n    - device: /dev/vdb\n      format: " + format + "\n      subvolumes:\n"
	for _, k := range keys {
		text += indent(indent(item(k))) + "\n"
	}
	return text
}
