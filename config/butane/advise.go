package butane

import (
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// advise warns about sugar that is valid, but does nothing or not what it says. The
// reference is silent about all of it.
func (t *translation) advise() {
	t.adviseBootDevice()
	if n := t.document.Member("grub"); n != nil && len(items(n, "users")) == 0 {
		t.warn(config.RuleGrubUsersMissing, n.Origin(), "there are no users in this, so the boot loader stays open to everybody at the console")
	}
	t.walkObjects(t.document, configType, t.adviseObject)
}

func (t *translation) adviseObject(n *doc.Node, typ reflect.Type) {
	switch typ {
	case filesystemType:
		t.adviseMountUnit(n)
	case quadletType:
		t.adviseQuadlet(n)
	case grubUserType:
		t.adviseGrubUser(n)
	}
}

func (t *translation) adviseBootDevice() {
	n, b := t.document.Member("bootDevice"), &t.bootDevice
	luks, mirror := n.Member("luks"), n.Member("mirror")
	switch {
	case n == nil:
		return
	case luks == nil && mirror == nil:
		t.warn(config.RuleBootDeviceIdle, n.Origin(), "there is neither luks nor mirror in this, so the boot disk stays as it is")
	case mirror != nil && len(b.Mirror.Devices) == 0:
		t.warn(config.RuleBootDeviceMirrorDevices, mirror.Origin(), "there are no devices in this, so nothing is mirrored")
	}
	if luks == nil {
		return
	}
	if !b.isEncrypted() {
		t.warn(config.RuleBootDeviceNotEncrypted, luks.Origin(), "%s", t.notEncrypted())
		return
	}
	if device := luks.Member("device"); device != nil && layouts[config.ValueOr(b.Layout, "")].rootSuffix == "" {
		t.warn(config.RuleBootDeviceLuksDevice, device.Origin(), "only the layouts s390x-eckd and s390x-zfcp use this; here the root partition is found by its label, or is on the mirror")
	}
}

func (t *translation) adviseMountUnit(n *doc.Node) {
	if !isTrue(n, "withMountUnit") {
		return
	}
	if text(n, "format") == "swap" && !t.isSwap(n) {
		t.warn(config.RuleValueSince, originOf(n, "withMountUnit"), "%s; here it makes a unit that mounts, which fails", t.existsSince(mountedSwap, config.V3_3))
	}
	for _, option := range items(n, "mountOptions") {
		if hasLineBreak(option.Text) {
			t.warn(config.RuleMountUnitLineEnd, option.Origin(), "this option has a line break in it; what is behind it becomes a line of its own in the mount unit")
		}
	}
}

// unitCharacters are those of names of units; see systemd.unit(5).
const unitCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@"

func (t *translation) adviseQuadlet(n *doc.Node) {
	name := text(n, "name")
	if strings.Trim(path.Base(name), unitCharacters) != "" {
		t.warn(config.RuleUnitNameIgnored, originOf(n, "name"), "systemd does not take the unit that Podman makes of the quadlet %q: names of units have only letters, digits and :-_.\\@ in them", name)
	}
	for _, d := range items(n, "dropins") {
		if dropin := text(d, "name"); path.Ext(dropin) != ".conf" || strings.Contains(dropin, "/") {
			t.warn(config.RuleDropinName, originOf(d, "name"), "Podman does not read the drop-in %q: it reads the files right in the directory %s.d whose names end in .conf", dropin, path.Base(name))
		}
	}
}

// adviseGrubUser warns about what the boot loader does not understand: the name and the
// password are written into its script as they are.
func (t *translation) adviseGrubUser(n *doc.Node) {
	if name := text(n, "name"); strings.ContainsAny(name, " \t\r\n\x00\"'\\$;&|<>{}") {
		t.warn(config.RuleGrubUserName, originOf(n, "name"), "the name %q is not one word in the script of the boot loader; use letters, digits, - and _", name)
	}
	fields := strings.Fields(text(n, "passwordHash"))
	if len(fields) != 1 || !slices.ContainsFunc(fields, isGrubHash) {
		t.warn(config.RuleGrubPasswordHash, originOf(n, "passwordHash"), "this is no password hash of the boot loader, so nobody can log in with it; grub2-mkpasswd-pbkdf2 prints one, from \"grub.pbkdf2.sha512\" on")
	}
}

func isGrubHash(s string) bool { return strings.HasPrefix(s, "grub.pbkdf2.sha512.") }
