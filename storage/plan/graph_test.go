package plan

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/gpt"
)

// A fakeMachine has devices by their paths, and nothing in the kernel.
type fakeMachine map[string]DeviceFacts

func (m fakeMachine) Resolve(path string) (string, error) {
	if _, ok := m[path]; !ok {
		return "", fs.ErrNotExist
	}
	return path, nil
}

func (m fakeMachine) Device(t *Target) (DeviceFacts, error) {
	f := m[t.Device]
	f.Device, f.Node = t.Device, t.Device
	return f, nil
}

func (m fakeMachine) Location(*Disk, gpt.Partition, bool) []blkprobe.Signature { return nil }

func (m fakeMachine) PartitionTable(DeviceFacts) PartitionTable { return PartitionTable{} }

func (m fakeMachine) Array(a *Array) (f ArrayFacts) {
	for _, t := range a.Members {
		f.Members = append(f.Members, t.Facts)
	}
	return f
}

func (m fakeMachine) Volume(v *Volume) VolumeFacts {
	return VolumeFacts{DeviceFacts: v.Members[0].Facts}
}

// The device /dev/unseen cannot be looked at, and /dev/broken not be read.
func (m fakeMachine) Subvolumes(f *Filesystem) (map[string]SubvolumeNode, error) {
	switch f.Config.Device {
	case "/dev/unseen":
		return nil, nil
	case "/dev/broken":
		return nil, errors.New("the btrfs on it is damaged")
	}
	return subvolumesThere, nil
}

// decideAll decides on a config with an empty disk of 64 MiB, /dev/vda, and
// returns the nodes that are not idle, with what they depend on.
func decideAll(t *testing.T, storage string, m fakeMachine) (string, *Graph, error) {
	t.Helper()
	disk := &DiskFacts{DeviceFacts: DeviceFacts{Device: "/dev/vda", Node: "/dev/vda", Size: 64 << 20, Sector: 512}}
	g := New(parse(t, `"disks": [{"device": "/dev/vda", "partitions": [{"label": "one", "sizeMiB": 20}, {"label": "two"}]}], `+storage), []*DiskFacts{disk}, m)
	guids := 0
	errs := g.DecideDisks(func() string { guids++; return fmt.Sprint("GUID", guids) })
	errs = append(errs, g.Locate()...)
	for _, target := range g.Targets {
		errs = append(errs, target.Look(m))
	}
	errs = append(errs, g.DecideContents()...)
	var lines []string
	for _, n := range g.Nodes() {
		if n.Idle() {
			continue
		}
		line := n.Name()
		for _, d := range n.DependsOn() {
			line += " < " + d.Name()
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n"), g, errors.Join(errs...)
}

const stacked = `"luks": [{"name": "secret", "device": "/dev/md/data"}],
	"raid": [{"name": "data", "level": "raid1", "devices": ["/dev/disk/by-partlabel/one", "/dev/vda2"]}],
	"filesystems": [{"device": "/dev/mapper/secret", "format": "xfs", "label": "x"}, {"device": "/dev/vdb", "format": "ext4"}]`

func TestTheGraphOrdersWhatIsStacked(t *testing.T) {
	got, g, err := decideAll(t, stacked, fakeMachine{"/dev/vdb": {}})
	const want = `partitioning /dev/vda (create 1 "one", create 2 "two")
making array "data" (raid1 of /dev/disk/by-partlabel/one, /dev/vda2) < partitioning /dev/vda (create 1 "one", create 2 "two") < partitioning /dev/vda (create 1 "one", create 2 "two")
making LUKS volume "secret" on /dev/md/data < making array "data" (raid1 of /dev/disk/by-partlabel/one, /dev/vda2)
making xfs "x" on /dev/mapper/secret < making LUKS volume "secret" on /dev/md/data
making ext4 on /dev/vdb`
	if err != nil || got != want {
		t.Errorf("got\n%s\n%v\nwant\n%s", got, err, want)
	}
	previews := g.Preview(false)
	if got, want := fmt.Sprint(previews[0].After.Partitions), `[{1 one 1048576 20971520 created {part of the array "data" true false}} {2 two 22020096 44040192 created {part of the array "data" true false}}]`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(previews) != 2 || previews[1].Device != "/dev/vdb" || previews[1].After.Whole != (Contents{What: "ext4", New: true}) {
		t.Errorf("got %+v", previews)
	}
}

func TestWhatCanBeLookedAtLaterIsUsedByTheSecondEntryAfterTheFirst(t *testing.T) {
	got, _, err := decideAll(t, `"luks": [{"name": "secret", "device": "/dev/vdb", "keyFile": {"source": "data:,x"}}], "filesystems": [
		{"device": "/dev/mapper/secret", "format": "btrfs", "path": "/a"}, {"device": "/dev/disk/by-id/dm-name-secret", "format": "btrfs", "path": "/b"}]`,
		fakeMachine{"/dev/vdb": {Signatures: []blkprobe.Signature{{Type: "crypto_LUKS", LUKS: &blkprobe.LUKSHeader{Version: 2}}}}})
	const want = `checking and, if needed, making btrfs on /dev/disk/by-id/dm-name-secret < opening LUKS volume "secret" on /dev/vdb < checking and, if needed, making btrfs on /dev/mapper/secret`
	if err != nil || !strings.HasSuffix(got, want) {
		t.Errorf("got\n%s\n%v\nwant at the end\n%s", got, err, want)
	}
}

func TestWhatExistsIsKeptOrRefused(t *testing.T) {
	const fs = `"filesystems": [{"device": "/dev/vdb", "format": "ext4", "label": "x"}]`
	for label, want := range map[string]string{
		"x": "",
		"y": `the ext4 on /dev/vdb is not what the config describes: its label is "y", the config asks for "x"`,
	} {
		m := fakeMachine{"/dev/vdb": {Signatures: []blkprobe.Signature{{Type: "ext4", Label: label}}}}
		got, _, err := decideAll(t, fs, m)
		if strings.Contains(got, "ext4") || fmt.Sprint(err) != want && (want != "" || err != nil) {
			t.Errorf("%s: got %s, %v", label, got, err)
		}
	}
}
