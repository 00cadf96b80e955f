package vm

import (
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/partition/gpt"
)

// guest is what goes into the images besides Debian and ourselves: scripts that
// run in the tree, a dracut module as a distribution would have one, units.
//
//go:embed guest
var guest embed.FS

//go:embed guest/kernel.sh
var unpackKernel string

// packages of the Debian tree: what boots, what the image is built with, and the
// helper programs that the agent runs.
const packages = "systemd,systemd-sysv,udev,dbus,linux-image-cloud-amd64,dracut-core,dracut-network,e2fsprogs,xfsprogs,btrfs-progs,dosfstools,busybox-static,iproute2,kmod,passwd,lz4,cpio,fdisk,xz-utils,zstd," +
	"mdadm,cryptsetup-bin,dmsetup,clevis,clevis-luks,clevis-tpm2,tang,gdisk,kpartx"

// Images are the parts of a machine, as files.
type Images struct {
	Kernel    string
	Initramfs string // by dracut, with systemd
	Bare      string // initramfs with busybox as init
	Root      string // disk image whose first partition is the root filesystem
}

// rootSize is the size of the root disk, in bytes. The image is sparse.
const rootSize = 1 << 30

// agentVariable names another program than the one of this source tree to be
// the agent, for comparisons.
const agentVariable = "FIRSTLIGHT_AGENT"

// Build makes the images, or finds them in the cache. It builds the agent from
// the source tree, with the given build tags besides the usual.
func Build(tags ...string) (*Images, error) {
	var img *Images
	err := build(tags, func(b *builder) (err error) {
		img, err = b.images()
		return err
	})
	return img, err
}

// build prepares the tree and our files, for make to put them together.
func build(tags []string, make func(*builder) error) error {
	dir, err := cacheDir()
	if err != nil {
		return err
	}
	unlock, err := lock(dir)
	if err != nil {
		return err
	}
	defer unlock()
	b := &builder{cache: dir}
	if b.repo, err = repository(); err != nil {
		return err
	}
	if err := b.debian(); err != nil {
		return fmt.Errorf("building the Debian tree: %w", err)
	}
	if b.stage, err = os.MkdirTemp(dir, "stage-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.stage)
	if err := b.fill(tags); err != nil {
		return fmt.Errorf("installing the agent: %w", err)
	}
	return make(b)
}

type builder struct {
	cache, repo string
	tree        string // the Debian tree
	stage       string // what is to be put into the tree: our files
}

func (b *builder) images() (*Images, error) {
	id, err := digest(b.stage)
	if err != nil {
		return nil, err
	}
	id = key(id, packages)
	img := &Images{
		Kernel:    b.kernelName(packages),
		Initramfs: filepath.Join(b.cache, "initramfs-"+id),
		Bare:      filepath.Join(b.cache, "bare-"+id),
	}
	if img.Root, err = b.rootName(); err != nil {
		return nil, err
	}
	return img, b.parts([]part{
		{img.Kernel, b.script("kernel.sh"), 1},
		{img.Initramfs, b.script("initramfs.sh"), 4},
		{img.Bare, b.script("bare.sh"), 4},
		{img.Root, b.root(""), 2},
	})
}

// A part is a file that is built once and kept.
type part struct {
	file  string
	build func(file string) error
	keep  int // how many of its kind stay in the cache
}

// parts builds what is not in the cache.
func (b *builder) parts(all []part) error {
	for _, p := range all {
		if _, err := os.Stat(p.file); err != nil {
			if err := p.build(p.file + ".new"); err != nil {
				return fmt.Errorf("building %s: %w", filepath.Base(p.file), err)
			}
			if err := os.Rename(p.file+".new", p.file); err != nil {
				return err
			}
		}
		now := time.Now()
		if err := os.Chtimes(p.file, now, now); err != nil {
			return err
		}
		kind, _, _ := strings.Cut(filepath.Base(p.file), "-")
		prune(b.cache, kind+"-", p.keep)
	}
	return nil
}

// DebianTree returns the directory of the Debian that images are made of. It is not to
// be changed; a test that wants another one puts an overlay on it.
func DebianTree() (string, error) {
	dir, err := cacheDir()
	if err != nil {
		return "", err
	}
	unlock, err := lock(dir)
	if err != nil {
		return "", err
	}
	defer unlock()
	b := &builder{cache: dir}
	if err := b.debian(); err != nil {
		return "", fmt.Errorf("building the Debian tree: %w", err)
	}
	return b.tree, nil
}

// debian makes the tree that everything else is built in.
func (b *builder) debian() error {
	b.tree = filepath.Join(b.cache, "tree-"+key(packages))
	return once(b.tree, func(unfinished string) error {
		return root("debootstrap", "--variant=minbase", "--include="+packages, "bookworm", unfinished)
	})
}

// once makes a directory unless it is there. Trees are large: others of its kind are of
// no use any more.
func once(tree string, make func(unfinished string) error) error {
	if _, err := os.Stat(tree); err == nil {
		return nil
	}
	unfinished := tree + ".new"
	if err := root("rm", "-rf", unfinished); err != nil {
		return err
	}
	if err := make(unfinished); err != nil {
		return err
	}
	if err := root("mv", unfinished, tree); err != nil {
		return err
	}
	kind, _, _ := strings.Cut(filepath.Base(tree), "-")
	others, _ := filepath.Glob(filepath.Join(filepath.Dir(tree), kind+"-*"))
	for _, other := range others {
		if other != tree {
			if err := root("rm", "-rf", other); err != nil {
				return err
			}
		}
	}
	return nil
}

// fill stages our own files: the programs by "make install-...", the program that
// reports from inside a machine, and the scripts.
func (b *builder) fill(tags []string) error {
	if err := b.install(tags); err != nil {
		return fmt.Errorf("installing by make: %w", err)
	}
	if err := os.CopyFS(b.stage, guest); err != nil {
		return err
	}
	inspect := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=",
		"-o", filepath.Join(b.stage, "guest/inspect"), "./tests/vm/inspect")
	inspect.Dir = b.repo
	inspect.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=amd64")
	return output(inspect)
}

