package firstboot

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/tests/vm"
)

// bootFilesystem makes a disk with a filesystem labelled "boot" with one entry.
func bootFilesystem(t *testing.T, dir, entry string) (disk string) {
	t.Helper()
	entries := filepath.Join(dir, "boot/loader/entries")
	if err := os.MkdirAll(entries, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(entries, "debian.conf"), []byte(entry), 0o644); err != nil {
		t.Fatal(err)
	}
	disk, err := vm.NewDisk(dir, "boot.img", 64)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-L", "boot", "-d", filepath.Join(dir, "boot"), disk).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4: %v\n%s", err, out)
	}
	return disk
}

// entryOf reads the entry of a disk, as the boot loader does.
func entryOf(t *testing.T, disk string) string {
	t.Helper()
	text, err := exec.Command("debugfs", "-R", "cat /loader/entries/debian.conf", disk).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The test is the boot loader: it starts the machine with the arguments of the entry.
func TestKernelArgumentsAreThoseOfTheConfigBeforeAnythingElseIsDone(t *testing.T) {
	t.Parallel()
	o := machine(t)
	arguments := vm.FirstBoot("qemu") + " firstlight.unwanted"
	disk := bootFilesystem(t, t.TempDir(), "title Debian\noptions "+arguments+"\nlinux /vmlinuz\n")
	o.Disks = append(o.Disks, disk)
	o.Config = `{"ignition": {"version": "3.4.0"},
		"kernelArguments": {"shouldExist": ["firstlight.wanted=1"], "shouldNotExist": ["firstlight.unwanted"]},
		"storage": {"files": [{"path": "/etc/done", "contents": {"source": "data:,done"}}]}}`
	o.Arguments = arguments
	first, err := vm.Start(t.Context(), o, t.TempDir())
	if !errors.Is(err, vm.ErrNoReport) || !strings.Contains(first.Console, "reboot: Restarting system") {
		t.Fatalf("the machine should have rebooted to change its kernel arguments: %v", err)
	}
	arguments = vm.FirstBoot("qemu") + " firstlight.wanted=1"
	same(t, "the entry", entryOf(t, disk), "title Debian\noptions "+arguments+"\nlinux /vmlinuz\n")
	if t.Failed() {
		t.Log(vm.Tail(first.Console, 60))
		return
	}
	o.Arguments = arguments
	second := vm.Boot(t, o)
	same(t, "file", second.Files["/etc/done"].Text, "done")
	if ran := stages(t, second.Stages); !slices.Contains(ran, "kargs") || !slices.Contains(ran, "files") {
		t.Errorf("the second boot ran the stages %q", ran)
	}
	same(t, "the entry after the second boot", entryOf(t, disk), "title Debian\noptions "+arguments+"\nlinux /vmlinuz\n")
}
