package rules

import (
	"strings"

	"github.com/firstlight-os/firstlight/config"
)

// extensionsDocument is the source of these rules: they are our own.
const extensionsDocument = "docs/extensions.md"

var extensions = []Rule{
	{Rule: config.RuleExtensionVersion, ID: "extension-version", Title: "Extensions of Firstlight stand in a config of the plain spec", Severities: refused,
		Why:    "Other programs ignore keys that they do not know, and would apply the rest of the config. With +firstlight.1 behind the version they refuse all of it, so whoever uses extensions has to write that.",
		Source: extensionsDocument,
		Bad:    extended("3.6.0", serial), Good: extended("3.6.0+firstlight.1", serial)},
	{Rule: config.RuleExtensionKey, ID: "extension-key", Title: "A key is not exactly right, among those of Firstlight alone", Severities: refused,
		Why:    "In plain configs keys that are unknown, spelled in another case, given twice or empty are accepted with a warning, as Ignition and Butane do. In extensions, and in the variant firstlight, there is no other program to agree with: a property that is misspelled would leave a disk chosen by the others.",
		Source: extensionsDocument,
		Bad:    chosen("as: data\nmatch: {transport: nvme, serail: S1}", "data"), Good: chosen("as: data\nmatch: {transport: nvme, serial: S1}", "data")},
	{Rule: config.RuleDiskName, ID: "disk-name", Title: "The name of a disk is missing, or is none", Severities: refused,
		Why:    "A disk that is chosen by its properties is a link below /dev/firstlight, which udev makes, too. Its name has letters, digits, - and _, begins with a letter or a digit, and has 64 bytes at most. With pick: all the disks are NAME1, NAME2 and so on, so that another disk cannot be NAME1.",
		Source: extensionsDocument,
		Bad:    chosen("as: my data\nmatch: {serial: S1}", "my data"), Good: chosen("as: my-data\nmatch: {serial: S1}", "my-data")},
	{Rule: config.RuleDiskNameUnknown, ID: "disk-name-unknown", Title: "No disk of the config has this name", Severities: either,
		Why:    "The links below /dev/firstlight are those that the config defines, so that the boot would wait for this one in vain. Another config that is merged can define it; when all are, it is an error.",
		Source: extensionsDocument,
		Bad:    chosen("as: data\nmatch: {serial: S1}\nwipe_table: true", "dat"), Good: chosen("as: data\nmatch: {serial: S1}\nwipe_table: true", "data")},
	{Rule: config.RuleDiskNameUnused, ID: "disk-name-unused", Title: "A disk has a name that nothing uses", Severities: warned,
		Why:    "The disk is looked for, and the boot fails if there is none, but nothing is done with it. Leave it out, unless units or another config use the link.",
		Source: extensionsDocument,
		Bad:    disk("as: logs\nmatch: {serial: S1}"), Good: chosen("as: logs\nmatch: {serial: S1}", "logs")},
	{Rule: config.RuleDiskMatchEmpty, ID: "disk-match-empty", Title: "There is no property that a disk is chosen by", Severities: refused,
		Why:    "Each disk would match, that of a USB stick too. An empty text is a property that no disk has.",
		Source: extensionsDocument,
		Bad:    chosen("as: data\npick: largest", "data"), Good: chosen("as: data\npick: largest\nmatch: {removable: false}", "data")},
	{Rule: config.RuleDiskPattern, ID: "disk-pattern", Title: "A pattern for disks is damaged", Severities: refused,
		Why:    "Patterns are those of shells: * is any text, ? is one character, [a-z] is one of several, and \\ takes the meaning from the next one.",
		Source: extensionsDocument,
		Bad:    chosen("as: data\nmatch: {model: \"Samsung[\"}", "data"), Good: chosen("as: data\nmatch: {model: \"Samsung*\"}", "data")},
	{Rule: config.RuleDiskSize, ID: "disk-size", Title: "This is not a size of disks", Severities: refused,
		Why:    "A size is compared (>= 400GiB, < 2TB) or lies in a range (400GB-600GB), in whole numbers with a unit. That of a disk is hardly ever what is printed on it, so there is no way to ask for exactly one.",
		Source: extensionsDocument,
		Bad:    chosen("as: data\nmatch: {size: 400G}", "data"), Good: chosen("as: data\nmatch: {size: \">= 400GB\"}", "data")},
	{Rule: config.RuleDiskPick, ID: "disk-pick", Title: "This is no way to pick one of several disks", Severities: refused,
		Why:    "If several disks match, the smallest or the largest can be picked, or all of them. Without pick it has to be only one.",
		Source: extensionsDocument,
		Bad:    chosen("as: data\nmatch: {transport: nvme}\npick: biggest", "data"), Good: chosen("as: data\nmatch: {transport: nvme}\npick: largest", "data")},
	{Rule: config.RuleDiskPickAll, ID: "disk-pick-all", Title: "All disks that match cannot have partitions in common", Severities: refused,
		Why:    "Partitions are found by their labels, and two disks with the same ones cannot be told apart; how many disks match is not known when the config is written. Write an entry for each of them.",
		Source: extensionsDocument,
		Bad:    chosen("as: data\nmatch: {transport: nvme}\npick: all\nwipe_table: true", "data1"), Good: chosen("as: data\nmatch: {transport: nvme}\npick: all", "data1")},
	{Rule: config.RuleDiskNameAndDevice, ID: "disk-name-and-device", Title: "A disk has both a device and a name", Severities: refused,
		Why:    "The device of a disk that is chosen by its properties is /dev/firstlight/NAME, and is not known when the config is written.",
		Source: extensionsDocument,
		Bad:    chosen("as: data\nmatch: {serial: S1}\ndevice: /dev/sda", "data"), Good: chosen("as: data\nmatch: {serial: S1}", "data")},
	{Rule: config.RuleSecretSource, ID: "secret-source", Title: "This is no source of a secret", Severities: refused,
		Why:    "After age: there is the URL of a file that is encrypted with age, or such a file in a data URL. A credential has the name of a file. The URLs of stores have names as the store gives them, and a secret in a vault is named with one of its members.",
		Source: extensionsDocument,
		Bad:    secretFile("credential:db/password"), Good: secretFile("credential:db-password")},
	{Rule: config.RuleAbsentPath, ID: "absent-path", Title: "The config makes something at, or below, what should be absent", Severities: refused,
		Why:    "What is absent is removed before anything is made, so that the config would have it both ways. A config that is merged into another one can have a file absent which that one makes, and the other way round: then the one that is merged counts.",
		Source: extensionsDocument,
		Bad:    firstlight("storage:\n  absent: [/etc/app]\n  files:\n    - path: /etc/app/config"), Good: firstlight("storage:\n  absent: [/etc/app.conf]\n  files:\n    - path: /etc/app/config")},
	{Rule: config.RuleArchiveFormat, ID: "archive-format", Title: "The format of an archive is missing or unknown", Severities: refused,
		Why:    "Archives are those of tar, compressed with gzip or not. The format is written down, so that what is unpacked does not depend on what a server sends.",
		Source: extensionsDocument,
		Bad:    archive("format: zip"), Good: archive("format: tar.gz")},
	{Rule: config.RuleArchivePath, ID: "archive-path", Title: "An archive is unpacked where the config makes no directory", Severities: refused,
		Why:    "The path of an archive is the directory into which it is unpacked, not that of a file in it. It is made if it does not exist.",
		Source: extensionsDocument,
		Bad:    archive("format: tar.gz") + "  links:\n    - path: /opt/app\n      target: /srv/app\n", Good: archive("format: tar.gz") + "  links:\n    - path: /opt/current\n      target: /opt/app\n"},
	{Rule: config.RuleArchiveStrip, ID: "archive-strip", Title: "So many directories cannot be left out of the names in an archive", Severities: refused,
		Why:    "With strip: 1 app-1.2/bin/app becomes bin/app. No archive has names of more than 100 directories.",
		Source: extensionsDocument,
		Bad:    archive("format: tar.gz\nstrip: -1"), Good: archive("format: tar.gz\nstrip: 1")},
}

