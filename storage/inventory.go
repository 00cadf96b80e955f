package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/storage/plan"
)

// An InventoryDevice is what a plan has to know of a block device, for one that is made
// elsewhere. It has no contents. What uses the device is not in it: a first boot finds
// nothing mounted.
type InventoryDevice struct {
	Node   string   `json:"node"`
	Links  []string `json:"links,omitempty"`
	Size   uint64   `json:"size"`   // bytes
	Sector uint64   `json:"sector"` // bytes
	// Table is gpt, dos or damaged, or empty without a partition table.
	Table      string               `json:"table,omitempty"`
	GUID       string               `json:"guid,omitempty"`
	First      uint64               `json:"first,omitempty"` // usable sector
	Last       uint64               `json:"last,omitempty"`
	Slots      int                  `json:"slots,omitempty"`
	Partitions []InventoryPartition `json:"partitions,omitempty"`
	// Hybrid are the entries of the MBR beside a GPT.
	Hybrid []gpt.MBREntry `json:"hybrid,omitempty"`
	// The others are those of gpt.Disk and plan.DiskFacts.
	Damage     string               `json:"damage,omitempty"`
	Unwritable string               `json:"unwritable,omitempty"`
	Grown      bool                 `json:"grown,omitempty"`
	Other      string               `json:"other,omitempty"`
	Traces     bool                 `json:"traces,omitempty"`
	Blank      bool                 `json:"blank,omitempty"`
	Mapping    string               `json:"mapping,omitempty"`
	Holds      []InventorySignature `json:"holds,omitempty"`
	// Disk is what a disk is, and nil for partitions.
	Disk *plan.DiskIdentity `json:"disk,omitempty"`
}

// An InventoryPartition is a partition with what it holds. Start and size are in sectors.
type InventoryPartition struct {
	Number     int                  `json:"number"`
	Start      uint64               `json:"start"`
	Size       uint64               `json:"size"`
	Type       string               `json:"type,omitempty"`
	GUID       string               `json:"guid,omitempty"`
	Label      string               `json:"label,omitempty"`
	Attributes uint64               `json:"attributes,omitempty"`
	Holds      []InventorySignature `json:"holds,omitempty"`
}

// An InventorySignature is a format, by libblkid's name, and what it is called.
type InventorySignature struct {
	Type        string                 `json:"type"`
	Label       string                 `json:"label,omitempty"`
	UUID        string                 `json:"uuid,omitempty"`
	OtherLabels []string               `json:"otherLabels,omitempty"`
	MD          *blkprobe.MDSuperblock `json:"md,omitempty"`
	LUKS        *blkprobe.LUKSHeader   `json:"luks,omitempty"`
}

// Inventory looks at all block devices. The error joins one for each that could not be
// looked at.
func (m *Machine) Inventory() ([]InventoryDevice, error) {
	all := []InventoryDevice{}
	entries, err := os.ReadDir(m.sys("class", "block"))
	if err != nil {
		return all, err
	}
	links := m.links()
	var errs []error
	for _, e := range entries {
		dir := m.sysOf(nodeOfKernel(e.Name()))
		if size := m.attribute(dir, "size"); size == "0" || size == "" {
			continue // a drive without a disc, an unused loop device
		}
		node := nodeOfKernel(e.Name())
		d, err := m.open(node)
		if err != nil {
			errs = append(errs, fmt.Errorf("looking at %s: %w", node, err))
			continue
		}
		all = append(all, m.inventoryOf(d, node, links[d.node]))
		d.file.Close()
		all[len(all)-1].Disk, _ = m.identify(dir)
	}
	disks := candidatesOf(all)
	errs = append(errs, m.markRoot(disks))
	for _, c := range disks {
		i := slices.IndexFunc(all, func(d InventoryDevice) bool { return d.Node == c.Node() })
		all[i].Disk.Root = c.Root
	}
	return all, errors.Join(errs...)
}

// candidatesOf are the disks of an inventory.
func candidatesOf(devices []InventoryDevice) []*plan.Candidate {
	var all []*plan.Candidate
	for i := range devices {
		d := &devices[i]
		if d.Disk == nil {
			continue
		}
		c := &plan.Candidate{DiskIdentity: *d.Disk, Facts: d.facts(d.Node), Signatures: signatures(d.Holds)}
		for _, link := range d.Links {
			if name, found := strings.CutPrefix(link, byPath+"/"); found {
				c.Paths = append(c.Paths, name)
			}
		}
		slices.Sort(c.Paths)
		for _, p := range d.Partitions {
			c.Partitions = append(c.Partitions, plan.HeldPartition{Partition: p.partition(), Signatures: signatures(p.Holds)})
		}
		all = append(all, c)
	}
	return all
}

