package dropin

import (
	_ "embed"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
	"github.com/firstlight-os/firstlight/tests/vm/vmreport"
)

// machineConfig is of spec 3.3.0, the newest that Debian's package knows.
//
//go:embed testdata/machine.ign
var machineConfig string

var referenceImages = sync.OnceValues(vm.BuildReference)

// newMachine is a machine of some images with an empty second disk.
func newMachine(t *testing.T, images func() (*vm.Images, error)) vm.Options {
	t.Helper()
	img, err := images()
	testkit.NoError(t, err)
	dir := t.TempDir()
	rootDisk, err := vm.NewRoot(img, dir)
	testkit.NoError(t, err)
	disk, err := vm.NewDisk(dir, "disk1", 768)
	testkit.NoError(t, err)
	return vm.Options{Images: img, Root: rootDisk, Disks: []string{disk}, Config: machineConfig, Arguments: vm.FirstBoot("qemu")}
}

// withOverlay is the machine with the overlay appended to its initramfs.
func withOverlay(t *testing.T, o vm.Options) vm.Options {
	t.Helper()
	images := *o.Images
	images.Initramfs = filepath.Join(t.TempDir(), "initramfs")
	run(t, exec.Command("cp", o.Images.Initramfs, images.Initramfs))
	run(t, exec.Command(built.path("firstlightctl"), "overlay", "append", images.Initramfs))
	o.Images = &images
	return o
}

// TestOverlaySwitchesTheAgentOfDebiansIgnition is the drop-in test: one initramfs, of
// Debian's packages dracut and ignition, provisions the same machine by the agent in
// it and by ours in an overlay.
func TestOverlaySwitchesTheAgentOfDebiansIgnition(t *testing.T) {
	t.Parallel()
	machines := map[bool]*vm.Result{}
	var mu sync.Mutex
	t.Run("boots", func(t *testing.T) {
		for _, overlay := range []bool{false, true} {
			t.Run(fmt.Sprintf("overlay=%v", overlay), func(t *testing.T) {
				t.Parallel()
				o := newMachine(t, referenceImages)
				if overlay {
					o = withOverlay(t, o)
				}
				res := vm.Boot(t, o)
				if res.Initramfs {
					t.Error("the machine did not come up")
				}
				testkit.Equal(t, "the agent is ours", res.Stages != "", overlay)
				mu.Lock()
				defer mu.Unlock()
				machines[overlay] = res
			})
		}
	})
	if t.Failed() {
		return
	}
	theirs, ours := valuesOf(machines[false].Machine), valuesOf(machines[true].Machine)
	for _, name := range names(theirs, ours) {
		if theirs[name] != ours[name] && differences[name] == "" {
			t.Errorf("%s: the reference has made %q, Firstlight %q", name, theirs[name], ours[name])
		}
	}
	for name := range differences {
		if theirs[name] == ours[name] {
			t.Errorf("%s does not differ any more: its row in differences can go", name)
		}
	}
}

const recordKept = "only Firstlight keeps a record of the boot (docs/record.md)"

// differences are the values that differ, and why.
var differences = map[string]string{
	"/etc/machine-id":                "random",
	"/etc/.provisioning-ledger.json": "only Firstlight repeats a first boot that was interrupted",
	"/etc/shadow-":                   "Firstlight sets passwords after the user is made, by chpasswd: this is the state before that",
	"/var/log/firstlight":            recordKept,
	"/var/log/firstlight/BOOT.json":  recordKept,
	"partition /dev/vdb6":            "the reference gives a last partition also what aligning has left over (docs/compatibility.md)",
}

// comparable are the files that differ in a part of their text, and what is to be
// compared of it.
var comparable = map[string]func(string) string{
	// This boot, and the time of it.
	"/etc/.ignition-result.json": func(text string) string {
		return regexp.MustCompile(`"(provisioning\w+)": "[^"]+"`).ReplaceAllString(text, "$1")
	},
	// Release 2.14 gives groups no password by *, later ones and Firstlight by !, which
	// groupadd does by itself.
	"/etc/gshadow":  lockedGroups,
	"/etc/gshadow-": lockedGroups,
	// The order of the reference is random.
	"/etc/systemd/system-preset/20-ignition.preset": func(text string) string {
		return strings.Join(slices.Sorted(strings.Lines(text)), "")
	},
}

func lockedGroups(text string) string { return strings.ReplaceAll(text, ":*:", ":!:") }

// valuesOf is a machine as values by their names, without identifiers that are random.
func valuesOf(m *vmreport.Machine) map[string]string {
	values := map[string]string{}
	files := m.Lasting()
	for path, f := range files {
		text := f.Text
		if compared := comparable[path]; compared != nil {
			text = compared(text)
		}
		values[path] = fmt.Sprintf("%v %d:%d %s", f.Mode, f.UID, f.GID, text)
	}
	for path, f := range files {
		for other, o := range files {
			if path < other && f.Inode == o.Inode && f.Device == o.Device && f.Mode.IsRegular() {
				values["hard link "+path+" "+other] = "yes"
			}
		}
	}
	for device, table := range m.Disks {
		for _, p := range table.Partitions {
			values["partition "+p.Node] = fmt.Sprint(p.Start, p.Size, p.Type, p.Name)
		}
		values["table "+device] = fmt.Sprint(table.Label, table.SectorSize, len(table.Partitions))
	}
	for device, fields := range m.Filesystems {
		for _, name := range []string{"TYPE", "LABEL", "VERSION", "BLOCK_SIZE"} {
			values["filesystem "+device+" "+name] = fields[name]
		}
	}
	memory := regexp.MustCompile(`,nr_inodes=\d+`) // by how much is free
	for path, mount := range m.Mounts {
		values["mount "+path] = memory.ReplaceAllString(fmt.Sprint(mount), "")
	}
	for _, unit := range m.Enabled {
		values["enabled "+unit] = "yes"
	}
	for _, unit := range m.Active {
		values["active "+unit] = "yes"
	}
	return values
}

// names are those that a or b has, sorted.
func names(a, b map[string]string) []string {
	both := maps.Clone(a)
	maps.Copy(both, b)
	return slices.Sorted(maps.Keys(both))
}
