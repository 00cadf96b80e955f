//go:build linux

package system

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Groups of the kobject uevent socket. The kernel sends to the first one before
// udev has looked at a device, udev to the second one when it is done with it.
const (
	ueventKernel = 1
	ueventUdev   = 2
)

// An Event is a message that something about a device has changed.
type Event []byte

// Has reports whether the event carries a property: Has("SUBSYSTEM", "block").
func (e Event) Has(name, value string) bool {
	return bytes.Contains(e, []byte("\x00"+name+"="+value+"\x00"))
}

// fromUdev reports that udev has dealt with what the event is about.
func (e Event) fromUdev() bool { return bytes.HasPrefix(e, []byte("libudev\x00")) }

// Events are what the kernel and udev send about devices.
type Events struct{ socket *os.File }

// ListenEvents begins to listen. What happens from then on is not missed.
func ListenEvents() (*Events, error) {
	const doing = "listening to device events"
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	// A busy boot brings hundreds of events, of about 1 kB each, at once.
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1<<20)
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: ueventKernel | ueventUdev}); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return &Events{os.NewFile(uintptr(fd), "uevents")}, nil
}

// Next waits for an event. An event that holds nothing means that some were lost.
func (e *Events) Next(ctx context.Context) (Event, error) {
	if err := e.socket.SetReadDeadline(time.Time{}); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = e.socket.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	buffer := make([]byte, 16<<10)
	n, err := e.socket.Read(buffer)
	switch {
	case err == nil:
		return buffer[:n], nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, unix.ENOBUFS), errors.Is(err, os.ErrDeadlineExceeded):
		// The deadline is that of an earlier call whose context ended just then.
		return nil, nil
	}
	return nil, fmt.Errorf("listening to device events: %w", err)
}

// Close ends listening.
func (e *Events) Close() error { return e.socket.Close() }

// Udev is the directory that udev keeps its records in.
const Udev = "/run/udev"

// UdevRuns reports whether udev looks at devices here.
func UdevRuns(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "control"))
	return err == nil
}

// ErrMultipathPath is that a device is one of the paths to a disk that multipath maps, and
// so is not to be written to.
var ErrMultipathPath = errors.New("udev says that it is a path to a multipath disk")

// DeviceReady returns nil if a device can be opened and, where udev runs, udev
// has finished with it and would let systemd use it. Otherwise the error says
// what is missing.
func DeviceReady(path, udev string) error {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if !IsBlockDevice(f) || !UdevRuns(udev) {
		return nil
	}
	var stat unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &stat); err != nil {
		return err
	}
	record, err := ReadUdevRecord(udev, fmt.Sprintf("%d:%d", unix.Major(stat.Rdev), unix.Minor(stat.Rdev)))
	if err != nil {
		return err
	}
	return record.Usable()
}

// A UdevRecord is what udev keeps about a device, see sd-device's database.
type UdevRecord []byte

// ErrUdevBusy is that udev has no record of a device yet.
var ErrUdevBusy = errors.New("udev has not finished with it")

// ReadUdevRecord reads what udev keeps, in its directory, about the block device with a
// number such as "8:0".
func ReadUdevRecord(udev, number string) (UdevRecord, error) {
	record, err := ReadFile(filepath.Join(udev, "data", "b"+number), KernelText)
	if err != nil {
		return nil, ErrUdevBusy
	}
	return record, nil
}

func (r UdevRecord) has(property string) bool {
	return bytes.Contains(r, []byte("\nE:"+property))
}

// Property returns the value of the first of some properties that the device has.
func (r UdevRecord) Property(names ...string) (name, value string) {
	for _, name := range names {
		_, rest, _ := strings.Cut(string(r), "\nE:"+name+"=")
		if value, _, _ := strings.Cut(rest, "\n"); value != "" {
			return name, value
		}
	}
	return "", ""
}

// Usable returns nil if udev would let systemd use the device: it does not for paths
// of multipath disks, members of unfinished arrays, suspended mapper devices and the
// like. It does not either for an encrypted volume with nothing in it yet, which is
// exactly what we make a filesystem in.
func (r UdevRecord) Usable() error {
	empty := r.has("DM_UUID=CRYPT-") && !r.has("DM_SUSPENDED=1") && !r.has("DM_UDEV_DISABLE_OTHER_RULES_FLAG=1")
	switch {
	case r.has("DM_MULTIPATH_DEVICE_PATH=1\n"):
		return ErrMultipathPath
	case r.has("SYSTEMD_READY=0\n") && !empty:
		return errors.New("udev says that it is not to be used yet")
	}
	return nil
}

// SettleDevice makes udev look at a device again and waits until it has done
// so, and with it all that came before. Uevent is the device's file of that
// name in sysfs.
func SettleDevice(ctx context.Context, uevent string) error {
	events, err := ListenEvents()
	if err != nil {
		return err
	}
	defer events.Close()
	id, err := ReadFile("/proc/sys/kernel/random/uuid", KernelText)
	if err != nil {
		return err
	}
	id = bytes.TrimSpace(id)
	// See Documentation/ABI/testing/sysfs-uevent of the kernel.
	if err := os.WriteFile(uevent, append([]byte("change "), id...), 0); err != nil {
		return err
	}
	for {
		event, err := events.Next(ctx)
		if err != nil {
			return err
		}
		if event.fromUdev() && event.Has("SYNTH_UUID", string(id)) {
			return nil
		}
	}
}

// DeviceEvents returns a Wait.Wake for events that the kernel or udev send about
// devices of a subsystem, such as "block", or about any if it is "". Where they
// cannot be listened to, the wait goes on without them.
func DeviceEvents(subsystem string) func(context.Context) <-chan struct{} {
	return func(ctx context.Context) <-chan struct{} {
		events, err := ListenEvents()
		if err != nil {
			return nil
		}
		wake := make(chan struct{}, 1)
		wakeUp := func() {
			select {
			case wake <- struct{}{}:
			default: // it will look anyway
			}
		}
		wakeUp() // for what came before
		go func() {
			defer events.Close()
			for {
				event, err := events.Next(ctx)
				if err != nil {
					return
				}
				if event == nil || subsystem == "" || event.Has("SUBSYSTEM", subsystem) {
					wakeUp()
				}
			}
		}()
		if !UdevRuns(Udev) {
			go everySecond(ctx, wakeUp)
		}
		return wake
	}
}

// everySecond calls wakeUp once a second: where udev does not run, whoever makes nodes and links
// hears of a device by the same event as we do, and tells nobody when it is done.
func everySecond(ctx context.Context, wakeUp func()) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			wakeUp()
		}
	}
}
