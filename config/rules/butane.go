package rules

import "github.com/firstlight-os/firstlight/config"

const (
	butaneSpecs = "Butane specifications, "
	operator    = "OpenShift, Machine Config Operator"
)

var butane = []Rule{
	{Rule: config.RuleVariantCannot, ID: "variant-cannot", Title: "The systems of the variant cannot do this", Severities: refused,
		Why:    "The spec has it, but the systems that the variant is for do not: disks of Fedora IoT are laid out by the installer, and the Machine Config Operator of OpenShift manages one user and plain files. The message has the way out.",
		Source: "Butane specifications; " + operator,
		Bad:    "variant: fiot\nversion: 1.0.0\nstorage:\n  raid:\n    - name: data\n      level: raid1\n      devices: [/dev/vdb, /dev/vdc]\n", Good: "variant: fiot\nversion: 1.0.0\nstorage:\n  files:\n    - path: /etc/motd\n"},
	{Rule: config.RuleLocalFilesDir, ID: "local-files-dir", Title: "There is no directory for local files", Severities: refused,
		Why:    "Local files are looked for below the directory of --files-dir and nowhere else, so that a config cannot take any file of the workstation with it. A machine that reads Butane itself has no local files.",
		Source: butaneSpecs + "local",
		Bad:    fcos("storage:\n  files:\n    - path: /etc/motd\n      contents:\n        local: motd"), Good: fcos("storage:\n  files:\n    - path: /etc/motd\n      contents:\n        inline: hello")},
	{Rule: config.RuleLocalMissing, ID: "local-missing", Title: "A tree does not say what to copy", Severities: refused,
		Why:    "local is the directory that is copied, below the one of --files-dir; path is where to.",
		Source: butaneSpecs + "storage.trees", Command: "validate --files-dir .", Files: map[string]string{"tree/motd": "hello\n"},
		Bad: fcos("storage:\n  trees:\n    - path: /etc"), Good: fcos("storage:\n  trees:\n    - path: /etc\n      local: tree")},
	{Rule: config.RuleLocalOutside, ID: "local-outside", Title: "A local path leads out of the files directory", Severities: refused, Command: "validate --files-dir .",
		Why:    "What a config takes with it is below the directory of --files-dir: with .. it could be any file of the workstation.",
		Source: butaneSpecs + "local", Files: map[string]string{"motd": "hello\n"},
		Bad: fcos("storage:\n  files:\n    - path: /etc/motd\n      contents:\n        local: ../motd"), Good: fcos("storage:\n  files:\n    - path: /etc/motd\n      contents:\n        local: motd")},
	{Rule: config.RuleLocalUnreadable, ID: "local-unreadable", Title: "A local file cannot be read", Severities: refused, Command: "validate --files-dir .",
		Why:    "The file is not there, is a directory, or may not be read. Names are those below the directory of --files-dir.",
		Source: butaneSpecs + "local", Files: map[string]string{"motd": "hello\n"},
		Bad: fcos("storage:\n  files:\n    - path: /etc/motd\n      contents:\n        local: moth"), Good: fcos("storage:\n  files:\n    - path: /etc/motd\n      contents:\n        local: motd")},
	{Rule: config.RuleLocalKind, ID: "local-kind", Title: "A tree is a file, or has something that is none in it", Severities: refused, Command: "validate --files-dir .",
		Why:    "Trees are directories, of which files, directories and symbolic links are copied. Sockets, pipes and devices cannot be.",
		Source: butaneSpecs + "storage.trees", Files: map[string]string{"tree/motd": "hello\n"},
		Bad: fcos("storage:\n  trees:\n    - path: /etc\n      local: tree/motd"), Good: fcos("storage:\n  trees:\n    - path: /etc\n      local: tree")},
	{Rule: config.RuleTreeEmpty, ID: "tree-empty", Title: "A tree has no files", Severities: warned, Command: "validate --files-dir .",
		Why:    "Directories are copied for the files in them, so that of this tree nothing is.",
		Source: butaneSpecs + "storage.trees", Files: map[string]string{"empty/": "", "tree/motd": "hello\n"},
		Bad: fcos("storage:\n  trees:\n    - path: /etc\n      local: empty"), Good: fcos("storage:\n  trees:\n    - path: /etc\n      local: tree")},
	{Rule: config.RuleBootDeviceIdle, ID: "boot-device-idle", Title: "boot_device changes nothing", Severities: warned,
		Why:    "boot_device encrypts the root filesystem (luks) or puts the boot disk on several ones (mirror). With neither the disk stays as it is.",
		Source: butaneSpecs + "boot_device",
		Bad:    fcos("boot_device:\n  layout: x86_64"), Good: fcos("boot_device:\n  layout: x86_64\n  luks:\n    tpm2: true")},
	{Rule: config.RuleBootDeviceLayout, ID: "boot-device-layout", Title: "The layout of the boot disk is unknown", Severities: refused,
		Why:    "The layout says which partitions the image has for its kind of machine.",
		Source: butaneSpecs + "boot_device.layout",
		Bad:    fcos("boot_device:\n  layout: amd64\n  luks:\n    tpm2: true"), Good: fcos("boot_device:\n  layout: x86_64\n  luks:\n    tpm2: true")},
	{Rule: config.RuleBootDeviceLayoutMissing, ID: "boot-device-layout-missing", Title: "The layout of a mirrored boot disk is not given", Severities: either,
		Why:    "A mirror makes the partitions of the image anew on each disk, and these differ by architecture. Before version 1.7.0 x86_64 is assumed.",
		Source: butaneSpecs + "boot_device.layout",
		Bad:    fcos("boot_device:\n  mirror:\n    devices: [/dev/vda, /dev/vdb]"), Good: fcos("boot_device:\n  layout: x86_64\n  mirror:\n    devices: [/dev/vda, /dev/vdb]")},
	{Rule: config.RuleBootDeviceMirrorDevices, ID: "boot-device-mirror-devices", Title: "A mirror has fewer than two devices", Severities: either,
		Why:    "With one device there is nothing that could fail without a loss, and with none nothing is mirrored.",
		Source: butaneSpecs + "boot_device.mirror.devices",
		Bad:    fcos("boot_device:\n  layout: x86_64\n  mirror:\n    devices: [/dev/vda]"), Good: fcos("boot_device:\n  layout: x86_64\n  mirror:\n    devices: [/dev/vda, /dev/vdb]")},
	{Rule: config.RuleBootDeviceMirrorLayout, ID: "boot-device-mirror-layout", Title: "The boot disk of this machine cannot be mirrored", Severities: refused,
		Why:    "The boot loader of s390x reads its kernel from fixed places of one disk.",
		Source: butaneSpecs + "boot_device.mirror",
		Bad:    fcos("boot_device:\n  layout: s390x-virt\n  mirror:\n    devices: [/dev/vda, /dev/vdb]"), Good: fcos("boot_device:\n  layout: s390x-virt\n  luks:\n    cex:\n      enabled: true")},
	{Rule: config.RuleBootDeviceLuksDevice, ID: "boot-device-luks-device", Title: "The disk to encrypt is missing, does not go with the layout, or is not used", Severities: either,
		Why:    "On s390x-eckd and s390x-zfcp the root partition is found by the disk, of a name that the layout has; everywhere else by its label, so that the disk is not used.",
		Source: butaneSpecs + "boot_device.luks.device",
		Bad:    fcos("boot_device:\n  layout: s390x-eckd\n  luks:\n    device: /dev/vda\n    cex:\n      enabled: true"), Good: fcos("boot_device:\n  layout: s390x-eckd\n  luks:\n    device: /dev/dasda\n    cex:\n      enabled: true")},
	{Rule: config.RuleBootDeviceNotEncrypted, ID: "boot-device-not-encrypted", Title: "Nothing could unlock the root filesystem", Severities: either,
		Why:    "Without a TPM, a Tang server or a Crypto Express card in luks the root filesystem is not encrypted at all, although the config looks as if it were.",
		Source: butaneSpecs + "boot_device.luks",
		Bad:    fcos("boot_device:\n  luks:\n    tpm2: false"), Good: fcos("boot_device:\n  luks:\n    tpm2: true")},
	{Rule: config.RuleBootDeviceCex, ID: "boot-device-cex", Title: "A machine of this layout has no Crypto Express card", Severities: refused,
		Why:    "The cards are parts of IBM Z, so the layout is one of s390x.",
		Source: butaneSpecs + "boot_device.luks.cex",
		Bad:    fcos("boot_device:\n  layout: x86_64\n  luks:\n    cex:\n      enabled: true"), Good: fcos("boot_device:\n  layout: s390x-virt\n  luks:\n    cex:\n      enabled: true")},
	{Rule: config.RuleGrubUsersMissing, ID: "grub-users-missing", Title: "grub has no users", Severities: warned,
		Why:    "The boot loader asks for a password only if there is a user: without one its menu stays open to everybody at the console.",
		Source: butaneSpecs + "grub.users",
		Bad:    fcos("grub:\n  users: []"), Good: fcos("grub:\n  users:\n    - name: root\n      password_hash: grub.pbkdf2.sha512.10000.5BA6.82C1")},
	{Rule: config.RuleGrubUserMissing, ID: "grub-user-missing", Title: "A user of the boot loader has no name or no password", Severities: refused,
		Why:    "Both are written into the boot loader's script, and the line is wrong without one of them. grub2-mkpasswd-pbkdf2 prints the hash.",
		Source: butaneSpecs + "grub.users",
		Bad:    fcos("grub:\n  users:\n    - name: root"), Good: fcos("grub:\n  users:\n    - name: root\n      password_hash: grub.pbkdf2.sha512.10000.5BA6.82C1")},
	{Rule: config.RuleGrubUserName, ID: "grub-user-name", Title: "The name of a user is not one word for the boot loader", Severities: warned,
		Why:    "The name is written into the boot loader's script as it is, where blanks and many characters end a word.",
		Source: "GNU GRUB manual, shell-like scripting",
		Bad:    fcos("grub:\n  users:\n    - name: first last\n      password_hash: grub.pbkdf2.sha512.10000.5BA6.82C1"), Good: fcos("grub:\n  users:\n    - name: first-last\n      password_hash: grub.pbkdf2.sha512.10000.5BA6.82C1")},
	{Rule: config.RuleGrubPasswordHash, ID: "grub-password-hash", Title: "This is no password hash of the boot loader", Severities: warned,
		Why:    "The boot loader has hashes of its own, which begin with grub.pbkdf2.sha512. Those of /etc/shadow, or a plain password, let nobody in.",
		Source: "GNU GRUB manual, password_pbkdf2",
		Bad:    fcos("grub:\n  users:\n    - name: root\n      password_hash: $6$salt$hash"), Good: fcos("grub:\n  users:\n    - name: root\n      password_hash: grub.pbkdf2.sha512.10000.5BA6.82C1")},
	{Rule: config.RuleOpenShiftMachine, ID: "openshift-machine", Title: "A config for OpenShift is given to a machine", Severities: refused, Command: "validate --merged",
		Why:    "The variant openshift makes a MachineConfig, which the Machine Config Operator applies. For a machine that boots with it, translate it with butane --raw.",
		Source: operator,
		Bad:    machineConfig("openshift:\n  fips: true"), Good: fcos("storage:\n  files: []")},
	{Rule: config.RuleOpenShiftMetadata, ID: "openshift-metadata", Title: "A MachineConfig has no name or no role", Severities: refused,
		Why:    "The name is that of the object in the cluster, and the label says which machines it is for.",
		Source: operator,
		Bad:    "variant: openshift\nversion: 4.18.0\nmetadata:\n  name: chrony\n", Good: machineConfig("")},
	{Rule: config.RuleOpenShiftKernelType, ID: "openshift-kernel-type", Title: "The kernel type is unknown", Severities: refused,
		Why:    "OpenShift has two kernels: default and realtime.",
		Source: operator,
		Bad:    machineConfig("openshift:\n  kernel_type: rt"), Good: machineConfig("openshift:\n  kernel_type: realtime")},
	{Rule: config.RuleOpenShiftCexArgument, ID: "openshift-cex-argument", Title: "The kernel argument for a Crypto Express card is missing", Severities: refused,
		Why:    "With rd.luks.key= among the kernel arguments systemd finds the key of a root filesystem that the card unlocks. Without it later boots do not find the key.",
		Source: butaneSpecs + "boot_device.luks.cex",
		Bad:    cexConfig(""), Good: cexConfig("openshift:\n  kernel_arguments:\n    - rd.luks.key=/etc/luks/cex.key\n")},
	{Rule: config.RuleOpenShiftRaw, ID: "openshift-raw", Title: "A key of a MachineConfig has no effect with --raw", Severities: warned, Command: "translate --raw",
		Why:    "FIPS mode, kernel arguments, kernel type and extensions are parts of the MachineConfig and not of the Ignition config in it, which is all that --raw prints.",
		Source: operator,
		Bad:    machineConfig("openshift:\n  fips: true"), Good: machineConfig("")},
}

// machineConfig is a config for OpenShift.
func machineConfig(sections string) string {
	text := "variant: openshift\nversion: 4.18.0\nmetadata:\n  name: chrony\n  labels:\n    machineconfiguration.openshift.io/role: worker\n"
	if sections != "" {
		text += sections + "\n"
	}
	return text
}

// cexConfig is one of which a Crypto Express card unlocks the root filesystem.
func cexConfig(sections string) string {
	return "variant: openshift\nversion: 4.20.0\nmetadata:\n  name: cex\n  labels:\n    machineconfiguration.openshift.io/role: worker\n" +
		"boot_device:\n  layout: s390x-virt\n  luks:\n    cex:\n      enabled: true\n" + sections
}
