package firstboot

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/bootloader"
	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/reset"
)

// A Way is how machines of a distribution tell their first boot from all others.
type Way struct {
	// Name is the value of FIRST_BOOT.
	Name string
	// Directories are where the file may be, in a running system. The first counts
	// that has what Needs names.
	Directories []string
	File        string
	// Needs is what such a directory has, if it is the right one; "" is nothing else.
	Needs string
	// Contents of the file.
	Contents string
	// stamped reports that GRUB takes kernel arguments from the file.
	stamped bool
	// variable reports that it is an EFI variable: one write makes it.
	variable bool
	// entries reports that it is a kernel argument in the entries of the boot loader, which
	// are in the directory File: the first of these, which a distribution has set.
	entries   bool
	arguments []string
	// absent reports that the machine's first boot is when the file is absent, or has
	// only Contents.
	absent bool
}

// Variable is the name of the EFI variable.
const Variable = "FirstlightFirstBoot-5f3c1f0e-94b4-4c3a-9a55-6d1a4f9e5b7b"

// Ways are all that there are; the first is the default.
var Ways = []Way{
	{Name: "boot-file", Directories: []string{"/boot"}, File: "ignition.firstboot", Needs: "grub*", stamped: true},
	{Name: "credential", Directories: []string{"/efi", "/boot/efi", "/boot"}, File: "loader/credentials/ignition.firstboot.cred", Needs: "EFI", Contents: "1\n"},
	// UEFI: non-volatile, for boot services and at run time.
	{Name: "efi-variable", Directories: []string{"/sys/firmware/efi/efivars"}, File: Variable, Contents: "\x07\x00\x00\x001", variable: true},
	{Name: "loader-entry", Directories: []string{"/efi", "/boot/efi", "/boot"}, File: "loader/entries", Needs: "loader", entries: true},
	{Name: "root-file", Directories: []string{"/etc"}, File: "ignition.firstboot"},
	{Name: "machine-id", Directories: []string{"/etc"}, File: "machine-id", Contents: "uninitialized\n", absent: true},
}

// Of returns the way of a distribution.
func Of(settings distribution.Settings) (Way, error) {
	name := settings.Value(distribution.FirstBoot)
	var names []string
	for _, w := range Ways {
		if w.Name == name {
			w.arguments = settings.Words(distribution.FirstBootArguments)
			return w, nil
		}
		names = append(names, w.Name)
	}
	return Way{}, fmt.Errorf("there is no way %q to mark a first boot; there are %s", name, strings.Join(names, ", "))
}

// InRoot reports whether the mark is on the root filesystem, so that nothing in the
// initramfs tells before that is there.
func (w Way) InRoot() bool { return slices.Contains(w.Directories, "/etc") }

// find returns where the file of a way is, or belongs.
func (w Way) find(root *rootfs.Root) (string, error) {
	var looked []string
	for _, dir := range w.Directories {
		names, err := root.ReadDir(dir)
		if err != nil {
			return "", err
		}
		fits := func(name string) bool { ok, _ := path.Match(w.Needs, name); return ok } // the pattern is ours
		if w.Needs == "" && names != nil || slices.ContainsFunc(names, fits) {
			return path.Join(dir, w.File), nil
		}
		looked = append(looked, root.HostPath(path.Join(dir, w.Needs)))
	}
	return "", fmt.Errorf("this system does not mark its first boot by %s: there is no %s", w.Name, strings.Join(looked, ", "))
}

// Armed reports whether the next boot of the system below a root is a first one, and
// says what it has seen. The error is that the system has another way, or cannot be
// read.
func (w Way) Armed(root *rootfs.Root) (armed bool, seen string, err error) {
	name, err := w.find(root)
	if err != nil {
		return false, "", err
	}
	if w.entries {
		return w.armedEntries(root, name)
	}
	text, err := root.ReadFile(name)
	switch id := strings.TrimSpace(string(text)); {
	case err != nil:
		return false, "", err
	case text == nil:
		return w.absent, root.HostPath(name) + " is not there", nil
	case !w.absent:
		return true, root.HostPath(name) + " is there", nil
	case id == "" || id == strings.TrimSpace(w.Contents):
		return true, fmt.Sprintf("%s has %q", root.HostPath(name), id), nil
	}
	return false, root.HostPath(name) + " has an ID", nil
}

