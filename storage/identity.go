package storage

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"

	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/storage/plan"
)

// notDisks are the beginnings of the kernel's names of block devices that are no disks.
var notDisks = []struct{ prefix, why string }{
	{"loop", "it is a loop device"},
	{"ram", "it is memory"},
	{"zram", "it is compressed memory"},
	{"sr", "it is an optical drive"},
	{"fd", "it is a floppy drive"},
	{"md", "it is an array"},
	{"dm-", "it is made by the device mapper"},
	{"mtdblock", "it is flash memory without a controller"},
}

// namedTransports are the beginnings of names of disks with their own kind of driver.
var namedTransports = []struct{ prefix, transport string }{
	{"nvme", "nvme"}, {"vd", "virtio"}, {"mmcblk", "mmc"}, {"xvd", "xen"}, {"dasd", "dasd"}, {"pmem", "pmem"}, {"nbd", "nbd"}, {"rbd", "rbd"},
}

// scsiTransports are what is in the path in sysfs of a disk that the kernel drives as one
// of SCSI. The first counts: a disk behind USB may be one of ATA, too.
var scsiTransports = []struct{ part, transport string }{
	{"/usb", "usb"}, {"/session", "iscsi"}, {"/rport-", "fc"}, {"/end_device-", "sas"}, {"/ata", "sata"}, {"/host", "scsi"},
}

// Properties of udev, in the order in which one counts; lsblk takes them so, too. Of a SCSI
// disk the short serial number is its World Wide Name, not what is printed on it.
var (
	udevSerials = []string{"ID_SCSI_SERIAL", "ID_SERIAL_SHORT", "ID_SERIAL"}
	udevWWNs    = []string{"ID_WWN", "DM_WWN"}
)

// multipathUUID begins the device mapper's name for a disk with several paths.
const multipathUUID = "mpath-"

// identify returns what the disk with a directory in sysfs is, and nil if the device is
// none that a person would call one: a partition, or an unused loop device. Busy reports
// that udev has not finished with it.
func (m *Machine) identify(dir string) (id *plan.DiskIdentity, busy bool) {
	name := filepath.Base(dir)
	empty := m.attribute(dir, "size") == "0"
	virtual := ""
	if !strings.HasPrefix(m.attribute(dir, "dm/uuid"), multipathUUID) {
		for _, n := range notDisks {
			if strings.HasPrefix(name, n.prefix) {
				virtual = n.why
			}
		}
	}
	if m.attribute(dir, "partition") != "" || m.attribute(dir, "hidden") == "1" || empty && strings.Contains(dir, "/virtual/") {
		return nil, false
	}
	id = &plan.DiskIdentity{Rotational: m.attribute(dir, "queue/rotational") == "1", Removable: m.attribute(dir, "removable") == "1"}
	record, usable := m.udevRecord(dir)
	hardware := dir // of one with several paths, one of them
	if slaves, err := os.ReadDir(filepath.Join(dir, "slaves")); virtual == "" && err == nil && len(slaves) > 0 {
		if path, err := filepath.EvalSymlinks(filepath.Join(dir, "slaves", slaves[0].Name())); err == nil {
			hardware = path
		}
	}
	id.Transport = transport(hardware)
	id.Serial = cmp.Or(property(record, udevSerials...), m.serial(hardware))
	id.WWN = cmp.Or(property(record, udevWWNs...), m.wwn(hardware))
	id.Model = cmp.Or(unescape(property(record, "ID_MODEL_ENC")), m.anyAttribute(hardware, "device/model", "device/name"), property(record, "ID_MODEL"))
	switch {
	case virtual != "":
		id.Excluded = virtual
	case empty:
		id.Excluded = "it has no size: no medium is in it"
	case m.attribute(dir, "ro") == "1":
		id.Excluded = "it is read-only"
	case usable != nil:
		id.Excluded = usable.Error()
	default:
		id.Excluded = m.partOf(dir)
	}
	return id, usable == system.ErrUdevBusy && virtual == "" && !empty
}

// udevRecord returns what udev knows of a device, and why it would not let it be used.
func (m *Machine) udevRecord(dir string) (system.UdevRecord, error) {
	if !system.UdevRuns(m.udev()) {
		return nil, nil
	}
	record, err := system.ReadUdevRecord(m.udev(), m.attribute(dir, "dev"))
	if err != nil {
		return nil, err
	}
	return record, record.Usable()
}

// partOf says what has taken a disk as one of its paths.
func (m *Machine) partOf(dir string) string {
	for _, h := range m.holders(dir, nil) {
		if h.Kernel != "" && strings.HasPrefix(m.attribute(m.sys("class", "block", h.Kernel), "dm/uuid"), multipathUUID) {
			return "it is a path to the multipath disk " + h.Mapping
		}
	}
	return ""
}

func property(record system.UdevRecord, names ...string) string {
	_, value := record.Property(names...)
	return system.PrintableLine(strings.TrimSpace(value))
}

// anyAttribute is the first of some files in sysfs that has something.
func (m *Machine) anyAttribute(dir string, names ...string) string {
	for _, name := range names {
		if text := m.attribute(dir, name); text != "" {
			return system.PrintableLine(text)
		}
	}
	return ""
}

func transport(dir string) string {
	for _, t := range namedTransports {
		if strings.HasPrefix(filepath.Base(dir), t.prefix) {
			return t.transport
		}
	}
	for _, t := range scsiTransports {
		if strings.Contains(dir, t.part) {
			return t.transport
		}
	}
	return ""
}

// serial is the serial number as the kernel has it: in a file of its own, in the SCSI page
// 0x80 after four bytes, or at the USB device.
func (m *Machine) serial(dir string) string {
	if text := m.anyAttribute(dir, "serial", "device/serial"); text != "" {
		return text
	}
	if page := m.attribute(dir, "device/vpd_pg80"); len(page) > 4 {
		return system.PrintableLine(strings.Trim(page[4:], " \x00"))
	}
	for at := dir; strings.Contains(at, "/usb"); at = filepath.Dir(at) {
		if m.attribute(at, "idVendor") != "" {
			return m.anyAttribute(at, "serial")
		}
	}
	return ""
}

// wwn is the World Wide Name. What the kernel makes of vendor and model is none.
func (m *Machine) wwn(dir string) string {
	text := m.anyAttribute(dir, "wwid", "device/wwid")
	if strings.HasPrefix(text, "t10.") {
		return ""
	}
	if number, found := strings.CutPrefix(text, "naa."); found {
		return "0x" + number // as udev writes it
	}
	return text
}

// unescape undoes what udev does to the characters that are in models.
func unescape(text string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, `\x20`, " "), `\x2f`, "/")
	return strings.TrimSpace(text)
}
