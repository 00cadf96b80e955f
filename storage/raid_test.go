package storage

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/storage/plan"
)

// member writes a superblock of version 1.2 to a disk.
func (b *testMachine) member(name, uuid, array string, level, devices, role int) string {
	b.t.Helper()
	disk := b.disk(name, 16)
	sb := make([]byte, 512)
	le.PutUint32(sb, 0xa92b4efc)
	le.PutUint32(sb[4:], 1)
	copy(sb[16:], uuid)
	copy(sb[32:], array)
	le.PutUint32(sb[72:], uint32(int32(level)))
	le.PutUint64(sb[80:], 8<<11) // sectors
	le.PutUint32(sb[92:], uint32(devices))
	le.PutUint64(sb[128:], 2048)
	le.PutUint64(sb[136:], 14<<11)
	le.PutUint64(sb[144:], 8)
	le.PutUint32(sb[160:], uint32(role))
	const slots = 128
	le.PutUint32(sb[220:], slots)
	for i := range slots {
		value := uint16(0xffff)
		if i < devices {
			value = uint16(i)
		}
		le.PutUint16(sb[256+2*i:], value)
	}
	var sum uint64
	for i := 0; i < len(sb); i += 4 {
		sum += uint64(le.Uint32(sb[i:]))
	}
	le.PutUint32(sb[216:], uint32(sum)+uint32(sum>>32))
	f, err := os.OpenFile(disk, os.O_RDWR, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(sb, 4096); err != nil {
		b.t.Fatal(err)
	}
	return disk
}

const (
	oneUUID     = "0123456789abcdef"
	anotherUUID = "fedcba9876543210"
)

const mirror = `"raid": [{"name": "data", "level": "raid1", "devices": ["DIR/a.img", "DIR/b.img"]}]`

func TestSuperblocksAreReadAsMdadmDoes(t *testing.T) {
	b := newTestMachine(t)
	disk := b.member("a.img", oneUUID, "any:data", 5, 3, 1)
	out := b.run("mdadm", "--examine", disk)
	for _, want := range []string{"any:data", "raid5", "Raid Devices : 3", "30313233:34353637:38396162:63646566", "- correct"} {
		if !strings.Contains(out, want) {
			t.Fatalf("mdadm does not find %q in the superblock of the test:\n%s", want, out)
		}
	}
	member := func() *blkprobe.MDSuperblock { return probeFile(t, disk)[0].MD }
	want := blkprobe.MDSuperblock{UUID: "30313233-3435-3637-3839-616263646566", Name: "any:data", Level: 5, Devices: 3}
	if got := member(); got == nil || *got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if err := system.Zero(rw(t, disk), 4096+92, 1); err != nil {
		t.Fatal(err)
	}
	if got := member(); got != nil {
		t.Errorf("a superblock with a wrong sum is taken for %+v", got)
	}
}

func rw(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestArraysAreMadeWithTheArgumentsOfTheReference(t *testing.T) {
	b := newTestMachine(t)
	for _, c := range []struct{ members, want string }{
		{`"name": "data", "level": "raid1", "devices": ["/dev/a", "/dev/b"]`,
			"mdadm --create data --force --run --homehost any --level raid1 --raid-devices 2 /x/0 /x/1"},
		{`"name": "/dev/md7", "level": "5", "devices": ["/dev/a", "/dev/b", "/dev/c", "/dev/d"], "spares": 1, "options": ["--metadata=1.0", "--chunk", "64"]`,
			"mdadm --create /dev/md7 --force --run --homehost any --level 5 --raid-devices 3 --spare-devices 1 --metadata=1.0 --chunk 64 /x/0 /x/1 /x/2 /x/3"},
	} {
		r := &b.config(`"raid": [{` + c.members + `}]`).Storage.Raid[0]
		nodes := []string{"/x/0", "/x/1", "/x/2", "/x/3"}[:len(r.Devices)]
		if got := createCommand(r, nodes).String(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestArraysAreMadeThenWhatIsOnThem(t *testing.T) {
	b, x := newFakeTools(t)
	b.disk("a.img", 16)
	b.disk("b.img", 16)
	b.run("mkfs.ext4", "-q", "-L", "old", b.path("a.img"))
	cfg := mirror + `, "filesystems": [{"device": "/dev/md/data", "format": "ext4"}]`
	if got, want := b.describe(cfg), `making array "data" (raid1 of DIR/a.img, DIR/b.img)
making ext4 on /dev/md/data < making array "data" (raid1 of DIR/a.img, DIR/b.img)`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if want := `making the array "data" overwrites ` + b.path("a.img") + ` (ext4 (label "old"))`; strings.Count(b.log.String(), want) != 1 {
		t.Errorf("%s is not in the log once:\n%s", want, &b.log)
	}
	if err := b.execute(cfg); err != nil {
		t.Fatal(err)
	}
	if got, want := x.lines(), `mdadm --create data --force --run --homehost any --level raid1 --raid-devices 2 DIR/a.img DIR/b.img
mkfs.ext4 -F DIR/dev/md/data`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if found := probeFile(t, b.path("a.img")); len(found) > 0 {
		t.Errorf("the member still holds %v", found)
	}
}

func TestWhatShowsThroughANewArrayIsWiped(t *testing.T) {
	b, x := newFakeTools(t)
	b.disk("a.img", 16)
	b.disk("b.img", 16)
	b.disk("old.img", 16)
	b.run("mkfs.ext4", "-q", b.path("old.img"))
	late := &lateArray{fakeTools: x, old: b.path("old.img"), at: b.path("dev/md/data")}
	b.m.Run = late
	if err := b.execute(mirror); err != nil {
		t.Fatal(err)
	}
	if found := probeFile(t, late.at); len(found) > 0 {
		t.Errorf("the array holds %v", found)
	}
}

// A lateArray shows, when it is made, what its members held before.
type lateArray struct {
	*fakeTools
	old, at string
}

func (l *lateArray) Run(ctx context.Context, c system.Command) ([]byte, error) {
	out, err := l.fakeTools.Run(ctx, c)
	return out, errors.Join(err, os.Rename(l.old, l.at))
}

func TestAWholeArrayIsAssembledAndNotMadeAgain(t *testing.T) {
	b, x := newFakeTools(t)
	b.member("a.img", oneUUID, "any:data", 1, 2, 0)
	b.member("b.img", oneUUID, "any:data", 1, 2, 1)
	b.m.Dev = b.path("") // mdadm gets the path of the array
	cfg := mirror + `, "filesystems": [{"device": "/dev/md/data", "format": "ext4", "label": "x"}]`
	if got, want := b.describe(cfg), `assembling array "data" (raid1 of DIR/a.img, DIR/b.img)
checking and, if needed, making ext4 "x" on /dev/md/data < assembling array "data" (raid1 of DIR/a.img, DIR/b.img)`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	b.m.Dev = b.path("dev")
	if err := b.execute(cfg); err != nil {
		t.Fatal(err)
	}
	if got, want := x.lines(), "mdadm --assemble /dev/md/data --homehost any DIR/a.img DIR/b.img\nmkfs.ext4 -F -L x DIR/dev/md/data"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if b.log.Len() > 0 && strings.Contains(b.log.String(), "overwrites") {
		t.Errorf("a warning: %s", &b.log)
	}
}

func TestAFilesystemOnAnAssembledArrayIsKeptOrRefusedWhenItIsSeen(t *testing.T) {
	for format, want := range map[string]string{
		"ext4": "",
		"xfs":  `checking and, if needed, making xfs on /dev/md/data: /dev/md/data holds ext4; the config asks for xfs | storage.filesystems[0].format`,
	} {
		b, x := newFakeTools(t)
		b.member("a.img", oneUUID, "any:data", 1, 2, 0)
		b.member("b.img", oneUUID, "any:data", 1, 2, 1)
		b.disk("old.img", 16)
		b.run("mkfs.ext4", "-q", b.path("old.img"))
		b.m.Run = &lateArray{fakeTools: x, old: b.path("old.img"), at: b.path("dev/md/data")}
		err := b.execute(mirror + `, "filesystems": [{"device": "/dev/md/data", "format": "` + format + `"}]`)
		if want != "" && err != nil {
			if got := err.Error() + " | " + report.Explain(err)[0].Origin.Path; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		} else if want != "" || err != nil {
			t.Errorf("%s: %v", format, err)
		}
		if n := strings.Count(x.lines(), "\n"); n > 0 {
			t.Errorf("%s: more than assembling was done: %s", format, x.lines())
		}
	}
}

// Each case has two members of 16 MiB.
func TestArraysThatAreNotWholeAreMadeAgain(t *testing.T) {
	const half = `making the array "data" overwrites %A (a part of such an array, whose other devices are not)`
	for name, c := range map[string]struct {
		prepare func(b *testMachine)
		warning string
	}{
		"only one has a superblock": {func(b *testMachine) { b.member("a.img", oneUUID, "any:data", 1, 2, 0); b.disk("b.img", 16) }, half},
		"two runs have made one each": {func(b *testMachine) {
			b.member("a.img", oneUUID, "any:data", 1, 2, 0)
			b.member("b.img", anotherUUID, "any:data", 1, 2, 0)
		}, half + ", %B (a part of such an array, whose other devices are not)"},
		"another name": {func(b *testMachine) {
			b.member("a.img", oneUUID, "any:other", 1, 2, 0)
			b.member("b.img", oneUUID, "any:other", 1, 2, 1)
		}, `overwrites %A (linux_raid_member (label "any:other")), %B`},
		"another host": {func(b *testMachine) {
			b.member("a.img", oneUUID, "host:data", 1, 2, 0)
			b.member("b.img", oneUUID, "host:data", 1, 2, 1)
		}, `overwrites %A (linux_raid_member (label "host:data")), %B`},
		"another level": {func(b *testMachine) {
			b.member("a.img", oneUUID, "any:data", 0, 2, 0)
			b.member("b.img", oneUUID, "any:data", 0, 2, 1)
		}, `overwrites %A (linux_raid_member`},
		"another number of devices": {func(b *testMachine) {
			b.member("a.img", oneUUID, "any:data", 1, 3, 0)
			b.member("b.img", oneUUID, "any:data", 1, 3, 1)
		}, `overwrites %A (linux_raid_member`},
	} {
		t.Run(name, func(t *testing.T) {
			b, x := newFakeTools(t)
			c.prepare(b)
			if err := b.execute(mirror); err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(x.lines(), "mdadm --create data") {
				t.Errorf("what was done: %s", x.lines())
			}
			want := strings.NewReplacer("%A", b.path("a.img"), "%B", b.path("b.img")).Replace(c.warning)
			if !strings.Contains(b.log.String(), want) {
				t.Errorf("%s is not in the log:\n%s", want, &b.log)
			}
		})
	}
}

func TestArraysOfSparesOnlyAreRefused(t *testing.T) {
	b := newTestMachine(t)
	b.disk("a.img", 1)
	b.disk("b.img", 1)
	b.refused(strings.Replace(mirror, `"level"`, `"spares": 2, "level"`, 1),
		`the array "data" has 2 devices and is to have 2 spares | storage.raid[0].spares | list more devices, or ask for fewer spares`)
}

func TestTheKernelsArraysAreFoundThroughTheirMembers(t *testing.T) {
	b := newTestMachine(t)
	b.write("sys/class/block/md127/md/array_state", "clean\n")
	b.write("sys/class/block/md127/slaves/sda1/x", "")
	b.write("sys/class/block/md127/slaves/sdb1/x", "")
	b.write("sys/class/block/md127/holders/dm-0/x", "")
	b.write("sys/class/block/md127/dev", "9:127\n")
	b.write("sys/class/block/dm-0/dm/name", "root\n")
	inUse := mountsAndSwaps{"9:127": {"mounted at /x"}}
	p := &plan.Array{StackedDevice: plan.StackedDevice{Paths: []string{"/dev/md/none-such"}}}
	f := b.m.arrayFacts(p, []plan.DeviceFacts{{Holders: []plan.Holder{{How: "part of md127", Kernel: "md127"}}}, {Holders: []plan.Holder{{How: "part of md127", Kernel: "md127"}}}}, inUse)
	if len(f.Running) != 1 || f.Named != "" {
		t.Fatalf("got %+v", f)
	}
	r := f.Running[0]
	if !r.Active || r.Creating || !slices.Equal(r.Members, []string{"sda1", "sdb1"}) || plan.DescribeHolders(r.Holders) != "mounted at /x, part of dm-0 (root)" {
		t.Errorf("got %+v", r)
	}
	b.write("sys/class/block/md127/ro", "1\n")
	if r := b.m.runningArray("md127", nil); plan.DescribeHolders(r.Holders) != "read-only (write-protected), part of dm-0 (root)" {
		t.Errorf("a write-protected device is %s", plan.DescribeHolders(r.Holders))
	}
	b.m.Mdadm = b.path("run")
	b.write("run/creating-md127", "")
	if !b.m.runningArray("md127", inUse).Creating {
		t.Error("the mark of an mdadm that was killed is not seen")
	}
}

func TestOneDeviceIsForOneThing(t *testing.T) {
	b := newTestMachine(t)
	b.disk("a.img", 16)
	b.disk("b.img", 16)
	b.refused(mirror+`, "luks": [{"name": "x", "device": "DIR/b.img"}], "filesystems": [{"device": "DIR/a.img", "format": "ext4"}]`,
		`DIR/b.img and DIR/b.img are the same device, wanted for the array "data" and for the LUKS volume "x" | storage.luks[0].device | keep one of the two entries`,
		`DIR/a.img and DIR/a.img are the same device, wanted for the array "data" and for a filesystem | storage.filesystems[0].device | keep one of the two entries`)
}

func TestCirclesAreRefused(t *testing.T) {
	b := newTestMachine(t)
	b.disk("a.img", 16)
	b.refused(`"raid": [{"name": "data", "level": "raid1", "devices": ["DIR/a.img", "/dev/mapper/x"]}],
		"luks": [{"name": "x", "device": "/dev/md/data"}, {"name": "y", "device": "/dev/mapper/x"}],
		"filesystems": [{"device": "/dev/mapper/y", "format": "ext4"}]`,
		`these are built upon each other in a circle: the array "data" -> the LUKS volume "x" -> the array "data" | storage.raid[0] | something of them has to be on a device that is there`)
}

func TestArraysOnPlannedPartitions(t *testing.T) {
	b := newTestMachine(t)
	b.disk("a.img", 64)
	b.disk("b.img", 64)
	got := b.describe(`"disks": [{"device": "DIR/a.img", "partitions": [{"label": "one", "sizeMiB": 20}]}, {"device": "DIR/b.img", "partitions": [{"label": "two", "sizeMiB": 20}]}],
		"luks": [{"name": "secret", "device": "/dev/disk/by-id/md-name-any:data"}],
		"raid": [{"name": "data", "level": "raid1", "devices": ["/dev/disk/by-partlabel/one", "DIR/b.img1"]}],
		"filesystems": [{"device": "/dev/disk/by-id/dm-name-secret", "format": "xfs"}]`)
	want := `partitioning DIR/a.img (create 1 "one")
partitioning DIR/b.img (create 1 "two")
making array "data" (raid1 of /dev/disk/by-partlabel/one, DIR/b.img1) < partitioning DIR/a.img (create 1 "one") < partitioning DIR/b.img (create 1 "two")
making LUKS volume "secret" on /dev/disk/by-id/md-name-any:data < making array "data" (raid1 of /dev/disk/by-partlabel/one, DIR/b.img1)
making xfs on /dev/disk/by-id/dm-name-secret < making LUKS volume "secret" on /dev/disk/by-id/md-name-any:data`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAWholeDiskThatIsAMemberSurvivesWipeTable(t *testing.T) {
	b := newTestMachine(t)
	b.member("a.img", oneUUID, "any:data", 1, 2, 0)
	b.member("b.img", oneUUID, "any:data", 1, 2, 1)
	if got, want := b.describe(disk(`"wipeTable": true`)+", "+mirror), `assembling array "data" (raid1 of DIR/a.img, DIR/b.img)`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAFailingMdadmIsReported(t *testing.T) {
	b, x := newFakeTools(t)
	b.disk("a.img", 16)
	b.disk("b.img", 16)
	x.fail = map[string]error{"mdadm": errors.New("exit status 1")}
	err := b.execute(mirror)
	if report.Explain(err)[0].Origin.Path != "storage.raid[0]" || !strings.Contains(err.Error(), `making array "data" (raid1 of `) || !strings.HasSuffix(err.Error(), "b.img: exit status 1, without a message") {
		t.Errorf("got %v", err)
	}
}

func TestArraysAndVolumesDoNotDestroyPartitions(t *testing.T) {
	b := newTestMachine(t)
	b.disk("a.img", 64)
	b.disk("b.img", 16)
	b.refused(partitions(`{"number": 1}`)+", "+mirror+`, "luks": [{"name": "x", "device": "DIR/a.img"}]`,
		`DIR/a.img has partitions; the array "data" on the whole disk would destroy them | storage.raid[0].devices[0] | name one of its partitions`,
		`DIR/a.img has partitions; the LUKS volume "x" on the whole disk would destroy them | storage.luks[0].device | name one of its partitions`)
}

func TestANameForTwoThingsIsRefused(t *testing.T) {
	b := newTestMachine(t)
	b.disk("a.img", 64)
	b.disk("b.img", 16)
	b.refused(partitions(`{"number": 1, "label": "x"}`)+`, "raid": [{"name": "/dev/disk/by-partlabel/x", "level": "raid0", "devices": ["DIR/b.img"]}],
		"filesystems": [{"device": "/dev/disk/by-partlabel/x", "format": "ext4"}]`,
		`/dev/disk/by-partlabel/x would be both partition 1 "x" on DIR/a.img and the array "/dev/disk/by-partlabel/x" | storage.filesystems[0].device | name the partition by its disk, or use each label only once`)
}

func TestAMissingMemberIsReported(t *testing.T) {
	b := newTestMachine(t)
	b.disk("a.img", 16)
	_, err := b.plan(mirror + `, "luks": [{"name": "x", "device": "/dev/md/data"}]`)
	var e *report.Error
	if !errors.As(err, &e) || len(report.Leaves(err)) != 1 || e.Origin.Path != "storage.raid[0].devices[1]" || !strings.HasPrefix(e.Error(), "waiting for "+b.path("b.img")) {
		t.Errorf("got %v", err)
	}
}
