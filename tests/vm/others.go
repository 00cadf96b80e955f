package vm

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
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

// BuildURoot is Build with an initramfs by u-root, which has neither systemd nor udev. It is
// made of what is installed for that; helper programs and kernel modules follow it as a
// second archive.
func BuildURoot() (*Images, error) {
	return buildOther(func(b *builder, img *Images) ([]part, error) {
		id, err := digest(b.stage)
		if err != nil {
			return nil, err
		}
		img.Initramfs = filepath.Join(b.cache, "uroot-"+key(id, packages))
		return []part{{img.Initramfs, b.uRoot, 2}}, nil
	})
}

func (b *builder) uRoot(out string) error {
	installed := filepath.Join(b.stage, "install/usr")
	commands := "github.com/u-root/u-root/cmds/core/"
	make := exec.Command("go", "tool", "u-root", "-o", out, "-initcmd=firstlight-init",
		"-files", filepath.Join(installed, "lib/dracut/modules.d/30ignition/ignition")+":usr/bin/ignition",
		"./firstlight-init", commands+"dhclient", commands+"gosh")
	make.Dir = filepath.Join(installed, "share/firstlight/initramfs/u-root")
	make.Env = append(os.Environ(), "GOARCH=amd64", "GOAMD64=v1")
	if err := output(make); err != nil {
		return err
	}
	more := out + ".more"
	defer os.Remove(more)
	if err := b.script("bare.sh", "u-root")(more); err != nil {
		return err
	}
	text, err := os.ReadFile(more)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(out, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	// A compressed archive may follow wherever another one ends.
	if _, err := f.Write(text); err != nil {
		return err
	}
	return f.Close()
}

// BuildMkosi is Build with an initramfs that the program mkosi makes of Debian's packages, our
// installed files and our script. Kernel modules are a second archive.
func BuildMkosi() (*Images, error) {
	return buildOther(func(b *builder, img *Images) ([]part, error) {
		id, err := digest(b.stage)
		if err != nil {
			return nil, err
		}
		img.Initramfs = filepath.Join(b.cache, "mkosi-"+key(id, packages))
		return []part{{img.Initramfs, b.mkosi, 2}}, nil
	})
}

// makeByMkosi runs in a directory with the settings. The container in which mkosi runs programs
// wants a /run in memory, as it is where systemd runs.
const makeByMkosi = `
	cd "$1"
	[ "$(stat -f -c %T /run)" = tmpfs ] || mount -t tmpfs tmpfs /run
	mkosi --force --nspawn-keep-unit build
	cat initrd.cpio "$2" | lz4 -l -1 -q > "$3"
	chmod a+r "$3"`

func (b *builder) mkosi(out string) error {
	dir := filepath.Join(b.stage, "guest/mkosi")
	modules := out + ".modules"
	defer os.Remove(modules)
	if err := b.script("kmod.sh")(modules); err != nil {
		return err
	}
	if err := os.CopyFS(filepath.Join(dir, "extra"), os.DirFS(filepath.Join(b.stage, "install"))); err != nil {
		return err
	}
	script := filepath.Join(b.stage, "install/usr/share/firstlight/initramfs/mkosi/mkosi.postinst")
	if err := run("install", script, filepath.Join(dir, "mkosi.finalize")); err != nil {
		return err
	}
	return root("unshare", "-m", "sh", "-euc", makeByMkosi, "sh", dir, modules, out)
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
