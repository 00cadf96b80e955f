package bootloader

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/system"
)

// waitLimit is for how long a filesystem of the boot loader is waited for. Its disk may
// still be coming.
const waitLimit = 30 * time.Second

// drivers are those of the formats, by blkprobe's names, that have others.
var drivers = map[string]string{"ext2": "ext4", "ext3": "ext4"}

// SetArguments changes the kernel arguments of all entries that the machine's boot
// loader has, on filesystems that it mounts meanwhile. It returns what it has changed,
// for messages. Warn is told what is waited for.
func (m Machine) SetArguments(ctx context.Context, a Arguments, warn func(text string, fields ...string)) (changed []string, err error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	dir, err := mountPoint()
	if err != nil {
		return nil, err
	}
	defer os.Remove(dir)
	var found []Filesystem
	w := system.Wait{What: "a filesystem with boot loader entries", Limit: waitLimit, Wake: system.DeviceEvents("block"), Warn: warn}
	err = w.Until(ctx, func() (state string, done bool, err error) {
		all := m.Filesystems()
		found, state = withEntries(all, dir)
		if len(found) == 0 && m.allThere(all) {
			err = fmt.Errorf("%w that could be changed: %s", ErrNoEntries, state)
		}
		return state, len(found) > 0, err
	})
	if err != nil {
		return nil, err
	}
	if err := onOneDisk(found); err != nil {
		return nil, err
	}
	for _, f := range found {
		err := mounted(f, dir, []string{"rw"}, func(fs *rootfs.Root) error {
			paths, err := SetArguments(fs, a)
			for _, p := range paths {
				changed = append(changed, p+" on "+f.Device)
			}
			return err
		})
		if err != nil {
			return changed, fmt.Errorf("changing the boot loader's entries on %s: %w", f, err)
		}
	}
	return changed, nil
}

// noFilesystem says that a machine has none that a boot loader may read.
const noFilesystem = "there is no EFI system partition, boot partition or filesystem labelled \"boot\""

// withEntries returns the filesystems that have entries, and says what is with the
// others.
func withEntries(all []Filesystem, dir string) (found []Filesystem, state string) {
	var others []string
	for _, f := range all {
		other := ""
		err := mounted(f, dir, []string{"ro"}, func(fs *rootfs.Root) error {
			_, err := readEntries(fs)
			if errors.Is(err, ErrNoEntries) {
				other = instead(fs)
			}
			return err
		})
		switch {
		case err == nil:
			found = append(found, f)
		case other != "":
			others = append(others, fmt.Sprintf("%s has %s", f, other))
		default:
			others = append(others, fmt.Sprintf("%s: %v", f, err))
		}
	}
	if len(others) == 0 {
		others = []string{noFilesystem}
	}
	return found, strings.Join(others, ", ")
}

// instead says what a filesystem without entries has.
func instead(fs *rootfs.Root) string {
	for _, dir := range []string{"/EFI/Linux", "/boot/EFI/Linux"} {
		if names, err := fs.ReadDir(dir); err == nil && len(names) > 0 {
			return "unified kernel images, whose arguments are signed with them: build the image with these arguments"
		}
	}
	for _, name := range []string{"/grub2/grub.cfg", "/grub/grub.cfg", "/boot/grub2/grub.cfg", "/boot/grub/grub.cfg"} {
		if stat, err := fs.Lstat(name); err == nil && stat != nil {
			return "a grub.cfg without entries, which programs of the distribution generate: it has to bring its own ignition-kargs-helper"
		}
	}
	return "no entries in " + strings.Join(entryDirectories, " or ")
}

// onOneDisk is an error if nobody can tell which boot loader was started.
func onOneDisk(all []Filesystem) error {
	var names []string
	for _, f := range all {
		names = append(names, f.String())
	}
	for _, f := range all {
		if f.Disk != all[0].Disk {
			return fmt.Errorf("several disks have boot loader entries, and the boot loader does not say which it was started from: %s", strings.Join(names, ", "))
		}
	}
	return nil
}

// InRoot mounts the root filesystem read-only while use runs.
func (m Machine) InRoot(use func(fs *rootfs.Root) error) error {
	device, err := filepath.EvalSymlinks(m.rootDevice())
	if err != nil {
		return fmt.Errorf("looking for the root filesystem, root=%s: %w", m.RootArgument, err)
	}
	f := Filesystem{Device: device, Format: probe(device).Type}
	if f.Format == "" {
		return fmt.Errorf("the root filesystem %s has none of the formats that can be looked into: %s", device, strings.Join(formats, ", "))
	}
	dir, err := mountPoint()
	if err != nil {
		return err
	}
	defer os.Remove(dir)
	return mounted(f, dir, []string{"ro", m.RootFlags}, use)
}

func mountPoint() (string, error) {
	dir, err := os.MkdirTemp("", "firstlight-boot-")
	if err != nil {
		return "", fmt.Errorf("creating a mount point: %w", err)
	}
	return dir, nil
}

// mounted mounts a filesystem with options while use runs.
func mounted(f Filesystem, dir string, options []string, use func(fs *rootfs.Root) error) error {
	driver := f.Format
	if d, ok := drivers[driver]; ok {
		driver = d
	}
	if err := system.Mount(f.Device, dir, driver, append(options, "nosuid", "nodev", "noexec")); err != nil {
		return err
	}
	err := func() error {
		fs, err := rootfs.Open(dir)
		if err != nil {
			return err
		}
		defer fs.Close()
		return use(fs)
	}()
	return errors.Join(err, system.Unmount(dir))
}
