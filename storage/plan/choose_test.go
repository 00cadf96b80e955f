package plan

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

const gigabyte = 1000 * 1000 * 1000

// extended reads a config with names of disks, and with a storage section.
func extended(t *testing.T, disks, storage string) *config.Config {
	t.Helper()
	text := `{"ignition": {"version": "3.6.0+firstlight.1"}, "firstlight": {"disks": [` + disks + `]}, "storage": {` + storage + `}}`
	cfg, problems, err := config.Parse([]byte(text), "user config")
	if err != nil {
		t.Fatalf("the config of the test: %v\n%v\n%s", err, problems, text)
	}
	return cfg
}

// candidate is an empty disk.
func candidate(node string, size uint64, id DiskIdentity) *Candidate {
	return &Candidate{DiskIdentity: id, Facts: &DiskFacts{DeviceFacts: DeviceFacts{Device: node, Node: node, Size: size, Sector: 512}}}
}

// holding puts something on the whole disk.
func (c *Candidate) holding(all ...blkprobe.Signature) *Candidate {
	c.Signatures, c.Facts.Signatures = all, all
	return c
}

// partitioned puts a GPT on the disk, with a partition for each signature.
func (c *Candidate) partitioned(all ...blkprobe.Signature) *Candidate {
	c.Facts.Disk = gpt.Disk{Kind: gpt.Intact, Table: gpt.New(c.Facts.Size, 512, "G")}
	for i, s := range all {
		p := gpt.Partition{Number: i + 1, Start: uint64(2048 * (i + 1)), Size: 2048, Type: linuxData, GUID: "00000000-0000-4000-8000-00000000000" + string(rune('1'+i)), Name: "part-" + s.Label}
		c.Facts.Table.Partitions = append(c.Facts.Table.Partitions, p)
		c.Partitions = append(c.Partitions, HeldPartition{p, []blkprobe.Signature{s}})
	}
	return c
}

// machine has disks of each kind.
func machine() []*Candidate {
	root := candidate("/dev/vda", 20*gigabyte, DiskIdentity{Serial: "root", Transport: "virtio", Root: "mounted at /sysroot"}).partitioned(blkprobe.Signature{Type: "ext4", Label: "root"})
	nvme := func(node, serial string, size uint64) *Candidate {
		return candidate(node, size, DiskIdentity{Serial: serial, WWN: "eui." + serial, Model: "Fast SSD 980", Transport: "nvme"})
	}
	turning := candidate("/dev/sda", 4000*gigabyte, DiskIdentity{Serial: "Z1", WWN: "0x5000c500A1", Model: "ST4000/NM", Transport: "sata", Rotational: true})
	turning.Paths = []string{"pci-0000:00:1f.2-ata-1"}
	turning.holding(blkprobe.Signature{Type: "xfs", Label: "archive", UUID: "0b0c-1"})
	stick := candidate("/dev/sdb", 32*gigabyte, DiskIdentity{Serial: "U1", Model: "Flash", Transport: "usb", Removable: true}).partitioned(blkprobe.Signature{Type: "vfat", Label: "BROUGHT", UUID: "AB-12"})
	member := candidate("/dev/sdc", 800*gigabyte, DiskIdentity{Serial: "M1", Transport: "sas"}).holding(blkprobe.Signature{Type: "linux_raid_member", MD: &blkprobe.MDSuperblock{UUID: "u", Name: "old"}})
	return []*Candidate{root, nvme("/dev/nvme0n1", "n1", 512*gigabyte), nvme("/dev/nvme1n1", "n2", 1024*gigabyte), nvme("/dev/nvme2n1", "n3", 512*gigabyte), turning, stick, member,
		candidate("/dev/sr0", 0, DiskIdentity{Transport: "sata", Removable: true, Excluded: "it is an optical drive"})}
}

// chosen are names and nodes in words.
func chosen(all []*Choice, err error) string {
	if err != nil {
		return decided("", report.Leaves(err))
	}
	var names []string
	for _, c := range all {
		names = append(names, c.As+" "+c.Disk.Node()+" "+c.why)
	}
	return strings.Join(names, "\n")
}

