package butane

import "testing"

func TestSourceRules(t *testing.T) {
	const all = "fcos 1.1.0,fcos 1.7.0,flatcar 1.1.0,fiot 1.1.0-experimental"
	testRules(t, Options{}, []rule{
		{"inline and source", all, "storage: {files: [{path: /a, contents: {inline: a, source: 'data:,'}}]}\n",
			[]string{"E storage.files[0].contents.source inline and source are set together; set only one of them"}},
		{"inline and source, empty", all, "storage: {files: [{path: /a, append: [{source: '', inline: ''}]}]}\n",
			[]string{"E storage.files[0].append[0].source inline and source are set together"}},
		{"all three", all, "storage: {files: [{path: /a, contents: {inline: a, source: b, local: c}}]}\n",
			[]string{"E storage.files[0].contents.source local and inline and source are set together"}},
		{"inline in the first version", "fcos 1.0.0", "storage: {files: [{path: /a, contents: {inline: a, source: 'data:,'}}]}\n",
			[]string{"E storage.files[0].contents.source inline and source are set together"}},
		{"contents twice", "fcos 1.5.0", "systemd: {units: [{name: a.service, contents: '', contents_local: '', dropins: [{name: a.conf, contents: '', contents_local: a}]}]}\n",
			[]string{"E systemd.units[0].contents_local contents and contents_local are set together", "E systemd.units[0].dropins[0].contents_local contents and contents_local are set together"}},
		{"mode without the zero", "fcos 1.7.0", "storage: {files: [{path: /a, mode: 644}], directories: [{path: /b, mode: 755}]}\n",
			[]string{"W storage.files[0].mode the mode 644 is decimal, which is octal 01204; if you mean octal 644, write 0644", "W storage.directories[0].mode write 0755"}},
		{"mode without the zero, before special bits counted", "fcos 1.6.0", "storage: {files: [{path: /a, mode: 644}]}\n", []string{"W storage.files[0].mode the mode 644 is decimal"}},
		{"special bits before they counted", "fcos 1.6.0", "storage: {files: [{path: /a, mode: 04644}]}\n", []string{"W storage.files[0].mode special bits"}},
		{"modes that may be meant", "fcos 1.7.0", "storage: {files: [{path: /a, mode: 420}, {path: /c, mode: 0644}, {path: /d, mode: 100}], directories: [{path: /b, mode: 493}, {path: /e, mode: 644}]}\n", nil},
		{"tree of nothing", "fcos 1.1.0,fcos 1.7.0", "storage: {trees: [{path: /a}]}\n",
			[]string{"E storage.trees[0] local is missing: the directory to copy"}},
		{"mount unit without format", "fcos 1.1.0,fcos 1.7.0", "storage: {filesystems: [{device: /d, path: /var, with_mount_unit: true}]}\n",
			[]string{"E storage.filesystems[0].format the format is missing; the mount unit needs it"}},
		{"mount unit without path", "fcos 1.1.0,fcos 1.7.0", "storage: {filesystems: [{device: /d, format: xfs, path: '', with_mount_unit: true}]}\n",
			[]string{"E storage.filesystems[0].path the path is missing; the mount unit needs to know where"}},
		{"mount unit without both, old", "fcos 1.1.0", "storage: {filesystems: [{device: /d, with_mount_unit: true}]}\n",
			[]string{"E storage.filesystems[0].format", "E storage.filesystems[0].path"}},
		{"mount unit without both", "fcos 1.4.0", "storage: {filesystems: [{device: /d, with_mount_unit: true}]}\n",
			[]string{"E storage.filesystems[0].format"}},
		{"swap needs a path in old versions", "fcos 1.3.0", "storage: {filesystems: [{device: /d, format: swap, with_mount_unit: true}]}\n",
			[]string{"E storage.filesystems[0].path with_mount_unit for swap exists since fcos 1.4.0; raise the version, which is 1.3.0"}},
		{"swap that would be mounted", "fcos 1.3.0", "storage: {filesystems: [{device: /d, format: swap, path: /a, with_mount_unit: true}]}\n",
			[]string{"W storage.filesystems[0].with_mount_unit with_mount_unit for swap exists since fcos 1.4.0; raise the version, which is 1.3.0; here it makes a unit that mounts, which fails"}},
		{"swap of other variants", "openshift 4.13.0", "storage: {filesystems: [{device: /d, format: swap, with_mount_unit: true}]}\n",
			[]string{"E storage.filesystems[0].path with_mount_unit for swap exists since openshift 4.14.0; raise the version, which is 4.13.0"}},
		{"swap needs no path", "fcos 1.4.0", "storage: {filesystems: [{device: /d, format: swap, with_mount_unit: true}]}\n", nil},
		{"mount unit of no use", all, "storage: {files: [{path: /a}]}\n", nil},
		{"mount point of the system", "fcos 1.6.0", "storage: {filesystems: [{device: /a, format: xfs, path: /variable, with_mount_unit: true}, {device: /b, format: xfs, path: /var/a, with_mount_unit: true}, {device: /c, format: xfs, path: /x}]}\n",
			[]string{`E storage.filesystems[0].path "/variable" cannot be a mount point on Fedora CoreOS; /etc, /var and what is below them can`}},
		{"mount point of older systems", "fcos 1.5.0,openshift 4.19.0", "storage: {filesystems: [{device: /a, format: xfs, path: /x, with_mount_unit: true}]}\n", nil},
		{"partition without number", "fcos 1.6.0", "storage: {disks: [{device: /d, partitions: [{label: a}, {label: b, number: 2}]}, {device: /e, wipe_table: true, partitions: [{label: a}]}, {device: /dev/disk/by-id/coreos-boot-disk, partitions: [{label: c}]}]}\n",
			[]string{"W storage.disks[0].partitions[0].number the partition has no number, so a second first boot finds it by its label only if it is still as described here"}},
		{"user of the boot loader", "fcos 1.5.0", "grub: {users: [{name: ''}]}\n",
			[]string{"E grub.users[0].name the name of the user of the boot loader is missing", "E grub.users[0].password_hash the password hash, which grub2-mkpasswd-pbkdf2 makes, of the user"}},
		{"no user of the boot loader", "fcos 1.5.0", "grub: {users: []}\n", []string{"W grub there are no users in this, so the boot loader stays open"}},
		{"users that the boot loader does not understand", "fcos 1.5.0", `grub: {users: [{name: "a b", password_hash: grub.pbkdf2.sha512.1.2.3}, {name: "a\nb", password_hash: grub.pbkdf2.sha512.1}, {name: c, password_hash: $6$x}, {name: d, password_hash: "grub.pbkdf2.sha512.1\n"}, {name: e, password_hash: "PBKDF2 hash of your password is grub.pbkdf2.sha512.1"}]}` + "\n",
			[]string{"W grub.users[0].name is not one word in the script of the boot loader", "W grub.users[1].name", "W grub.users[2].password_hash this is no password hash of the boot loader", "W grub.users[4].password_hash"}},
		{"line breaks in a mount unit", "fcos 1.7.0", `storage: {filesystems: [{device: "/a\nb", path: "/var/a\nb", format: xfs, with_mount_unit: true}, {device: /a, path: /var/c, format: xfs, mount_options: ["a\n"], with_mount_unit: true}]}` + "\n",
			[]string{`E storage.filesystems[0].device "/a\nb" has a line break in it, which the mount unit cannot`, "E storage.filesystems[0].path"}},
		{"line breaks in an option", "fcos 1.7.0", `storage: {filesystems: [{device: /a, path: /var/c, format: xfs, mount_options: ["a\n"], with_mount_unit: true}]}` + "\n",
			[]string{"W storage.filesystems[0].mount_options[0] this option has a line break"}},
	})
}

