package firstboot

import (
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/tests/vm"
)

// A boot that only plans is told as a whole boot is, says what it would do, and leaves
// every byte of its disks as it is.
func TestBootThatOnlyPlansLeavesItsDisksAsTheyAre(t *testing.T) {
	t.Parallel()
	o := machine(t)
	f, err := os.OpenFile(o.Disks[0], os.O_WRONLY, 0)
	if err == nil {
		_, err = io.WriteString(f, strings.Repeat("precious", 1<<17)) // a MiB
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	o.Config, o.Arguments = everything, vm.FirstBoot("qemu")+" firstlight.plan=1"
	names := append([]string{o.Root}, o.Disks...)
	var before []string
	for _, name := range names {
		before = append(before, sumOf(t, name))
	}
	res, err := vm.Start(t.Context(), o, t.TempDir())
	if !errors.Is(err, vm.ErrNoReport) || !strings.Contains(res.Console, "reboot: Power down") {
		t.Fatalf("the machine has not powered itself off: %v", err)
	}
	for _, want := range []string{"Nothing was written", " partitioning /dev/disk/by-id/virtio-disk1", "mount: mounting ", "files: not planned, as the root is not mounted yet"} {
		if !strings.Contains(res.Console, want) {
			t.Errorf("%q is not on the console, which ends:\n%s", want, vm.Tail(res.Console, 60))
		}
	}
	for i, name := range names {
		same(t, "the bytes of "+name, sumOf(t, name), before[i])
	}
}

func sumOf(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return string(h.Sum(nil))
}