// links are the paths in directories of udev and others, by the nodes to which they lead.
func (m *Machine) links() map[string][]string {
	links := map[string][]string{}
	for _, dir := range []string{"disk", "mapper", "md"} {
		top := m.devPath("/dev/" + dir)
		// What cannot be read has no links.
		_ = fs.WalkDir(os.DirFS(top), ".", func(name string, e fs.DirEntry, err error) error {
			if err == nil && e.Type()&fs.ModeSymlink != 0 {
				if node, err := resolve(filepath.Join(top, name)); err == nil {
					links[node] = append(links[node], filepath.Join("/dev", dir, name))
				}
			}
			return nil
		})
	}
	return links
}

func (m *Machine) inventoryOf(d *device, node string, links []string) InventoryDevice {
	f := m.diskFacts(d, nil)
	r := InventoryDevice{Node: node, Links: links, Size: d.size, Sector: d.sector, Table: tableNames[f.Kind],
		GUID: f.Table.GUID, First: f.Table.First, Last: f.Table.Last, Slots: f.Table.Slots, Damage: f.Damage, Grown: f.Grown, Other: f.Other,
		Traces: f.Traces, Blank: f.Blank, Mapping: f.Mapping, Hybrid: f.Table.MBR}
	partitions := f.Table.Partitions
	if f.Kind == gpt.MBR {
		partitions, r.Hybrid = gpt.MBRPartitions(d.file, d.size, d.sector), nil
	}
	for _, p := range partitions {
		r.Partitions = append(r.Partitions, InventoryPartition{p.Number, p.Start, p.Size, p.Type, p.GUID, p.Name, p.Attributes, inventorySignatures(d.probePartition(d.file, p))})
	}
	if f.Unwritable != nil {
		r.Unwritable = f.Unwritable.Error()
	}
	r.Holds = inventorySignatures(d.probe())
	return r
}

var tableNames = map[gpt.Kind]string{gpt.None: "", gpt.Intact: "gpt", gpt.MBR: "dos", gpt.Damaged: "damaged"}

// kindOfTable finds a partition table by its name in tableNames.
func kindOfTable(name string) (kind gpt.Kind, known bool) {
	for kind, n := range tableNames {
		if n == name {
			return kind, true
		}
	}
	return gpt.None, false
}

func inventorySignatures(all []blkprobe.Signature) []InventorySignature {
	var listed []InventorySignature
	for _, s := range all {
		listed = append(listed, InventorySignature{s.Type, s.Label, s.UUID, s.OtherLabels, s.MD, s.LUKS})
	}
	return listed
}

func signatures(listed []InventorySignature) []blkprobe.Signature {
	var all []blkprobe.Signature
	for _, r := range listed {
		all = append(all, blkprobe.Signature{Type: r.Type, Label: r.Label, UUID: r.UUID, OtherLabels: r.OtherLabels, MD: r.MD, LUKS: r.LUKS})
	}
	return all
}

// An inventory is a machine that is elsewhere, and implements inspector.
type inventory struct {
	devices []InventoryDevice
	choices []*plan.Choice
}

// PreviewInventory plans as Preview does, for devices that were looked at elsewhere.
func (m *Machine) PreviewInventory(ctx context.Context, cfg *config.Config, devices []InventoryDevice) ([]plan.DiskPreview, report.Plan, error) {
	return m.preview(ctx, cfg, &inventory{devices: devices})
}

