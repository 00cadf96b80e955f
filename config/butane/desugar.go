package butane

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// desugar builds the result: a copy of the document in which local and inline
// contents are data URLs, merged over what the sugar stands for, so that the
// user's values win.
func (t *translation) desugar() {
	t.result = t.document.Clone()
	t.result.Member("systemd").Remove("quadlets") // made into files and links below
	t.walkObjects(t.result, configType, t.desugarObject)
	t.chosenDisks()
	t.facts()
	t.result = doc.Merge(configType, t.mountUnits(), t.result)
	t.trees()
	t.quadlets()
	if !t.brokenBootDevice {
		t.result = doc.Merge(configType, t.desugarBootDevice(), t.result)
	}
	t.checkPartitions()
	t.result = doc.Merge(configType, t.grub(), t.result)
	if t.Variant == openshift {
		t.desugarMachineConfig()
	}
	ensureObject(t.result, "ignition").Set("version", nodeBuilder{t.document.Member("version")}.value(t.Spec.String()))
	t.result = t.finish(t.result, configType)
	if t.isExtended() {
		t.result.Member("ignition").Member("version").Text += config.ExtendedSuffix
	}
}

// isExtended reports whether there are extensions in the result.
func (t *translation) isExtended() bool {
	found := false
	doc.EachExtension(configType, t.result, func(string, *doc.Node) { found = true })
	t.walkObjects(t.result, configType, func(n *doc.Node, typ reflect.Type) {
		found = found || typ == resourceType && config.IsSecret(text(n, "source"))
	})
	return found
}

func (t *translation) desugarObject(n *doc.Node, typ reflect.Type) {
	switch typ {
	case resourceType:
		t.resource(n)
	case unitType, dropinType:
		if local := n.Member("contentsLocal"); local != nil && local.Text != "" {
			if contents, ok := t.local(local); ok {
				n.Set("contents", nodeBuilder{local}.value(t.literal(contents)))
			}
		}
	case userType:
		if local := n.Member("sshAuthorizedKeysLocal"); local != nil {
			t.authorizedKeys(n, local)
		}
	}
}

func (t *translation) authorizedKeys(n, local *doc.Node) {
	if t.Files == nil {
		if len(local.Items) > 0 {
			t.noFilesDir(local.Origin())
		}
		return
	}
	for _, file := range local.Items {
		text, ok := t.local(file)
		if ok && len(bytes.Trim(text, "\r\n")) == 0 {
			t.warn(config.RuleSSHKeyFileEmpty, file.Origin(), "there are no keys in %s of %s", shown(file.Text), t.filesPlace())
		}
		for line := range bytes.Lines(text) {
			line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
			if len(line) > 0 {
				appendItem(n, "sshAuthorizedKeys", nodeBuilder{file}.value(t.literal(line)))
			}
		}
	}
}

// checkPartitions warns of partitions that break the boot, and of root partitions
// that are too small for updates.
func (t *translation) checkPartitions() {
	if t.Variant != "fcos" && t.Variant != openshift {
		return
	}
	for _, disk := range items(t.result.Member("storage"), "disks") {
		for _, p := range items(disk, "partitions") {
			if text(p, "label") == "root" && t.hasBootDevice() {
				t.checkRootSize(disk, p)
			}
			t.checkReservedLabel(disk, p)
		}
	}
}

// checkReservedLabel warns of a partition with a label of the system's image that does
// not have its number. What becomes of one without a number is decided in package
// storage/plan: one that is as described is taken for it, else another one is made.
func (t *translation) checkReservedLabel(disk, p *doc.Node) {
	label := text(p, "label")
	number, reserved := reservedLabels[label]
	switch given := partitionNumber(p); {
	case !reserved || given == number || isTrue(disk, "wipeTable"):
	case given == 0:
		t.warn(config.RulePartitionLabelReserved, originOf(p, "label"), "the label %q is that of partition %d of the system's image; without a number, that one is taken as it is if it is as described here, and else a second one with this label is made; set number: %d to mean that one",
			label, number, number)
	default:
		t.warn(config.RulePartitionLabelReserved, originOf(p, "label"), "the label %q is that of partition %d of the system's image, and this is another one; use another label, or number %d, or set wipe_table",
			label, number, number)
	}
}

func partitionNumber(p *doc.Node) int {
	n, _ := strconv.Atoi(text(p, "number"))
	return n
}

func (t *translation) hasBootDevice() bool {
	for _, k := range t.Dialect.root {
		if k == "boot_device" {
			return true
		}
	}
	return false
}

var reservedLabels = map[string]int{"BIOS-BOOT": 1, "PowerPC-PReP-boot": 1, "EFI-SYSTEM": 2, "boot": 3, "root": 4}

// minRootMiB is the size of the root partition that updates need, in MiB.
const minRootMiB = 8192