func TestInlineConfigsAreChecked(t *testing.T) {
	inline := func(text string) string { return "ignition: {config: {merge: [{inline: '" + text + "'}]}}\n" }
	const at = "ignition.config.merge[0]"
	testRules(t, Options{}, []rule{
		{"not JSON", "fcos 1.5.0", inline("{"), []string{"E " + at + ".inline in this config, at line 1, column 2: this is not valid JSON"}},
		{"empty", "fcos 1.5.0", inline(""), []string{"E " + at + ".inline in this config: the config is empty"}},
		{"no version", "fcos 1.5.0", inline("{}"), []string{"E " + at + ".inline there is no ignition.version"}},
		{"Butane", "fcos 1.5.0", inline("variant: fcos"), []string{"E " + at + ".inline this is not valid JSON"}},
		{"wrong", "fcos 1.5.0", inline(`{"ignition": {"version": "3.4.0"}, "storage": {"files": [{}]}}`),
			[]string{"E " + at + ".inline in this config, at line 1, column 58 (storage.files[0].path): a path is missing"}},
		{"odd", "fcos 1.5.0", inline(`{"ignition": {"version": "3.4.0"}, "x": 1}`), []string{`W ` + at + `.inline "x" is not a key`}},
		{"other version", "fcos 1.5.0", inline(`{"ignition": {"version": "3.0.0"}, "x": 1}`),
			[]string{"W " + at + ".version this config has version 3.0.0 of the spec, and is part of one of version 3.4.0"}},
		{"wrong by its own version", "fcos 1.5.0", inline(`{"ignition": {"version": "3.0.0"}, "storage": {"files": [{}]}}`),
			[]string{"W " + at + ".version this config has version 3.0.0", "E " + at + ".inline a path is missing"}},
		{"replacing", "fcos 1.5.0", "ignition: {config: {replace: {inline: '{}'}}}\n", []string{"E ignition.config.replace.inline there is no ignition.version"}},
		{"right", "fcos 1.5.0", inline(`{"ignition": {"version": "3.4.0"}}`), nil},
	})
}

