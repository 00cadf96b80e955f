package butane

import (
	"fmt"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// GUIDs of partition types.
const (
	guidBIOS     = "21686148-6449-6E6F-744E-656564454649"
	guidESP      = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
	guidPReP     = "9E1A2D38-C612-4316-AA26-8B49521E5A8B"
	guidReserved = "8DA63339-0007-60C0-C436-083AC8230908"
)

// A layout describes how the images for one kind of machine are partitioned.
type layout struct {
	since config.Version
	// head are the partitions before boot and root, on a disk of a mirror. Nil,
	// there are no mirrors.
	firmware []firmwarePartition
	// suffix makes the root partition's device of that of the disk.
	rootSuffix string
	// device is what the disk may be called, at its end.
	diskPrefix string // of the names of whole disks, with one more letter
}

type firmwarePartition struct {
	label string
	mib   int
	guid  string
}

var layouts = map[string]layout{
	"x86_64":     {firmware: []firmwarePartition{{"bios", 1, guidBIOS}, {"esp", 127, guidESP}}},
	"aarch64":    {firmware: []firmwarePartition{{"reserved", 1, guidReserved}, {"esp", 127, guidESP}}},
	"ppc64le":    {firmware: []firmwarePartition{{"prep", 4, guidPReP}, {"reserved", 1, guidReserved}}},
	"s390x-eckd": {since: config.V3_5, rootSuffix: "2", diskPrefix: "/dev/dasd"},
	"s390x-virt": {since: config.V3_5},
	"s390x-zfcp": {since: config.V3_5, rootSuffix: "4", diskPrefix: "/dev/sd"},
}

const defaultLayout = "x86_64"

// Layouts returns the layouts of boot devices that there are for a version of the
// spec.
func Layouts(v config.Version) []string {
	var names []string
	for name, l := range layouts {
		if l.since <= v {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (t *translation) layoutNames() string { return strings.Join(Layouts(t.Spec), ", ") }

func (t *translation) checkBootDevice() {
	b := &t.bootDevice
	name := config.ValueOr(b.Layout, "")
	l, known := layouts[name]
	layoutAt := func() config.Origin { return b.Origin("layout") }
	mirror := b.Mirror.Devices
	switch {
	case b.Layout != nil && known && l.since > t.Spec:
		t.checkSince(layoutAt(), "the layout "+name, l.since)
	case b.Layout != nil && !known:
		t.error(config.RuleBootDeviceLayout, layoutAt(), "the layout %q is unknown; it should be one of %s", name, t.layoutNames())
	case b.Layout == nil && len(mirror) > 0 && t.Spec >= config.V3_6:
		t.error(config.RuleBootDeviceLayoutMissing, b.Mirror.Origin(), "a mirror needs to know the layout of the boot disk; it should be one of %s", t.layoutNames())
	case b.Layout == nil && len(mirror) > 0:
		t.warn(config.RuleBootDeviceLayoutMissing, b.Mirror.Origin(), "the layout of the boot disk is not given, %s is assumed", defaultLayout)
	}
	if len(mirror) == 1 {
		t.error(config.RuleBootDeviceMirrorDevices, b.Mirror.Origin("devices"), "a mirror needs two devices or more, this has one")
	}
	if t.Spec < config.V3_5 {
		return
	}
	device := config.ValueOr(b.Luks.Device, "")
	switch {
	case l.diskPrefix == "":
	case device == "":
		t.error(config.RuleBootDeviceLuksDevice, layoutAt(), "the layout %s needs luks.device, the disk to encrypt", name)
	case !isDisk(device, l.diskPrefix):
		t.error(config.RuleBootDeviceLuksDevice, layoutAt(), "the layout %s does not go with the luks.device %q; that should be a whole disk, like %s", name, device, l.diskPrefix+"a")
	}
	if strings.HasPrefix(name, "s390x") && len(mirror) > 0 {
		t.error(config.RuleBootDeviceMirrorLayout, layoutAt(), "the layout %s cannot be mirrored", name)
	}
	t.checkUnlocking(name)
	t.checkEncrypted()
}

// isDisk reports whether a path ends with the name of a whole disk, wherever that is.
func isDisk(device, prefix string) bool {
	last := len(device) - 1
	return last >= 0 && strings.HasSuffix(device[:last], prefix) && 'a' <= device[last] && device[last] <= 'z'
}

// checkUnlocking checks that the ways to unlock the root filesystem are compatible.
func (t *translation) checkUnlocking(layout string) {
	b, luks := &t.bootDevice, &t.bootDevice.Luks
	cex := config.ValueOr(luks.Cex.Enabled, false)
	others := len(luks.Tang) > 0 || config.ValueOr(luks.TPM2, false)
	if cex {
		switch {
		case b.Layout == nil:
			t.error(config.RuleBootDeviceCex, luks.Origin("cex"), "a Crypto Express card needs boot_device.layout to be one of s390x-eckd, s390x-virt, s390x-zfcp")
		case !strings.HasPrefix(layout, "s390x"):
			t.error(config.RuleBootDeviceCex, b.Origin("layout"), "machines of layout %s have no Crypto Express cards; s390x-eckd, s390x-virt and s390x-zfcp can", layout)
		}
		if others {
			t.error(config.RuleUnlockConflict, luks.Origin(), "cex cannot be combined with tang or tpm2; remove one of the two")
		}
	}
}

// checkEncrypted refuses a luks section with nothing that unlocks it, in experimental
// versions, and as the reference does since spec 3.6.0 if it has a device.
func (t *translation) checkEncrypted() {
	b := &t.bootDevice
	refused := t.Spec >= config.V3_7Experimental || t.Spec >= config.V3_6 && config.ValueOr(b.Luks.Device, "") != ""
	isEmpty := func(s config.Tang) bool { return s.URL == "" && s.Thumbprint == nil && s.Advertisement == nil }
	named := slices.ContainsFunc(b.Luks.Tang, func(s config.Tang) bool { return !isEmpty(s) })
	if b.Luks.IsPresent() && refused && !named && !b.isUnlockedByMachine() {
		t.error(config.RuleBootDeviceNotEncrypted, b.Luks.Origin(), "%s", t.notEncrypted())
	}
}

// notEncrypted says what is wrong with a luks section that encrypts nothing.
func (t *translation) notEncrypted() string {
	ways := "tpm2: true, or tang with a server"
	if t.Spec >= config.V3_5 {
		ways = "tpm2: true, tang with a server, or cex"
	}
	return "nothing in this can unlock the root filesystem, so it is not encrypted; set " + ways
}

// isEncrypted reports whether there is a way to unlock the root filesystem.
func (b *BootDevice) isEncrypted() bool { return len(b.Luks.Tang) > 0 || b.isUnlockedByMachine() }

func (b *BootDevice) isUnlockedByMachine() bool {
	return config.ValueOr(b.Luks.TPM2, false) || config.ValueOr(b.Luks.Cex.Enabled, false)
}

// desugarBootDevice returns the config that boot_device stands for, or nil.
func (t *translation) desugarBootDevice() *doc.Node {
	n, b := t.document.Member("bootDevice"), &t.bootDevice
	encrypted := b.isEncrypted()
	mirrored := len(b.Mirror.Devices) > 0
	if !encrypted && !mirrored {
		return nil
	}
	storage := nodeBuilder{n}.object()
	if mirrored {
		b.mirror(storage, n.Member("mirror"))
	}
	root, volume := "/dev/md/md-root", "/dev/disk/by-partlabel/root"
	if encrypted {
		if mirrored {
			volume = root
		}
		root = "/dev/mapper/root"
		storage.Set("luks", nodeBuilder{n}.list(b.luks(n.Member("luks"), volume)))
	}
	appendItem(storage, "filesystems", nodeBuilder{n}.object("device", root, "format", "xfs", "label", "root", "wipeFilesystem", true))
	return nodeBuilder{n}.object("storage", storage)
}

func (b *BootDevice) mirror(storage, n *doc.Node) {
	m := nodeBuilder{n}
	l := layouts[config.ValueOr(b.Layout, defaultLayout)]
	var boots, roots []string
	for i, device := range b.Mirror.Devices {
		one := nodeBuilder{n.Member("devices").Items[i]}
		var partitions []*doc.Node
		for _, p := range l.firmware {
			label := fmt.Sprintf("%s-%d", p.label, i+1)
			partitions = append(partitions, one.object("label", label, "sizeMiB", p.mib, "typeGuid", p.guid))
			if p.guid == guidESP {
				appendItem(storage, "filesystems", one.object("device", "/dev/disk/by-partlabel/"+label, "format", "vfat", "label", label, "wipeFilesystem", true))
			}
		}
		boot, root := fmt.Sprintf("boot-%d", i+1), fmt.Sprintf("root-%d", i+1)
		partitions = append(partitions, one.object("label", boot, "sizeMiB", 384), one.object("label", root))
		appendItem(storage, "disks", one.object("device", device, "partitions", one.list(partitions...), "wipeTable", true))
		boots = append(boots, "/dev/disk/by-partlabel/"+boot)
		roots = append(roots, "/dev/disk/by-partlabel/"+root)
	}
	// The boot loader must be able to read a disk of the boot filesystem as if
	// there were no RAID: so the superblock is at the end.
	appendItem(storage, "raid", m.object("name", "md-boot", "level", "raid1", "devices", m.strings(boots), "options", m.strings([]string{"--metadata=1.0"})))
	appendItem(storage, "raid", m.object("name", "md-root", "level", "raid1", "devices", m.strings(roots)))
	appendItem(storage, "filesystems", m.object("device", "/dev/md/md-boot", "format", "ext4", "label", "boot", "wipeFilesystem", true))
}

func (b *BootDevice) luks(n *doc.Node, volume string) *doc.Node {
	m := nodeBuilder{n}
	if l := layouts[config.ValueOr(b.Layout, "")]; l.rootSuffix != "" {
		volume = *b.Luks.Device + l.rootSuffix
	}
	luks := m.object("name", "root", "label", "luks-root", "device", volume, "wipeVolume", true)
	if b.Luks.Discard != nil {
		luks.Set("discard", m.value(*b.Luks.Discard))
	}
	if config.ValueOr(b.Luks.Cex.Enabled, false) {
		luks.Set("cex", m.object("enabled", true))
		return luks
	}
	clevis := m.object()
	for _, member := range []string{"tang", "threshold", "tpm2"} {
		if value := n.Member(member); value != nil {
			clevis.Set(member, value)
		}
	}
	luks.Set("clevis", clevis)
	return luks
}
