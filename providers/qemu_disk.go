package providers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// Platform qemu on s390x and ppc64le, which have no fw_cfg: a disk whose serial
// number says that it is the config, followed by NULs.
// https://www.qemu.org/docs/master/system/device-emulation.html
const (
	qemuDiskSerial = "ignition"
	qemuDiskLink   = "/dev/disk/by-id/virtio-" + qemuDiskSerial
	qemuDiskLimit  = 5 * time.Minute
)

func fetchQEMUDisk(ctx context.Context, env *Env, limit time.Duration) (*UserData, error) {
	loaded := loadDriver(ctx, env, "virtio_blk", "/sys/bus/virtio/drivers/virtio_blk")
	var text []byte
	what := fmt.Sprintf("a disk with the serial number %q", qemuDiskSerial)
	err := env.waitForDevice(what, limit).Until(ctx, func() (_ string, _ bool, err error) {
		text, err = readQEMUDisk(env.Root)
		if errors.Is(err, fs.ErrNotExist) {
			return "", false, nil
		}
		return "", err == nil, err
	})
	if err != nil {
		return nil, &report.Error{Doing: "reading the config's disk", Err: withCause(err, loaded),
			Hint: "give QEMU -drive if=none,id=ign,file=CONFIG,format=raw,readonly=on -device virtio-blk,serial=ignition,drive=ign"}
	}
	return &UserData{Text: text, Name: fmt.Sprintf("user config (disk with serial number %s)", qemuDiskSerial)}, nil
}

// readQEMUDisk is fs.ErrNotExist as long as there is no such disk.
func readQEMUDisk(top string) ([]byte, error) {
	return readDevice(qemuDisk(top))
}

// readDevice reads a config from what is no regular file.
func readDevice(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	most := config.CurrentLimit()
	text, err := io.ReadAll(io.LimitReader(f, int64(most.Bytes)+1))
	if err == nil && len(text) > most.Bytes {
		err = fmt.Errorf("%s has more than %v", f.Name(), most)
	}
	return text, err
}

// qemuDisk finds the disk in sysfs, and else says where udev would link it.
func qemuDisk(top string) string {
	serials, _ := filepath.Glob(filepath.Join(top, "/sys/block/*/serial")) // the pattern is right
	for _, name := range serials {
		serial, err := system.ReadFile(name, system.KernelText) // a disk that vanishes is not the one
		if err == nil && strings.TrimSpace(string(serial)) == qemuDiskSerial {
			return filepath.Join(top, "/dev", filepath.Base(filepath.Dir(name)))
		}
	}
	return filepath.Join(top, qemuDiskLink)
}
