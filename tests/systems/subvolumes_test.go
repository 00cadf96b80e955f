//go:build soak

package systems

import (
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
)

// The layout of openSUSE MicroOS. In the first boot the root is copied into it; then a machine
// boots from the default subvolume, which nothing but the filesystem names, in a first boot
// whose config has files in the other subvolumes of its root.
func TestTheLayoutOfMicroOSBoots(t *testing.T) {
	img, err := vm.Build()
	testkit.NoError(t, err)
	dir := t.TempDir()
	root, err := vm.NewRoot(img, dir)
	testkit.NoError(t, err)
	disk, err := vm.NewDisk(dir, "disk1", 2048)
	testkit.NoError(t, err)
	o := vm.Options{Images: img, Root: root, Disks: []string{disk}, Config: testkit.ReadFile(t, "testdata/subvolumes.bu"), Arguments: vm.FirstBoot("qemu") + patience}
	made := vm.Boot(t, o)
	if made.Initramfs {
		t.Fatalf("the machine did not come up:\n%s", made.Report)
	}
	testkit.Contains(t, "the journal", made.Journal, `making btrfs "MICRO" on /dev/disk/by-id/virtio-disk1 with the subvolumes @, @/.snapshots,`)

	o.Config = testkit.ReadFile(t, "testdata/subvolumes-again.bu")
	o.Arguments += " root=LABEL=MICRO"
	res := vm.Boot(t, o)
	if res.Initramfs {
		t.Fatalf("the machine did not come up:\n%s", res.Report)
	}
	testkit.Contains(t, "the journal", res.Journal, "preparing subvolumes of /dev/disk/by-label/MICRO: @/var/lib/images (new, nocow)")
	const want = `/ /@/.snapshots/1/snapshot
/home /@/home
/root /@/root
/srv /@/srv
/var /@/var
/var/lib/images /@/var/lib/images
home/file:home
srv/file:srv
var/lib/images/file:images
root/.ssh/authorized_keys.d/ignition
`
	check := func(res *vm.Result, when string) {
		t.Helper()
		testkit.Equal(t, "what is mounted "+when, res.Files["/etc/looked"].Text, want)
		for _, at := range []string{"/", "/home", "/root", "/srv", "/var", "/var/lib/images"} {
			if res.Mounts[at].Type != "btrfs" {
				t.Errorf("%s is %+v %s", at, res.Mounts[at], when)
			}
		}
		testkit.Contains(t, "the options of /srv "+when, res.Mounts["/srv"].Options, "noatime")
		testkit.Contains(t, "the active units "+when, strings.Join(res.Active, " "), "home.mount", "root.mount", "srv.mount", "var.mount", "var-lib-images.mount")
	}
	check(res, "in the first boot")
	o.Config, o.Arguments = "", "ignition.platform.id=qemu root=LABEL=MICRO"+patience
	again := vm.Boot(t, o)
	check(again, "in the second boot")
	if strings.Contains(again.Journal, "ignition[") {
		t.Error("the second boot has provisioned again")
	}
}
