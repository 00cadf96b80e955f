//go:build linux && !portable

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/clearing"
	"github.com/firstlight-os/firstlight/files/ledger"
	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/bootloader"
	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/firstboot"
	failure "github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/reset"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/trust"
	"github.com/firstlight-os/firstlight/providers"
	"github.com/firstlight-os/firstlight/storage"
)

// A resetMachine is where a reset looks at the machine. Tests have another one.
type resetMachine struct {
	sys, mounts string // /sys, and a mountinfo file
	line        string // the kernel command line
	devices     func() (all []storage.InventoryDevice, leftOut, err error)
	// filesystems are those that the initramfs looks for a request on.
	filesystems func(arguments map[string]string) []bootloader.Filesystem
	// free is how many bytes the filesystem of a directory has left.
	free func(dir string) (uint64, error)
}

func thisMachine() resetMachine {
	return resetMachine{
		sys: "/sys", mounts: "/proc/self/mountinfo",
		devices: func() ([]storage.InventoryDevice, error, error) {
			if os.Geteuid() != 0 {
				return nil, nil, errors.New("resetting a machine takes root: all its devices are looked at, and its boot filesystem is written to")
			}
			all, leftOut := new(storage.Machine).Inventory()
			return all, leftOut, nil
		},
		filesystems: func(arguments map[string]string) []bootloader.Filesystem {
			return bootloader.Machine{RootArgument: arguments["root"], RootFlags: arguments["rootflags"]}.Filesystems()
		},
		free: func(dir string) (uint64, error) {
			var st unix.Statfs_t
			if err := unix.Statfs(dir, &st); err != nil {
				return 0, &os.PathError{Op: "looking for room in", Path: dir, Err: err}
			}
			return st.Bavail * uint64(st.Bsize), nil
		},
	}
}

// A resetSystem is what the installed system is like.
type resetSystem struct {
	settings  distribution.Settings
	way       firstboot.Way
	arguments map[string]string
	place     firstboot.Place
	placeErr  error
	points    []system.MountPoint
}

func (r *resetting) lookAtSystem() (*resetSystem, error) {
	s := new(resetSystem)
	var err error
	if s.settings, err = settingsBelow(r.root, r.dir); err != nil {
		return nil, err
	}
	if s.way, err = firstboot.Of(s.settings); err != nil {
		return nil, err
	}
	if r.line == "" {
		if r.line, err = system.CommandLine(); err != nil {
			return nil, err
		}
	}
	s.arguments = system.ParseKernelArguments(r.line)
	if s.place, s.placeErr = s.way.Place(r.root); s.placeErr == nil {
		r.result.Request = r.root.HostPath(s.place.File)
	}
	s.points, err = system.MountPoints(r.mounts) // some of them because of that look
	return s, err
}

// initrdRelease is there in an initramfs: see os-release(5).
const initrdRelease = "/etc/initrd-release"

// checkState refuses machines that have not been provisioned to their end.
func (r *resetting) checkState() error {
	if r.root.Exists(initrdRelease) {
		return failure.Conflict(config.Origin{}, "run it in the system that the machine has booted, or name where that is mounted (--root)", "this is an initramfs (%s)", r.root.HostPath(initrdRelease))
	}
	last, err := ledger.Read(r.root)
	if err != nil {
		return err
	}
	result := r.system.settings.Value(distribution.ResultFile)
	if last.Interrupted() {
		return failure.Conflict(config.Origin{}, "boot it until its first boot has ended", "the first boot of this machine was interrupted, and has to end first (%s)", r.root.HostPath(ledger.Path))
	}
	if last == nil && !r.root.Exists(result) {
		return failure.Conflict(config.Origin{}, "give the machine its config where it comes from at the first boot", "this machine has not been provisioned: there is neither %s nor %s", r.root.HostPath(result), r.root.HostPath(ledger.Path))
	}
	if r.system.placeErr != nil {
		return nil // no reset can be pending
	}
	pending, err := r.system.way.Pending(r.root)
	if err != nil {
		return &failure.Error{Doing: "looking for an earlier reset", Err: err, Hint: "firstlightctl reset --cancel removes it"}
	}
	armed, seen, err := r.system.way.Armed(r.root)
	switch {
	case err != nil:
		return err
	case pending != nil && pending.Armed && hasBegun(r.root, pending, r.line):
		return failure.Conflict(config.Origin{}, "wait for ignition-firstboot-end.service, and try again", "this boot is a reset that has not ended (%s)", pending.File)
	case pending != nil && pending.Armed:
		r.result.Replaces = pending.ID
	case armed:
		return failure.Conflict(config.Origin{}, "if this is the first boot wait for ignition-firstboot-end.service, else run firstlightctl firstboot disarm", "the next boot is a first boot already: %s", seen)
	}
	return nil
}