// Check returns why a device is none that Inventory has.
func (d *InventoryDevice) Check() error {
	_, known := kindOfTable(d.Table)
	switch {
	case !filepath.IsAbs(d.Node) || d.Node == "/":
		return fmt.Errorf("the node %q is not the path of a device", d.Node)
	case d.Sector < 512 || d.Sector > 1<<16 || d.Sector&(d.Sector-1) != 0:
		return fmt.Errorf("%s has sectors of %d bytes", d.Node, d.Sector)
	case d.Size%d.Sector != 0 || d.Size > 1<<62:
		return fmt.Errorf("%s has %d bytes, which is not a number of sectors", d.Node, d.Size)
	case !known:
		return fmt.Errorf("%s has a partition table %q", d.Node, d.Table)
	case d.Table == "gpt" && (d.First > d.Last || d.Last >= d.Size/d.Sector || d.Slots < 1 || d.Slots > maxSlots):
		return fmt.Errorf("%s has a GPT of %d entries for the sectors from %d to %d", d.Node, d.Slots, d.First, d.Last)
	}
	numbers := map[int]bool{}
	for _, p := range d.Partitions {
		if p.Number < 1 || p.Number > maxSlots || numbers[p.Number] || p.Size == 0 || p.Start >= d.Size/d.Sector || p.Size > d.Size/d.Sector-p.Start {
			return fmt.Errorf("%s has a partition %d of %d sectors from %d on", d.Node, p.Number, p.Size, p.Start)
		}
		numbers[p.Number] = true
	}
	for _, e := range d.Hybrid {
		if e.Number < 1 || e.Number > 4 || e.Start > d.Size/d.Sector || e.Size > d.Size/d.Sector {
			return fmt.Errorf("%s has an entry %d in its MBR of %d sectors from %d on", d.Node, e.Number, e.Size, e.Start)
		}
	}
	return nil
}

// maxSlots bounds the entries of a table in an inventory.
const maxSlots = 1024

// find returns the device of a path.
func (r *inventory) find(path string) (*InventoryDevice, error) {
	if c := plan.Chosen(r.choices, path); c != nil {
		number, isPartition := plan.ChosenPartition(c.Path(), path)
		if path = c.Disk.Node(); isPartition {
			path = partitionNode(path, number)
		}
	}
	for i := range r.devices {
		if d := &r.devices[i]; d.Node == path || slices.Contains(d.Links, path) {
			return d, nil
		}
	}
	var all []string
	for _, d := range r.devices {
		all = append(all, d.Node)
	}
	return nil, fmt.Errorf("%s is none of the devices that were found: %s", path, cmp.Or(strings.Join(all, ", "), "none"))
}

func (r *inventory) choose(_ context.Context, cfg *config.Config) (all []*plan.Choice, err error) {
	if len(cfg.Firstlight.Disks) > 0 {
		r.choices, err = plan.Choose(cfg, candidatesOf(r.devices))
	}
	return r.choices, err
}

func (r *inventory) lookAtDisks(_ context.Context, storage *config.Storage) ([]*plan.DiskFacts, error) {
	all := make([]*plan.DiskFacts, len(storage.Disks))
	var errs []error
	for i, d := range storage.Disks {
		found, err := r.find(d.Device)
		if err != nil {
			errs = append(errs, &report.Error{Origin: d.Origin("device"), Err: err, Hint: factsHint})
			continue
		}
		all[i] = found.facts(d.Device)
	}
	return all, errors.Join(errs...)
}

const factsHint = "check the name in the config; if the device is new, look again"

func (r *inventory) lookAtTargets(_ context.Context, targets []*plan.Target, wait bool) error {
	var errs []error
	for _, t := range targets {
		if t.On != nil {
			continue
		}
		if t.External() {
			_, err := r.find(t.Device)
			t.Unknown = err != nil
			if err != nil && wait {
				errs = append(errs, &report.Error{Origin: t.Origin, Err: err, Hint: factsHint})
			}
		}
		errs = append(errs, t.Look(r))
	}
	return errors.Join(errs...)
}

// facts are those of a disk.
func (d *InventoryDevice) facts(inConfig string) *plan.DiskFacts {
	f := &plan.DiskFacts{DeviceFacts: d.deviceFacts(inConfig), Traces: d.Traces, Blank: d.Blank, Mapping: d.Mapping}
	f.Disk = gpt.Disk{Damage: d.Damage, Grown: d.Grown, Other: d.Other,
		Table: gpt.Table{GUID: d.GUID, Sector: d.Sector, First: d.First, Last: d.Last, Slots: d.Slots, MBR: d.Hybrid}}
	f.Kind, _ = kindOfTable(d.Table)
	if f.Kind == gpt.Intact {
		f.Table.Partitions = d.gptPartitions()
	}
	if d.Unwritable != "" {
		f.Unwritable = errors.New(d.Unwritable)
	}
	for _, p := range d.Partitions {
		f.Partitions = append(f.Partitions, plan.KernelPartition{Number: p.Number, Start: p.Start * d.Sector, Length: p.Size * d.Sector, Node: partitionNode(d.Node, p.Number)})
	}
	f.Signatures = nil
	if f.Kind == gpt.None {
		f.PassedOver = passedOver(f.Disk)
		f.Signatures = append(signatures(d.Holds), f.PassedOver...)
	}
	return f
}

