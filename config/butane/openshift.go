package butane

import (
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
)

const (
	roleLabel = "machineconfiguration.openshift.io/role"
	// cexArgument has systemd find the key of a root filesystem that a Crypto
	// Express card unlocks.
	cexArgument = "rd.luks.key=/etc/luks/cex.key"
)

// checkMachineConfig applies the rules of the keys that OpenShift adds.
func (t *translation) checkMachineConfig() {
	shift := t.document.Member("openshift")
	if t.release >= 19 {
		hasArgument := slices.ContainsFunc(items(shift, "kernelArguments"), func(n *doc.Node) bool { return n.Text == cexArgument })
		complain := func() {
			at := originOf(t.document, "openshift", "kernelArguments")
			t.error(config.RuleOpenShiftCexArgument, at, "a root filesystem that a Crypto Express card unlocks needs the kernel argument %s", cexArgument)
		}
		if config.ValueOr(t.bootDevice.Luks.Cex.Enabled, false) && !hasArgument {
			complain()
		}
		isRoot := func(n *doc.Node) bool { return text(n, "name") == "root" && isTrue(n.Member("cex"), "enabled") }
		if slices.ContainsFunc(items(t.document.Member("storage"), "luks"), isRoot) && !hasArgument {
			complain()
		}
	}
	metadata := t.document.Member("metadata")
	if text(metadata, "name") == "" {
		t.error(config.RuleOpenShiftMetadata, originOf(t.document, "metadata", "name"), "the name of the MachineConfig is missing")
	}
	if text(metadata.Member("labels"), roleLabel) == "" {
		t.error(config.RuleOpenShiftMetadata, originOf(t.document, "metadata", "labels"), "the label %s is missing; it says which machines this is for, such as \"worker\"", roleLabel)
	}
	for _, list := range []string{"kernelArguments", "extensions"} {
		seen := map[string]bool{}
		for _, item := range items(shift, list) {
			if seen[item.Text] {
				t.error(config.RuleDuplicateItem, item.Origin(), "%q is set twice; remove one of the two", item.Text)
			}
			seen[item.Text] = true
		}
	}
	switch text(shift, "kernelType") {
	case "", "default", "realtime":
	default:
		t.error(config.RuleOpenShiftKernelType, originOf(shift, "kernelType"), "the kernel type %q is unknown; it should be \"default\" or \"realtime\"", text(shift, "kernelType"))
	}
}

// desugarMachineConfig makes the result fit for a MachineConfig, and checks the
// values that the Machine Config Operator refuses.
func (t *translation) desugarMachineConfig() {
	storage := t.result.Member("storage")
	if isTrue(t.document.Member("openshift"), "fips") && t.release < 20 {
		for _, l := range items(storage, "luks") {
			approvedCipher(l)
		}
	}
	if t.release >= 23 {
		grubContents(storage)
	}
	t.checkMachineConfigValues(storage)
	if t.Raw {
		t.ignoredInRaw()
	}
}

// approvedCipher has cryptsetup use a cipher that FIPS 140 allows, if the user
// does not choose one.
func approvedCipher(l *doc.Node) {
	for _, o := range items(l, "options") {
		if o.Text == "--cipher" || o.Text == "-c" || strings.HasPrefix(o.Text, "--cipher=") {
			return
		}
	}
	appendItem(l, "options", nodeBuilder{l}.value("--cipher"))
	appendItem(l, "options", nodeBuilder{l}.value("aes-cbc-essiv:sha256"))
}

// grubContents sets the contents of the boot loader's user file instead of appending
// to it, which the Machine Config Operator cannot.
func grubContents(storage *doc.Node) {
	for _, f := range items(storage, "files") {
		if text(f, "path") != grubFile {
			continue
		}
		if fragments := items(f, "append"); len(fragments) == 1 {
			f.Set("contents", fragments[0])
			f.Remove("append")
		}
		return
	}
}

func (t *translation) checkMachineConfigValues(storage *doc.Node) {
	filesystems := items(storage, "filesystems")
	for _, format := range []string{"btrfs", "none"} {
		for _, f := range filesystems {
			if text(f, "format") == format && (format != "none" || t.release >= 14) {
				t.error(config.RuleVariantCannot, originOf(f, "format"), "OpenShift has no filesystems of format %s; use ext4 or xfs", format)
			}
		}
	}
	for _, f := range items(storage, "files") {
		source := f.Member("contents").Member("source")
		if source != nil && !strings.HasPrefix(strings.ToLower(source.Text), "data:") {
			t.error(config.RuleVariantCannot, source.Origin(), "OpenShift has no files with remote contents; use inline or local")
		}
		if mode := f.Member("mode"); mode != nil && t.release >= 10 && !isPlainMode(mode.Text) {
			t.error(config.RuleVariantCannot, mode.Origin(), "OpenShift has no files with setuid, setgid or sticky bits; the mode %s is octal %s; use at most 0777", mode.Text, octal(mode.Text))
		}
	}
	for _, u := range items(t.result.Member("passwd"), "users") {
		if name := text(u, "name"); name != "core" {
			t.error(config.RuleVariantCannot, originOf(u, "name"), "OpenShift has no other user than \"core\", this is %q; give its keys to core", name)
		}
	}
}

// ignoredInRaw warns about keys that only a MachineConfig has.
func (t *translation) ignoredInRaw() {
	shift := t.document.Member("openshift")
	for _, member := range []string{"kernelArguments", "extensions", "fips", "kernelType"} {
		if shift.Member(member) != nil {
			t.warn(config.RuleOpenShiftRaw, originOf(shift, member), "this has no effect without the MachineConfig, which --raw omits")
		}
	}
}

// machineConfig wraps the config for the Machine Config Operator.
func (t *translation) machineConfig() *doc.Node {
	var m nodeBuilder
	spec := m.object("config", t.result)
	shift := t.document.Member("openshift")
	for _, member := range []string{"kernelArguments", "extensions", "fips", "kernelType"} {
		if value := shift.Member(member); value != nil && (value.Kind != doc.List || len(value.Items) > 0) {
			spec.Set(member, value)
		}
	}
	return m.object(
		"apiVersion", "machineconfiguration.openshift.io/v1",
		"kind", "MachineConfig",
		"metadata", t.document.Member("metadata"),
		"spec", spec)
}
