package providers

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// UDF (ECMA-167 and OSTA's specification), the filesystem of DVDs. Only its
// label is read here; for its files the kernel mounts it.
const (
	udfSequence = 32 << 10 // bytes to the volume recognition sequence
	udfAnchor   = 256      // the block of the anchor
	udfMost     = 64       // descriptors are looked at

	udfTagAnchor  = 2
	udfTagLogical = 6
	udfTagEnd     = 8
)

type udf struct {
	name   string
	device string
	// bridge is the ISO 9660 filesystem over the same files, if there is one.
	bridge volume
}

func openUDF(r io.ReaderAt, size int64) (volume, error) {
	if is, err := hasUDF(r); !is {
		return nil, undamaged(err)
	}
	v := &udf{}
	for _, block := range []int64{2048, 512, 1024, 4096} {
		anchor, err := udfDescriptor(r, udfAnchor, block)
		if err != nil {
			return nil, undamaged(err)
		}
		if binary.LittleEndian.Uint16(anchor) == udfTagAnchor {
			v.name, err = udfLabel(r, int64(binary.LittleEndian.Uint32(anchor[20:])), block)
			return v, undamaged(err)
		}
	}
	return v, nil
}

// hasUDF looks for a descriptor whose name says that it is UDF.
func hasUDF(r io.ReaderAt) (bool, error) {
	for i := range int64(udfMost) {
		d, err := readAt(r, udfSequence+i*2048, 6)
		if err != nil {
			return false, err
		}
		switch string(d[1:]) {
		case "NSR02", "NSR03":
			return true, nil
		case "BEA01", "CD001", "BOOT2", "CDW02":
		default:
			return false, nil
		}
	}
	return false, nil
}

// udfDescriptor reads a descriptor, or zeroes if what is there does not say of
// itself that it belongs there.
func udfDescriptor(r io.ReaderAt, at, block int64) ([]byte, error) {
	d, err := readAt(r, at*block, 512)
	if err == nil && int64(binary.LittleEndian.Uint32(d[12:])) != at {
		clear(d)
	}
	return d, err
}

// udfLabel is the identifier of the logical volume.
func udfLabel(r io.ReaderAt, first, block int64) (string, error) {
	for at := first; at < first+udfMost; at++ {
		d, err := udfDescriptor(r, at, block)
		if err != nil {
			return "", err
		}
		switch binary.LittleEndian.Uint16(d) {
		case udfTagLogical:
			return udfString(d[84:212]), nil
		case udfTagEnd:
			return "", nil
		}
	}
	return "", nil
}

// udfString is a field of characters of one byte or two, as its first byte says.
// The last byte is how much of the field is in use.
func udfString(field []byte) string {
	used := min(int(field[len(field)-1]), len(field)-1)
	switch text := field[1:max(used, 1)]; field[0] {
	case 8:
		runes := make([]rune, len(text))
		for i, b := range text {
			runes[i] = rune(b)
		}
		return string(runes)
	case 16:
		return fromUCS2(text)
	}
	return ""
}

func (v *udf) format() string { return "UDF" }

func (v *udf) labels() []string {
	labels := []string{v.name}
	if v.bridge != nil {
		labels = append(labels, v.bridge.labels()...)
	}
	return labels
}

// read asks the bridge first, which takes no driver. It need not have all the
// files, and it may have them by shortened names only.
func (v *udf) read(path string) ([]byte, error) {
	if v.bridge != nil {
		if text, err := v.bridge.read(path); err == nil {
			return text, nil
		}
	}
	text, err := mountAndRead(v.device, "udf", path)
	if v.bridge != nil && errors.Is(err, unix.ENODEV) {
		return v.bridge.read(path) // its error is the better one
	}
	return text, err
}

// mountAndRead reads a file from a filesystem that the kernel mounts.
func mountAndRead(device, format, path string) (text []byte, err error) {
	return inMountPoint(path, func(dir string) error {
		err := system.Mount(device, dir, format, []string{"ro", "nosuid", "nodev", "noexec"})
		if errors.Is(err, unix.ENODEV) {
			return &report.Error{Err: fmt.Errorf("mounting %s: %w", device, err),
				Hint: fmt.Sprintf("add the kernel module of %s to the initramfs (dracut --add-drivers %s), or attach a drive with ISO 9660 or FAT", format, format)}
		}
		if err != nil {
			return &report.Error{Err: fmt.Errorf("mounting %s: %w", device, err), Hint: "the kernel log (dmesg) may say what is wrong with it; make the drive anew"}
		}
		return nil
	})
}

// inMountPoint reads a file below a directory that exists for this long.
func inMountPoint(path string, mount func(dir string) error) (text []byte, err error) {
	dir, err := os.MkdirTemp("", "ignition-config")
	if err != nil {
		return nil, fmt.Errorf("making a mount point: %w", err)
	}
	defer os.Remove(dir)
	if err := mount(dir); err != nil {
		return nil, err
	}
	defer func() {
		if e := unix.Unmount(dir, unix.MNT_DETACH); e != nil {
			err = errors.Join(err, fmt.Errorf("unmounting %s: %w", dir, e))
		}
	}()
	// Nothing but files: a FIFO on the drive would never be opened.
	name := filepath.Join(dir, path)
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() || info.Size() > maxConfig {
		return nil, cmp.Or(err, fmt.Errorf("this is no file, or one of more than %d MiB", maxConfig>>20))
	}
	return os.ReadFile(name)
}
