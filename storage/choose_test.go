package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/diskfs/go-diskfs/backend"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/storage/plan"
)

// newChoosingMachine is a machine without disks, of which the kernel knows no others.
func newChoosingMachine(t *testing.T) *testMachine {
	t.Helper()
	b := newTestMachine(t)
	testkit.NoError(t, os.RemoveAll(b.path("sys")))
	testkit.NoError(t, os.MkdirAll(b.path("sys/class/block"), 0o755))
	b.m.Dev, b.m.Quiet = b.path("dev"), time.Nanosecond
	b.arguments("root=LABEL=root")
	return b
}

func (b *testMachine) arguments(line string) {
	b.write("cmdline", line+"\n")
	b.t.Setenv("IGNITION_KERNEL_CMDLINE_PATH", b.path("cmdline"))
}

// attach makes a disk of some MiB, with files in sysfs as "NAME=TEXT". The path is that of
// the device there.
func (b *testMachine) attach(path string, mib int64, attributes ...string) {
	b.t.Helper()
	name := filepath.Base(path)
	b.disk("dev/"+name, mib)
	b.device(path, mib, attributes...)
}

func (b *testMachine) device(path string, mib int64, attributes ...string) {
	b.t.Helper()
	dir := "sys/devices/" + path + "/"
	b.write(dir+"size", fmt.Sprintln(mib<<11))
	for _, a := range attributes {
		name, text, _ := strings.Cut(a, "=")
		b.write(dir+name, text)
	}
	testkit.NoError(b.t, os.Symlink("../../devices/"+path, b.path("sys/class/block/"+filepath.Base(path))))
}

func (b *testMachine) choosing(disks, storage string) *config.Config {
	b.t.Helper()
	text := `{"ignition": {"version": "3.6.0+firstlight.1"}, "firstlight": {"disks": [` + disks + `]}, "storage": {` + storage + `}}`
	cfg, problems, err := config.Parse([]byte(text), "user config")
	if err != nil {
		b.t.Fatalf("the config of the test: %v\n%v\n%s", err, problems, text)
	}
	return cfg
}

func TestWhatDisksAre(t *testing.T) {
	const pci = "pci0000:00/0000:00:05.0/"
	for _, c := range []struct {
		name, path string
		attributes []string
		parent     []string // files above the device
		want       plan.DiskIdentity
	}{
		{"virtio", pci + "virtio2/block/vda", []string{"serial=V-1"}, nil, plan.DiskIdentity{Serial: "V-1", Transport: "virtio"}},
		{"NVMe", pci + "nvme/nvme0/nvme0n1", []string{"wwid=eui.0025", "device/model=Fast SSD  ", "device/serial=N-1   "}, nil,
			plan.DiskIdentity{Serial: "N-1", WWN: "eui.0025", Model: "Fast SSD", Transport: "nvme"}},
		{"SATA", pci + "ata3/host2/target2:0:0/2:0:0:0/block/sda", []string{"queue/rotational=1", "device/wwid=naa.5000c500", "device/model=ST4000", "device/vpd_pg80=\x00\x80\x00\x04 Z1 "}, nil,
			plan.DiskIdentity{Serial: "Z1", WWN: "0x5000c500", Model: "ST4000", Transport: "sata", Rotational: true}},
		{"SCSI without a name of its own", pci + "virtio1/host2/target2:0:0/2:0:0:0/block/sda", []string{"device/wwid=t10.QEMU HARDDISK"}, nil, plan.DiskIdentity{Transport: "scsi"}},
		{"SAS", pci + "host0/port-0:0/end_device-0:0/target0:0:0/0:0:0:0/block/sda", nil, nil, plan.DiskIdentity{Transport: "sas"}},
		{"USB", pci + "usb1/1-1/1-1:1.0/host3/target3:0:0/3:0:0:0/block/sda", []string{"removable=1"}, []string{pci + "usb1/1-1/idVendor=0951", pci + "usb1/1-1/serial=U-1"},
			plan.DiskIdentity{Serial: "U-1", Transport: "usb", Removable: true}},
		{"a card", pci + "mmc_host/mmc0/mmc0:aaaa/block/mmcblk0", []string{"device/name=SC64G", "device/serial=0x1"}, nil, plan.DiskIdentity{Serial: "0x1", Model: "SC64G", Transport: "mmc"}},
		{"write-protected", pci + "virtio2/block/vda", []string{"ro=1"}, nil, plan.DiskIdentity{Transport: "virtio", Excluded: "it is read-only"}},
		{"a loop device", "virtual/block/loop0", nil, nil, plan.DiskIdentity{Excluded: "it is a loop device"}},
		{"an array", "virtual/block/md127", nil, nil, plan.DiskIdentity{Excluded: "it is an array"}},
		{"a volume", "virtual/block/dm-0", []string{"dm/uuid=CRYPT-LUKS2-1"}, nil, plan.DiskIdentity{Excluded: "it is made by the device mapper"}},
		{"several paths to a disk", "virtual/block/dm-0", []string{"dm/uuid=mpath-1"}, nil, plan.DiskIdentity{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newChoosingMachine(t)
			b.device(c.path, 100, c.attributes...)
			for _, p := range c.parent {
				name, text, _ := strings.Cut(p, "=")
				b.write("sys/devices/"+name, text)
			}
			got, busy := b.m.identify(b.m.sysOf("/dev/" + filepath.Base(c.path)))
			if got == nil || *got != c.want || busy {
				t.Errorf("got %+v, want %+v; busy: %v", got, c.want, busy)
			}
		})
	}
}