// firstBootFile is there if this boot has begun as a first one.
const firstBootFile = "/run/ignition/firstboot"

// hasBegun reports whether a reset was asked for before this boot, which takes it.
func hasBegun(root *rootfs.Root, p *firstboot.Pending, line string) bool {
	if system.ParseKernelArguments(line)[reset.Argument] == p.ID {
		return true
	}
	if path.Base(p.File) != path.Base(reset.CredentialFile) || !root.Exists(firstBootFile) {
		return false // an argument would be there
	}
	var up unix.Sysinfo_t
	err := unix.Sysinfo(&up)
	return err == nil && p.Created.Before(time.Now().Add(-time.Duration(up.Uptime)*time.Second))
}

// checkLoader finds out whether the next boot learns of the request, and finds it.
func (r *resetting) checkLoader() error {
	s := r.system
	if s.placeErr != nil {
		return failure.Conflict(config.Origin{}, "boot filesystems have to be mounted; see docs/reset.md for what boot loaders need", "%v", s.placeErr)
	}
	if s.way.InStub() {
		return nil
	}
	at := mountOf(s.points, r.root.HostPath(s.place.Boot))
	var all []string
	for _, f := range r.filesystems(s.arguments) {
		if r.sameDevice(at, f.Device) {
			return nil
		}
		all = append(all, f.String())
	}
	if all == nil {
		all = []string{"none"}
	}
	return failure.Conflict(config.Origin{}, "give its partition the type of an EFI system partition or XBOOTLDR, or the filesystem the label \"boot\"",
		"the initramfs would not find the request: %s is on %s, and filesystems of the boot loader are %s", r.root.HostPath(s.place.Boot), at.Source, strings.Join(all, ", "))
}

// mountOf returns the mount that a path is in.
func mountOf(points []system.MountPoint, name string) (found system.MountPoint) {
	for _, p := range points {
		if rootfs.Within(name, p.Target) && len(p.Target) >= len(found.Target) {
			found = p
		}
	}
	return found
}

// sameDevice reports whether a filesystem is on a device.
func (r *resetting) sameDevice(at system.MountPoint, device string) bool {
	if at.Source == device {
		return true
	}
	node, err := filepath.EvalSymlinks(at.Source)
	return err == nil && node == device || r.kernelName(at) == path.Base(device)
}

// kernelName is the name that the kernel has for the device of a mount, "" if it has none
// of its own.
func (r *resetting) kernelName(at system.MountPoint) string {
	link, err := os.Readlink(filepath.Join(r.sys, "dev/block", fmt.Sprintf("%d:%d", at.Major, at.Minor)))
	if err != nil {
		return ""
	}
	return path.Base(link)
}

const machineIDFile = "/etc/machine-id"

func (r *resetting) checkMachineID() error {
	if !r.keepMachineID {
		return nil
	}
	r.result.MachineID = true
	if r.system.way.Name == "machine-id" {
		return failure.Conflict(config.Origin{}, "leave --keep-machine-id out", "the machine cannot keep its ID: this distribution marks a first boot by there being none (FIRST_BOOT=machine-id)")
	}
	text, err := r.root.ReadFile(machineIDFile)
	if err != nil {
		return err
	}
	r.request.MachineID = strings.TrimSpace(string(text))
	if len(r.request.MachineID) != 32 || strings.Trim(r.request.MachineID, "0123456789abcdef") != "" {
		return failure.Conflict(config.Origin{}, "leave --keep-machine-id out", "the machine cannot keep its ID: %s has none", r.root.HostPath(machineIDFile))
	}
	return nil
}

// lookAtRoot finds out what goes and what stays. It says how far it is, as that may take
// minutes.
func (r *resetting) lookAtRoot(stderr io.Writer) error {
	log := failure.NewFuncLogger(func(_ failure.Level, text string, _ map[string]string) {
		fmt.Fprintln(stderr, "note:", printable(text))
	})
	plan, err := clearing.Look(context.Background(), r.root, clearing.Request{Keep: r.keep, MachineID: r.request.MachineID, Settings: r.system.settings, Log: log})
	if err != nil {
		return err
	}
	r.plan = plan
	r.result.Layout, r.result.EtcFrom = plan.Layout, plan.EtcFrom
	r.result.Goes, r.result.Stays = append(r.result.Goes, plan.Goes...), append(r.result.Stays, plan.Stays...)
	return nil
}

