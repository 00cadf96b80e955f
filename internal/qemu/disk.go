package qemu

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

const imageTool = "qemu-img"

// A Disk is an empty disk that is asked for.
type Disk struct {
	Bus    string
	MiB    int64
	Serial string
}

// diskForm is [BUS:]SIZE[:serial=TEXT].
var diskForm = regexp.MustCompile(`^(?:([a-z]+):)?([0-9]+)([MGT])(?::serial=([A-Za-z0-9_.-]+))?$`)

// maxSerial are the serial numbers that virtio and NVMe can have, in bytes.
const maxSerial = 20

// maxMiB is 16 TiB, the most that ext4 below has in a file.
const maxMiB = 16 << 20

// ParseDisk reads "2G" or "nvme:10G:serial=abc".
func ParseDisk(text string) (Disk, error) {
	m := diskForm.FindStringSubmatch(text)
	if m == nil {
		return Disk{}, fmt.Errorf("%q is no disk; give [BUS:]SIZE[:serial=TEXT], as in 2G, scsi:512M or nvme:10G:serial=abc", text)
	}
	d := Disk{Bus: m[1], Serial: m[4]}
	if d.Bus == "" {
		d.Bus = BusVirtio
	}
	if _, ok := drivers[d.Bus]; !ok {
		return Disk{}, fmt.Errorf("the disk %q has the bus %q; there are virtio, scsi and nvme", text, d.Bus)
	}
	if len(d.Serial) > maxSerial {
		return Disk{}, fmt.Errorf("the disk %q has a serial number of %d characters; there may be %d", text, len(d.Serial), maxSerial)
	}
	unit := map[string]int64{"M": 1, "G": 1 << 10, "T": 1 << 20}[m[3]]
	n, err := strconv.ParseInt(m[2], 10, 64)
	if err != nil || n < 1 || n > maxMiB/unit {
		return Disk{}, fmt.Errorf("the disk %q has to be of 1M to 16T", text)
	}
	d.MiB = n * unit
	return d, nil
}

// Create makes a disk in a directory, under a name that is its serial number if it has
// none. It takes no room until the machine writes to it.
func (d Disk) Create(dir, name string) (Drive, error) {
	drive := Drive{Bus: d.Bus, File: filepath.Join(dir, name), Format: "raw", Serial: d.Serial, Cache: "unsafe"}
	if drive.Serial == "" {
		drive.Serial = name
	}
	f, err := os.OpenFile(drive.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return drive, err
	}
	if err := f.Truncate(d.MiB << 20); err != nil {
		f.Close()
		return drive, err
	}
	return drive, f.Close()
}

// Overlay makes a disk that begins as an image, in any format of QEMU, and keeps what
// the machine writes in a file of its own: the image stays as it is.
func Overlay(image, dir, name string) (Drive, error) {
	drive := Drive{Bus: BusVirtio, File: filepath.Join(dir, name+".qcow2"), Format: "qcow2", Serial: name, Cache: "unsafe"}
	image, err := filepath.Abs(image)
	if err != nil {
		return drive, err
	}
	format, err := imageFormat(image)
	if err != nil {
		return drive, err
	}
	_, err = tool("create", "-q", "-f", "qcow2", "-F", format, "-b", image, drive.File)
	return drive, err
}

func imageFormat(image string) (string, error) {
	// QEMU reads names with a colon as protocols.
	if _, err := os.Stat(image); err != nil {
		return "", err
	}
	out, err := tool("info", "--output=json", image)
	if err != nil {
		return "", err
	}
	var info struct{ Format string }
	if err := json.Unmarshal(out, &info); err != nil {
		return "", fmt.Errorf("reading what %s says of %s: %w", imageTool, image, err)
	}
	return info.Format, nil
}

// NeedsUEFI reports whether a disk has no boot code for a BIOS.
func NeedsUEFI(d Drive, dir string) (bool, error) {
	const bootCode = 440 // bytes of an MBR
	sector := filepath.Join(dir, "sector")
	if _, err := tool("dd", "-f", d.Format, "-O", "raw", "bs=512", "count=1", "if="+d.File, "of="+sector); err != nil {
		return false, err
	}
	text, err := os.ReadFile(sector)
	if err != nil {
		return false, err
	}
	return strings.Trim(string(text[:min(bootCode, len(text))]), "\x00") == "", nil
}

// tool runs qemu-img.
func tool(args ...string) ([]byte, error) {
	out, err := exec.Command(imageTool, args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = errors.New(strings.TrimSpace(string(exit.Stderr)))
	}
	return out, err
}
