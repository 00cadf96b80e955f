// Package uefi boots machines without GRUB: UEFI firmware starts systemd-boot from the EFI
// system partition, which starts an entry or a unified kernel image. Tests look at what
// is on the partition before and after, with mtools.
//
// Firmware takes long under emulation. The gate has the boots of a unified kernel image
// and a power cut; the build tag soak adds those by entries and variables, the flag
// -uefi.cuts more power cuts.
package uefi

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/firstlight-os/firstlight/internal/qemu"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
)

var (
	cuts = flag.Int("uefi.cuts", 1, "power cuts when the first boot ends")
	seed = flag.Uint64("uefi.seed", 11, "of the moments of power cuts")
)

// The root disk has the root filesystem of the images at its beginning, and the EFI system
// partition behind it. In bytes.
const (
	rootStart = 1 << 20
	rootSize  = 1022 << 20
	espStart  = 1023 << 20
	espSize   = 192 << 20
)

// parts are what all machines are made of.
type parts struct {
	err    error
	images *vm.Images
	kernel string
	// installed has the programs of the source tree, as below /.
	installed string
}

var built = sync.OnceValue(func() (p parts) {
	if p.images, p.err = vm.Build(); p.err != nil {
		return p
	}
	if p.kernel, p.err = vm.EFIKernel(); p.err != nil {
		return p
	}
	p.installed = filepath.Join(work, "install")
	p.err = vm.Install(work)
	return p
})

// work is a directory for the time of all tests.
var work string

func TestMain(m *testing.M) {
	var err error
	if work, err = os.MkdirTemp("", "firstlight-uefi-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := m.Run()
	os.RemoveAll(work)
	os.Exit(status)
}

// settings are those of a distribution.
type settings string

// initramfs makes the images' initramfs with the settings.
func (s settings) initramfs(t *testing.T, p parts) string {
	t.Helper()
	return vm.WithFiles(t, p.images, map[string]string{"usr/lib/ignition/distribution.conf": string(s)}).Initramfs
}

// newMachine makes a machine of a distribution with these settings. Its EFI system
// partition has systemd-boot and files, by their paths: a path on the host begins with a
// slash, anything else is the contents.
func newMachine(t *testing.T, p parts, s settings, files map[string]string) vm.Options {
	t.Helper()
	dir := t.TempDir()
	disk := filepath.Join(dir, "disk.img")
	run(t, "cp", "--sparse=always", p.images.Root, disk)
	testkit.NoError(t, os.Truncate(disk, espStart+espSize+1<<20))
	run(t, "sgdisk", "-e", "-n", fmt.Sprintf("2:%d:+%dM", espStart/512, espSize>>20), "-t", "2:ef00", "-c", "2:esp", disk)
	installInto(t, disk, p.installed, s)
	esp := filepath.Join(dir, "esp.img")
	run(t, "mkfs.fat", "-F", "32", "-n", "ESP", "-C", esp, fmt.Sprint(espSize>>10))
	everything := map[string]string{"EFI/BOOT/BOOTX64.EFI": vm.SystemdBoot, "loader/loader.conf": "timeout 0\n"}
	for name, what := range files {
		everything[name] = what
	}
	made := map[string]bool{".": true}
	for name, what := range everything {
		makeDir(t, esp, filepath.Dir(name), made)
		if !strings.HasPrefix(what, "/") {
			file := filepath.Join(t.TempDir(), "file")
			testkit.WriteFile(t, file, what)
			what = file
		}
		run(t, "mcopy", "-i", esp, what, "::"+name)
	}
	run(t, "dd", "if="+esp, "of="+disk, "bs=1M", fmt.Sprintf("seek=%d", espStart>>20), "conv=notrunc,sparse", "status=none")
	firmware, err := qemu.UEFI(dir)
	testkit.NoError(t, err)
	return vm.Options{Images: p.images, Root: disk, Firmware: firmware}
}

// makeDir makes a directory of the EFI system partition, and those that it is in.
func makeDir(t *testing.T, esp, name string, made map[string]bool) {
	t.Helper()
	if made[name] {
		return
	}
	makeDir(t, esp, filepath.Dir(name), made)
	run(t, "mmd", "-i", esp, "::"+name)
	made[name] = true
}

// installInto puts programs, units and settings on the root filesystem, as a package does.
func installInto(t *testing.T, disk, installed string, s settings) {
	t.Helper()
	conf := filepath.Join(t.TempDir(), "distribution.conf")
	testkit.WriteFile(t, conf, string(s))
	var script strings.Builder
	script.WriteString("mkdir /efi\nmkdir /usr/lib/ignition\nwrite " + conf + " /usr/lib/ignition/distribution.conf\n")
	put := func(from, to string) { fmt.Fprintf(&script, "write %s %s\n", filepath.Join(installed, from), to) }
	put("usr/lib/dracut/modules.d/30ignition/ignition", "/usr/libexec/firstlight-firstboot")
	put("usr/bin/firstlightctl", "/usr/bin/firstlightctl")
	units, err := os.ReadDir(filepath.Join(installed, "usr/lib/systemd/system"))
	testkit.NoError(t, err)
	for _, u := range units {
		put("usr/lib/systemd/system/"+u.Name(), "/usr/lib/systemd/system/"+u.Name())
	}
	commands := filepath.Join(t.TempDir(), "commands")
	testkit.WriteFile(t, commands, script.String())
	// It exits with 0 whatever happens, and prints nothing else if all is well.
	for line := range strings.Lines(run(t, "debugfs", "-w", "-f", commands, fmt.Sprintf("%s?offset=%d", disk, rootStart))) {
		if !strings.HasPrefix(line, "debugfs") && !strings.HasPrefix(line, "Allocated inode") {
			t.Fatalf("debugfs: %s", line)
		}
	}
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// onESP reads a file of a disk's EFI system partition. If its directory does not have it
// the error is fs.ErrNotExist.
func onESP(t *testing.T, disk, name string) (string, error) {
	t.Helper()
	image := fmt.Sprintf("%s@@%d", disk, espStart)
	listed := run(t, "mdir", "-b", "-i", image, "::"+path.Dir(name))
	if !strings.Contains(listed, "::/"+name+"\n") {
		return "", fs.ErrNotExist
	}
	text, err := exec.Command("mtype", "-i", image, "::"+name).Output()
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", name, err)
	}
	return string(text), nil
}

// partition makes a file of a partition of a disk.
func partition(t *testing.T, disk string, start, size int) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "partition.img")
	run(t, "dd", "if="+disk, "of="+file, "bs=1M", fmt.Sprintf("skip=%d", start>>20), fmt.Sprintf("count=%d", size>>20), "conv=sparse", "status=none")
	return file
}

// isSound looks at the files of a disk's EFI system partition. Clusters that belong to none
// are as harmless as a count of free ones that is wrong.
func isSound(t *testing.T, disk string) {
	t.Helper()
	esp := partition(t, disk, espStart, espSize)
	defer os.Remove(esp)
	// It exits with 1 if there is anything to say.
	out, _ := exec.Command("fsck.fat", "-n", esp).CombinedOutput()
	if text := string(out); !strings.Contains(text, "files,") || strings.Contains(text, "Contains a free cluster") || strings.Contains(text, "share clusters") {
		t.Errorf("the EFI system partition: %s", text)
	}
}
