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
	o.Arguments = vm.FirstBoot("qemu") + " firstlight.device_timeout=60"
	return o
}

func TestPathsOfMultipathDisksAreRefused(t *testing.T) {
	o := multipath(t, "/dev/sda")
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
