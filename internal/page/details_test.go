package page

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestSizesAreComparedWithEachLimit(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	contents := make([]byte, 40<<10) // which gzip makes no smaller than 20 kB
	for i := range contents {
		contents[i] = "0123456789abcdef"[random.IntN(16)]
	}
	text := "variant: fcos\nversion: 1.0.0\nstorage:\n  files:\n    - path: /a\n      contents: {inline: \"" + string(contents) + "\"}\n"
	s := new(Page).Details([]byte(text), Options{}).Sizes
	if s.Text != len(text) || s.JSON < 40<<10 || s.JSON > 41<<10 || s.Packed < 20<<10 || s.Packed > 32<<10 {
		t.Errorf("%+v", s)
	}
	fits := map[string][2]bool{}
	for _, p := range s.Platforms {
		if p.Limit == 0 {
			t.Errorf("%s has no limit", p.ID)
		}
		fits[p.ID] = [2]bool{p.FitsJSON, p.FitsPacked}
	}
	for id, want := range map[string][2]bool{"gcp": {true, true}, "hetzner": {false, true}, "cloudstack": {false, true}, "aws": {false, false}} {
		if fits[id] != want {
			t.Errorf("%s: fits is %v, want %v", id, fits[id], want)
		}
	}
}

const disks = `variant: fcos
version: 1.6.0
storage:
  disks:
    - device: /dev/vdb
      wipe_table: true
      partitions:
        - {label: log, size_mib: 4096}
        - {label: data, start_mib: 8192}
    - device: /dev/vdc
      partitions: [{label: swap, size_mib: 1024}]
  luks:
    - {name: data, device: /dev/disk/by-partlabel/data, clevis: {tpm2: true}}
  filesystems:
    - {device: /dev/disk/by-partlabel/log, format: ext4, label: log}
    - {device: /dev/mapper/data, format: xfs}
    - {device: /dev/vdd, format: btrfs, label: whole}
    - {device: /dev/disk/by-label/root, format: ext4, wipe_filesystem: true}
`

// picture is the disks in one line each.
func picture(d *Details) string {
	var b strings.Builder
	for _, disk := range d.Disks {
		fmt.Fprintf(&b, "%s %g GiB %s:", disk.Device, disk.GiB, disk.Holds)
		for _, p := range disk.Parts {
			fmt.Fprintf(&b, " [%d %s %s %s]", p.Number, p.Label, p.Size, p.Holds)
		}
		b.WriteByte('\n')
	}
	for _, c := range d.Conflicts {
		fmt.Fprintf(&b, "conflict in line %d: %s\n", c.Line, c.Text)
	}
	return b.String()
}

func TestDisksOfGivenSizes(t *testing.T) {
	d := new(Page).Details([]byte(disks), Options{Disks: map[string]float64{"/dev/vdb": 100, "/dev/vdc": 0.5, "/dev/vdd": -1}})
	if got := picture(d); !strings.Contains(got, "conflict in line 11: ") || !strings.Contains(got, "/dev/vdc 0.5 GiB") {
		t.Errorf("got\n%s", got)
	}
	d = new(Page).Details([]byte(disks), Options{Disks: map[string]float64{"/dev/vdb": 100}})
	want := `/dev/vdb 100 GiB : [1 log 4 GiB ext4 (label "log")] [0  4 GiB ] [2 data 92 GiB part of the LUKS volume "data"]
/dev/vdc 20 GiB : [1 swap 1 GiB ] [0  19 GiB ]
/dev/vdd 20 GiB btrfs (label "whole"):
`
	if got := picture(d); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if want := []string{"/dev/disk/by-label/root"}; !slices.Equal(d.NotJudged, want) {
		t.Errorf("not judged are %q, want %q", d.NotJudged, want)
	}
}

func TestDetailsOfWhatIsNoConfigForAMachine(t *testing.T) {
	for _, text := range []string{"", "x", "variant: openshift\nversion: 4.14.0\nmetadata: {name: a, labels: {machineconfiguration.openshift.io/role: worker}}\n"} {
		if d := new(Page).Details([]byte(text), Options{}); d.Sizes != nil || len(d.Disks) > 0 {
			t.Errorf("%q: %+v", text, d)
		}
	}
}
