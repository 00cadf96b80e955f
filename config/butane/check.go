package butane

import (
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// checkDocument applies the rules that Butane has of its own, before anything is
// translated.
func (t *translation) checkDocument() {
	if n := t.document.Member("bootDevice"); n != nil {
		doc.Decode(reflect.ValueOf(&t.bootDevice).Elem(), n)
	}
	if t.Variant == openshift {
		t.checkMachineConfig()
	}
	if t.Variant == "fcos" && t.Spec >= config.V3_5 {
		t.checkMountPoints()
	}
	t.walkObjects(t.document, configType, t.checkObject)
	before := len(t.problems)
	t.checkBootDevice()
	t.brokenBootDevice = t.problems[before:].HasErrors()
}

// walkObjects visits all objects of a tree, outer ones before inner ones.
func (t *translation) walkObjects(n *doc.Node, typ reflect.Type, visit func(*doc.Node, reflect.Type)) {
	visit(n, typ)
	for _, k := range allKeys(typ) {
		m := n.Member(k.Field.Name)
		switch {
		case m == nil || !t.hasKey(k, k.Since):
		case k.IsObject():
			t.walkObjects(m, k.Type, visit)
		case k.IsList() && k.Type.Elem().Kind() == reflect.Struct:
			for _, item := range m.Items {
				t.walkObjects(item, k.Type.Elem(), visit)
			}
		}
	}
}

func (t *translation) checkObject(n *doc.Node, typ reflect.Type) {
	switch typ {
	case resourceType:
		t.oneOf(n, "local", "inline", "source", "age", "ageLocal")
		t.checkSecretSource(n)
		t.checkResourceSince(n)
		if n.Member("source") == nil && n.Member("local") == nil && isConfig(n) {
			t.checkInline(n)
		}
	case unitType, dropinType:
		t.oneOf(n, "contents", "contentsLocal", "contentsFrom")
	case userType:
		t.oneOf(n, "passwordHash", "passwordHashFrom")
	case diskType:
		t.checkChosenDisk(n)
	case fileType:
		t.checkMode(n, fileModes)
	case directoryType:
		t.checkMode(n, directoryModes)
	case filesystemType:
		if format := n.Member("format"); format != nil {
			t.checkSince(format.Origin(), "the format "+format.Text, formatSince(format.Text))
		}
		t.checkMountUnit(n)
	case subvolumeType:
		t.checkSubvolumeUnit(n)
	case treeType:
		if text(n, "local") == "" {
			t.error(config.RuleLocalMissing, n.Origin(), "local is missing: the directory to copy, below the files directory")
		}
	case quadletType:
		t.checkQuadlet(n)
	case grubUserType:
		for _, required := range [][2]string{{"name", "the name"}, {"passwordHash", "the password hash, which grub2-mkpasswd-pbkdf2 makes,"}} {
			if member, meaning := required[0], required[1]; text(n, member) == "" {
				t.error(config.RuleGrubUserMissing, originOf(n, member), "%s of the user of the boot loader is missing", meaning)
			}
		}
	}
}

// text returns the value of a scalar member, or "".
func text(n *doc.Node, member string) string {
	if m := n.Member(member); m != nil {
		return m.Text
	}
	return ""
}

// items returns the items of a list, which may be absent.
func items(n *doc.Node, member string) []*doc.Node {
	if m := n.Member(member); m != nil {
		return m.Items
	}
	return nil
}

func isTrue(n *doc.Node, member string) bool { return text(n, member) == "true" }

// originOf returns where a member of n is, or would be.
func originOf(n *doc.Node, path ...any) config.Origin { return doc.ObjectAt(n).Origin(path...) }

// oneOf checks that at most one of several alternative keys is set, even if empty.
// The problem is reported at the last of them.
func (t *translation) oneOf(n *doc.Node, members ...string) {
	var set []string
	for _, m := range members {
		if n.Member(m) != nil {
			set = append(set, m)
		}
	}
	if len(set) > 1 {
		names := make([]string, len(set))
		for i := range set {
			names[i] = doc.Snake(set[i])
		}
		t.error(config.RuleContentsSeveral, originOf(n, set[len(set)-1]), "%s are set together; set only one of them", strings.Join(names, " and "))
	}
}

// Octal modes in common use. A decimal mode with the same digits was probably meant
// to be octal.
const (
	fileModes = " 400 440 444 500 550 555 600 640 644 660 664 666 700 750 755 770 775 777" +
		" 2500 2550 2555 2700 2750 2755 2770 2775 4500 4550 4555 4700 4750 4755 4770 4775 6500 6550 6555 6700 6750 6755 6770 6775 "
	directoryModes = " 500 550 555 700 750 755 770 775 777" +
		" 1700 1750 1755 1770 1775 1777 2700 2750 2755 2770 2775 2777 3700 3750 3755 3770 3775 3777 "
)

func (t *translation) checkMode(n *doc.Node, usual string) {
	has := func(mode string) bool { return mode != "" && strings.Contains(usual, " "+mode+" ") }
	if mode := text(n, "mode"); has(mode) && !has(octal(mode)) {
		t.warn(config.RuleModeDecimal, originOf(n, "mode"), "the mode %s is decimal, which is octal 0%s; if you mean octal %s, write 0%s", mode, octal(mode), mode, mode)
	}
}

func (t *translation) checkMountUnit(n *doc.Node) {
	t.checkMountUnitFacts(n)
	if !isTrue(n, "withMountUnit") {
		return
	}
	t.checkMountUnitText(n)
	format := text(n, "format")
	if format == "" {
		t.error(config.RuleFilesystemFormatMissing, originOf(n, "format"), "the format is missing; the mount unit needs it")
	}
	if text(n, "path") != "" || t.isSwap(n) || format == "" && t.Spec >= config.V3_3 || mountsSubvolumes(n) {
		return
	}
	if format == "swap" {
		t.checkSince(originOf(n, "path"), mountedSwap, config.V3_3)
		return
	}
	t.error(config.RuleMountPathMissing, originOf(n, "path"), "the path is missing; the mount unit needs to know where to mount the filesystem")
}

// mountsSubvolumes reports whether there are mount points of subvolumes.
func mountsSubvolumes(n *doc.Node) bool {
	return slices.ContainsFunc(items(n, "subvolumes"), func(s *doc.Node) bool { return text(s, "path") != "" })
}

func (t *translation) checkSubvolumeUnit(n *doc.Node) {
	if !isTrue(n, "withMountUnit") {
		return
	}
	t.checkMountUnitText(n)
	if text(n, "path") == "" {
		t.error(config.RuleMountPathMissing, originOf(n, "path"), "the path is missing; the mount unit needs to know where to mount the subvolume")
	}
}

var quadletTypes = []string{".container", ".volume", ".network", ".kube", ".image", ".build", ".pod", ".artifact"}

// QuadletTypes returns the extensions that names of quadlets can have.
func QuadletTypes() []string { return quadletTypes }

func (t *translation) checkQuadlet(n *doc.Node) {
	name := text(n, "name")
	for _, d := range items(n, "dropins") {
		t.checkFileName(d, "drop-in", path.Base(name)+".d")
	}
	_, instance := quadletTemplate(name)
	switch {
	case !t.checkFileName(n, "quadlet", quadletsIn(n)):
	case !slices.Contains(quadletTypes, path.Ext(name)):
		t.error(config.RuleQuadletName, originOf(n, "name"), "the name %q of the quadlet should end in one of %s", name, strings.Join(quadletTypes, ", "))
	case instance:
		for _, member := range []string{"contents", "contentsLocal"} {
			if n.Member(member) != nil {
				t.error(config.RuleQuadletInstance, originOf(n, member), "the quadlet is an instance of a template, so it has the contents of the template; set them there, or use a drop-in")
			}
		}
	default:
		t.oneOf(n, "contents", "contentsLocal")
	}
}

// isConfig reports whether a resource is a config to merge, or to replace this one.
func isConfig(n *doc.Node) bool {
	return n.Key == "replace" || n.Parent != nil && n.Parent.Kind == doc.List && n.Parent.Key == "merge"
}

// checkInline checks a config that is written into this one. Its errors count
// whatever version it has, its warnings only if it has the same version as this one.
func (t *translation) checkInline(n *doc.Node) {
	inline := n.Member("inline")
	if inline == nil {
		return
	}
	text := []byte(inline.Text)
	version := t.Spec.String()
	if root, err := doc.ReadJSON(text, nil); err == nil {
		if v := root.Member("ignition").Member("version"); v != nil && strings.TrimSuffix(v.Text, config.ExtendedSuffix) != version {
			version = v.Text
			t.warn(config.RuleInlineConfigVersion, originOf(n, "version"), "this config has version %s of the spec, and is part of one of version %s", version, t.Spec)
		}
	}
	_, problems, err := config.Parse(text, "")
	for _, p := range problems {
		if p.Severity == config.Warning && version != t.Spec.String() {
			continue
		}
		where := p.Origin.String()
		p.Origin = inline.Origin()
		p.Message = "in this config, at " + where + ": " + p.Message
		t.problems = append(t.problems, p)
	}
	if len(problems) == 0 && err != nil {
		t.error(config.RuleDocumentEmpty, inline.Origin(), "in this config: %v", err)
	}
}

// isSystemMount reports whether a path is one of those that can be mount points.
func isSystemMount(p string) bool {
	return p == "/etc" || p == "/var" || strings.HasPrefix(p, "/etc/") || strings.HasPrefix(p, "/var/")
}

// bootDisk is the link to the disk that Fedora CoreOS was booted from.
const bootDisk = "/dev/disk/by-id/coreos-boot-disk"

// checkMountPoints applies rules about the mount points and partitions of Fedora
// CoreOS.
func (t *translation) checkMountPoints() {
	storage := t.document.Member("storage")
	for _, n := range items(storage, "filesystems") {
		if p := n.Member("path"); p != nil && p.Text != "" && isTrue(n, "withMountUnit") && !isSystemMount(p.Text) {
			t.error(config.RuleMountPoint, p.Origin(), "%q cannot be a mount point on Fedora CoreOS; /etc, /var and what is below them can", p.Text)
		}
	}
	wiped := map[string]bool{}
	for _, device := range t.bootDevice.Mirror.Devices {
		wiped[device] = true
	}
	for _, disk := range items(storage, "disks") {
		if device := text(disk, "device"); device == bootDisk || isTrue(disk, "wipeTable") || wiped[device] {
			continue
		}
		for _, p := range items(disk, "partitions") {
			if number := text(p, "number"); (number == "" || number == "0") && text(p, "label") != "" {
				t.warn(config.RulePartitionNumberMissing, originOf(p, "number"), "the partition has no number, so a second first boot finds it by its label only if it is still as described here, and else makes another one; set a number, or wipe_table")
			}
		}
	}
}

// octal returns a decimal number in octal digits.
func octal(decimal string) string {
	number, _ := strconv.Atoi(decimal)
	return strconv.FormatInt(int64(number), 8)
}

// isPlainMode reports whether a mode has only the bits rwx.
func isPlainMode(decimal string) bool {
	mode, _ := strconv.Atoi(decimal)
	return mode >= 0 && mode <= 0o777
}
