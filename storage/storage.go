package storage

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/storage/plan"
)

// A Machine is the block devices' side of the machine under provisioning.
type Machine struct {
	Run  system.Runner
	Log  *report.Logger
	Root string // prefix of all mount points
	// RecordedDirectories are those that mounting had to create, as paths in the
	// config, outermost first. Read it when the operations are done.
	RecordedDirectories []string
	// RecordDirectories, if set, is called before they are made, for several at a time.
	RecordDirectories func(points []string) error
	// Fetch gets the keys of LUKS volumes, and asks Tang servers for theirs.
	Fetch func(ctx context.Context, r config.Resource) ([]byte, error)
	// Keys are the keys of LUKS volumes that the files stage writes to the
	// root, as sources by the names of the volumes: data URLs, or those of secrets. VolumeKeys are files of
	// zkey, by theirs. Read them also when an operation has failed.
	Keys, VolumeKeys map[string]string

	// Kept are the UUIDs of what no operation of the disks stage may destroy, and KeptFor
	// what they are, for messages.
	Kept    []string
	KeptFor string
	// ReusedLabels are those of filesystems that are used in whatever format they have.
	ReusedLabels []string

	// Absent is for plans on a workstation: if it is set no device is waited for,
	// and it returns the hint for one that cannot be opened.
	Absent func(device string, err error) (hint string)
	// Sector is the size in bytes of the sectors of files that stand for disks.
	// If it is unset it is what their partition tables say, or 512.
	Sector int

	// The following are for tests; what is unset is the real one.

	Sys, Proc, Udev string
	// Dev is where programs make devices. Scratch is a directory in memory.
	// Zkey and CardKey are zkey's repository and the passphrase beside a card.
	// Mdadm is where mdadm keeps its files about arrays that it creates.
	Dev, Scratch, Zkey, CardKey, Mdadm string
	// Quiet is how long no disk has to have come before one of those is chosen that are
	// there.
	Quiet time.Duration
	// Timeout is how long to wait for devices; by default what the kernel
	// argument firstlight.device_timeout says, in seconds, or 90 s.
	Timeout time.Duration
	// Random is where the GUIDs of new tables and partitions come from.
	Random io.Reader

	// candidates are the disks of the machine, and choices those of them that the config
	// names by what they are.
	candidates []*plan.Candidate
	choices    []*plan.Choice

	mu sync.Mutex // for what operations change
	// toMake are the directories of mount points that were not there when the mounts were
	// planned, and recorded those that RecordDirectories was called for.
	toMake, recorded []string
	// locks are open disks that udev must not read the table of, by their node;
	// see system.Lock.
	locks map[string]*os.File
}

func (m *Machine) sys(path ...string) string {
	return filepath.Join(append([]string{cmp.Or(m.Sys, "/sys")}, path...)...)
}

func (m *Machine) proc(path string) string { return filepath.Join(cmp.Or(m.Proc, "/proc"), path) }
func (m *Machine) udev() string            { return cmp.Or(m.Udev, system.Udev) }

// defaultTimeout is systemd's for devices (DefaultDeviceTimeoutSec=).
const defaultTimeout = 90 * time.Second

// timeoutArgument is the kernel argument that changes it.
const timeoutArgument = "firstlight.device_timeout"

func (m *Machine) timeout() (time.Duration, error) {
	if m.Timeout != 0 {
		return m.Timeout, nil
	}
	arguments, err := system.KernelArguments()
	if err != nil {
		return 0, err
	}
	return system.SecondsArgument(arguments, timeoutArgument, defaultTimeout)
}

func (m *Machine) random() io.Reader {
	if m.Random != nil {
		return m.Random
	}
	return rand.Reader
}

// newGUID returns a random GUID (RFC 9562, version 4).
func (m *Machine) newGUID() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b [16]byte
	if _, err := io.ReadFull(m.random(), b[:]); err != nil {
		panic(fmt.Sprintf("reading random bytes: %v", err)) // the kernel's never end
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%X-%X-%X-%X-%X", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// each calls f for every index below n, all at the same time, and returns the errors.
func each(ctx context.Context, n int, f func(ctx context.Context, i int) error) []error {
	errs := make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { errs[i] = f(ctx, i) })
	}
	group.Wait()
	return errs
}