// secretFile is a config of the variant firstlight with a file from a source.
func secretFile(source string) string {
	return "variant: firstlight\nversion: 1.0.0\nstorage:\n  files:\n" + item("path: /etc/secret\nmode: 0600\ncontents:\n  source: "+source)
}

// firstlight is a config of the variant firstlight.
func firstlight(text string) string { return "variant: firstlight\nversion: 1.0.0\n" + text + "\n" }

// archive is a config with an archive that is unpacked into /opt/app.
func archive(keys string) string {
	return "variant: firstlight\nversion: 1.0.0\nstorage:\n  archives:\n" +
		item("path: /opt/app\ncontents:\n  source: https://example.com/app.tar.gz\n"+keys)
}

// serial is a disk that is chosen by its serial number, in JSON.
const serial = "\"firstlight\": {\"disks\": [{\"as\": \"data\", \"match\": {\"serial\": \"S1\"}}]},\n" +
	"\"storage\": {\"filesystems\": [{\"device\": \"/dev/firstlight/data\", \"format\": \"xfs\"}]}"

// extended is a config of a version, with some sections.
func extended(version, sections string) string {
	return "{\n  \"ignition\": {\"version\": \"" + version + "\"},\n" + indent(sections) + "\n}\n"
}

// disk is a config of the variant firstlight with one disk.
func disk(keys string) string {
	return "variant: firstlight\nversion: 1.0.0\nstorage:\n  disks:\n" + item(keys)
}

// chosen is disk with a filesystem on the device of a name.
func chosen(keys, name string) string {
	return disk(keys) + "  filesystems:\n" + item("device: /dev/firstlight/"+name+"\nformat: xfs\nwipe_filesystem: true")
}

// item is an item of a list in storage.
func item(keys string) string {
	return "    - " + strings.ReplaceAll(keys, "\n", "\n      ") + "\n"
}