// findDevices finds the UUIDs of all that the root is on: its filesystem, and volumes and
// arrays below it.
func (r *resetting) findDevices(devices []storage.InventoryDevice) error {
	dir := r.root.HostPath("/")
	if sysroot := "/sysroot/ostree"; r.root.Exists(sysroot) {
		dir = r.root.HostPath("/sysroot") // the root may be made of it
	}
	at := mountOf(r.system.points, path.Clean(dir))
	name := r.kernelName(at)
	for _, d := range devices {
		if name == "" && (d.Node == at.Source || slices.Contains(d.Links, at.Source)) {
			name = path.Base(d.Node)
		}
	}
	if name != "" {
		r.addDevice(name, devices)
	}
	if len(r.request.Root) == 0 {
		return failure.Conflict(config.Origin{}, "provision this machine from a new image", "what the root is on is not known: %s is mounted at %s, and has no UUID", at.Source, at.Target)
	}
	return nil
}

func (r *resetting) addDevice(name string, devices []storage.InventoryDevice) {
	for _, d := range devices {
		if path.Base(d.Node) != name {
			continue
		}
		for _, s := range d.Holds {
			if s.UUID != "" && !slices.Contains(r.request.Root, s.UUID) {
				r.request.Root = append(r.request.Root, s.UUID)
			}
		}
	}
	below, err := os.ReadDir(filepath.Join(r.sys, "class/block", name, "slaves"))
	if err != nil {
		return // a partition is on nothing but its disk
	}
	for _, b := range below {
		r.addDevice(b.Name(), devices)
	}
}

// checkTrust verifies the signature that the image wants, if it has keys.
func (r *resetting) checkTrust(in input) error {
	dir := r.root.HostPath(trust.Dir)
	keys, err := trust.ReadKeys(dir, func(name string) ([]byte, error) { return system.ReadFile(name, system.SettingsText) })
	signed := []byte(r.request.Config)
	signature, text := trust.Cut(signed)
	switch {
	case err != nil:
		return &failure.Error{Doing: "reading the keys that configs have to be signed with", Err: err, Hint: "the image is broken: tell those who made it"}
	case signature != nil && len(keys) == 0:
		return failure.Conflict(config.Origin{Source: in.name, Line: 1, Column: 1}, "put the key into "+trust.Dir+" of the image, or take the signature off the config", "the config begins with a signature, and there are no keys in this system to verify it with")
	case len(keys) == 0:
		return nil
	case r.given() != "":
		return failure.Conflict(config.Origin{Source: in.name}, "translate it first (firstlightctl translate), sign that, and reset with it", "this image wants configs to be signed (%s), and what %s makes of the config is signed by nobody", dir, r.given())
	case signature == nil:
		return failure.Conflict(config.Origin{Source: in.name}, "sign it (firstlightctl verify --help says how)", "the config is not signed, as this image wants it (%s): it does not begin with a signature, and there is no %s%s", dir, r.config, trust.Suffix)
	}
	if _, err := keys.Verify(text, signature); err != nil {
		return failure.Conflict(config.Origin{Source: in.name}, "sign it with a key of the image (firstlightctl verify --help says how)", "the signature of the config does not count: %v", err)
	}
	return nil
}

// signatureBeside is the signature that is in a file of its own, nil if there is none.
func signatureBeside(file string) ([]byte, error) {
	if file == "-" {
		return nil, nil
	}
	text, err := os.ReadFile(file + trust.Suffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the signature: %w", err)
	}
	return text, nil
}

// blocks is what files take up beside their contents, in bytes: directories, and the last
// block of each.
const blocks = 64 << 10

// checkRequest checks that the request can be written, and will be read.
func (r *resetting) checkRequest() error {
	s := r.system
	if !utf8.ValidString(r.request.Config) {
		return failure.Conflict(config.Origin{Source: r.request.Name}, "sign the config as it is before it is packed", "the config is packed, and so cannot stand in a request")
	}
	if err := providers.CheckHash(s.arguments, []byte(r.request.Config), r.request.Name); err != nil {
		return err
	}
	text, err := r.request.Text()
	if err != nil {
		return nil // which has been said in other words: a path that cannot be kept
	}
	if s.placeErr != nil {
		return nil
	}
	limit := reset.MaxSize
	if s.way.InStub() {
		limit = reset.MaxCredential
	}
	if len(text) > limit {
		return failure.Conflict(config.Origin{Source: r.request.Name}, "have the config refer to what is large by URLs", "the request would have %d bytes, and at most %d are read at boot", len(text), limit)
	}
	boot := r.root.HostPath(s.place.Boot)
	free, err := r.free(boot)
	if err != nil {
		return err
	}
	if need := uint64(len(text)) + blocks; free < need {
		return failure.Conflict(config.Origin{}, "remove what is not needed there", "the request needs %s in %s, where %s are left", system.FormatSize(need), boot, system.FormatSize(free))
	}
	return nil
}