func TestBootDeviceRules(t *testing.T) {
	boot := func(text string) string { return "boot_device: {" + text + "}\n" }
	testRules(t, Options{}, []rule{
		{"unknown layout", "fcos 1.3.0,fcos 1.5.0,openshift 4.8.0", boot("layout: mips"),
			[]string{`E boot_device.layout the layout "mips" is unknown; it should be one of aarch64, ppc64le, x86_64`}},
		{"later layout", "fcos 1.3.0", boot("layout: s390x-virt"),
			[]string{`E boot_device.layout the layout s390x-virt exists since fcos 1.6.0; raise the version, which is 1.3.0`}},
		{"unknown layout, new", "fcos 1.6.0", boot("layout: mips"), []string{"E boot_device.layout should be one of aarch64, ppc64le, s390x-eckd, s390x-virt, s390x-zfcp, x86_64"}},
		{"mirror of one", "fcos 1.3.0", boot("layout: x86_64, mirror: {devices: [/a]}"), []string{"E boot_device.mirror.devices a mirror needs two devices or more, this has one"}},
		{"mirror without layout, old", "fcos 1.3.0,fcos 1.6.0", boot("mirror: {devices: [/a, /b]}"), []string{"W boot_device.mirror the layout of the boot disk is not given, x86_64 is assumed"}},
		{"mirror without layout", "fcos 1.7.0", boot("mirror: {devices: [/a, /b]}"), []string{"E boot_device.mirror a mirror needs to know the layout of the boot disk"}},
		{"layout without device", "fcos 1.6.0", boot("layout: s390x-eckd, luks: {tpm2: true}"), []string{"E boot_device.layout the layout s390x-eckd needs luks.device"}},
		{"layout with another's device", "fcos 1.6.0", boot("layout: s390x-zfcp, luks: {tpm2: true, device: /dev/sda1}"),
			[]string{`E boot_device.layout does not go with the luks.device "/dev/sda1"; that should be a whole disk, like /dev/sda`}},
		{"mirror that cannot be", "fcos 1.6.0", boot("layout: s390x-virt, mirror: {devices: [/a, /b]}"), []string{"E boot_device.layout the layout s390x-virt cannot be mirrored"}},
		{"card without layout", "fcos 1.6.0", boot("luks: {cex: {enabled: true}}"), []string{"E boot_device.luks.cex a Crypto Express card needs boot_device.layout"}},
		{"card without a machine for it", "fcos 1.6.0", boot("layout: x86_64, luks: {cex: {enabled: true}}"), []string{"E boot_device.layout machines of layout x86_64 have no Crypto Express cards"}},
		{"card and TPM", "fcos 1.6.0", boot("layout: s390x-virt, luks: {tpm2: true, cex: {enabled: true}}"), []string{"E boot_device.luks cex cannot be combined with tang or tpm2"}},
		{"nothing to unlock it", "fcos 1.7.0", boot("layout: s390x-eckd, luks: {device: /dev/dasda, tang: [{}]}"),
			[]string{"E boot_device.luks nothing in this can unlock the root filesystem, so it is not encrypted; set tpm2: true, tang with a server, or cex"}},
		{"nothing to unlock it, of an experiment", "fcos 1.8.0-experimental", boot("luks: {discard: true}"), []string{"E boot_device.luks nothing in this can unlock the root filesystem"}},
		{"nothing to unlock it, old", "fcos 1.6.0", boot("layout: s390x-eckd, luks: {device: /dev/dasda}"), []string{"W boot_device.luks nothing in this can unlock the root filesystem"}},
		{"nothing to unlock it, very old", "fcos 1.3.0,openshift 4.8.0", boot("luks: {}"), []string{"W boot_device.luks so it is not encrypted; set tpm2: true, or tang with a server"}},
		{"ways that are none", "fcos 1.3.0,fcos 1.7.0,openshift 4.20.0", boot("luks: {tpm2: false, tang: [], threshold: 2}"), []string{"W boot_device.luks nothing in this can unlock"}},
		{"a card that is none", "fcos 1.7.0", boot("layout: s390x-virt, luks: {cex: {enabled: false}}"), []string{"W boot_device.luks nothing in this can unlock"}},
		{"no encryption on a mirror", "fcos 1.7.0", boot("layout: x86_64, luks: {}, mirror: {devices: [/a, /b]}"), []string{"W boot_device.luks nothing in this can unlock"}},
		{"a device of no use", "fcos 1.6.0", boot("layout: x86_64, luks: {tpm2: true, device: /dev/vda}"), []string{"W boot_device.luks.device only the layouts s390x-eckd and s390x-zfcp use this"}},
		{"layout only", "fcos 1.3.0", boot("layout: aarch64"), []string{"W boot_device there is neither luks nor mirror in this, so the boot disk stays as it is"}},
		{"nothing", "fcos 1.7.0", boot(""), []string{"W boot_device there is neither luks nor mirror"}},
		{"mirror of nothing", "fcos 1.7.0", boot("layout: x86_64, mirror: {devices: []}"), []string{"W boot_device.mirror there are no devices in this, so nothing is mirrored"}},
	})
}

