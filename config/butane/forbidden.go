package butane

import (
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// A forbidden part of the spec is something that the systems of a variant cannot do.
type forbidden struct {
	path string // through lists, as in storage.files.append
	// why says who cannot do it, and the way out.
	why string
	// allowEmpty permits a value that is present but empty.
	allowEmpty bool
}

var (
	noClevis = []forbidden{{path: "storage.luks.clevis", why: "Flatcar has no clevis in this version: use key_file, or version 1.2.0-experimental"}}
	noCex    = []forbidden{{path: "storage.luks.cex", why: "Flatcar has no support for Crypto Express cards: use key_file or clevis"}}
)

// noStorage lists what systems whose disks are laid out by an installer or an image
// builder do not do on first boot.
func noStorage(system string) []forbidden {
	const kickstart = " on first boot: have the installer's kickstart "
	return []forbidden{
		{path: "kernelArguments", why: system + " sets no kernel arguments" + kickstart + "set them (bootloader --append) or the image's blueprint (customizations.kernel), or later rpm-ostree kargs"},
		{path: "storage.disks", why: system + " makes no partitions" + kickstart + "make them (part) or the image's blueprint (customizations.disk), or a unit"},
		{path: "storage.filesystems", why: system + " makes and mounts no filesystems" + kickstart + "make them (part, logvol) or the image's blueprint (customizations.filesystem), or units"},
		{path: "storage.luks", why: system + " encrypts nothing" + kickstart + "do it (part --encrypted), or a unit"},
		{path: "storage.raid", why: system + " makes no RAID arrays" + kickstart + "make them (raid), or a unit"},
	}
}

// The Machine Config Operator manages one user only, and little of it.
var userLimits = []struct{ member, what string }{
	{"gecos", "users' comments"}, {"groups", "users' groups"}, {"homeDir", "users' home directories"},
	{"noCreateHome", "users without a home"}, {"noLogInit", "users' login records"}, {"noUserGroup", "users without a group"},
	{"primaryGroup", "users' primary groups"}, {"shell", "users' shells"}, {"shouldExist", "deletion of users"},
	{"system", "system users"}, {"uid", "users' IDs"},
}

// machineConfigLimits lists what the Machine Config Operator cannot do in a release.
func machineConfigLimits(release int) []forbidden {
	const operator = "the Machine Config Operator "
	all := []forbidden{
		{path: "passwd.groups", why: operator + "makes no groups: have a unit or a file of systemd-sysusers make them"},
		{path: "storage.directories", why: operator + "makes no directories: put a file into it, or have a unit or a file of systemd-tmpfiles make it"},
		{path: "storage.files.append", why: operator + "appends to no files: give the whole file in contents"},
		{path: "storage.files.contents.httpHeaders", why: operator + "downloads no contents, so there are no headers: use inline or local"},
		{path: "storage.links", why: operator + "makes no links: put the file itself there, or have a unit or a file of systemd-tmpfiles make them"},
	}
	only := "only keys and a password hash of core"
	if release <= 12 {
		only = "only keys of core"
		all = append(all, forbidden{path: "passwd.users.passwordHash", why: operator + "sets no passwords before version 4.13.0: " + only})
	}
	for _, u := range userLimits {
		all = append(all, forbidden{path: "passwd.users." + u.member, why: operator + "knows no " + u.what + ": " + only})
	}
	if release <= 9 {
		all = append(all, forbidden{"storage.files.contents.compression", operator + "decompresses nothing before version 4.10.0: leave the compression out", true})
	}
	if release >= 14 {
		all = append(all, forbidden{path: "kernelArguments", why: operator + "reads no kernel arguments here: use openshift.kernel_arguments"})
	}
	return all
}

// checkForbidden refuses what the variant's systems cannot do.
func (t *translation) checkForbidden() {
	if t.Variant == openshift && t.Raw {
		return
	}
	for _, f := range t.forbidden {
		for _, n := range selectPath(t.result, strings.Split(f.path, ".")) {
			if n.Kind != doc.List && n.Kind != doc.Map || len(n.Members)+len(n.Items) > 0 {
				if !f.allowEmpty || n.Text != "" {
					t.error(config.RuleVariantCannot, n.Origin(), "%s%s", f.why, ofGrub(n))
				}
			}
		}
	}
}

// ofGrub adds to a message about a node that grub has made, with nothing to append to
// in the document.
func ofGrub(n *doc.Node) string {
	if !strings.HasPrefix(n.Path(), "grub.") {
		return ""
	}
	return "; grub appends to " + grubFile + ", which experimental versions write as a whole if nothing else appends to it"
}

// selectPath returns the nodes at a path, in all items of lists on the way.
func selectPath(n *doc.Node, path []string) []*doc.Node {
	if n == nil || len(path) == 0 {
		return slices.DeleteFunc([]*doc.Node{n}, func(n *doc.Node) bool { return n == nil })
	}
	var all []*doc.Node
	if n.Kind == doc.List {
		for _, item := range n.Items {
			all = append(all, selectPath(item, path)...)
		}
		return all
	}
	return selectPath(n.Member(path[0]), path[1:])
}
