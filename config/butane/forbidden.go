package butane

import (
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// A forbidden part of the spec is something that the systems of a variant cannot do.
type forbidden struct {
	path string // through lists, as in storage.files.append
	why  string
	// allowEmpty permits a value that is present but empty.
	allowEmpty bool
}

var (
	noClevis  = []forbidden{{path: "storage.luks.clevis", why: "this system has no clevis"}}
	noCex     = []forbidden{{path: "storage.luks.cex", why: "this system has no Crypto Express cards"}}
	noStorage = forbidAll("this system does not do that on first boot", "kernelArguments", "storage.disks", "storage.filesystems", "storage.luks", "storage.raid")
)

func forbidAll(why string, paths ...string) []forbidden {
	var all []forbidden
	for _, path := range paths {
		all = append(all, forbidden{path: path, why: why})
	}
	return all
}

// machineConfigLimits lists what the Machine Config Operator cannot do.
func machineConfigLimits(release int) []forbidden {
	const why = "the Machine Config Operator cannot do that"
	all := forbidAll(why, "passwd.groups",
		"passwd.users.gecos", "passwd.users.groups", "passwd.users.homeDir", "passwd.users.noCreateHome", "passwd.users.noLogInit",
		"passwd.users.noUserGroup", "passwd.users.primaryGroup", "passwd.users.shell", "passwd.users.shouldExist", "passwd.users.system",
		"passwd.users.uid", "storage.directories", "storage.files.append", "storage.files.contents.httpHeaders", "storage.links")
	if release <= 12 {
		all = append(all, forbidAll(why, "passwd.users.passwordHash")...)
	}
	if release <= 9 {
		all = append(all, forbidden{"storage.files.contents.compression", why, true})
	}
	if release >= 14 {
		all = append(all, forbidden{path: "kernelArguments", why: why + "; use openshift.kernel_arguments"})
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
					t.error(n.Origin(), "%s", f.why)
				}
			}
		}
	}
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
