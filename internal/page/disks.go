package page

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/check"
	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/storage/plan"
)

// A Disk is a device as the first boot leaves it, if it is empty before.
type Disk struct {
	Device string  `json:"device"`
	GiB    float64 `json:"gib"`
	// Holds is what is on a disk without a partition table.
	Holds string `json:"holds"`
	Parts []Part `json:"parts"`
}

// A Part is a partition, or, without a number, free space.
type Part struct {
	Number int    `json:"number"`
	Label  string `json:"label"`
	Bytes  uint64 `json:"bytes"`
	Start  string `json:"start"` // for people
	Size   string `json:"size"`
	Holds  string `json:"holds"`
}

// A Conflict is a reason for which nothing would be done.
type Conflict struct {
	Text string `json:"text"`
	Hint string `json:"hint"`
	Line int    `json:"line"`
}

// defaultGiB is the size of disks for which none is given.
const defaultGiB = 20

// maxGiB is more than any disk has.
const maxGiB = 1 << 30

// emptyDisks are the devices that a config names, all of them empty. They implement
// plan.Facts.
type emptyDisks struct{ gib map[string]float64 }

// planDisks plans the disks stage, as "firstlightctl plan" does for a machine.
func (d *Details) planDisks(r *check.Result, gib map[string]float64) {
	empty := emptyDisks{gib}
	var disks []*plan.DiskFacts
	for _, disk := range r.Config.Storage.Disks {
		disks = append(disks, &plan.DiskFacts{DeviceFacts: empty.device(disk.Device), Blank: true})
	}
	g := plan.New(r.Config, disks, empty)
	guids := 0
	errs := g.DecideDisks(func() string {
		guids++
		return fmt.Sprintf("%08X-0000-4000-8000-000000000000", guids)
	})
	errs = append(errs, g.Locate()...)
	for _, t := range g.Targets {
		if t.External() && isMade(t.Device) {
			t.Unknown = true
			if !slices.Contains(d.NotJudged, t.Device) {
				d.NotJudged = append(d.NotJudged, t.Device)
			}
		}
		if t.On == nil {
			errs = append(errs, t.Look(empty))
		}
	}
	errs = append(errs, g.DecideContents()...)
	err := errors.Join(errs...)
	if err != nil { // it may be what was refused that they are on
		d.NotJudged = []string{}
	}
	for _, p := range g.Preview(err != nil) {
		d.Disks = append(d.Disks, newDisk(p))
	}
	for _, p := range report.Explain(err) {
		text := p.Cause
		if p.Operation != "" {
			text = p.Operation + ": " + text
		}
		d.Conflicts = append(d.Conflicts, Conflict{text, p.Hint, p.Origin.Line})
	}
}

// madeNames are the directories of names that a device has only when something was made
// on it.
var madeNames = []string{"/dev/disk/by-label/", "/dev/disk/by-uuid/", "/dev/disk/by-partlabel/", "/dev/disk/by-partuuid/", "/dev/md/", "/dev/mapper/"}

func isMade(device string) bool {
	return slices.ContainsFunc(madeNames, func(dir string) bool { return strings.HasPrefix(device, dir) })
}

func newDisk(p plan.DiskPreview) Disk {
	d := Disk{Device: p.Device, GiB: float64(p.Size) / (1 << 30), Parts: []Part{}}
	if p.After == nil {
		return d
	}
	if d.Holds = p.After.Whole.What; d.Holds != "" {
		return d
	}
	for _, part := range p.After.Parts(p.Size) {
		d.Parts = append(d.Parts, Part{part.Number, part.Label, part.Size, system.FormatSize(part.Start), system.FormatSize(part.Size), part.Contents.What})
	}
	return d
}

func (e emptyDisks) device(device string) plan.DeviceFacts {
	gib, given := e.gib[device]
	if !given || gib <= 0 || gib > maxGiB {
		gib = defaultGiB
	}
	const sector = 512
	return plan.DeviceFacts{Device: device, Node: device, Kernel: path.Base(device), Size: uint64(gib*(1<<30)) / sector * sector, Sector: sector}
}

// Resolve implements plan.Facts.
func (e emptyDisks) Resolve(path string) (string, error) { return path, nil }

// Device implements plan.Facts.
func (e emptyDisks) Device(t *plan.Target) (plan.DeviceFacts, error) {
	switch {
	case t.Disk == nil:
		return e.device(t.Device), nil
	case t.Partition.Number == 0:
		f := t.Disk.Facts.DeviceFacts
		f.Device = t.Device
		return f, nil
	}
	return plan.DeviceFacts{Device: t.Device}, nil
}

// Location implements plan.Facts.
func (e emptyDisks) Location(*plan.Disk, gpt.Partition, bool) []blkprobe.Signature { return nil }

// PartitionTable implements plan.Facts.
func (e emptyDisks) PartitionTable(plan.DeviceFacts) plan.PartitionTable {
	return plan.PartitionTable{}
}

// Array implements plan.Facts.
func (e emptyDisks) Array(a *plan.Array) plan.ArrayFacts {
	var f plan.ArrayFacts
	for _, t := range a.Members {
		f.Members = append(f.Members, t.Facts)
	}
	return f
}

// Volume implements plan.Facts.
func (e emptyDisks) Volume(v *plan.Volume) plan.VolumeFacts {
	return plan.VolumeFacts{DeviceFacts: v.Members[0].Facts}
}

// Subvolumes implements plan.Facts.
func (e emptyDisks) Subvolumes(*plan.Filesystem) (map[string]plan.SubvolumeNode, error) {
	return nil, nil
}
