package providers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// A scanResult is what a scan has found on one block device.
type scanResult struct {
	name       string // in /sys/class/block
	path       string // of its node
	optical    bool
	signatures []blkprobe.Signature
	// err is why nothing is known of the device.
	err error

	// Of the file that is looked for: the label of its filesystem, its name, its
	// text, nil if there is none, and what went wrong.
	label, file string
	text        []byte
	also        map[string][]byte // other files, by their names
	failure     error
}

// String is for the list of what there is.
func (r *scanResult) String() string {
	var words []string
	for _, s := range r.signatures {
		word := s.Type
		if s.Label != "" {
			word += fmt.Sprintf(" %q", s.Label)
		}
		words = append(words, word)
	}
	if r.err != nil {
		words = append(words, r.err.Error())
	}
	if len(words) == 0 {
		return r.name
	}
	return r.name + " (" + strings.Join(words, ", ") + ")"
}

// list names all devices of a scan, for messages.
func list(all []*scanResult) string {
	var names []string
	for _, r := range all {
		names = append(names, r.String())
	}
	if len(names) == 0 {
		return "no block devices at all"
	}
	return strings.Join(names, ", ")
}

// Why nothing is known of a device yet. It is scanned again.
var (
	errNoMedium = errors.New("no medium")
	errNotReady = errors.New("not ready")
	errBusy     = errors.New("does not answer")
)

// isTransient reports whether a later scan may succeed.
func isTransient(err error) bool {
	for _, e := range []error{errNoMedium, errNotReady, errBusy, syscall.EIO, syscall.ENOMEDIUM, syscall.ENXIO, syscall.EBUSY, syscall.EAGAIN, syscall.ESTALE} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// scanTime is for how long a scan waits for a device. One that hangs must not
// hide the others.
const scanTime = 3 * time.Second

// A blockScanner scans all block devices, again and again.
type blockScanner struct {
	root string
	// status is the state of an optical drive; an error for other devices.
	status func(*os.File) (int, error)
	// running are the probes that have not ended, by the name of the device.
	running map[string]chan *scanResult
	// mounting is held while a filesystem is mounted: the kernel does not mount a
	// disk and a partition of it at the same time.
	mounting sync.Mutex
	mount    mounter
	log      *report.Logger
}

func newBlockScanner(env *Env) *blockScanner {
	s := &blockScanner{root: env.Root, status: opticalStatus, running: map[string]chan *scanResult{}, mount: env.mount, log: env.Log}
	if s.mount == nil {
		s.mount = mountReadOnly
	}
	return s
}

// scan probes all devices at the same time, and calls read for each that holds
// something. It returns what is known after scanTime at most, in the order of
// the devices' names.
func (s *blockScanner) scan(read func(*scanResult)) []*scanResult {
	over, cancel := context.WithTimeout(context.Background(), scanTime)
	defer cancel()
	names := s.devices()
	for _, name := range names {
		if s.running[name] == nil {
			done := make(chan *scanResult, 1)
			s.running[name] = done
			go func() { done <- s.probe(name, read) }()
		}
	}
	var all []*scanResult
	for _, name := range names {
		r := &scanResult{name: name, err: errBusy}
		select {
		case r = <-s.running[name]:
		case <-over.Done():
			select {
			case r = <-s.running[name]:
			default:
			}
		}
		if r.err != errBusy {
			delete(s.running, name)
		}
		all = append(all, r)
	}
	return all
}

// devices are the names of the block devices that may hold something.
func (s *blockScanner) devices() []string {
	dir := filepath.Join(s.root, "/sys/class/block")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // without devices it does not exist
	}
	var names []string
	for _, entry := range entries {
		name := entry.Name()
		size, err := system.ReadFile(filepath.Join(dir, name, "size"), system.KernelText)
		empty := err == nil && strings.TrimSpace(string(size)) == "0" && !strings.HasPrefix(name, "sr")
		if !empty && !strings.HasPrefix(name, "ram") && !strings.HasPrefix(name, "zram") {
			names = append(names, name)
		}
	}
	return names
}

func (s *blockScanner) probe(name string, read func(*scanResult)) *scanResult {
	// The kernel writes ! for the / in a name, as in cciss/c0d0.
	r := &scanResult{name: name, path: filepath.Join(s.root, "/dev", strings.ReplaceAll(name, "!", "/"))}
	if r.err = withoutPath(s.identify(r)); r.err == nil && len(r.signatures) > 0 {
		read(r)
	}
	return r
}

// identify finds out what a device is and holds.
func (s *blockScanner) identify(r *scanResult) error {
	// Without O_NONBLOCK a drive whose tray is open would be waited for.
	f, err := os.OpenFile(r.path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return errNotReady // its node comes in a moment
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if r.optical, err = s.ready(f); err != nil {
		return err
	}
	size, err := system.DeviceSize(f)
	if err == nil {
		r.signatures, err = blkprobe.Probe(f, int64(size), slices.Collect(maps.Keys(driveFormats))...)
	}
	return err
}

// withoutPath is an error without the name of the device, which messages have anyway.
func withoutPath(err error) error {
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

func opticalStatus(f *os.File) (int, error) { return unix.IoctlRetInt(int(f.Fd()), cdromDriveStatus) }

// ready reports whether a device is an optical drive; if so, it must have a disc.
func (s *blockScanner) ready(f *os.File) (optical bool, err error) {
	status, err := s.status(f)
	if err != nil {
		return false, nil // other devices do not know the request
	}
	switch status {
	case cdromNoDisc, cdromTrayOpen:
		return true, errNoMedium
	case cdromNotReady:
		return true, errNotReady
	}
	return true, nil // it has one or does not know
}