func TestOpenShiftRules(t *testing.T) {
	const last = "openshift 4.22.0"
	testRules(t, Options{}, []rule{
		{"no metadata", "openshift 4.8.0", "metadata: {}\n", []string{"E metadata.name the name of the MachineConfig is missing",
			"E metadata.labels the label machineconfiguration.openshift.io/role is missing"}},
		{"kernel type", "openshift 4.8.0", "openshift: {kernel_type: fast}\n", []string{`E openshift.kernel_type the kernel type "fast" is unknown; it should be "default" or "realtime"`}},
		{"arguments twice", last, "openshift: {kernel_arguments: [a, b, a], extensions: [x, x]}\n",
			[]string{`E openshift.kernel_arguments[2] "a" is set twice; remove one of the two`, `E openshift.extensions[1] "x" is set twice`}},
		{"card without argument", "openshift 4.19.0", "storage: {luks: [{name: root, device: /d, cex: {enabled: true}}]}\n",
			[]string{"E openshift.kernel_arguments needs the kernel argument rd.luks.key=/etc/luks/cex.key"}},
		{"card with argument", "openshift 4.19.0", "openshift: {kernel_arguments: [rd.luks.key=/etc/luks/cex.key]}\nstorage: {luks: [{name: root, device: /d, cex: {enabled: true}}]}\n", nil},
		{"btrfs", "openshift 4.8.0", "storage: {filesystems: [{device: /d, format: btrfs}]}\n", []string{"E storage.filesystems[0].format OpenShift has no filesystems of format btrfs"}},
		{"none", last, "storage: {filesystems: [{device: /d, format: none}]}\n", []string{"E storage.filesystems[0].format OpenShift has no filesystems of format none"}},
		{"remote file", last, "storage: {files: [{path: /a, contents: {source: 'http://x'}}]}\n", []string{"E storage.files[0].contents.source OpenShift has no files with remote contents; use inline or local"}},
		{"special bits", "openshift 4.10.0", "storage: {files: [{path: /a, mode: 04755}]}\n", []string{"E storage.files[0].mode setuid, setgid or sticky bits; the mode 2541 is octal 4755"}},
		{"other user", last, "passwd: {users: [{name: me}]}\n", []string{`E passwd.users[0].name OpenShift has no other user than "core", this is "me"`}},
		{"forbidden", last, "passwd: {groups: [{name: g}], users: [{name: core, system: false, gecos: ''}]}\nstorage: {directories: [{path: /a}], files: [{path: /b, append: [{inline: a}], contents: {http_headers: [{name: a, value: b}], source: 'data:,'}}]}\nkernel_arguments: {should_exist: [a]}\n",
			[]string{"E passwd.groups the Machine Config Operator makes no groups: have a unit", "E passwd.users[0].system knows no system users: only keys and a password hash of core", "E passwd.users[0].gecos knows no users' comments: only keys",
				"E storage.directories makes no directories: put a file into it", "E storage.files[0].append appends to no files: give the whole file in contents", "E storage.files[0].contents.http_headers downloads no contents", "E kernel_arguments reads no kernel arguments here: use openshift.kernel_arguments"}},
		{"password, old", "openshift 4.12.0", "passwd: {users: [{name: core, password_hash: x}]}\n", []string{"E passwd.users[0].password_hash the Machine Config Operator sets no passwords before version 4.13.0: only keys of core"}},
		{"groups of users", last, "passwd: {users: [{name: core, groups: [wheel]}]}\n", []string{"E passwd.users[0].groups the Machine Config Operator knows no users' groups: only keys and a password hash of core"}},
		{"password", "openshift 4.13.0", "passwd: {users: [{name: core, password_hash: x}]}\n", nil},
		{"compression, old", "openshift 4.9.0", "storage: {files: [{path: /a, contents: {inline: a, compression: gzip}}, {path: /b, contents: {inline: b}}]}\n", []string{"E storage.files[0].contents.compression"}},
		{"grub", "openshift 4.14.0", "grub: {users: [{name: a, password_hash: grub.pbkdf2.sha512.b}]}\n", []string{"E grub.users the Machine Config Operator appends to no files: give the whole file in contents; grub appends to /boot/grub2/user.cfg"}},
		{"grub, new", "openshift 4.23.0-experimental,openshift 5.1.0-experimental", "grub: {users: [{name: a, password_hash: grub.pbkdf2.sha512.b}]}\n", nil},
		{"grub and more, new", "openshift 4.23.0-experimental", "grub: {users: [{name: a, password_hash: grub.pbkdf2.sha512.b}]}\nstorage: {files: [{path: /boot/grub2/user.cfg, append: [{inline: x}]}]}\n", []string{"E grub.users the Machine Config Operator"}},
	})
	testRules(t, Options{Raw: true}, []rule{
		{"what only a MachineConfig has", last, "openshift: {kernel_arguments: [], extensions: [a], fips: false, kernel_type: ''}\n",
			[]string{"W openshift.kernel_arguments this has no effect without the MachineConfig", "W openshift.extensions", "W openshift.fips", "W openshift.kernel_type"}},
		{"raw is not filtered", last, "passwd: {groups: [{name: g}]}\n", nil},
	})
}