func TestUdevKnowsMoreOfDisksThanTheKernel(t *testing.T) {
	for _, c := range []struct {
		name, record string
		want         plan.DiskIdentity
		busy         bool
	}{
		{"a disk behind a bridge", "E:ID_MODEL=Large_Disk\nE:ID_MODEL_ENC=Large\\x20Disk\\x20\\x20\nE:ID_SERIAL=Large_Disk_L1-0:0\nE:ID_SERIAL_SHORT=L1\nE:ID_WWN=0x5000\n",
			plan.DiskIdentity{Serial: "L1", Model: "Large Disk", WWN: "0x5000", Transport: "usb"}, false},
		{"the serial number that is printed on it", "E:ID_SERIAL_SHORT=5000c500\nE:ID_SCSI_SERIAL=Z1\n", plan.DiskIdentity{Serial: "Z1", Transport: "usb", Model: "of the kernel"}, false},
		{"a path to a multipath disk", "E:DM_MULTIPATH_DEVICE_PATH=1\n", plan.DiskIdentity{Transport: "usb", Model: "of the kernel", Excluded: "udev says that it is a path to a multipath disk"}, false},
		{"not yet", "", plan.DiskIdentity{Transport: "usb", Model: "of the kernel", Excluded: "udev has not finished with it"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newChoosingMachine(t)
			b.device("pci0000:00/usb1/1-1/host3/block/sda", 100, "dev=8:0", "device/model=of the kernel")
			b.write("udev/control", "")
			if c.record != "" {
				b.write("udev/data/b8:0", "I:1\n"+c.record)
			}
			got, busy := b.m.identify(b.m.sysOf("/dev/sda"))
			if got == nil || *got != c.want || busy != c.busy {
				t.Errorf("got %+v, busy %v; want %+v", got, busy, c.want)
			}
		})
	}
}

func TestDisksThatAreNotListed(t *testing.T) {
	b := newChoosingMachine(t)
	b.device("virtual/block/loop7", 0)
	b.device("pci0/nvme/nvme0/nvme0c0n1", 10, "hidden=1")
	b.device("pci0/block/vda/vda1", 10, "partition=1")
	b.device("pci0/ata1/host0/block/sr0", 0)
	_, err := b.m.lookAtCandidates()
	testkit.NoError(t, err)
	if all := b.m.candidates; len(all) != 1 || all[0].Node() != "/dev/sr0" || all[0].Excluded != "it is an optical drive" {
		t.Errorf("got %v", all)
	}
}

func TestTheRunningRootIsFound(t *testing.T) {
	for _, c := range []struct{ name, arguments, mounts, want string }{
		{"by a kernel argument with a label", "root=LABEL=system", "", "kernel argument root"},
		{"by a kernel argument with quotes", `root="LABEL=system"`, "", "kernel argument root"},
		{"by the labels of images", "", "", ""},
		{"by the argument for /usr", "root=LABEL=elsewhere mount.usr=LABEL=system", "", "kernel argument mount.usr"},
		{"another root", "root=LABEL=elsewhere", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newChoosingMachine(t)
			b.arguments(c.arguments)
			b.attach("pci0/virtio1/block/vda", 16)
			b.run("mkfs.ext4", "-q", "-F", "-L", "system", b.path("dev/vda"))
			_, err := b.m.lookAtCandidates()
			testkit.NoError(t, err)
			testkit.Equal(t, "root", b.m.candidates[0].Root, c.want)
		})
	}
}

const largestEmpty = `{"as": "a", "match": {"empty": true, "transport": "virtio"}, "pick": "largest"}`

