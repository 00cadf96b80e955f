package providers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/hypervisor"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/trust"
)

// Platform qemu: the firmware configuration device (fw_cfg), filled on the
// host by -fw_cfg name=opt/com.coreos/config,file=..., and a disk on
// architectures without that device, see qemu_disk.go. The distribution can choose
// other names.
// https://www.qemu.org/docs/master/specs/fw_cfg.html
const fwCfgModule = "qemu_fw_cfg"

func fetchQEMU(ctx context.Context, env *Env) (*UserData, error) {
	if runtime.GOARCH == "s390x" || runtime.GOARCH == "ppc64le" {
		return fetchQEMUDisk(ctx, env, qemuDiskLimit)
	}
	return fetchFwCfg(ctx, env, hypervisor.ReadFwCfg)
}

// fetchFwCfg reads the blob through the device's ports where that may be done.
func fetchFwCfg(ctx context.Context, env *Env, ports func(key uint16, text []byte) error) (*UserData, error) {
	device := filepath.Join("/sys/firmware", fwCfgModule)
	if err := loadDriver(ctx, env, fwCfgModule, device); err != nil {
		return nil, &report.Error{Doing: "loading the driver of QEMU's firmware configuration", Err: err,
			Hint: "check that this machine runs under QEMU, and that its initramfs has the module"}
	}
	for _, name := range env.Settings.Words(distribution.FwCfgNames) {
		item := func(name string) blob { return blob{name, filepath.Join(env.Root, device, "by_name", name)} }
		text, err := item(name).read(env.Log, ports)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		signature := item(name + trust.Suffix)
		return &UserData{Text: text, Name: fmt.Sprintf("user config (fw_cfg %s)", name), Signature: Signature{"fw_cfg " + signature.name,
			func(context.Context) ([]byte, error) { return signature.read(env.Log, ports) }}}, nil
	}
	return nil, nil
}

// A blob is an item of the firmware configuration, as the kernel shows it.
type blob struct{ name, dir string }

// blobPage is what the kernel gives in one call, in bytes.
const blobPage = 4096

// number reads a property of the blob.
func (b blob) number(property string, most int) (int, error) {
	name := filepath.Join(b.dir, property)
	text, err := system.ReadFile(name, system.KernelText)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || n < 0 || n > most {
		return 0, fmt.Errorf("%s says %q, which is not the %s of a config", name, text, property)
	}
	return n, nil
}

// read takes the ports where they save time and may be used. A blob that is not there is
// fs.ErrNotExist.
func (b blob) read(log *report.Logger, ports func(uint16, []byte) error) ([]byte, error) {
	size, err := b.number("size", config.CurrentLimit().Bytes)
	if err != nil {
		return nil, err
	}
	if size > blobPage {
		text, err := b.readPorts(size, ports)
		if err == nil {
			return text, nil
		}
		log.Info(fmt.Sprintf("reading fw_cfg %s the slow way, by the kernel's file: %v", b.name, err))
	}
	return b.readFile(log, size)
}

// readPorts reads the blob until it has come twice the same: somebody else who
// reads the device at the same moment moves the selector that all share.
func (b blob) readPorts(size int, ports func(uint16, []byte) error) ([]byte, error) {
	key, err := b.number("key", 1<<16-1)
	if err != nil {
		return nil, err
	}
	begin, err := b.readFile(nil, blobPage)
	if err != nil {
		return nil, err
	}
	text, again := make([]byte, size), make([]byte, size)
	for range 3 {
		if err := errors.Join(ports(uint16(key), text), ports(uint16(key), again)); err != nil {
			return nil, err
		}
		if bytes.Equal(text, again) && bytes.HasPrefix(text, begin) {
			return text, nil
		}
	}
	return nil, errors.New("through the device's ports it comes differently each time")
}

// readFile reads just the bytes that are known to be there: for each call the
// kernel skips from the blob's beginning with a port read for every byte, also
// for the call that would find its end. That makes it slow for large ones.
func (b blob) readFile(log *report.Logger, size int) ([]byte, error) {
	f, err := os.Open(filepath.Join(b.dir, "raw"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text := make([]byte, size)
	reminder := system.NewReminder(0)
	for done := 0; done < size; {
		n, err := f.Read(text[done:])
		done += n
		if err != nil {
			return nil, fmt.Errorf("reading %s: after %d of %d bytes: %w", f.Name(), done, size, err)
		}
		if waited, due := reminder.Due(); due {
			log.Warn(fmt.Sprintf("reading the config from fw_cfg: %d of %d bytes after %v", done, size, waited.Round(time.Second)))
		}
	}
	return text, nil
}