func TestForbiddenParts(t *testing.T) {
	testRules(t, Options{}, []rule{
		{"clevis", "flatcar 1.0.0,flatcar 1.1.0", "storage: {luks: [{name: a, device: /d, clevis: {tpm2: false}}]}\n", []string{"E storage.luks[0].clevis Flatcar has no clevis in this version: use key_file"}},
		{"empty clevis", "flatcar 1.0.0", "storage: {luks: [{name: a, device: /d, clevis: {}}]}\n", nil},
		{"cards", "flatcar 1.2.0-experimental", "storage: {luks: [{name: a, device: /d, cex: {enabled: false}}]}\n", []string{"E storage.luks[0].cex Flatcar has no support for Crypto Express cards"}},
		{"disks", "r4e 1.0.0", "storage: {disks: [{device: /d}], raid: [{name: a, level: raid1, devices: [/a]}], filesystems: [], luks: [{name: a, device: /d}]}\nkernel_arguments: {should_exist: [a]}\n",
			[]string{"E storage.disks RHEL for Edge (r4e) makes no partitions on first boot: have the installer's kickstart make them (part)", "E storage.raid RHEL for Edge (r4e) makes no RAID arrays on first boot", "E storage.luks RHEL for Edge (r4e) encrypts nothing on first boot", "E kernel_arguments RHEL for Edge (r4e) sets no kernel arguments on first boot"}},
		{"filesystems", "fiot 1.0.0,fiot 1.1.0-experimental", "storage: {disks: [{device: /d}], filesystems: [{device: /d, format: ext4}]}\n",
			[]string{"E storage.disks Fedora IoT (fiot) makes no partitions on first boot: have the installer's kickstart make them (part) or the image's blueprint", "E storage.filesystems Fedora IoT (fiot) makes and mounts no filesystems on first boot"}},
	})
}

