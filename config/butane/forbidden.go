package butane

import (
	"slices"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// A forbidden part of the spec is something that a variant's systems cannot do.
type forbidden struct {
	path string // through lists, as in storage.files.append
	why  string
	// orEmpty tolerates a value that is there but empty.
	orEmpty bool
}

var (
	noClevis  = []forbidden{{path: "storage.luks.clevis", why: "this system has no clevis"}}
	noCex     = []forbidden{{path: "storage.luks.cex", why: "this system has no Crypto Express cards"}}
	noStorage = under("this system does not do that on first boot", "kernelArguments", "storage.disks", "storage.filesystems", "storage.luks", "storage.raid")
)

func under(why string, paths ...string) []forbidden {
	var all []forbidden
	for _, path := range paths {
		all = append(all, forbidden{path: path, why: why})
	}
	return all
}

// machineConfigLimits are those of the Machine Config Operator.
func machineConfigLimits(release int) []forbidden {
	const why = "the Machine Config Operator cannot do that"
	all := under(why, "passwd.groups",
		"passwd.users.gecos", "passwd.users.groups", "passwd.users.homeDir", "passwd.users.noCreateHome", "passwd.users.noLogInit",
		"passwd.users.noUserGroup", "passwd.users.primaryGroup", "passwd.users.shell", "passwd.users.shouldExist", "passwd.users.system",
		"passwd.users.uid", "storage.directories", "storage.files.append", "storage.files.contents.httpHeaders", "storage.links")
	if release <= 12 {
		all = append(all, under(why, "passwd.users.passwordHash")...)
	}
	if release <= 9 {
		all = append(all, forbidden{"storage.files.contents.compression", why, true})
	}
	if release >= 14 {
		all = append(all, forbidden{path: "kernelArguments", why: why + "; use openshift.kernel_arguments"})
	}
	return all
}

// checkForbidden looks for what the variant's systems cannot do.
func (t *translation) checkForbidden() {
	if t.Variant == openshift && t.Raw {
		return
	}
	for _, f := range t.forbidden {
		for _, n := range reach(t.root, strings.Split(f.path, ".")) {
			if n.Kind != doc.List && n.Kind != doc.Map || len(n.Members)+len(n.Items) > 0 {
				if !f.orEmpty || n.Text != "" {
					t.error(n.Origin(), "%s", f.why)
				}
			}
		}
	}
}

// reach lists the nodes that a path leads to, through all items of lists.
func reach(n *doc.Node, path []string) []*doc.Node {
	if n == nil || len(path) == 0 {
		return slices.DeleteFunc([]*doc.Node{n}, func(n *doc.Node) bool { return n == nil })
	}
	var all []*doc.Node
	if n.Kind == doc.List {
		for _, item := range n.Items {
			all = append(all, reach(item, path)...)
		}
		return all
	}
	return reach(n.Member(path[0]), path[1:])
}

// octal is a decimal number in octal digits.
func octal(decimal string) string {
	number, _ := strconv.Atoi(decimal)
	return strconv.FormatInt(int64(number), 8)
}

// isPlainMode tells that a mode has no other bits than rwx.
func isPlainMode(decimal string) bool {
	mode, _ := strconv.Atoi(decimal)
	return mode >= 0 && mode <= 0o777
}