func TestChosenDisksAreNamedBeforeAnythingIsWritten(t *testing.T) {
	b := newChoosingMachine(t)
	b.attach("pci0/virtio1/block/vda", 32, "serial=V-1")
	b.attach("pci0/virtio2/block/vdb", 64, "serial=V-2")
	cfg := b.choosing(largestEmpty, `"disks": [{"device": "/dev/firstlight/a", "partitions": [{"label": "x"}]}]`)
	operations, err := b.m.PlanDisks(context.Background(), cfg)
	testkit.NoError(t, err)
	if len(operations) != 2 || len(operations[1].After) != 1 || operations[1].After[0] != operations[0] {
		t.Fatalf("got the operations %v", operations)
	}
	testkit.Equal(t, "name", operations[0].Name, `disk "a" is /dev/vdb (67.1 MB, virtio, serial V-2, empty): largest of 2 that match`)
	testkit.Equal(t, "other operation", operations[1].Name, `partitioning /dev/firstlight/a (create 1 "x")`)
	testkit.Equal(t, "origin", operations[0].Origin.Path, "firstlight.disks[0]")
	if _, err := os.Lstat(b.path("dev/firstlight")); !os.IsNotExist(err) {
		t.Errorf("planning has made links: %v", err)
	}
	testkit.NoError(t, (&report.Runner{Log: b.m.Log, Workers: 4}).Run(context.Background(), operations))
	target, err := os.Readlink(b.path("dev/firstlight/a"))
	testkit.NoError(t, err)
	testkit.Equal(t, "link", target, "../vdb")
}

// A cutFile fails after some writes, as a disk does whose power is cut.
type cutFile struct {
	*os.File
	left int
}

var errCut = errors.New("the power is cut")

func (f *cutFile) WriteAt(b []byte, offset int64) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errCut
	}
	return f.File.WriteAt(b, offset)
}

var _ backend.WritableFile = (*cutFile)(nil)

func TestTheChoiceStaysTheSameWhereverARunWasInterrupted(t *testing.T) {
	for _, wipe := range []string{"true", "false"} {
		for cut, finished := 0, false; !finished; cut++ {
			b := newChoosingMachine(t)
			b.attach("pci0/virtio1/block/vda", 32, "serial=V-1")
			b.attach("pci0/virtio2/block/vdb", 64, "serial=V-2")
			cfg := b.choosing(largestEmpty, `"disks": [{"device": "/dev/firstlight/a", "wipeTable": `+wipe+`, "partitions": [{"number": 1, "label": "x", "sizeMiB": 8}, {"number": 2, "label": "y"}]}]`)
			g, err := b.m.decide(context.Background(), cfg, &inspection{m: b.m})
			testkit.NoError(t, err)
			f, err := os.OpenFile(b.path("dev/vdb"), os.O_RDWR, 0)
			testkit.NoError(t, err)
			err = gpt.Write(&cutFile{f, cut}, g.Disks[0].After, 64<<20)
			f.Close()
			finished = err == nil
			operations, err := b.m.PlanDisks(context.Background(), cfg)
			if err != nil {
				t.Fatalf("wipeTable %s, after %d writes: %v", wipe, cut, err)
			}
			testkit.NoError(t, (&report.Runner{Log: b.m.Log, Workers: 4}).Run(context.Background(), operations))
			if b.m.choices[0].Disk.Serial != "V-2" {
				t.Errorf("wipeTable %s, after %d writes: %v was chosen", wipe, cut, b.m.choices[0].Disk)
			}
			if got := b.sgdiskVerify(b.path("dev/vdb")); strings.Count(got, "\n") != 1 {
				t.Errorf("wipeTable %s, after %d writes the table has\n%s", wipe, cut, got)
			}
			if finished && cut < 4 {
				t.Errorf("a table takes %d writes, which cannot be all", cut)
			}
		}
	}
}

func TestDisksThatComeLateAreAwaited(t *testing.T) {
	b := newChoosingMachine(t)
	b.m.Timeout = time.Hour
	late := make(chan struct{})
	b.m.Log = report.NewFuncLogger(func(report.Level, string, map[string]string) {})
	go func() {
		<-late
		b.attach("pci0/virtio2/block/vdb", 64, "serial=V-2")
	}()
	b.attach("pci0/virtio1/block/vda", 32, "serial=V-1")
	cfg := b.choosing(`{"as": "a", "match": {"serial": "V-2"}}`, "")
	_, err := b.m.lookAtCandidates()
	testkit.NoError(t, err)
	close(late)
	choices, err := b.m.choose(context.Background(), cfg)
	testkit.NoError(t, err)
	testkit.Equal(t, "disk", choices[0].Disk.Node(), "/dev/vdb")
}

func TestDisksThatDoNotComeAreAConflict(t *testing.T) {
	b := newChoosingMachine(t)
	b.attach("pci0/virtio1/block/vda", 32, "serial=V-1")
	_, err := b.m.PlanDisks(context.Background(), b.choosing(`{"as": "a", "match": {"serial": "V-2"}}`, ""))
	testkit.ErrorContains(t, "conflict", err, `no disk of this machine matches disk "a" (serial "V-2"):`, "/dev/vda (33.6 MB, virtio, serial V-1, empty): its serial is V-1")
	testkit.Equal(t, "kind", report.KindOf(err), report.KindConfig)
}

