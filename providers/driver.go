package providers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/firstlight-os/firstlight/internal/system"
)

// What hypervisors' channels have in common: a driver to load, and a device that
// comes a while later.

const (
	// lookEvery is the pause between looks for what no device event tells of.
	lookEvery = 500 * time.Millisecond
	// deviceLimit is how long a device is waited for whose driver is there.
	deviceLimit = 10 * time.Second
)

// wait waits for what is called what. Look runs at once, at each event of a
// device of the subsystem, of any if it is "", and now and then.
func (env *Env) wait(what, subsystem string, limit time.Duration) system.Wait {
	w := system.Wait{What: what, Limit: limit, Every: lookEvery, Warn: env.Log.Warn, Waited: env.Log.Waited}
	if env.Root == "" { // the kernel knows nothing of a test's devices
		w.Wake = system.DeviceEvents(subsystem)
	}
	return w
}

// waitForDevice is wait for a device, which does not come without an event.
func (env *Env) waitForDevice(what string, limit time.Duration) system.Wait {
	w := env.wait(what, "", limit)
	if w.Wake != nil {
		w.Every = 0
	}
	return w
}

// loadDriver loads a kernel module unless its sign in sysfs is there. Whether an
// error matters is seen by whether the device comes: the driver may be built in.
func loadDriver(ctx context.Context, env *Env, module, sign string) error {
	if _, err := os.Stat(filepath.Join(env.Root, sign)); err == nil {
		return nil
	}
	_, err := env.Run.Run(ctx, system.Command{Name: "modprobe", Args: []string{module}})
	return err
}

// awaitNode waits for a device node, after its driver was loaded with the
// result loaded.
func awaitNode(ctx context.Context, env *Env, node string, limit time.Duration, loaded error) error {
	err := env.waitForDevice(node, limit).Until(ctx, func() (string, bool, error) {
		_, err := os.Stat(filepath.Join(env.Root, node))
		if errors.Is(err, fs.ErrNotExist) {
			return "", false, nil
		}
		return "", err == nil, err
	})
	return withCause(err, loaded)
}

// withCause adds to an error what is likely to have led to it, if anything is.
func withCause(err, cause error) error {
	if err == nil || cause == nil {
		return err
	}
	return fmt.Errorf("%w; before that: %v", err, cause)
}
