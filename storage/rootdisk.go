package storage

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/storage/plan"
)

// rootMounts are the mount points, with all below them, of what a machine was started from.
var rootMounts = []string{"/boot", "/efi", "/usr", "/sysroot", "/sysusr"}

// rootArguments are the kernel arguments that say where that is.
var rootArguments = []string{"root", "usr", "boot", "mount.usr", "verity.usr", "rd.luks.uuid"}

// rootLabels are those of the filesystems that an image is started from by their labels
// alone, if there is no kernel argument "root".
var rootLabels = []string{"root", "boot"}

// loaderPartition is the EFI variable in which boot loaders leave the GUID of the partition
// that they were started from: see systemd's Boot Loader Interface.
const loaderPartition = "firmware/efi/efivars/LoaderDevicePartUUID-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"

// markRoot finds the disks with the running root, and with what it was started from. In an
// initramfs it need not be mounted yet.
func (m *Machine) markRoot(disks []*plan.Candidate) error {
	points, err := system.MountPoints(m.proc("self/mountinfo"))
	if err != nil {
		return err
	}
	mark := rootMarker{m, disks}
	for _, p := range points {
		if p.Target == "/" || slices.ContainsFunc(rootMounts, func(outer string) bool { return within(p.Target, outer) }) {
			mark.path(p.Source, "mounted at "+p.Target)
			mark.number(p, "mounted at "+p.Target)
		}
	}
	arguments, err := system.KernelArguments()
	if err != nil {
		return err
	}
	for _, name := range rootArguments {
		if value := strings.Trim(arguments[name], `"`); value != "" {
			mark.argument(name, value)
		}
	}
	if arguments["root"] == "" {
		for _, label := range rootLabels {
			mark.held("LABEL", label, "the filesystem \""+label+"\" is on it")
		}
	}
	if guid := m.loaderPartition(); guid != "" {
		mark.held("PARTUUID", guid, "the boot loader was started from it")
	}
	return nil
}

// loaderPartition reads the EFI variable: four bytes of attributes, then a GUID in UTF-16.
func (m *Machine) loaderPartition() string {
	text, err := system.ReadFile(m.sys(loaderPartition), system.KernelText)
	if err != nil || len(text) < 4 {
		return ""
	}
	return strings.ReplaceAll(string(text[4:]), "\x00", "")
}

// A rootMarker marks disks, each for the first reason that is found.
type rootMarker struct {
	m     *Machine
	disks []*plan.Candidate
}

func (r rootMarker) mark(node, why string) {
	for _, d := range r.disks {
		if d.Node() == node {
			d.Root = cmp.Or(d.Root, why)
		}
	}
}

// argument is for a device as a kernel argument names it.
func (r rootMarker) argument(name, value string) {
	why := "kernel argument " + name
	if tag, text, found := strings.Cut(value, "="); found {
		r.held(tag, strings.Trim(text, `"`), why)
		return
	}
	if name == "rd.luks.uuid" {
		r.held("UUID", strings.TrimPrefix(value, "luks-"), why)
		return
	}
	r.path(value, why)
}

// path is for a device that is there.
func (r rootMarker) path(path, why string) {
	if n, ok := deviceNumber(r.m.devPath(path)); ok {
		r.base(r.m.sys("dev", "block", string(n)), why)
	}
}

func (r rootMarker) number(p system.MountPoint, why string) {
	r.base(r.m.sys("dev", "block", fmt.Sprintf("%d:%d", p.Major, p.Minor)), why)
}

// base marks the disks that a device is on: a partition is on its disk, and what is stacked
// on others is on theirs.
func (r rootMarker) base(link, why string) {
	dir, err := filepath.EvalSymlinks(link)
	if err != nil {
		return
	}
	if r.m.attribute(dir, "partition") != "" {
		dir = filepath.Dir(dir)
	}
	r.mark(nodeOfKernel(filepath.Base(dir)), why)
	below, err := os.ReadDir(filepath.Join(dir, "slaves"))
	if err != nil {
		return
	}
	for _, s := range below {
		r.base(filepath.Join(dir, "slaves", s.Name()), why)
	}
}

// held is for a device that is named by what it holds: LABEL=root.
func (r rootMarker) held(tag, value, why string) {
	r.path("/dev/disk/by-"+strings.ToLower(tag)+"/"+value, why)
	for _, d := range r.disks {
		if d.Has(tag, value) {
			d.Root = cmp.Or(d.Root, why)
		}
	}
}
