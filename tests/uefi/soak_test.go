//go:build soak

package uefi

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/firstboot"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
)

// entry is where the entry of systemd-boot is, on the ESP.
const entry = "loader/entries/debian.conf"

// statusUnit has firstlightctl say what the next boot is when the first one has ended, in
// /etc/status. Before that it runs commands.
func statusUnit(commands ...string) string {
	text := "[Unit]\nAfter=ignition-firstboot-end.service\nBefore=report.service\n[Service]\nType=oneshot\n"
	for _, c := range append(commands, "firstlightctl firstboot status > /etc/status 2>&1") {
		text += "ExecStart=/bin/sh -c '" + c + "'\n"
	}
	quoted, _ := json.Marshal(text + "[Install]\nWantedBy=multi-user.target\n")
	return `, {"name": "status.service", "enabled": true, "contents": ` + string(quoted) + `}`
}

func TestArgumentsOfAUnifiedImageAreNotChanged(t *testing.T) {
	o := unified(t)
	o.Config = config("", `, "kernelArguments": {"shouldExist": ["firstlight.wanted=1"]}`)
	res := vm.Boot(t, o)
	if !res.Initramfs {
		t.Error("the machine came up")
	}
	// Without the frame of the box, and its line ends.
	text := strings.Join(strings.Fields(strings.ReplaceAll(res.Report, "|", " ")), " ")
	// Nothing is waited for: all that could have entries is there.
	testkit.Contains(t, "report", text, "there are no boot loader entries that could be changed: ", "unified kernel images, whose arguments are signed with them: build the image with these arguments")
	if _, err := onESP(t, o.Root, credential); err != nil {
		t.Errorf("the mark of the first boot: %v", err)
	}
}

func TestArgumentsThatAUnifiedImageHasMayBeAskedFor(t *testing.T) {
	o := unified(t)
	o.Config = config("", `, "kernelArguments": {"shouldExist": ["ignition.platform.id=qemu"], "shouldNotExist": ["firstlight.unwanted=1"]}`)
	res := vm.Boot(t, o)
	testkit.Equal(t, "stages", ran(t, res.Machine), allStages)
}

// withEntry makes a machine with an entry of systemd-boot.
func withEntry(t *testing.T, s settings, arguments string) vm.Options {
	t.Helper()
	p := built()
	testkit.NoError(t, p.err)
	return newMachine(t, p, s, map[string]string{"debian/linux": p.kernel, "debian/initrd": s.initramfs(t, p), entry: entryOf(arguments)})
}

func entryOf(arguments string) string {
	return "title Debian\nlinux /debian/linux\ninitrd /debian/initrd\noptions " + vm.KernelArguments(arguments) + "\n"
}

func readEntry(t *testing.T, disk string) string {
	t.Helper()
	text, err := onESP(t, disk, entry)
	testkit.NoError(t, err)
	return text
}

func TestEntryStartsTheFirstBootAndGetsTheArgumentsOfTheConfig(t *testing.T) {
	const platform = "ignition.platform.id=qemu "
	const asBuilt, changed, ended = "ignition.firstboot " + platform + "firstlight.unwanted", "ignition.firstboot " + platform + "firstlight.wanted=1", platform + "firstlight.wanted=1"
	o := withEntry(t, "FIRST_BOOT=loader-entry\nKARGS_HELPER=firstlight-kargs\n", asBuilt)
	o.Config = config(statusUnit(), `, "kernelArguments": {"shouldExist": ["firstlight.wanted=1"], "shouldNotExist": ["firstlight.unwanted"]}`)
	disk, err := vm.OpenVolatileDisk(o.Root)
	testkit.NoError(t, err)
	recording := vm.Record(disk)
	o.VolatileRoot = disk
	changing, err := vm.Start(t.Context(), o, t.TempDir())
	if !errors.Is(err, vm.ErrNoReport) || !strings.Contains(changing.Console, "reboot: Restarting system") {
		t.Fatalf("the machine should have rebooted to change its kernel arguments: %v", err)
	}
	testkit.Equal(t, "entry after kargs", readEntry(t, imageOf(t, disk)), entryOf(changed))
	first := vm.Boot(t, o)
	testkit.Equal(t, "stages", ran(t, first.Machine), allStages)
	testkit.Equal(t, "file", first.Files["/etc/done"].Text, "done")
	testkit.Equal(t, "status", first.Files["/etc/status"].Text, "not armed: no entry in /efi/loader/entries has ignition.firstboot\n")
	testkit.Equal(t, "entry after the first boot", readEntry(t, imageOf(t, disk)), entryOf(ended))
	if t.Failed() {
		return
	}
	writes := recording.Writes(disk, espStart, espStart+espSize)
	second := vm.Boot(t, o)
	testkit.Equal(t, "stages of the second boot", second.Stages, "")
	testkit.Contains(t, "its kernel arguments", second.Cmdline, "firstlight.wanted=1")
	// What a power cut leaves of the entry at any of these moments.
	for i, step := range writes {
		for n := range *cuts {
			disk := recording.CutPower(step+1, rand.New(rand.NewPCG(*seed+uint64(n), uint64(i)+1)))[0]
			file := imageOf(t, disk)
			isSound(t, file)
			if got := readEntry(t, file); !slices.Contains([]string{entryOf(asBuilt), entryOf(changed), entryOf(ended)}, got) {
				t.Errorf("after step %d the entry is %q", step, got)
			}
			testkit.NoError(t, os.Remove(file))
		}
	}
	t.Logf("seed %d; the entry was looked at %d times after each of %d writes", *seed, *cuts, len(writes))
}

func TestVariableOfTheFirmwareMakesAFirstBoot(t *testing.T) {
	// The first of all is by the argument. It arms the next one, once.
	o := withEntry(t, "FIRST_BOOT=efi-variable\n", "ignition.firstboot ignition.platform.id=qemu")
	o.Config = config(statusUnit("[ -e /etc/armed ] || firstlightctl firstboot arm", "touch /etc/armed"), "")
	armed := vm.Boot(t, o)
	testkit.Equal(t, "stages", ran(t, armed.Machine), allStages)
	testkit.Equal(t, "status", armed.Files["/etc/status"].Text, "armed: /sys/firmware/efi/efivars/"+firstboot.Variable+" is there\n")
	if t.Failed() {
		return
	}
	writeOnESP(t, o.Root, entry, entryOf("ignition.platform.id=qemu"))
	again := vm.Boot(t, o)
	testkit.Equal(t, "stages of the boot that was armed", ran(t, again.Machine), allStages)
	testkit.Equal(t, "its status", again.Files["/etc/status"].Text, "not armed: /sys/firmware/efi/efivars/"+firstboot.Variable+" is not there\n")
	if t.Failed() {
		return
	}
	last := vm.Boot(t, o)
	testkit.Equal(t, "stages of the last boot", last.Stages, "")
	testkit.Equal(t, "its status", last.Files["/etc/status"].Text, again.Files["/etc/status"].Text)
}

// writeOnESP replaces a file of a disk's EFI system partition.
func writeOnESP(t *testing.T, disk, name, text string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	testkit.WriteFile(t, file, text)
	run(t, "mcopy", "-o", "-i", fmt.Sprintf("%s@@%d", disk, espStart), file, "::"+name)
}
