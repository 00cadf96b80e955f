package butane

import (
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// checkSource applies the rules that Butane has of its own, before anything is
// translated.
func (t *translation) checkSource() {
	var boot BootDevice
	if n := t.source.Member("bootDevice"); n != nil {
		doc.Decode(reflect.ValueOf(&boot).Elem(), n)
	}
	if t.Variant == openshift {
		t.checkMachineConfig(&boot)
	}
	if t.Variant == "fcos" && t.Spec >= config.V3_5 {
		t.checkMountPoints(&boot)
	}
	t.each(t.source, configType, t.checkObject)
	t.checkBootDevice(&boot)
}

// each visits the objects of the document, those around before those inside.
func (t *translation) each(n *doc.Node, typ reflect.Type, visit func(*doc.Node, reflect.Type)) {
	visit(n, typ)
	for _, k := range t.Keys(typ) {
		m := n.Member(k.Field.Name)
		switch {
		case m == nil:
		case k.IsObject():
			t.each(m, k.Type, visit)
		case k.IsList() && k.Type.Elem().Kind() == reflect.Struct:
			for _, item := range m.Items {
				t.each(item, k.Type.Elem(), visit)
			}
		}
	}
}

func (t *translation) checkObject(n *doc.Node, typ reflect.Type) {
	switch typ {
	case resourceType:
		t.oneOf(n, "local", "inline", "source")
		if n.Member("source") == nil && n.Member("local") == nil && isConfig(n) {
			t.checkInline(n)
		}
	case unitType, dropinType:
		t.oneOf(n, "contents", "contentsLocal")
	case fileType:
		t.checkMode(n, fileModes)
	case directoryType:
		t.checkMode(n, directoryModes)
	case filesystemType:
		t.checkMountUnit(n)
	case treeType:
		if text(n, "local") == "" {
			t.error(n.Origin(), "local is missing: the directory to copy, below the files directory")
		}
	case quadletType:
		t.checkQuadlet(n)
	case grubUserType:
		for member, meaning := range map[string]string{"name": "the name", "passwordHash": "the password hash, which grub2-mkpasswd-pbkdf2 makes,"} {
			if text(n, member) == "" {
				t.error(at(n, member), "%s of the user of the boot loader is missing", meaning)
			}
		}
	}
}

// text is the value of a scalar member, or "".
func text(n *doc.Node, member string) string {
	if m := n.Member(member); m != nil {
		return m.Text
	}
	return ""
}

// items are those of a list, which may be absent.
func items(n *doc.Node, member string) []*doc.Node {
	if m := n.Member(member); m != nil {
		return m.Items
	}
	return nil
}

func isTrue(n *doc.Node, member string) bool { return text(n, member) == "true" }

// at is where a member of n stands, or should stand.
func at(n *doc.Node, path ...any) config.Origin { return doc.ObjectAt(n).Origin(path...) }

// oneOf checks that of several keys for one thing only one is set, even if
// empty. The last of them is where that is reported.
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
		t.error(at(n, set[len(set)-1]), "%s are given together; give one of them", strings.Join(names, " and "))
	}
}

// Modes that make sense for the owner, the group and others. What is written
// with the same digits but without the leading zero is likely meant to be one.
var (
	fileModes = modes("400 440 444 500 550 555 600 640 644 660 664 666 700 750 755 770 775 777",
		"2500 2550 2555 2700 2750 2755 2770 2775 4500 4550 4555 4700 4750 4755 4770 4775 6500 6550 6555 6700 6750 6755 6770 6775")
	directoryModes = modes("500 550 555 700 750 755 770 775 777",
		"1700 1750 1755 1770 1775 1777 2700 2750 2755 2770 2775 2777 3700 3750 3755 3770 3775 3777")
)

func modes(texts ...string) map[string]bool {
	all := map[string]bool{}
	for _, text := range texts {
		for mode := range strings.FieldsSeq(text) {
			all[mode] = true
		}
	}
	return all
}

