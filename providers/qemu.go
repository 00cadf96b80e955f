package providers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/system"
)

// Platform qemu: the firmware configuration device (fw_cfg), filled on the
// host by -fw_cfg name=opt/com.coreos/config,file=...
// https://www.qemu.org/docs/master/specs/fw_cfg.html
const (
	fwCfgModule = "qemu_fw_cfg"
	fwCfgKey    = "opt/com.coreos/config"
)

func fetchQEMU(ctx context.Context, env *Env) (*Raw, error) {
	device := filepath.Join(env.Top, "/sys/firmware", fwCfgModule)
	if _, err := os.Stat(device); errors.Is(err, fs.ErrNotExist) {
		if _, err := env.Run.Run(ctx, system.Command{Name: "modprobe", Args: []string{fwCfgModule}}); err != nil {
			return nil, fmt.Errorf("loading the driver of QEMU's firmware configuration: %w", err)
		}
	}
	dir := filepath.Join(device, "by_name", fwCfgKey)
	size, err := readSize(filepath.Join(dir, "size"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	text, err := readBlob(filepath.Join(dir, "raw"), size)
	if err != nil {
		return nil, err
	}
	return &Raw{Text: text, Name: fmt.Sprintf("user config (fw_cfg %s)", fwCfgKey)}, nil
}

func readSize(name string) (int, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return 0, err
	}
	size, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || size < 0 || size > maxConfig {
		return 0, fmt.Errorf("%s says %q, which is not the size of a config", name, text)
	}
	return size, nil
}

// readBlob reads just the size that is known: for each call the kernel skips
// from the blob's beginning with a port read for every byte, also for the call
// that would find its end.
func readBlob(name string, size int) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text := make([]byte, size)
	if n, err := io.ReadFull(f, text); err != nil {
		return nil, fmt.Errorf("reading %s: after %d of %d bytes: %w", name, n, size, err)
	}
	return text, nil
}
