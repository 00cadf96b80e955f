package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
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
	err    error // what was missing when it was last looked at
}

const (
	// warnAfter is how long a wait may last before a line in the log says so.
	warnAfter = 5 * time.Second
	// warnEvery is how often it says so again.
	warnEvery = 30 * time.Second
	// recheck bounds how long a device goes unnoticed that appears without an
	// event of the kernel or of udev: a link that some script makes.
	recheck = time.Second
)

// wait returns when all the devices can be opened and udev, where it runs, has
// finished with them. It looks when something about some device has changed.
// The error joins one for each device that is not there in time.
//
// Systemd's device units would say the same, later and to those only who warnAt
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
	events, err := system.ListenEvents()
	if err != nil {
		m.Log.Debug(err.Error() + "; looking every second instead")
	} else {
		defer events.Close()
	}
	start := time.Now()
	warnAt := start.Add(warnAfter)
	for {
		if devices = m.missing(devices); len(devices) == 0 {
			return nil
		}
		now := time.Now()
		left := start.Add(timeout).Sub(now)
		if left <= 0 {
			return m.missingError(devices, timeout)
		}
		if now.After(warnAt) {
			warnAt = now.Add(warnEvery)
			m.Log.Warn(fmt.Sprintf("waiting for %s, %d s left; block devices here: %s", paths(devices), int(left.Seconds()), m.listDisks()))
		}
		if err := nextEvent(ctx, events, min(left, recheck)); err != nil {
			return fmt.Errorf("waiting for %s: %w", paths(devices), err)
		}
	}
}

// nextEvent returns at an event or when the time is over.
func nextEvent(ctx context.Context, events *system.Events, most time.Duration) error {
	short, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	if events == nil {
		<-short.Done()
		return ctx.Err()
	}
	for {
		event, err := events.Next(short)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case short.Err() != nil:
			return nil
		case err != nil:
			return err
		case event == nil, event.Has("SUBSYSTEM", "block"):
			return nil
		}
	}
}

func (m *Machine) missing(devices []requiredDevice) []requiredDevice {
	var missing []requiredDevice
	for _, d := range devices {
		if d.err = system.DeviceReady(d.path, m.udev()); d.err != nil {
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
		errs = append(errs, &report.Error{
			Doing: "waiting for " + d.path, Origin: d.origin,
			Err:  fmt.Errorf("%s after %g s; block devices here: %s", what, timeout.Seconds(), listed),
			Hint: "check the name in the config, that the disk is attached, and that its driver is in the initramfs; with " + timeoutArgument + "=SECONDS on the kernel command line it waits longer",
		})
	}
	return errors.Join(errs...)
}

// absentError is for a workstation, where no device will come.
func (m *Machine) absentError(devices []requiredDevice) error {
	var errs []error
	for _, d := range devices {
		err := d.err
		if errors.Is(err, os.ErrNotExist) {
			err = fmt.Errorf("there is no %s here", d.path)
		}
		errs = append(errs, &report.Error{Origin: d.origin, Err: err, Hint: m.Absent(d.path, d.err)})
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
		text := fmt.Sprintf("%s (%s", e.Name(), inUnits(sectors*512))
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

// inUnits prints a size as people warnAt of it.
func inUnits(bytes uint64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	n, unit := float64(bytes), 0
	for n >= 1024 && unit < len(units)-1 {
		n, unit = n/1024, unit+1
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", n), ".0") + " " + units[unit]
}
