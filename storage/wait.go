package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// A requiredDevice is one that the config names and that must be there.
type requiredDevice struct {
	path   string
	origin config.Origin
	meant  string // a partition's label in the config that may be meant
	tpm    bool   // no block device
	err    error  // what was missing when it was last looked at
}

// wait returns when all the devices can be opened and udev, where it runs, has
// finished with them. The error joins one for each device that is not there in
// time.
//
// Systemd's device units would say the same, later and only to those who speak
// D-Bus; its client would be 410 KB of our binary.
func (m *Machine) wait(ctx context.Context, devices []requiredDevice) error {
	if devices = m.missing(devices); len(devices) == 0 {
		return nil
	}
	if m.Absent != nil {
		return m.absentError(devices)
	}
	timeout, err := m.timeout()
	if err != nil {
		return err
	}
	var late *system.TimeoutError
	subsystem := "block"
	if slices.ContainsFunc(devices, func(d requiredDevice) bool { return d.tpm }) {
		subsystem = "" // of any
	}
	w := system.Wait{What: paths(devices), Limit: max(timeout, 1), Wake: system.DeviceEvents(subsystem), Warn: m.Log.Warn, Waited: m.Log.Waited, WarnAfter: 5 * time.Second}
	err = w.Until(ctx, func() (string, bool, error) {
		devices = m.missing(devices)
		return "block devices here: " + m.listDisks(), len(devices) == 0, nil
	})
	if errors.As(err, &late) {
		return m.missingError(devices, timeout)
	}
	return err
}

// hint begins the hint for a device that is not there.
func (d requiredDevice) hint() string {
	if d.meant == "" {
		return ""
	}
	return fmt.Sprintf("no partition of the config has this label; did you mean %q? ", d.meant)
}

func (m *Machine) missing(devices []requiredDevice) []requiredDevice {
	var missing []requiredDevice
	for _, d := range devices {
		if d.tpm {
			_, d.err = os.Stat(d.path)
		} else {
			d.err = system.DeviceReady(m.devPath(d.path), m.udev())
		}
		if d.err != nil {
			missing = append(missing, d)
		}
	}
	return missing
}

func paths(devices []requiredDevice) string {
	var all []string
	for _, d := range devices {
		all = append(all, d.path)
	}
	return strings.Join(all, ", ")
}

func (m *Machine) missingError(devices []requiredDevice, timeout time.Duration) error {
	var errs []error
	listed := m.listDisks()
	for _, d := range devices {
		what := d.err.Error()
		if errors.Is(d.err, os.ErrNotExist) {
			what = "it is not there"
		}
		what += " after " + strconv.FormatFloat(timeout.Seconds(), 'f', -1, 64) + " s"
		hint := d.hint() + "check the name in the config, that the disk is attached, and that its driver is in the initramfs"
		switch {
		case errors.Is(d.err, system.ErrMultipathPath):
			what = d.err.Error()
			hint = "name the multipath disk in the config instead" + m.mappingsOf(d.path)
		case d.tpm:
			what += "; clevis takes a TPM 2.0 that the kernel manages"
			hint = "enable the TPM in the settings of the firmware, or give the virtual machine one, and check that its driver is in the initramfs"
		default:
			what += "; block devices here: " + listed
		}
		errs = append(errs, &report.Error{
			Doing: "waiting for " + d.path, Origin: d.origin, Err: errors.New(what),
			Hint: hint + "; with " + timeoutArgument + "=SECONDS on the kernel command line it waits longer",
		})
	}
	return errors.Join(errs...)
}

// mappingsOf lists what the device mapper has built on a device, for a hint.
func (m *Machine) mappingsOf(path string) string {
	node, err := filepath.EvalSymlinks(path)
	if err != nil {
		return ""
	}
	var names []string
	for _, h := range m.holders(m.sys("class", "block", filepath.Base(node)), nil) {
		if h.Mapping != "" {
			names = append(names, "/dev/mapper/"+h.Mapping)
		}
	}
	if names == nil {
		return ""
	}
	return ": " + strings.Join(names, ", ")
}

// absentError is for a workstation, where no device will come.
func (m *Machine) absentError(devices []requiredDevice) error {
	var errs []error
	for _, d := range devices {
		err := d.err
		if errors.Is(err, os.ErrNotExist) {
			err = fmt.Errorf("there is no %s here", d.path)
		}
		errs = append(errs, &report.Error{Origin: d.origin, Err: err, Hint: d.hint() + m.Absent(d.path, d.err)})
	}
	return errors.Join(errs...)
}

// listDisks lists the disks of this machine for messages.
func (m *Machine) listDisks() string {
	entries, err := os.ReadDir(m.sys("class", "block"))
	if err != nil {
		return "unknown (" + err.Error() + ")"
	}
	var all []string
	for _, e := range entries {
		dir := m.sys("class", "block", e.Name())
		sectors, _ := strconv.ParseUint(m.attribute(dir, "size"), 10, 64)
		if sectors == 0 || m.attribute(dir, "partition") != "" {
			continue // an unused loop device, or a part of what is listed
		}
		text := fmt.Sprintf("%s (%s", e.Name(), system.FormatSize(sectors*512))
		for _, name := range []string{"serial", "device/serial"} {
			if serial := m.attribute(dir, name); serial != "" {
				text += ", serial " + serial
				break
			}
		}
		all = append(all, text+")")
	}
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, ", ")
}
