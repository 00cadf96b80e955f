package providers

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// driveFormats are the filesystems that a drive may have, by blkprobe's names.
// The drivers of ext4 and vfat read the older ones, too.
var driveFormats = map[string]struct{ driver, module, options string }{
	"iso9660": {"iso9660", "isofs", "utf8"},
	"udf":     {"udf", "udf", "utf8"},
	"vfat":    {"vfat", "vfat", "utf8"},
	"ext2":    {"ext4", "ext4", ""},
	"ext3":    {"ext4", "ext4", ""},
	"ext4":    {"ext4", "ext4", ""},
	"xfs":     {"xfs", "xfs", ""},
	"btrfs":   {"btrfs", "btrfs", ""},
	"erofs":   {"erofs", "erofs", ""},
}

// A mounter mounts a filesystem of one of driveFormats, read-only, at dir.
type mounter func(device, dir, format string) (unmount func() error, err error)

func mountReadOnly(device, dir, format string) (unmount func() error, err error) {
	f := driveFormats[format]
	if err := system.Mount(device, dir, f.driver, []string{"ro", "nosuid", "nodev", "noexec", f.options}); err != nil {
		return nil, driveMountError(device, format, err)
	}
	return func() error { return detach(dir) }, nil
}

// driveMountError has its own hints: system does not know what a module is called.
func driveMountError(device, format string, err error) error {
	var mount *system.MountError
	if errors.As(err, &mount) {
		err = mount.Err
	}
	hint := "the kernel log (dmesg) may say what is wrong with it; make the drive anew"
	switch module := driveFormats[format].module; {
	case errors.Is(err, unix.ENODEV):
		hint = fmt.Sprintf("add the kernel module %s to the initramfs (dracut --add-drivers %s)", module, module)
	case errors.Is(err, unix.EINVAL) && module == "vfat":
		hint = "if the kernel log (dmesg) says that a module is missing: dracut --add-drivers \"nls_cp437 nls_ascii nls_iso8859-1 nls_utf8\"; else make the drive anew"
	}
	return &report.Error{Err: mountError(device, err), Hint: hint}
}

func mountError(device string, err error) error { return fmt.Errorf("mounting %s: %w", device, err) }

func detach(dir string) error {
	if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmounting %s: %w", dir, err)
	}
	return nil
}

// mounted mounts the first filesystem of a device that fits and that the kernel
// knows, and has use read below dir. A disc often has the same files as UDF and
// as ISO 9660.
func (s *blockScanner) mounted(r *scanResult, fits func(*blkprobe.Signature) bool, use func(dir string) error) error {
	s.mounting.Lock()
	defer s.mounting.Unlock()
	var failure error
	for i := range r.signatures {
		format := r.signatures[i].Type
		if _, known := driveFormats[format]; !known || !fits(&r.signatures[i]) {
			continue
		}
		didMount, err := inMountPoint(func(dir string) (func() error, error) { return s.mount(r.path, dir, format) }, use)
		if didMount {
			return err
		}
		failure = cmp.Or(failure, err)
	}
	return failure
}

// inMountPoint mounts something at a directory that exists while use runs.
func inMountPoint(mount func(dir string) (unmount func() error, err error), use func(dir string) error) (didMount bool, err error) {
	dir, err := os.MkdirTemp("", "ignition-config")
	if err != nil {
		return false, fmt.Errorf("creating a mount point: %w", err)
	}
	defer os.Remove(dir)
	unmount, err := mount(dir)
	if err != nil {
		return false, err
	}
	return true, errors.Join(use(dir), unmount())
}

// readBelow reads a file below a directory, which its symbolic links do not
// leave. The error is fs.ErrNotExist if there is none.
func readBelow(dir, name string) ([]byte, error) {
	root, err := rootfs.Open(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, info, err := root.OpenFile(name)
	if leadsNowhere(err) {
		f, info, err = root.OpenFile(similarPath(root, name))
	}
	if leadsNowhere(err) {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if most := config.CurrentLimit(); info.Size > int64(most.Bytes) {
		return nil, fmt.Errorf("this is a file of more than %v", most)
	}
	text := make([]byte, info.Size)
	_, err = io.ReadFull(f, text)
	return text, err
}

func leadsNowhere(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR)
}

// similarPath is the path of a file whose name is the wanted one in other case,
// or as programs have shortened it for the plainest ISO 9660.
func similarPath(root *rootfs.Root, wanted string) string {
	at := "/"
	for part := range strings.SplitSeq(wanted, "/") {
		names, _ := root.ReadDir(at) // what is not there is not found
		for _, form := range []string{part, isoName(part, 30), isoName(part, 8)} {
			for _, name := range names {
				if strings.EqualFold(name, form) {
					part = name
				}
			}
		}
		at = path.Join(at, part)
	}
	return at
}

// isoName is what becomes of a name where only letters, digits and underscores
// are allowed, and a certain length.
func isoName(name string, length int) string {
	base, extension, dot := strings.Cut(name, ".")
	short := isoLetters(base, length)
	if dot {
		short += "." + isoLetters(extension, 3)
	}
	return short
}

func isoLetters(s string, most int) string {
	plain := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, s)
	return plain[:min(len(plain), most)]
}