func TestChoices(t *testing.T) {
	for _, c := range []struct{ name, disks, want string }{
		{"serial", `{"as": "a", "match": {"serial": "n2"}}`, "a /dev/nvme1n1 the only one that matches"},
		{"wwn as udev writes it", `{"as": "a", "match": {"wwn": "0x5000C500a1"}}`, "a /dev/sda the only one that matches"},
		{"wwn as the kernel writes it", `{"as": "a", "match": {"wwn": "naa.5000c500a1"}}`, "a /dev/sda the only one that matches"},
		{"a slash in a model", `{"as": "a", "match": {"model": "ST*"}}`, "a /dev/sda the only one that matches"},
		{"path", `{"as": "a", "match": {"path": "pci-*-ata-[12]"}}`, "a /dev/sda the only one that matches"},
		{"size", `{"as": "a", "match": {"size": "> 1TB", "transport": "nvme"}}`, "a /dev/nvme1n1 the only one that matches"},
		{"rotational", `{"as": "a", "match": {"rotational": true}}`, "a /dev/sda the only one that matches"},
		{"removable", `{"as": "a", "match": {"removable": true}}`, "a /dev/sdb the only one that matches"},
		{"holds a label", `{"as": "a", "match": {"holds": "archive"}}`, "a /dev/sda the only one that matches"},
		{"holds a UUID in another case", `{"as": "a", "match": {"holds": "ab-12"}}`, "a /dev/sdb the only one that matches"},
		{"holds a partition's label", `{"as": "a", "match": {"holds": "part-BROUGHT"}}`, "a /dev/sdb the only one that matches"},
		{"not empty", `{"as": "a", "match": {"empty": false, "transport": "usb"}}`, "a /dev/sdb the only one that matches"},
		{"smallest, the first World Wide Name of two of a size", `{"as": "a", "match": {"empty": true}, "pick": "smallest"}`, "a /dev/nvme0n1 smallest of 3 that match"},
		{"largest", `{"as": "a", "match": {"empty": true}, "pick": "largest"}`, "a /dev/nvme1n1 largest of 3 that match"},
		{"all", `{"as": "a", "match": {"transport": "nvme"}, "pick": "all"}`, "a1 /dev/nvme0n1 1 of 3 that match\na2 /dev/nvme2n1 2 of 3 that match\na3 /dev/nvme1n1 3 of 3 that match"},
		{"all are one", `{"as": "a", "match": {"transport": "usb"}, "pick": "all"}`, "a1 /dev/sdb 1 of 1 that match"},
		{"the root, if it is asked for", `{"as": "a", "match": {"transport": "virtio", "root": true}}`, "a /dev/vda the only one that matches"},
		{"several names", `{"as": "b", "match": {"serial": "n2"}}, {"as": "a", "match": {"serial": "n1"}}`, "b /dev/nvme1n1 the only one that matches\na /dev/nvme0n1 the only one that matches"},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := machine()
			testkit.Equal(t, "choice", chosen(Choose(extended(t, c.disks, ""), all)), c.want)
			slices.Reverse(all)
			testkit.Equal(t, "choice of another order", chosen(Choose(extended(t, c.disks, ""), all)), c.want)
		})
	}
}

func TestConflictsOfChoicesListAllDisks(t *testing.T) {
	const listed = `
/dev/sr0 (0 B, sata, removable): it is an optical drive
/dev/vda (20 GB, virtio, serial root, holds gpt table, partition "part-root", ext4 (label "root")): its transport is virtio, its size is 20000000000 bytes, it has the running root (mounted at /sysroot), for which root would have to be true
/dev/sdb (32 GB, usb, model Flash, serial U1, removable, holds gpt table, partition "part-BROUGHT", vfat (label "BROUGHT")): its transport is usb, its size is 32000000000 bytes
/dev/nvme0n1 (512 GB, nvme, model Fast SSD 980, serial n1, wwn eui.n1, empty): its size is 512000000000 bytes
/dev/nvme2n1 (512 GB, nvme, model Fast SSD 980, serial n3, wwn eui.n3, empty): its size is 512000000000 bytes
/dev/sdc (800 GB, sas, serial M1, holds linux_raid_member): its transport is sas, its size is 800000000000 bytes, it is a member of a RAID
/dev/nvme1n1 (1 TB, nvme, model Fast SSD 980, serial n2, wwn eui.n2, empty): its size is 1024000000000 bytes
/dev/sda (4 TB, sata, model ST4000/NM, serial Z1, wwn 0x5000c500A1, path pci-0000:00:1f.2-ata-1, rotational, holds xfs (label "archive")): its transport is sata`
	const place = " | firstlight.disks[0].match | "
	for _, c := range []struct{ name, disks, want string }{
		{"none matches", `{"as": "a", "match": {"transport": "nvme", "size": ">= 2TB"}}`, `no disk of this machine matches disk "a" (transport "nvme", size ">= 2TB"):` + listed + place +
			"check what is looked for, that the disk is attached, and that its driver is in the initramfs"},
		{"several match", `{"as": "a", "match": {"transport": "nvme", "rotational": false}}`,
			`3 disks of this machine match disk "a" (transport "nvme", not rotational):` + strings.NewReplacer(": its size is 512000000000 bytes", ": it matches", ": its size is 1024000000000 bytes", ": it matches", ", its size is 800000000000 bytes", "",
				", its size is 20000000000 bytes", "", ", its size is 32000000000 bytes", "", `archive")): its transport is sata`, `archive")): its transport is sata, it is rotational`).Replace(listed) + place +
				"look for more, such as the serial number, or say with pick which of them it is"},
	} {
		t.Run(c.name, func(t *testing.T) {
			testkit.Equal(t, "conflict", chosen(Choose(extended(t, c.disks, ""), machine())), c.want)
		})
	}
}

