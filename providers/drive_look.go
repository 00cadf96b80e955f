package providers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/system"
)

// A drive is a block device that was looked at.
type drive struct {
	name    string // in /sys/class/block
	path    string // of its node
	optical bool
	volumes []volume
	// err is why there is nothing to be seen, nil if there is no filesystem that
	// can be one of ours.
	err error
}

// String is for the list of what was seen.
func (d *drive) String() string {
	var words []string
	for _, v := range d.volumes {
		words = append(words, fmt.Sprintf("%s %q", v.format(), v.labels()))
	}
	if d.err != nil {
		words = append(words, d.err.Error())
	}
	if len(words) == 0 {
		return d.name
	}
	return d.name + " (" + strings.Join(words, ", ") + ")"
}

// Why a drive has nothing to show yet. It is looked at again.
var (
	errNoMedium = errors.New("no medium")
	errNotReady = errors.New("not ready")
	errBusy     = errors.New("does not answer")
)

// passing tells the troubles that may be over at the next look.
func passing(err error) bool {
	for _, e := range []error{errNoMedium, errNotReady, errBusy, syscall.EIO, syscall.ENOMEDIUM, syscall.ENXIO, syscall.EBUSY, syscall.EAGAIN, syscall.ESTALE} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// lookTime is for how long a look waits for a device. One that hangs must not
// keep the others from being seen.
const lookTime = 3 * time.Second

// A finding is what a look at one device has brought.
type finding struct {
	drive
	// Of the file that was asked for: its text, nil if there is none, and what
	// went wrong.
	label, file string
	text        []byte
	failure     error
}

// An eye looks at all block devices, again and again.
type eye struct {
	top string
	// status is what an optical drive says of itself.
	status func(*os.File) (int, error)
	// open are the looks that have not ended, by the name of the device.
	open map[string]chan *finding
}

func newEye(env *Env) *eye {
	return &eye{top: env.Root, status: driveStatus, open: map[string]chan *finding{}}
}

// look examines all devices at once, and returns what is known of them after
// lookTime at most, in the order of their names.
func (e *eye) look(examine func(*finding)) []*finding {
	over, cancel := context.WithTimeout(context.Background(), lookTime)
	defer cancel()
	names := e.devices()
	for _, name := range names {
		if e.open[name] == nil {
			done := make(chan *finding, 1)
			e.open[name] = done
			go func() { done <- e.examine(name, examine) }()
		}
	}
	var all []*finding
	for _, name := range names {
		f := &finding{drive: drive{name: name, err: errBusy}}
		select {
		case f = <-e.open[name]:
		case <-over.Done():
			select {
			case f = <-e.open[name]:
			default:
			}
		}
		if f.err != errBusy {
			delete(e.open, name)
		}
		all = append(all, f)
	}
	return all
}

// devices are the names of the block devices that may hold something.
func (e *eye) devices() []string {
	dir := filepath.Join(e.top, "/sys/class/block")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // without devices it does not exist
	}
	var names []string
	for _, entry := range entries {
		name := entry.Name()
		size, err := os.ReadFile(filepath.Join(dir, name, "size"))
		empty := err == nil && strings.TrimSpace(string(size)) == "0" && !strings.HasPrefix(name, "sr")
		if !empty && !strings.HasPrefix(name, "ram") && !strings.HasPrefix(name, "zram") {
			names = append(names, name)
		}
	}
	return names
}

func (e *eye) examine(name string, examine func(*finding)) *finding {
	// The kernel writes ! for the / in a name, as in cciss/c0d0.
	node := filepath.Join(e.top, "/dev", strings.ReplaceAll(name, "!", "/"))
	found := &finding{drive: drive{name: name, path: node}}
	// Not to be held up by a drive whose tray is open.
	f, err := os.OpenFile(node, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		found.err = cause(err)
		if errors.Is(err, fs.ErrNotExist) {
			found.err = errNotReady // its node comes in a moment
		}
		return found
	}
	defer f.Close()
	if found.optical, found.err = e.ready(f); found.err != nil {
		return found
	}
	size, err := system.DeviceSize(f)
	if err == nil {
		found.volumes, err = probe(f, int64(size), node)
	}
	if found.err = cause(err); err == nil {
		examine(found)
	}
	return found
}

// cause is an error without the name of the device, which is told anyway.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// The states of an optical drive, see <linux/cdrom.h>.
const (
	cdromDriveStatus = 0x5326

	cdromNoDisc   = 1
	cdromTrayOpen = 2
	cdromNotReady = 3
	cdromDiscOK   = 4
)

func driveStatus(f *os.File) (int, error) { return unix.IoctlRetInt(int(f.Fd()), cdromDriveStatus) }

// ready tells whether a device is an optical drive; if so, it must have a disc.
func (e *eye) ready(f *os.File) (optical bool, err error) {
	status, err := e.status(f)
	if err != nil {
		return false, nil // other devices do not know the question
	}
	switch status {
	case cdromDiscOK:
		return true, nil
	case cdromNoDisc, cdromTrayOpen:
		return true, errNoMedium
	case cdromNotReady:
		return true, errNotReady
	}
	return true, nil // it cannot tell
}
