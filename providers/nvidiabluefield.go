package providers

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/firstlight-os/firstlight/internal/report"
)

// NVIDIA BlueField: the FIFO that a host fills when it boots a card. Reading
// consumes the bytes, and ends when none has come for half a second; NULs are
// around them.
const bootFIFO = "/sys/bus/platform/devices/MLNXBF04:00/bootfifo"

func fetchBlueField(ctx context.Context, env *Env) (*UserData, error) {
	loaded := loadDriver(ctx, env, "mlxbf_bootctl", bootFIFO)
	name := filepath.Join(env.Root, bootFIFO)
	text, err := readOnce(env, "nvidiabluefield", func() ([]byte, error) { return readDevice(name) })
	if errors.Is(err, fs.ErrNotExist) && loaded == nil {
		env.Log.Info("this card has no boot FIFO, and so no config in it")
		return nil, nil
	}
	if err != nil {
		return nil, &report.Error{Doing: "reading the boot FIFO of this BlueField card", Err: withCause(err, loaded),
			Hint: "check that the initramfs has the module mlxbf_bootctl; the config may be lost: send it again from the host"}
	}
	return &UserData{Text: text, Name: "user config (boot FIFO)"}, nil
}