func TestWhichConflictsAnotherDiskWouldSolve(t *testing.T) {
	for name, c := range map[string]struct {
		disks, storage string
		solves         bool
	}{
		"none matches":    {`{"as": "a", "match": {"serial": "x"}}`, "", true},
		"several match":   {`{"as": "a", "match": {"transport": "nvme"}}`, "", false},
		"one more of all": {`{"as": "a", "match": {"transport": "nvme"}, "pick": "all"}`, `"disks": [{"device": "/dev/firstlight/a4", "wipeTable": true}]`, true},
	} {
		_, err := Choose(extended(t, c.disks, c.storage), machine())
		if errors.Is(err, ErrNoMatch) != c.solves || !errors.Is(err, report.ErrConfig) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestRefusedChoices(t *testing.T) {
	twins := []*Candidate{candidate("/dev/vdb", gigabyte, DiskIdentity{Transport: "virtio"}), candidate("/dev/vdc", gigabyte, DiskIdentity{Transport: "virtio"})}
	const nothingTells = `/dev/vdb and /dev/vdc match disk "a", and nothing tells one from the other: size, serial number, World Wide Name and path are the same, so that it would be another one at each boot`
	for _, c := range []struct {
		name, disks, storage string
		machine              []*Candidate
		want                 string
	}{
		{"a disk with two names", `{"as": "a", "match": {"serial": "U1"}}, {"as": "b", "match": {"removable": true}}`, "", machine(),
			`/dev/sdb (32 GB, usb, model Flash, serial U1, removable, holds gpt table, partition "part-BROUGHT", vfat (label "BROUGHT")) would be both disk "a" and disk "b"`},
		{"twins, of which one is to be taken", `{"as": "a", "match": {"transport": "virtio"}, "pick": "largest"}`, "", twins, nothingTells},
		{"twins, which are to be numbered", `{"as": "a", "match": {"transport": "virtio"}, "pick": "all"}`, "", twins, nothingTells},
		{"a number that there is not", `{"as": "a", "match": {"transport": "usb"}, "pick": "all"}`, `"filesystems": [{"device": "/dev/firstlight/a2", "format": "ext4"}]`, machine(),
			"/dev/firstlight/a2 is none of the 1 disks that were chosen"},
		{"a machine without disks", `{"as": "a", "match": {"transport": "usb"}}`, "", nil, `no disk of this machine matches disk "a" (transport "usb"); it has no disks`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Choose(extended(t, c.disks, c.storage), c.machine)
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestDisksOfInterruptedRunsAreChosenAgain(t *testing.T) {
	const empty = `{"as": "a", "match": {"empty": true}}`
	const partitions = `"disks": [{"device": "/dev/firstlight/a", "wipeTable": true, "partitions": [{"label": "x", "sizeMiB": 10}, {"label": "y"}]}]`
	const wiped = `"filesystems": [{"device": "/dev/firstlight/a", "format": "ext4", "label": "data", "wipeFilesystem": true}]`
	table := func() *Candidate {
		c := candidate("/dev/vdb", gigabyte, DiskIdentity{})
		d := &Disk{Config: &extended(t, empty, partitions).Storage.Disks[0], Facts: c.Facts}
		if errs := d.decide(false, func() string { return "G" }); len(errs) > 0 {
			t.Fatal(errs)
		}
		c.Facts.Disk = gpt.Disk{Kind: gpt.Intact, Table: d.After}
		for _, p := range d.After.Partitions {
			c.Partitions = append(c.Partitions, HeldPartition{Partition: p})
		}
		return c
	}
	smaller := table()
	smaller.Facts.Table.Partitions[0].Size--
	member := func(name string) *Candidate {
		return candidate("/dev/vdb", gigabyte, DiskIdentity{}).holding(blkprobe.Signature{Type: "linux_raid_member", MD: &blkprobe.MDSuperblock{UUID: "u", Name: "any:" + name, Level: 1, Devices: 2}})
	}
	const mirror = `"raid": [{"name": "m", "level": "raid1", "devices": ["/dev/firstlight/a", "/dev/x"]}]`
	for _, c := range []struct {
		name, match, storage string
		disk                 *Candidate
		ours                 bool // or else not chosen
	}{
		{"the config's partitions", empty, partitions, table(), true},
		{"the config's partitions, of which one is smaller", empty, partitions, smaller, false},
		{"the partitions of a config with others", empty, `"disks": [{"device": "/dev/firstlight/a", "partitions": [{"label": "z"}]}]`, table(), false},
		{"the partitions of another name", `{"as": "b", "match": {"empty": true}}, {"as": "a", "match": {"serial": "x"}}`, partitions, table(), false},
		{"the config's partitions, where something else was looked for", `{"as": "a", "match": {"holds": "gone"}}`, partitions, table(), true},
		{"the config's filesystem", empty, wiped, candidate("/dev/vdb", gigabyte, DiskIdentity{}).holding(blkprobe.Signature{Type: "ext4", Label: "data"}), true},
		{"another filesystem", empty, wiped, candidate("/dev/vdb", gigabyte, DiskIdentity{}).holding(blkprobe.Signature{Type: "ext4", Label: "other"}), false},
		{"the config's array", empty, mirror, member("m"), true},
		{"another array", empty, mirror, member("n"), false},
		{"the config's array, where the contents do not matter", `{"as": "a", "match": {"size": "> 1MB"}}`, mirror, member("m"), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			all, err := Choose(extended(t, c.match, c.storage), []*Candidate{c.disk})
			if got := err == nil; got != c.ours {
				t.Errorf("got %v, %v", chosen(all, nil), err)
			}
		})
	}
}

func TestNothingIsWipedOnDisksOfInterruptedRuns(t *testing.T) {
	const storage = `"disks": [{"device": "/dev/firstlight/a", "wipeTable": true}], "filesystems": [{"device": "/dev/firstlight/a", "format": "ext4", "label": "data", "wipeFilesystem": true}]`
	for _, c := range []struct {
		match string
		want  Action
	}{
		{`"empty": true`, Keep},
		{`"size": "> 1MB"`, Create},
	} {
		disk := candidate("/dev/vdb", gigabyte, DiskIdentity{}).holding(blkprobe.Signature{Type: "ext4", Label: "data"})
		disk.Facts.Traces = true
		cfg := extended(t, `{"as": "a", "match": {`+c.match+`}}`, storage)
		choices, err := Choose(cfg, []*Candidate{disk})
		testkit.NoError(t, err)
		facts := *disk.Facts
		facts.Device = "/dev/firstlight/a"
		g := New(cfg, []*DiskFacts{&facts}, oneDisk{})
		g.Use(choices)
		errs := append(g.DecideDisks(func() string { return "G" }), g.Locate()...)
		g.Filesystems[0].Target.Facts = facts.DeviceFacts
		if errs = append(errs, g.DecideContents()...); len(errs) > 0 {
			t.Fatal(errs)
		}
		if got := g.Filesystems[0].Action; got != c.want || g.Disks[0].Wipe != (c.want == Create) {
			t.Errorf("%s: the filesystem is %v, the disk is wiped: %v", c.match, got, g.Disks[0].Wipe)
		}
		if !*cfg.Storage.Filesystems[0].WipeFilesystem || !*cfg.Storage.Disks[0].WipeTable {
			t.Error("the config was changed")
		}
	}
}

// oneDisk resolves everything to /dev/vdb.
type oneDisk struct{ Facts }

func (oneDisk) Resolve(string) (string, error) { return "/dev/vdb", nil }

func TestPartitionsOfChosenDisks(t *testing.T) {
	for path, want := range map[string]int{"/dev/firstlight/a-part12": 12, "/dev/firstlight/a": 0, "/dev/firstlight/a-part0": 0, "/dev/firstlight/a-part01": 0, "/dev/firstlight/a-part": 0, "/dev/firstlight/ab-part1": 0} {
		if got, ok := ChosenPartition("/dev/firstlight/a", path); ok && got != want || ok != (want > 0) {
			t.Errorf("%s: got %d, %v; want %d", path, got, ok, want)
		}
	}
}