func TestPartitionWarnings(t *testing.T) {
	disk := func(text string) string { return "storage: {disks: [{device: /d, " + text + "}]}\n" }
	testRules(t, Options{}, []rule{
		{"small root", "fcos 1.3.0,openshift 4.8.0", disk("wipe_table: true, partitions: [{label: root, number: 4, size_mib: 8191}]"),
			[]string{"W storage.disks[0].partitions[0].size_mib the root partition has 8191 MiB; updates need at least 8192"}},
		{"root in the way", "fcos 1.3.0", disk("wipe_table: true, partitions: [{label: root, number: 4}, {label: a, number: 5, size_mib: 1}]"),
			[]string{`W storage.disks[0].partitions[0].label the start of "a" is not set; set the size of root`}},
		{"root in the way of a number", "fcos 1.3.0", disk("wipe_table: true, partitions: [{label: root, number: 4, size_mib: 0}, {number: 5}]"),
			[]string{`W storage.disks[0].partitions[0].label the start of number 5 is not set`}},
		{"root behind others", "fcos 1.7.0", disk("wipe_table: true, partitions: [{label: bios, number: 1, size_mib: 1}, {label: esp, number: 2, size_mib: 127}, {label: root, number: 4}]"), nil},
		{"root behind those of the image", "fcos 1.7.0", disk("partitions: [{label: root, number: 4, size_mib: 0, resize: true}, {label: boot, number: 3}, {label: BIOS-BOOT, number: 1}]"), nil},
		{"root in the way of one listed before it", "fcos 1.7.0", "storage: {disks: [{device: /dev/disk/by-id/coreos-boot-disk, partitions: [{label: var}, {label: root, number: 4, resize: true, size_mib: 0}]}]}\n",
			[]string{`W storage.disks[0].partitions[1].label the start of "var" is not set`}},
		{"root of another number in the way", "fcos 1.6.0", disk("wipe_table: true, partitions: [{number: 7, label: root}, {number: 2, start_mib: 0, label: a}]"),
			[]string{`W storage.disks[0].partitions[0].label the start of "a" is not set`}},
		{"root behind one that has a start", "fcos 1.7.0", disk("partitions: [{label: root, number: 4}, {label: var, number: 5, start_mib: 20000}]"), nil},
		{"a partition that goes is not in the way", "fcos 1.7.0", disk("partitions: [{label: root, number: 4}, {number: 5, should_exist: false}]"), nil},
		{"reserved label without a number", "fcos 1.0.0", disk("partitions: [{label: boot}]"),
			[]string{`W storage.disks[0].partitions[0].label without a number, that one is taken as it is if it is as described here`}},
		{"reserved label", "fcos 1.0.0", disk("partitions: [{label: boot, number: 1}]"),
			[]string{`W storage.disks[0].partitions[0].label the label "boot" is that of partition 3 of the system's image`}},
		{"reserved label at its place", "fcos 1.0.0", disk("partitions: [{label: boot, number: 3}]"), nil},
		{"other systems", "flatcar 1.0.0", disk("partitions: [{label: boot, number: 1}]"), nil},
		{"root before there was a boot_device", "fcos 1.2.0", disk("wipe_table: true, partitions: [{label: root, number: 4, size_mib: 1}]"), nil},
	})
}

