package bootloader

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/system"
)

// Types of GPT partitions that boot loaders read, by the Discoverable Partitions
// Specification.
const (
	typeESP      = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
	typeXBOOTLDR = "BC13C2FF-59E6-4262-A352-B275FD6F7172"
)

// loaderPartition is the EFI variable that has the GUID of the partition that the
// boot loader was started from (Boot Loader Interface).
const loaderPartition = "/sys/firmware/efi/efivars/LoaderDevicePartUUID-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"

// A Filesystem is one that a boot loader may read.
type Filesystem struct {
	Device string // its node
	Disk   string // the name of its disk in /sys/class/block
	Format string // blkprobe's name
	// What it is, for messages: "the EFI system partition".
	What string
	// started reports whether the boot loader was started from its disk.
	started bool
}

func (f Filesystem) String() string { return fmt.Sprintf("%s (%s, %s)", f.Device, f.What, f.Format) }

// rootFilesystem is what a Filesystem is that has no other name.
const rootFilesystem = "the root filesystem"

// A Machine is where boot loaders and their filesystems are looked for.
type Machine struct {
	// Root stands for "/", in tests.
	Root string
	// RootArgument and RootFlags are the values of the kernel arguments root= and
	// rootflags=.
	RootArgument, RootFlags string
}

// Filesystems finds all that a boot loader may read: only those of the disk that the
// machine was started from, if the boot loader tells. What cannot be read is not
// found: it may be a drive without a medium.
func (m Machine) Filesystems() []Filesystem {
	loader := m.startedFrom()
	root, _ := filepath.EvalSymlinks(m.rootDevice()) // an image may not have it yet
	var all []Filesystem
	tables := map[string][]gpt.Partition{}
	for _, name := range m.blockDevices() {
		disk, number := m.diskOf(name)
		table, read := tables[disk]
		if !read {
			table = m.table(disk)
			tables[disk] = table
		}
		var part gpt.Partition
		if i := slices.IndexFunc(table, func(p gpt.Partition) bool { return p.Number == number }); i >= 0 {
			part = table[i]
		}
		f := Filesystem{Device: m.node(name), Disk: disk}
		f.started = slices.ContainsFunc(table, func(p gpt.Partition) bool { return strings.EqualFold(p.GUID, loader) })
		signature := probe(f.Device)
		f.Format = signature.Type
		switch {
		case f.Format == "":
			continue
		case part.Type == typeESP:
			f.What = "the EFI system partition"
		case part.Type == typeXBOOTLDR:
			f.What = "a boot partition"
		case slices.Contains(signature.Labels(), "boot"):
			f.What = `labelled "boot"`
		case f.Device == root:
			f.What = rootFilesystem
		default:
			continue
		}
		all = append(all, f)
	}
	if slices.ContainsFunc(all, func(f Filesystem) bool { return f.started }) {
		all = slices.DeleteFunc(all, func(f Filesystem) bool { return !f.started })
	}
	return all
}

// allThere reports whether no other filesystem than these can still come: the boot loader
// tells from which disk it was started, the kernel has all partitions of that, and the
// root device is there.
func (m Machine) allThere(found []Filesystem) bool {
	if len(found) == 0 || !found[0].started {
		return false
	}
	have := map[int]bool{}
	for _, name := range m.blockDevices() {
		if disk, number := m.diskOf(name); disk == found[0].Disk {
			have[number] = true
		}
	}
	_, err := os.Stat(m.rootDevice())
	return err == nil && !slices.ContainsFunc(m.table(found[0].Disk), func(p gpt.Partition) bool { return !have[p.Number] })
}

// startedFrom returns the GUID of the partition that the boot loader was started
// from, "" if none tells.
func (m Machine) startedFrom() string {
	text, err := system.ReadFile(m.Root+loaderPartition, maxFile)
	if err != nil || len(text) < 4 {
		return "" // no EFI, or a loader without the interface
	}
	var units []uint16
	for text = text[4:]; len(text) >= 2; text = text[2:] { // after the attributes
		units = append(units, binary.LittleEndian.Uint16(text))
	}
	return strings.TrimRight(string(utf16.Decode(units)), "\x00")
}

// rootDevice returns the path that the kernel argument root= names.
func (m Machine) rootDevice() string {
	for prefix, dir := range map[string]string{"UUID=": "uuid", "LABEL=": "label", "PARTUUID=": "partuuid", "PARTLABEL=": "partlabel"} {
		if value, ok := strings.CutPrefix(m.RootArgument, prefix); ok {
			return filepath.Join(m.Root, "/dev/disk/by-"+dir, value)
		}
	}
	return filepath.Join(m.Root, m.RootArgument)
}

// blockDevices are the names of all block devices, sorted.
func (m Machine) blockDevices() []string {
	entries, _ := os.ReadDir(m.Root + "/sys/class/block") // without devices it does not exist
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// node is where the device of a name is. The kernel writes ! for the / in a name.
func (m Machine) node(name string) string {
	return m.Root + "/dev/" + strings.ReplaceAll(name, "!", "/")
}

// diskOf returns the disk of a partition and its number there; any other device is
// its own disk.
func (m Machine) diskOf(name string) (disk string, number int) {
	dir := m.Root + "/sys/class/block/" + name
	text, err := system.ReadFile(dir+"/partition", maxFile)
	if err != nil {
		return name, 0
	}
	number, _ = strconv.Atoi(strings.TrimSpace(string(text)))
	path, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return name, 0
	}
	return filepath.Base(filepath.Dir(path)), number
}

// table returns the partitions of a disk.
func (m Machine) table(disk string) []gpt.Partition {
	var partitions []gpt.Partition
	_ = withDevice(m.node(disk), func(f *os.File, size uint64) error {
		sector, err := system.SectorSize(f)
		if err == nil {
			partitions = gpt.Read(f, size, uint64(sector)).Table.Partitions
		}
		return err
	})
	return partitions
}

// formats are those that boot loaders and root filesystems have, by blkprobe's
// names; ext4 is all of ext.
var formats = []string{"vfat", "ext4", "xfs", "btrfs"}

// probe returns the filesystem of a device if it is one that boot loaders read.
func probe(node string) blkprobe.Signature {
	var found blkprobe.Signature
	_ = withDevice(node, func(f *os.File, size uint64) error {
		all, err := blkprobe.Probe(f, int64(size), formats...)
		if len(all) == 1 {
			found = all[0]
		}
		return err
	})
	return found
}

func withDevice(node string, use func(f *os.File, size uint64) error) error {
	f, err := os.Open(node)
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := system.DeviceSize(f)
	if err != nil {
		return err
	}
	return use(f, size)
}
