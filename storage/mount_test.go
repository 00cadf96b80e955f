package storage

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/storage/plan"
)

const mounts = `"filesystems": [
	{"device": "/dev/a", "format": "ext4", "path": "/var/lib/data"},
	{"device": "/dev/b", "format": "xfs", "path": "/var"},
	{"device": "/dev/c", "format": "swap"},
	{"device": "/dev/d", "format": "none", "path": "/none"},
	{"device": "/dev/e", "format": "btrfs", "path": "/home"},
	{"device": "tag", "format": "virtiofs", "path": "/var/share"}]`

func describe(plan report.Plan) string {
	var lines []string
	for _, o := range plan {
		line := o.Name
		for _, before := range o.After {
			line += " < " + before.Name
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestMountsAreOrderedByDepth(t *testing.T) {
	b := newTestMachine(t)
	cfg := b.config(mounts)
	plan, err := b.m.PlanMount(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	want := `mounting /dev/b at /var
mounting /dev/e at /home
mounting tag at /var/share < mounting /dev/b at /var
mounting /dev/a at /var/lib/data < mounting /dev/b at /var`
	if got := describe(plan); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// btrfs has several mount points, which are of one device.
const btrfs = `"filesystems": [
	{"device": "/dev/b", "format": "btrfs", "path": "/srv/top", "subvolumes": [
		{"name": "@/srv", "path": "/srv"}, {"name": "@/var/lib", "path": "/var/lib"}, {"name": "@/var", "path": "/var"}, {"name": "@"}]},
	{"device": "/dev/c", "format": "ext4", "path": "/srv/other"}]`

// extended is config with extensions.
func (b *testMachine) extended(storage string) *config.Config {
	b.t.Helper()
	cfg, problems, err := config.Parse([]byte(`{"ignition": {"version": "3.6.0+firstlight.1"}, "storage": {`+storage+`}}`), "test config")
	if err != nil {
		b.t.Fatal(err, problems)
	}
	return cfg
}

func TestSubvolumesAreMountedInTurn(t *testing.T) {
	b := newTestMachine(t)
	plan, err := b.m.PlanMount(context.Background(), b.extended(btrfs))
	if err != nil {
		t.Fatal(err)
	}
	const srv, vr, lib = "mounting subvolume @/srv of /dev/b at /srv", "mounting subvolume @/var of /dev/b at /var", "mounting /dev/b at /srv/top"
	want := srv + "\n" + vr + " < " + srv + "\n" + lib + " < " + srv + " < " + vr + "\n" +
		"mounting subvolume @/var/lib of /dev/b at /var/lib < " + srv + " < " + vr + " < " + lib + "\n" +
		"mounting /dev/c at /srv/other < " + srv
	if got := describe(plan); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestASubvolumeIsMountedIfItIsThatOne(t *testing.T) {
	b := newTestMachine(t)
	root := b.m.Root
	b.write("proc/self/mountinfo", "30 1 8:1 / "+root+" rw - ext4 /dev/x rw\n"+
		"31 30 0:40 /@/srv "+root+"/srv rw - btrfs /dev/b rw\n32 30 0:40 /@/other "+root+"/var rw - btrfs /dev/b rw\n"+ // of /var another one
		"33 31 0:40 /@/srv/x "+root+"/srv/top rw - btrfs /dev/b rw\n") // the default may be any
	cfg := b.extended(btrfs)
	plan, err := b.m.PlanUmount(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := describe(plan), "unmounting /srv/top\nunmounting /srv < unmounting /srv/top"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if plan, err = b.m.PlanMount(context.Background(), cfg); err != nil {
		t.Fatal(err)
	}
	const vr = "mounting subvolume @/var of /dev/b at /var"
	if got, want := describe(plan), vr+"\nmounting subvolume @/var/lib of /dev/b at /var/lib < "+vr+"\nmounting /dev/c at /srv/other"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestUmountTakesAwayWhatIsMountedFromTheInside(t *testing.T) {
	b := newTestMachine(t)
	root := b.m.Root
	b.write("proc/self/mountinfo", "30 1 8:1 / "+root+" rw - ext4 /dev/x rw\n31 30 8:2 / "+root+"/var rw shared:1 - xfs /dev/b rw\n32 31 8:3 / "+root+"/var/lib/data rw - ext4 /dev/a rw\n")
	plan, err := b.m.PlanUmount(context.Background(), b.config(mounts))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := describe(plan), "unmounting /var/lib/data\nunmounting /var < unmounting /var/lib/data"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestUmountLeavesWhatOthersHaveMounted(t *testing.T) {
	b := newTestMachine(t)
	root := b.m.Root
	b.write("proc/self/mountinfo", "31 30 8:2 / "+root+"/var rw - xfs /dev/other rw\n"+ // another device
		"32 31 8:3 / "+root+"/var/lib/data rw - ext4 /dev/a rw\n33 32 0:5 / "+root+"/var/lib/data rw - tmpfs over rw\n"+ // something over ours
		"34 31 8:3 / "+root+"/home rw - ext4 /dev/e rw\n"+ // another format
		"35 31 0:9 / "+root+"/var/share rw - virtiofs tag rw\n36 31 8:9 / "+root+"/srv rw - xfs /dev/b rw\n")
	plan, err := b.m.PlanUmount(context.Background(), b.config(mounts))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := describe(plan), "unmounting /var/share"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if !strings.Contains(b.log.String(), "leaving /dev/a at /var/lib/data: over is mounted over it") {
		t.Errorf("the log is %s", &b.log)
	}
}

func TestMountsAreFoundBelowARootThatALinkLeadsTo(t *testing.T) {
	b := newTestMachine(t)
	b.write("real/root/file", "")
	if err := os.Symlink("real", b.path("link")); err != nil {
		t.Fatal(err)
	}
	b.m.Root = b.path("link/root")
	b.write("proc/self/mountinfo", "31 30 8:2 / "+b.path("real/root/var")+" rw - xfs /dev/b rw\n")
	cfg := b.config(`"filesystems": [{"device": "/dev/b", "format": "xfs", "path": "/var"}]`)
	for name, plan := range map[string]func(context.Context, *config.Config) (report.Plan, error){"": b.m.PlanMount, "unmounting /var": b.m.PlanUmount} {
		if got, err := plan(context.Background(), cfg); err != nil || describe(got) != name {
			t.Errorf("got %q, %v, want %q", describe(got), err, name)
		}
	}
}

func TestMountPointsAreMadeAndRecorded(t *testing.T) {
	b := newTestMachine(t)
	b.write("root/home/file", "")
	cfg := b.config(`"filesystems": [{"device": "/dev/a", "format": "ext4", "path": "/home/core/data/x"}, {"device": "/dev/b", "format": "ext4", "path": "/home/file/x"}, {"device": "/dev/c", "format": "ext4", "path": "/link/x"}]`)
	if err := os.Symlink("/tmp", b.path("root/link")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{b.path("root/home/core"), ""} {
		if made, err := b.m.makeMountPoint(cfg.Storage.Filesystems[0].Mounts()[0]); err != nil || made != want {
			t.Fatalf("%q is new, %v; want %q", made, err, want)
		}
	}
	if want := []string{"/home/core", "/home/core/data", "/home/core/data/x"}; !slices.Equal(b.m.RecordedDirectories, want) {
		t.Errorf("recorded %v, want %v", b.m.RecordedDirectories, want)
	}
	if info, err := os.Stat(b.path("root/home/core")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("%v, %v", info, err)
	}
	for i, want := range map[int]string{1: "making the mount point: DIR/root/home/file is not a directory", 2: "making the mount point: DIR/root/link is a symbolic link"} {
		_, err := b.m.makeMountPoint(cfg.Storage.Filesystems[i].Mounts()[0])
		var e *report.Error
		if !errors.As(err, &e) || strings.ReplaceAll(e.Error(), b.dir, "DIR") != want || !strings.HasSuffix(e.Origin.Path, ".path") {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// A record is on the disk before it says so: there is one for all that is known beforehand.
func TestMountPointsAreRecordedTogether(t *testing.T) {
	b := newTestMachine(t)
	b.write("root/home/file", "")
	b.write("proc/self/mountinfo", "")
	cfg := b.config(`"filesystems": [{"device": "/dev/a", "format": "ext4", "path": "/home/a/b"}, {"device": "/dev/b", "format": "ext4", "path": "/srv"}, {"device": "/dev/c", "format": "ext4", "path": "/srv/in/it"}]`)
	var records []string
	b.m.RecordDirectories = func(points []string) error {
		for _, p := range points {
			if system.Exists(b.path("root" + p)) {
				t.Errorf("%s was made before it was recorded", p)
			}
		}
		records = append(records, strings.Join(points, " "))
		return nil
	}
	if _, err := b.m.PlanMount(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	for _, fs := range cfg.Storage.Filesystems {
		if _, err := b.m.makeMountPoint(fs.Mounts()[0]); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"/home/a /home/a/b /srv", "/srv/in", "/srv/in/it"}; !slices.Equal(records, want) {
		t.Errorf("got %q, want %q", records, want)
	}
}

func TestMissingDevicesAreReportedTogether(t *testing.T) {
	b := newTestMachine(t)
	b.write("sys/class/block/loop0/size", "0\n")
	b.write("sys/class/block/vdb/size", "2097152\n")
	const hint = "check the name in the config, that the disk is attached, and that its driver is in the initramfs; with firstlight.device_timeout=SECONDS on the kernel command line it waits longer"
	b.refused(`"disks": [{"device": "DIR/x"}, {"device": "DIR/y"}]`,
		"waiting for DIR/x: it is not there after 0.05 s; block devices here: vda (256 GiB, serial SERIAL1), vdb (1 GiB) | storage.disks[0].device | "+hint,
		"waiting for DIR/y: it is not there after 0.05 s; block devices here: vda (256 GiB, serial SERIAL1), vdb (1 GiB) | storage.disks[1].device | "+hint)
}

func TestPathsOfMultipathDisksAreNamedAsSuch(t *testing.T) {
	b := newTestMachine(t)
	b.write("dev/sda", "")
	b.write("sys/class/block/sda/holders/dm-0/x", "")
	b.write("sys/class/block/dm-0/dm/name", "mpatha\n")
	err := b.m.missingError([]requiredDevice{{path: b.path("dev/sda"), err: system.ErrMultipathPath}}, time.Second)
	var e *report.Error
	const hint = "name the multipath disk in the config instead: /dev/mapper/mpatha; with "
	if !errors.As(err, &e) || !strings.HasSuffix(e.Error(), "/dev/sda: udev says that it is a path to a multipath disk") || !strings.HasPrefix(e.Hint, hint) {
		t.Errorf("got %v, %+v", err, e)
	}
}

func TestAMissingFilesystemDeviceDoesNotHideConflicts(t *testing.T) {
	b := newTestMachine(t)
	b.run("mkfs.ext4", "-q", b.disk("a.img", 10))
	_, err := b.plan(`"filesystems": [{"device": "DIR/a.img", "format": "xfs"}, {"device": "DIR/x", "format": "xfs"}]`)
	if leaves := report.Leaves(err); len(leaves) != 2 || !strings.Contains(err.Error(), "it is not there after") {
		t.Errorf("got %v", err)
	}
}

func TestDevicesThatComeLateAreWaitedFor(t *testing.T) {
	b := newTestMachine(t)
	b.m.Timeout = 10 * time.Minute
	made := make(chan error, 1)
	go func() {
		time.Sleep(100 * time.Millisecond)
		made <- os.WriteFile(b.path("late"), nil, 0o644)
	}()
	if err := b.m.wait(context.Background(), []requiredDevice{{path: b.path("late")}}); err != nil {
		t.Fatal(err)
	}
	if err := <-made; err != nil {
		t.Fatal(err)
	}
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	b := newTestMachine(t)
	b.m.Timeout = time.Hour
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	err := b.m.wait(ctx, []requiredDevice{{path: b.path("never")}})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.HasPrefix(err.Error(), "waiting for "+b.path("never")) {
		t.Errorf("got %v", err)
	}
}

func TestTheTimeoutIsAKernelArgument(t *testing.T) {
	b := newTestMachine(t)
	t.Setenv("IGNITION_KERNEL_CMDLINE_PATH", b.path("cmdline"))
	for text, want := range map[string]string{"quiet": "1m30s", "firstlight.device_timeout=7": "7s",
		"firstlight.device_timeout=x": "the kernel argument firstlight.device_timeout=x is not a number of seconds"} {
		b.write("cmdline", text)
		d, err := (&Machine{}).timeout()
		if got := d.String(); err == nil && got != want || err != nil && err.Error() != want {
			t.Errorf("%s: %v, %v", text, d, err)
		}
	}
}

func TestTheKernelIsToldOnlyWhatIsNew(t *testing.T) {
	const mib = 1 << 20
	have := []plan.KernelPartition{{Number: 1, Start: mib, Length: mib}, {Number: 2, Start: 2 * mib, Length: mib}, {Number: 3, Start: 3 * mib, Length: mib}, {Number: 5, Start: 9 * mib, Length: mib}}
	want := gpt.Table{Sector: 512, Partitions: []gpt.Partition{{Number: 1, Start: 2048, Size: 2048}, {Number: 2, Start: 4096, Size: 1024}, {Number: 3, Start: 8192, Size: 2048}, {Number: 4, Start: 12288, Size: 2048}}}
	diff := diffKernel(have, want)
	if len(diff.remove) != 2 || diff.remove[0].Number != 3 || diff.remove[1].Number != 5 ||
		len(diff.resize) != 1 || diff.resize[0].Number != 2 || len(diff.add) != 2 || diff.add[0].Number != 3 || diff.add[1].Number != 4 {
		t.Errorf("got %+v", diff)
	}
}

func TestRefusedPartitionsAreNotWaitedFor(t *testing.T) {
	b := newTestMachine(t)
	b.m.Timeout = time.Hour
	b.disk("a.img", 100)
	b.run("mkfs.ext4", "-q", b.disk("b.img", 10))
	b.refused(partitions(`{"number": 1, "label": "md", "sizeMiB": 200}, {"number": 2, "label": "luks", "sizeMiB": 200}, {"number": 3, "guid": "bbbbbbbb-1111-4111-8111-aaaaaaaaaaaa", "sizeMiB": 200}`)+`,
		"raid": [{"name": "x", "level": "raid1", "devices": ["/dev/disk/by-partlabel/md", "/dev/absent"]}],
		"luks": [{"name": "y", "device": "/dev/disk/by-partlabel/luks"}],
		"filesystems": [{"device": "/dev/disk/by-partuuid/bbbbbbbb-1111-4111-8111-aaaaaaaaaaaa", "format": "xfs"}, {"device": "/dev/md/x", "format": "xfs"}, {"device": "DIR/b.img", "format": "xfs"}]`,
		"partition 1 \"md\" on DIR/a.img needs 200 MiB but the largest free block has 98 MiB | storage.disks[0].partitions[0].sizeMiB | "+roomHint,
		"partition 2 \"luks\" on DIR/a.img needs 200 MiB but the largest free block has 98 MiB | storage.disks[0].partitions[1].sizeMiB | "+roomHint,
		"partition 3 on DIR/a.img needs 200 MiB but the largest free block has 98 MiB | storage.disks[0].partitions[2].sizeMiB | "+roomHint,
		"DIR/b.img holds ext4; the config asks for xfs | storage.filesystems[2].format | wipeFilesystem: true makes it anew, and its contents are lost")
}

func TestNothingIsWaitedForOnAWorkstation(t *testing.T) {
	b := newTestMachine(t)
	b.m.Timeout = time.Hour
	b.m.Absent = func(device string, err error) string { return "do without" }
	b.refused(`"filesystems": [{"device": "DIR/x", "format": "xfs"}]`, "there is no DIR/x here | storage.filesystems[0].device | do without")
	b.m.Dev = b.path("dev")
	b.refused(`"filesystems": [{"device": "/dev/disk/by-label/x", "format": "xfs"}]`, "there is no DIR/dev/disk/by-label/x here | storage.filesystems[0].device | do without")
}

func TestALabelThatNobodyMakesIsNamedWithTheNearest(t *testing.T) {
	b := newTestMachine(t)
	b.disk("a.img", 64)
	const storage = `"disks": [{"device": "DIR/a.img", "partitions": [{"number": 1, "label": "data"}]}],
		"filesystems": [{"device": "/dev/disk/by-partlabel/dtaa", "format": "ext4"}]`
	const meant = `no partition of the config has this label; did you mean "data"? `
	b.m.Timeout = 50 * time.Millisecond
	_, err := b.plan(storage)
	if all := report.Explain(err); len(all) != 1 || !strings.HasPrefix(all[0].Hint, meant+"check the name") {
		t.Errorf("at boot: got %+v", all)
	}
	b.m.Absent = func(string, error) string { return "name an image" }
	_, err = b.plan(storage)
	if all := report.Explain(err); len(all) != 1 || all[0].Hint != meant+"name an image" {
		t.Errorf("at the workstation: got %+v", all)
	}
}