// Deployment opens the root of the system that an OSTree boots, for the caller to close.
// It is a directory of the root filesystem; a link leads to it that the kernel argument
// ostree names.
func Deployment(root *rootfs.Root, argument string) (*rootfs.Root, error) {
	doing := "looking for the deployment of the kernel argument ostree=" + argument
	dir, err := root.Resolve(argument)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	deployed, err := rootfs.Open(root.HostPath(dir))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return deployed, nil
}

// Arm makes the next boot a first one that takes its config from the platform. A reset
// that is pending is dropped before.
func (w Way) Arm(root *rootfs.Root) error {
	if at, err := w.Place(root); err == nil && root.Exists(at.File) {
		if err := w.Cancel(root); err != nil {
			return err
		}
	}
	return w.mark(root)
}

// mark makes the next boot a first one.
func (w Way) mark(root *rootfs.Root) error {
	armed, _, err := w.Armed(root)
	if armed || err != nil {
		return err
	}
	name, err := w.find(root)
	if err != nil {
		return err
	}
	if w.entries {
		_, err := w.setEntries(root, name, bootloader.SetArguments, bootloader.Arguments{Exist: w.arguments[:1]})
		return err
	}
	if w.variable {
		return os.WriteFile(root.HostPath(name), []byte(w.Contents), 0o600)
	}
	return write(root, name, []byte(w.Contents), 0o644)
}

// Disarm ends the first boot: the next one is another one. What is left of a reset is
// removed.
func (w Way) Disarm(root *rootfs.Root) error {
	steps, err := w.disarmSteps(root)
	if err != nil {
		return err
	}
	return run(root, steps)
}

// disarmSteps are those of Disarm: the mark goes first.
func (w Way) disarmSteps(root *rootfs.Root) ([]step, error) {
	armed, seen, err := w.Armed(root)
	switch {
	case err != nil:
		return nil, err
	case !armed:
		return w.dropSteps(), nil
	case w.absent:
		return nil, fmt.Errorf("%s: systemd gives the machine its ID; see systemd-machine-id-commit.service(8)", seen)
	}
	name, err := w.find(root)
	if err != nil {
		return nil, err
	}
	unmark := func(root *rootfs.Root) error { return remove(root, name) }
	switch {
	case w.entries:
		unmark = func(root *rootfs.Root) error {
			a := w.unmarked()
			a.NotNamed = []string{reset.Argument}
			_, err := w.setEntries(root, name, bootloader.SetArguments, a)
			return err
		}
	case w.variable:
		unmark = func(root *rootfs.Root) error {
			makeRemovable(root.HostPath(name))
			return remove(root, name)
		}
	}
	return append([]step{unmark}, w.dropSteps()...), nil
}

// unmarked are the kernel arguments of a boot that is not the first one.
func (w Way) unmarked() (a bootloader.Arguments) {
	for _, name := range w.arguments {
		a.NotExist = append(a.NotExist, name, name+"=1")
	}
	return a
}

// armedEntries reports whether entries have an argument, and says which ones.
func (w Way) armedEntries(root *rootfs.Root, name string) (armed bool, seen string, err error) {
	marked, err := w.setEntries(root, name, bootloader.Changes, w.unmarked())
	what := strings.Join(w.arguments, " or ")
	if len(marked) == 0 {
		return false, fmt.Sprintf("no entry in %s has %s", root.HostPath(name), what), err
	}
	return true, what + " is in " + strings.Join(marked, ", "), err
}

// setEntries gives the filesystem with entries to one of bootloader's functions, and
// returns the paths of its files.
func (w Way) setEntries(root *rootfs.Root, name string, set func(*rootfs.Root, bootloader.Arguments) ([]string, error), a bootloader.Arguments) ([]string, error) {
	return inDirectory(root, strings.TrimSuffix(name, "/"+w.File), set, a)
}

// makeRemovable takes the attribute away that the kernel protects EFI variables with
// (Documentation/filesystems/efivarfs.rst). Removing the file shows whether it was
// possible.
func makeRemovable(path string) {
	f, err := os.Open(path)
	if err != nil {
		return
	}
	defer f.Close()
	const immutable = unix.STATX_ATTR_IMMUTABLE // FS_IMMUTABLE_FL is the same bit
	if flags, err := unix.IoctlGetUint32(int(f.Fd()), unix.FS_IOC_GETFLAGS); err == nil && flags&immutable != 0 {
		_ = unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, int(flags&^immutable))
	}
}