func TestRulesOfTheSpecSpeakOfTheSource(t *testing.T) {
	testRules(t, Options{}, []rule{
		{"duplicate", "fcos 1.7.0", "systemd: {units: [{name: a.service}, {name: a.service}]}\n", []string{`E systemd.units[1] "a.service" is already systemd.units[0], line 3, column 19`}},
		{"absent member", "fcos 1.7.0", "storage: {disks: [{wipe_table: true}]}\n", []string{"E storage.disks[0].device a path is missing"}},
		{"names of members", "fcos 1.7.0", "storage: {filesystems: [{device: /d, wipe_filesystem: true}]}\n", []string{"E storage.filesystems[0].format without it wipe_filesystem has no meaning"}},
		{"unwanted partition", "fcos 1.7.0", "storage: {disks: [{device: /d, partitions: [{number: 1, should_exist: false, type_guid: 0FC63DAF-8483-4772-8E79-3D69D8477DE4}]}]}\n", []string{"E storage.disks[0].partitions[0] so type_guid has no meaning"}},
		{"GUID", "fcos 1.7.0", "storage: {disks: [{device: /d, partitions: [{number: 1, type_guid: x}]}]}\n", []string{`E storage.disks[0].partitions[0].type_guid "x" is not a GUID`}},
		{"user by two names", "fcos 1.7.0", "storage: {files: [{path: /a, user: {id: 0, name: a}}]}\n", []string{"E storage.files[0].user the user is given by id (0) and by name"}},
		{"sugar's consequence", "fcos 1.7.0", "boot_device: {layout: x86_64, luks: {tang: [{url: 'ftp://x'}]}}\n", []string{"E boot_device.luks.tang[0].url http://", "E boot_device.luks.tang[0].thumbprint thumbprint"}},
		{"warning of an old version", "fcos 1.5.0", "storage: {files: [{path: /a, mode: 04755}]}\n", []string{"W storage.files[0].mode special bits"}},
	})
}