func (t *translation) checkMode(n *doc.Node, usual map[string]bool) {
	if mode := text(n, "mode"); usual[mode] && !usual[octal(mode)] {
		t.warn(at(n, "mode"), "the mode %s is decimal, which is octal 0%s; if you mean octal %s, write 0%s", mode, octal(mode), mode, mode)
	}
}

func (t *translation) checkMountUnit(n *doc.Node) {
	if !isTrue(n, "withMountUnit") {
		return
	}
	format := text(n, "format")
	if format == "" {
		t.error(at(n, "format"), "the format is missing; the mount unit needs it")
	}
	swap := format == "swap" && t.Spec >= config.V3_3
	if text(n, "path") == "" && !swap && (format != "" || t.Spec < config.V3_3) {
		t.error(at(n, "path"), "the path is missing; the mount unit needs to know where to mount the filesystem")
	}
}

var quadletTypes = []string{".container", ".volume", ".network", ".kube", ".image", ".build", ".pod", ".artifact"}

func (t *translation) checkQuadlet(n *doc.Node) {
	name := text(n, "name")
	_, instance := quadletTemplate(name)
	switch {
	case !slices.Contains(quadletTypes, path.Ext(name)):
		t.error(at(n, "name"), "the name %q of the quadlet should end in one of %s", name, strings.Join(quadletTypes, ", "))
	case instance:
		for _, member := range []string{"contents", "contentsLocal"} {
			if n.Member(member) != nil {
				t.error(at(n, member), "the quadlet is an instance of a template, so it has the contents of that; give them there, or use a drop-in")
			}
		}
	default:
		t.oneOf(n, "contents", "contentsLocal")
	}
}

// isConfig tells whether a resource is a config to be merged, or to replace this one.
func isConfig(n *doc.Node) bool {
	return n.Key == "replace" || n.Parent != nil && n.Parent.Kind == doc.List && n.Parent.Key == "merge"
}

// checkInline reads a config that is written into this one. Whatever version it
// has, it must be right; what may be odd matters only to those who chose the
// same version as here.
func (t *translation) checkInline(n *doc.Node) {
	inline := n.Member("inline")
	if inline == nil {
		return
	}
	text := []byte(inline.Text)
	version := t.Spec.String()
	if root, err := doc.ReadJSON(text, nil); err == nil {
		if v := root.Member("ignition").Member("version"); v != nil && v.Text != version {
			version = v.Text
			t.warn(at(n, "version"), "this config has version %s of the spec, and is part of one of version %s", version, t.Spec)
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
		t.error(inline.Origin(), "in this config: %v", err)
	}
}

var systemMounts = regexp.MustCompile(`^/(etc|var)(/|$)`)

// bootDisk is how Fedora CoreOS names the disk that it was started from.
const bootDisk = "/dev/disk/by-id/coreos-boot-disk"

// checkMountPoints has rules that keep the partitions of Fedora CoreOS usable.
func (t *translation) checkMountPoints(boot *BootDevice) {
	storage := t.source.Member("storage")
	for _, n := range items(storage, "filesystems") {
		if p := n.Member("path"); p != nil && p.Text != "" && isTrue(n, "withMountUnit") && !systemMounts.MatchString(p.Text) {
			t.error(p.Origin(), "%q cannot be a mount point on this system; /etc, /var and what is below them can", p.Text)
		}
	}
	wiped := map[string]bool{}
	for _, device := range boot.Mirror.Devices {
		wiped[device] = true
	}
	for _, disk := range items(storage, "disks") {
		if device := text(disk, "device"); device == bootDisk || isTrue(disk, "wipeTable") || wiped[device] {
			continue
		}
		for _, p := range items(disk, "partitions") {
			if number := text(p, "number"); (number == "" || number == "0") && text(p, "label") != "" {
				t.warn(at(p, "number"), "the partition has no number, so a second first boot cannot find it again; give it one, or set wipe_table")
			}
		}
	}
}