// partitionNode is the kernel's name of a partition.
func partitionNode(disk string, number int) string {
	if last := disk[len(disk)-1]; last >= '0' && last <= '9' {
		disk += "p"
	}
	return disk + strconv.Itoa(number)
}

func (d *InventoryDevice) gptPartitions() []gpt.Partition {
	var all []gpt.Partition
	for _, p := range d.Partitions {
		all = append(all, p.partition())
	}
	return all
}

func (p InventoryPartition) partition() gpt.Partition {
	return gpt.Partition{Number: p.Number, Start: p.Start, Size: p.Size, Type: p.Type, GUID: p.GUID, Name: p.Label, Attributes: p.Attributes}
}

// deviceFacts are those of a device that is used as a whole.
func (d *InventoryDevice) deviceFacts(inConfig string) plan.DeviceFacts {
	f := plan.DeviceFacts{Device: inConfig, Node: d.Node, Kernel: filepath.Base(d.Node), Size: d.Size, Sector: d.Sector, Signatures: signatures(d.Holds)}
	if d.Table != "" {
		table := "gpt"
		if d.Table == "dos" {
			table = "dos"
		}
		f.Signatures = append(f.Signatures, blkprobe.Signature{Type: table + " partition table"})
	}
	f.PassedOver = passedOver(gpt.Disk{Other: d.Other})
	return f
}

// Resolve implements plan.Facts.
func (r *inventory) Resolve(path string) (string, error) {
	d, err := r.find(path)
	if err != nil {
		return "", err
	}
	return d.Node, nil
}

// Device implements plan.Facts.
func (r *inventory) Device(t *plan.Target) (plan.DeviceFacts, error) {
	if t.Disk == nil {
		path := t.Device
		if t.On != nil {
			path = t.On.Device().Node
		}
		d, err := r.find(path)
		if err != nil {
			return plan.DeviceFacts{Device: t.Device}, err
		}
		return d.deviceFacts(t.Device), nil
	}
	f := t.Disk.Facts.DeviceFacts
	if t.Partition.Number != 0 {
		f = plan.DeviceFacts{}
	}
	f.Device, f.Signatures = t.Device, r.Location(t.Disk, t.Partition, t.Disk.Wipe)
	if t.Disk.Wipe {
		f.PassedOver = nil
	}
	return f, nil
}

// Location implements plan.Facts. Of sectors where no partition began nothing is known.
func (r *inventory) Location(disk *plan.Disk, p gpt.Partition, wiped bool) []blkprobe.Signature {
	d, err := r.find(disk.Facts.Node)
	switch {
	case err != nil:
		return nil
	case p.Number == 0 && wiped:
		return nil
	case p.Number == 0:
		return d.deviceFacts("").Signatures
	}
	for _, old := range d.Partitions {
		if old.Start == p.Start {
			return signatures(old.Holds)
		}
	}
	return nil
}

// PartitionTable implements plan.Facts.
func (r *inventory) PartitionTable(f plan.DeviceFacts) plan.PartitionTable {
	d, err := r.find(f.Node)
	if err != nil {
		return plan.PartitionTable{}
	}
	t := plan.PartitionTable{Kind: d.facts("").Kind, Other: d.Other}
	for _, p := range d.Partitions {
		t.Partitions = append(t.Partitions, plan.HeldPartition{Partition: p.partition(), Signatures: signatures(p.Holds)})
	}
	return t
}

// Array implements plan.Facts: none runs.
func (r *inventory) Array(a *plan.Array) plan.ArrayFacts {
	var f plan.ArrayFacts
	for _, t := range a.Members {
		f.Members = append(f.Members, t.Facts)
	}
	return f
}

// Volume implements plan.Facts: none is open.
func (r *inventory) Volume(v *plan.Volume) plan.VolumeFacts {
	return plan.VolumeFacts{DeviceFacts: v.Members[0].Facts}
}

// Subvolumes implements plan.Facts: nobody has looked.
func (r *inventory) Subvolumes(*plan.Filesystem) (map[string]plan.SubvolumeNode, error) {
	return nil, nil
}
