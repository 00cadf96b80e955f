package vm

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// BuildReference is Build with Debian's package of the reference in the initramfs,
// agent and dracut module, in the place of ours. There is no image without systemd.
func BuildReference() (*Images, error) {
	return buildOther(func(b *builder, img *Images) ([]part, error) {
		scripts, err := digest(filepath.Join(b.stage, "guest"))
		if err != nil {
			return nil, err
		}
		img.Initramfs = filepath.Join(b.cache, "reference-"+key(packages, scripts))
		return []part{{img.Initramfs, b.withReference("initramfs.sh", "reference"), 2}}, nil
	})
}

// withReference is script with Debian's package of the reference beside it, which is
// not part of the tree: it is only unpacked.
func (b *builder) withReference(name string, args ...string) func(string) error {
	deb := filepath.Join(b.cache, "ignitiondeb-"+key(packages))
	return func(out string) error {
		if err := b.parts([]part{{deb, b.script("ignition-deb.sh"), 1}}); err != nil {
			return err
		}
		if err := os.Link(deb, filepath.Join(b.stage, "ignition.deb")); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		return b.script(name, args...)(out)
	}
}

// BuildInitramfsTools is Build with an initramfs by initramfs-tools, which has no
// systemd and mounts the root by scripts.
func BuildInitramfsTools() (*Images, error) {
	return buildOther(func(b *builder, img *Images) ([]part, error) {
		id, err := digest(b.stage)
		img.Initramfs = filepath.Join(b.cache, "toolsinitramfs-"+key(id, packages))
		return []part{{img.Initramfs, b.script("initramfs-tools.sh"), 2}}, err
	})
}

// BuildMachine is Build for tests that bring an initramfs of their own.
func BuildMachine() (*Images, error) {
	return buildOther(func(*builder, *Images) ([]part, error) { return nil, nil })
}

// BuildForSize makes an uncompressed initramfs as a distribution would, into a file. The
// maker is dracut or initramfs-tools; the agent is none, ours or reference.
func BuildForSize(maker, agent, file string) error {
	return build(nil, func(b *builder) error { return b.withReference("size.sh", maker, agent)(file) })
}

// buildOther builds kernel, root and the initramfs that is described.
func buildOther(initramfs func(*builder, *Images) ([]part, error)) (*Images, error) {
	img := new(Images)
	err := build(nil, func(b *builder) error {
		other, err := initramfs(b, img)
		if err != nil {
			return err
		}
		img.Kernel = b.kernelName(packages)
		if img.Root, err = b.rootName(); err != nil {
			return err
		}
		return b.parts(append(other, part{img.Kernel, b.script("kernel.sh"), 1}, part{img.Root, b.root(""), 2}))
	})
	return img, err
}