func TestValuesOfLaterVersions(t *testing.T) {
	testRules(t, Options{}, []rule{
		{"format none", "fcos 1.3.0", "storage: {filesystems: [{device: /d, format: none}]}\n", []string{"E storage.filesystems[0].format the format none exists since fcos 1.4.0; raise the version, which is 1.3.0"}},
		{"format virtiofs", "fcos 1.7.0", "storage: {filesystems: [{device: d, format: virtiofs, path: /a}]}\n", []string{"E storage.filesystems[0].format the format virtiofs exists since fcos 1.8.0-experimental", "E storage.filesystems[0].device"}},
		{"format virtiofs after a jump", "openshift 5.0.0", "storage: {filesystems: [{device: /d, format: virtiofs}]}\n", []string{"E storage.filesystems[0].format the format virtiofs exists since openshift 5.1.0-experimental"}},
		{"format of nothing", "fcos 1.3.0", "storage: {filesystems: [{device: /d, format: x}]}\n", []string{"E storage.filesystems[0].format"}},
		{"schemes", "fcos 1.1.0", "storage: {files: [{path: /a, contents: {source: 'gs://a/b'}}, {path: /b, append: [{source: 'arn:aws:s3:::a/b'}]}]}\n",
			[]string{"E storage.files[0].contents.source the scheme gs exists since fcos 1.2.0", "E storage.files[1].append[0].source the scheme arn exists since fcos 1.5.0"}},
		{"hash", "fcos 1.0.0", "storage: {files: [{path: /a, contents: {source: 'https://a/b', verification: {hash: sha256-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855}}}]}\n",
			[]string{"E storage.files[0].contents.verification.hash the hash function sha256 exists since fcos 1.1.0"}},
	})
}

func TestAllErrorsAreTold(t *testing.T) {
	testRules(t, Options{}, []rule{
		{"of the document and of the spec", "fcos 1.6.0", `storage:
  files:
  - {path: /etc/a, contents: {inline: a, source: "data:,b"}}
  - {path: /etc/b, contents: {source: /srv/b}}
  links: [{path: /etc/a, target: ""}]
  trees: [{}]
boot_device: {layout: mips, mirror: {devices: [/a]}}
`, []string{"E storage.files[0].contents.source set together", "E storage.files[1].contents.source", "E storage.links[0]", "E storage.links[0].target", "E storage.trees[0] local is missing",
			"E boot_device.layout", "E boot_device.mirror.devices"}},
		{"of OpenShift", "openshift 4.14.0", `openshift: {kernel_type: rt}
passwd: {users: [{name: admin, groups: [wheel]}]}
storage: {directories: [{path: /var/a}], files: [{path: a, contents: {source: "http://x"}}], filesystems: [{device: /dev/sdb, format: btrfs}]}
`, []string{"E openshift.kernel_type", "E passwd.users[0].name", "E passwd.users[0].groups", "E storage.directories", "E storage.files[0].path", "E storage.files[0].contents.source", "E storage.filesystems[0].format"}},
		{"of types and of values", "fcos 1.7.0", `storage:
  files:
  - {path: [], mode: "0644"}
  - {path: a, mode: 0.5, contents: {inline: a, source: "data:,b"}}
links: &l [*l]
systemd: {units: [{name: a, name: a}]}
`, []string{"E storage.files[0].path", "E storage.files[0].mode", "E storage.files[1].path is not absolute", "E storage.files[1].mode", "E storage.files[1].contents.source", `E  "name" was given before`, "W links", "E systemd.units[0].name"}},
		{"nothing follows from an error", "fcos 1.7.0", `storage:
  files:
  - {path: /a, overwrite: true, contents: {local: a, compression: gzip, verification: {hash: sha256-0000000000000000000000000000000000000000000000000000000000000000}}}
  filesystems: [{device: /a, with_mount_unit: true, path: /var/a}]
  disks: [{device: /d, partitions: [{label: a}]}]
systemd: {units: [{name: a.service, enabled: true, contents_local: b}]}
boot_device: {layout: s390x-zfcp, luks: {tpm2: true}}
grub: {users: [{}]}
`, []string{"E storage.files[0].contents.local", "E storage.filesystems[0].format", "E systemd.units[0].contents_local", "E boot_device.layout", "E grub.users[0].name", "E grub.users[0].password_hash",
			"W storage.disks[0].partitions[0].number"}},
	})
}