// built is when the agent believes that it was built, whenever that was: the images stay
// the same.
const built = "2026-01-01T00:00:00Z"

// install runs "make install-...". Another agent than ours takes the place of what
// make would build.
func (b *builder) install(tags []string) error {
	bin := filepath.Join(b.stage, "bin")
	args := []string{"-s", "install-firstlight", "install-firstlightctl", "BIN=" + bin, "DESTDIR=" + filepath.Join(b.stage, "install"), "SHARE=", "VERSION=test", "BUILT=" + built, "TAGS=" + strings.Join(tags, ",")}
	if agent := os.Getenv(agentVariable); agent != "" && len(tags) == 0 {
		for _, name := range []string{"firstlight", "firstlightctl"} {
			program := filepath.Join(bin, name)
			if err := run("install", "-D", agent, program); err != nil {
				return err
			}
			args = append(args, "--old-file="+program)
		}
	}
	install := exec.Command("make", args...)
	install.Dir = b.repo
	// This may be running below a make of its own, with its own ideas.
	install.Env = append(os.Environ(), "MAKEFLAGS=", "MAKEOVERRIDES=", "GOARCH=amd64")
	defer os.RemoveAll(bin)
	return output(install)
}

// Install installs the programs of the source tree below a directory, by make.
func Install(dir string) error {
	repo, err := repository()
	if err != nil {
		return err
	}
	b := &builder{repo: repo, stage: dir}
	return b.install(nil)
}

// script runs one of the guest scripts in the tree; what it leaves in /work/out
// is the result, what it mounts is gone afterwards.
func (b *builder) script(name string, args ...string) func(string) error {
	return func(out string) error {
		work := filepath.Join(b.tree, "work")
		commands := [][]string{
			{"rm", "-rf", work},
			{"cp", "-r", b.stage, work},
			append([]string{"unshare", "-m", "chroot", b.tree, "/bin/bash", "/work/guest/" + name}, args...),
			{"install", "-m", "0644", filepath.Join(work, "out"), out},
			{"rm", "-rf", work},
		}
		for _, c := range commands {
			if err := root(c[0], c[1:]...); err != nil {
				return err
			}
		}
		return nil
	}
}

// kernelName is keyed by packages, of which one may be another kernel.
func (b *builder) kernelName(packages ...string) string {
	return filepath.Join(b.cache, "kernel-"+key(append(packages, unpackKernel)...))
}

// rootName is keyed by what goes into the root, which the agent does not.
func (b *builder) rootName() (string, error) {
	id, err := digest(filepath.Join(b.stage, "guest"))
	return filepath.Join(b.cache, "root-"+key(id, packages)), err
}

// root makes the root disk of a variant: a partition table by our own means, and a
// filesystem by a script in the tree.
func (b *builder) root(variant string) func(string) error {
	return func(out string) error {
		if err := b.script("root.sh", variant)(out); err != nil {
			return err
		}
		if os.Getuid() != 0 {
			if err := root("chown", fmt.Sprint(os.Getuid()), out); err != nil {
				return err
			}
		}
		return partition(out)
	}
}

// partition writes a table with one partition, for the filesystem that is there.
func partition(image string) error {
	const start = 1 << 20 // bytes
	disk, err := file.OpenFromPath(image, false)
	if err != nil {
		return err
	}
	defer disk.Close()
	w, err := disk.Writable()
	if err != nil {
		return err
	}
	table := &gpt.Table{LogicalSectorSize: 512, PhysicalSectorSize: 512, ProtectiveMBR: true, GUID: "1B0E9A5C-6F0D-4F5E-8C56-0F35A5B0A001",
		Partitions: []*gpt.Partition{{Index: 1, Start: start / 512, End: rootSize/512 - 2049, Type: gpt.LinuxFilesystem, Name: "root", GUID: "1B0E9A5C-6F0D-4F5E-8C56-0F35A5B0A002"}}}
	return table.Write(w, rootSize)
}
