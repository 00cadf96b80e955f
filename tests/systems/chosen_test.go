//go:build soak

package systems

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
)

// A drive is a disk of a machine, of some MiB, on a bus.
type drive struct {
	bus        string
	mib        int64
	properties string // of the device, for QEMU
	label      string // of an ext4 that it holds
}

// drives are 24 disks of five kinds, beside the one of the root.
var drives = []drive{
	{"virtio", 100, "serial=V-1", ""}, {"virtio", 100, "serial=V-2", ""}, {"virtio", 100, "serial=V-3", ""}, {"virtio", 100, "serial=V-4", ""}, {"virtio", 300, "", ""},
	{"scsi", 210, "serial=S-1,wwn=0x5000c50000000001,rotation_rate=7200", ""}, {"scsi", 220, "serial=S-2,wwn=0x5000c50000000002,rotation_rate=7200", ""},
	{"scsi", 150, "serial=S-3,wwn=0x5000c50000000003,rotation_rate=7200", ""}, {"scsi", 300, "serial=S-4,rotation_rate=1", ""},
	{"scsi", 300, "serial=S-5,rotation_rate=1", ""}, {"scsi", 100, "serial=S-6,wwn=0x5000c50000000006,rotation_rate=1", ""}, {"scsi", 100, "serial=S-7,rotation_rate=1", ""},
	{"nvme", 400, "serial=N-1", ""}, {"nvme", 110, "serial=N-2", "old"}, {"nvme", 200, "serial=N-3", ""}, {"nvme", 300, "serial=N-4", ""},
	{"usb", 100, "serial=U-1,removable=on", ""}, {"usb", 100, "serial=U-2,removable=on", "BROUGHT"}, {"usb", 100, "serial=U-3,removable=off", "BROUGHT"},
	{"sata", 120, "serial=A-1,rotation_rate=7200", ""}, {"sata", 130, "serial=A-2,rotation_rate=1", ""}, {"sata", 400, "serial=A-3,rotation_rate=1", ""},
	{"sata", 140, "serial=A-4,rotation_rate=5400", ""}, {"sata", 500, "serial=A-5,rotation_rate=1", ""},
}

// arguments attach the drives.
func arguments(t *testing.T, dir string) []string {
	t.Helper()
	args := []string{"-device", "virtio-scsi-pci,id=scsi", "-device", "qemu-xhci,id=usb"}
	sata := 0
	for i, d := range drives {
		name := fmt.Sprintf("drive%d", i)
		file, err := vm.NewDisk(dir, name, d.mib)
		testkit.NoError(t, err)
		if d.label != "" {
			out, err := exec.Command("mkfs.ext4", "-q", "-F", "-L", d.label, file).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		device := map[string]string{"virtio": "virtio-blk-pci", "scsi": "scsi-hd,bus=scsi.0", "nvme": "nvme", "usb": "usb-storage,bus=usb.0", "sata": fmt.Sprintf("ide-hd,bus=ide.%d", sata)}[d.bus]
		if d.bus == "sata" {
			sata++
		}
		device += ",drive=" + name
		if d.properties != "" {
			device += "," + d.properties
		}
		args = append(args, "-drive", "if=none,id="+name+",format=raw,cache=unsafe,file="+file, "-device", device)
	}
	return args
}

// patience is for arrays on a busy host.
const patience = " systemd.default_device_timeout_sec=1800"

func TestDisksAreChosenByWhatTheyAre(t *testing.T) {
	o := machine(t, "drives")
	o.Disks, o.Devices = nil, arguments(t, t.TempDir())
	o.Config = testkit.ReadFile(t, "testdata/chosen.bu")
	o.Arguments = vm.FirstBoot("qemu") + patience
	first := vm.Boot(t, o)
	if first.Initramfs {
		t.Fatalf("the machine did not come up:\n%s", first.Report)
	}
	// In sectors: the sizes tell the disks apart.
	links := "bulk1 430080\nbulk2 450560\nfast 409600\nfast-part1 131072\nfast-part2 274432\none 204800\none-part1 200704\nsata 266240\nstick 204800\nvault 307200\n"
	check := func(res *vm.Result, when string) {
		t.Helper()
		testkit.Equal(t, "links "+when, res.Files["/etc/links"].Text, links)
		for _, at := range []string{"fast", "bulk", "stick", "vault", "one", "sata"} {
			if res.Mounts["/srv/"+at].Type != "ext4" {
				t.Errorf("%s nothing is mounted at /srv/%s", when, at)
			}
		}
		testkit.Contains(t, "udev's links "+when, res.Files["/etc/udev-knows"].Text, "firstlight/vault")
	}
	check(first, "in the first boot")
	for _, want := range []string{
		`disk "fast" is /dev/nvme`, `209.7 MB, nvme, model QEMU NVMe Ctrl, serial N-3`, `smallest of 3 that match`,
		`disk "bulk2" is /dev/sd`, `2 of 2 that match`, `disk "stick" is /dev/sd`, `the only one that matches`,
	} {
		testkit.Contains(t, "the journal", first.Journal, want)
	}
	if t.Failed() {
		return
	}
	o.Arguments, o.Config = "ignition.platform.id=qemu"+patience, ""
	again := vm.Boot(t, o)
	check(again, "in the second boot")
	if strings.Contains(again.Journal, "ignition[") {
		t.Error("the second boot has provisioned again")
	}
}
