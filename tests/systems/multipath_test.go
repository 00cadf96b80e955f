//go:build soak

package systems

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
)

// multipath is a machine with two paths to one disk, and a config that partitions it by
// a name.
func multipath(t *testing.T, name string) vm.Options {
	t.Helper()
	o := machine(t, "multipath")
	o.Multipath, o.Disks = o.Disks[0], nil
	o.Config = strings.ReplaceAll(testkit.ReadFile(t, "testdata/multipath.bu"), "DISK", name)
	o.Arguments = vm.FirstBoot("qemu") + patience
	return o
}

// The kernel has sda1 and sdb1, too, when the machine boots again.
func TestMultipathDisksAreProvisionedByTheirMapping(t *testing.T) {
	o := multipath(t, "/dev/disk/by-id/dm-uuid-mpath-35000000000000001")
	first := vm.Boot(t, o)
	check := func(res *vm.Result, when string) {
		t.Helper()
		if source := res.Mounts["/srv/data"].Source; !strings.HasPrefix(source, "/dev/mapper/mpatha") {
			t.Errorf("%s %q is mounted at /srv/data, and not a partition of the mapping\n%s", when, source, res.Report)
		}
		testkit.Equal(t, "file "+when, res.Files["/srv/data/file"].Text, "data")
	}
	check(first, "in the first boot")
	if t.Failed() {
		return
	}
	o.Arguments, o.Config = "ignition.platform.id=qemu"+patience, ""
	again := vm.Boot(t, o)
	check(again, "in the second boot")
	testkit.Equal(t, "stages of the second boot", again.Stages, "")
}

func TestPathsOfMultipathDisksAreRefused(t *testing.T) {
	o := multipath(t, "/dev/sda")
	o.Arguments += " firstlight.device_timeout=60"
	res := vm.Boot(t, o)
	if !res.Initramfs {
		t.Error("the machine came up")
	}
	for _, want := range []string{"/dev/sda", "multipath", "/dev/mapper/mpatha"} {
		if !strings.Contains(res.Report, want) {
			t.Errorf("%q is not in the report:\n%s", want, res.Report)
		}
	}
	disk, err := os.ReadFile(o.Multipath)
	testkit.NoError(t, err)
	if slices.ContainsFunc(disk, func(b byte) bool { return b != 0 }) {
		t.Error("the disk was written to")
	}
}
