package vm

import (
	"fmt"
	"path/filepath"
)

// variants are Debians with further packages. The script of its name in guest, if there
// is one, makes the root of a variant out of the usual one, and the dracut module of its
// name is in the initramfs.
var variants = map[string][]string{
	"clevis":    {"clevis-systemd"},
	"drives":    {"linux-image-amd64"}, // the usual kernel has drivers of clouds only
	"multipath": {"multipath-tools"},
	"ostree":    {"ostree", "ostree-boot"},
	"podman":    {"podman", "crun", "catatonit", "netavark", "aardvark-dns", "iptables"},
	"selinux":   {"policycoreutils", "selinux-policy-default", "selinux-utils"},
}

// BuildVariant is Build for a variant of the Debian that images are made of. There is no
// image without systemd.
func BuildVariant(name string) (*Images, error) {
	img := new(Images)
	err := build(nil, func(b *builder) error {
		inputs := append([]string{packages}, variants[name]...)
		if err := b.extend(name, key(inputs...)); err != nil {
			return fmt.Errorf("building the Debian tree of %s: %w", name, err)
		}
		agent, err := digest(b.stage)
		if err != nil {
			return err
		}
		scripts, err := digest(filepath.Join(b.stage, "guest"))
		if err != nil {
			return err
		}
		img.Kernel = b.kernelName(inputs...)
		img.Initramfs = filepath.Join(b.cache, name+"initramfs-"+key(append(inputs, agent)...))
		img.Root = filepath.Join(b.cache, name+"root-"+key(append(inputs, scripts)...))
		return b.parts([]part{
			{img.Kernel, b.script("kernel.sh"), 1},
			{img.Initramfs, b.script("initramfs.sh", name), 2},
			{img.Root, b.root(name), 2},
		})
	})
	return img, err
}

// extend puts the tree of a variant in the place of the usual one.
func (b *builder) extend(name, id string) error {
	usual := b.tree
	b.tree = filepath.Join(b.cache, name+"tree-"+id)
	return once(b.tree, func(unfinished string) error {
		if err := root("cp", "-a", usual, unfinished); err != nil {
			return err
		}
		if err := root("chroot", unfinished, "apt-get", "update", "-q"); err != nil {
			return err
		}
		install := []string{unfinished, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-qy", "--no-install-recommends"}
		return root("chroot", append(install, variants[name]...)...)
	})
}