func (t *translation) checkRootSize(disk, root *doc.Node) {
	size, _ := strconv.Atoi(text(root, "sizeMiB"))
	if size != 0 {
		if size < minRootMiB {
			t.warn(config.RuleRootPartitionSmall, originOf(root, "sizeMiB"), "the root partition has %d MiB; updates need at least %d", size, minRootMiB)
		}
		return
	}
	for _, other := range partitionsBehind(disk, root) {
		if start := text(other, "startMiB"); start == "" || start == "0" {
			t.warn(config.RuleRootPartitionSmall, originOf(root, "label"), "the root partition takes what the partition after it leaves free, and the start of %s is not set; set the size of root, or the start of the others", partitionName(other))
			return
		}
	}
}

// partitionsBehind are those that will lie behind the root partition unless they have a
// start. A new table is filled in the order of the config, those without a number last.
// In the image the numbers are in order, and those without one are new, at the end.
func partitionsBehind(disk, root *doc.Node) []*doc.Node {
	place := func(i int, p *doc.Node) int {
		number := partitionNumber(p)
		switch {
		case isTrue(disk, "wipeTable") && number != 0:
			return i
		case number != 0:
			return number
		case p == root && !isTrue(disk, "wipeTable"):
			return reservedLabels["root"]
		}
		return math.MaxInt32 + i
	}
	all := items(disk, "partitions")
	at := place(slices.Index(all, root), root)
	var behind []*doc.Node
	for i, p := range all {
		if p != root && place(i, p) > at && text(p, "shouldExist") != "false" {
			behind = append(behind, p)
		}
	}
	return behind
}

// partitionName describes a partition in messages.
func partitionName(p *doc.Node) string {
	if label := text(p, "label"); label != "" {
		return fmt.Sprintf("%q", label)
	}
	return "number " + text(p, "number")
}

// grub returns the config that grub stands for, or nil.
func (t *translation) grub() *doc.Node {
	users := t.document.Member("grub").Member("users")
	if users == nil || len(users.Items) == 0 {
		return nil
	}
	var names []string
	var passwords strings.Builder
	for _, u := range users.Items {
		names = append(names, text(u, "name"))
		fmt.Fprintf(&passwords, "password_pbkdf2 %s %s\n", text(u, "name"), text(u, "passwordHash"))
	}
	m := nodeBuilder{users}
	contents := m.object()
	t.encode(contents, users, fmt.Appendf(nil, "# Generated by Butane\n\nset superusers=\"%s\"\n%s", strings.Join(names, " "), &passwords))
	return m.object("storage", m.object(
		"filesystems", m.list(m.object("device", "/dev/disk/by-label/boot", "format", "ext4", "path", "/boot")),
		"files", m.list(m.object("path", grubFile, "append", m.list(contents)))))
}

const grubFile = "/boot/grub2/user.cfg"

// finish returns n with only the members of the spec, in its order, without those
// that are empty.
func (t *translation) finish(n *doc.Node, typ reflect.Type) *doc.Node {
	out := *n
	out.Members = nil
	for _, f := range doc.FieldsOf(typ) {
		m := n.Member(f.Name)
		switch {
		case m != nil && f.IsObject():
			if m = t.finish(m, f.Type); len(m.Members) == 0 && !t.keepsEmpty(typ, f.Name) {
				m = nil
			}
		case m != nil && f.IsList():
			m = t.finishList(m, f.Type.Elem())
		case m != nil && isZero(m) && !always[f.Name] && typ.Field(f.Index).Type.Kind() != reflect.Pointer:
			m = nil
		}
		if m == nil {
			m = t.placeholder(n, typ, &f)
		}
		if m != nil {
			out.Set(f.Name, m)
		}
	}
	return &out
}

func (t *translation) finishList(n *doc.Node, item reflect.Type) *doc.Node {
	if len(n.Items) == 0 {
		return nil
	}
	if item.Kind() != reflect.Struct {
		return n
	}
	out := *n
	out.Items = nil
	for _, i := range n.Items {
		out.Items = append(out.Items, t.finish(i, item))
	}
	return &out
}

func isZero(n *doc.Node) bool { return n.Text == "" || n.Text == "0" || n.Text == "false" }

// always names members that are written even if the document does not set them.
var always = map[string]bool{"path": true, "device": true, "name": true}

// keepsEmpty reports whether an object is written although it is empty.
func (t *translation) keepsEmpty(typ reflect.Type, member string) bool {
	return t.Spec == config.V3_2 && (typ == luksType && member == "clevis" || member == "custom")
}

// placeholder returns the node that is written for an absent member, or nil.
func (t *translation) placeholder(n *doc.Node, typ reflect.Type, f *doc.Field) *doc.Node {
	member := f.Name
	required := always[member] && typ.Field(f.Index).Type.Kind() == reflect.String
	if t.Spec <= config.V3_2 {
		required = required || typ == linkType && member == "target" || typ == raidType && member == "level" || typ == pinType && (member == "pin" || member == "config")
	}
	null := t.Spec == config.V3_0 && typ == resourceType && member == "source" && n.Parent != nil && n.Parent.Key == "merge"
	if !required && !null {
		return nil
	}
	p := nodeBuilder{n}.node(doc.String, "")
	if null {
		p.Kind = doc.Null
	}
	p.Parent, p.Key, p.Index = n, doc.Snake(member), 0
	return p
}