func TestLinksOfPartitionsFollowTheTable(t *testing.T) {
	b := newChoosingMachine(t)
	b.attach("pci0/nvme/nvme0/nvme0n1", 32, "device/serial=N-1")
	for _, p := range []string{"1", "2"} {
		b.write("sys/devices/pci0/nvme/nvme0/nvme0n1/nvme0n1p"+p+"/partition", p)
	}
	b.disk("dev/nvme0n1p1", 1)
	_, err := b.m.PlanDisks(context.Background(), b.choosing(`{"as": "a", "match": {"serial": "N-1"}}`, ""))
	testkit.NoError(t, err)
	testkit.NoError(t, os.MkdirAll(b.path("dev/firstlight"), 0o755))
	for _, old := range []string{"a", "a-part3", "ab-part3"} {
		testkit.NoError(t, os.Symlink("old", b.path("dev/firstlight/"+old)))
	}
	testkit.NoError(t, b.m.makeLinks(b.m.choices[0]))
	links, err := os.ReadDir(b.path("dev/firstlight"))
	testkit.NoError(t, err)
	var all []string
	for _, l := range links {
		target, err := os.Readlink(b.path("dev/firstlight/" + l.Name()))
		testkit.NoError(t, err)
		all = append(all, l.Name()+" "+target)
	}
	testkit.Equal(t, "links", strings.Join(all, "\n"), "a ../nvme0n1\na-part1 ../nvme0n1p1\na-part2 ../nvme0n1p2\nab-part3 old")
	node, err := (&inspection{m: b.m}).Resolve("/dev/firstlight/a-part1")
	testkit.NoError(t, err)
	testkit.Equal(t, "node", node, b.path("dev/nvme0n1p1"))
}

func TestRulesForUdev(t *testing.T) {
	const match = `{"as": "a", "match": {"model": "M"}}`
	for _, c := range []struct {
		name, record string
		other        string // record of another disk
		want, warned string
	}{
		{"by World Wide Name and serial number", "E:ID_WWN=0x5000\nE:ID_SERIAL_SHORT=S*1\"\n", "", `
SUBSYSTEM=="block", ENV{DEVTYPE}=="disk", ENV{ID_WWN}=="0x5000", ENV{ID_SERIAL_SHORT}=="S?1?", SYMLINK+="firstlight/a"
SUBSYSTEM=="block", ENV{DEVTYPE}=="partition", ENV{ID_WWN}=="0x5000", ENV{ID_SERIAL_SHORT}=="S?1?", SYMLINK+="firstlight/a-part%n"
`, ""},
		{"by the path if that is all", "E:ID_PATH=pci-1\n", "", `
SUBSYSTEM=="block", ENV{DEVTYPE}=="disk", ENV{ID_PATH}=="pci-1", SYMLINK+="firstlight/a"
SUBSYSTEM=="block", ENV{DEVTYPE}=="partition", ENV{ID_PATH}=="pci-1", SYMLINK+="firstlight/a-part%n"
`, ""},
		{"and by the path if another disk has the same number", "E:ID_SERIAL_SHORT=0123\nE:ID_PATH=pci-1\n", "E:ID_SERIAL_SHORT=0123\nE:ID_PATH=pci-2\n", `
SUBSYSTEM=="block", ENV{DEVTYPE}=="disk", ENV{ID_SERIAL_SHORT}=="0123", ENV{ID_PATH}=="pci-1", SYMLINK+="firstlight/a"
SUBSYSTEM=="block", ENV{DEVTYPE}=="partition", ENV{ID_SERIAL_SHORT}=="0123", ENV{ID_PATH}=="pci-1", SYMLINK+="firstlight/a-part%n"
`, ""},
		{"not at all", "E:ID_BUS=x\n", "", "\n", "/dev/vda has no serial number, no World Wide Name and no path of its own; later boots will have no /dev/firstlight/a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newChoosingMachine(t)
			b.attach("pci0/virtio1/block/vda", 32, "device/model=M", "dev=8:0")
			b.write("udev/control", "")
			b.write("udev/data/b8:0", "I:1\n"+c.record)
			if c.other != "" {
				b.attach("pci0/virtio1/block/vdb", 32, "device/model=other", "dev=8:16")
				b.write("udev/data/b8:16", "I:1\n"+c.other)
			}
			_, err := b.m.choose(context.Background(), b.choosing(match, ""))
			testkit.NoError(t, err)
			testkit.Equal(t, "rules", b.m.UdevRules(), strings.TrimSpace(rulesHead)+c.want)
			testkit.Contains(t, "log", b.log.String(), c.warned)
		})
	}
}
