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

// What the channels of hypervisors have in common: a driver to load, a device
// that comes a while later, and bytes that can be read once only.

const (
	// lookEvery is how often is looked for what no device event tells of.
	lookEvery = 500 * time.Millisecond
	// deviceWait is for a device whose driver is there.
	deviceWait = 10 * time.Second
)

// waitFor looks for something that comes by itself: at once, at each event of a
// device, and now and then. An error of look ends it.
func waitFor(ctx context.Context, env *Env, what string, limit time.Duration, look func() (bool, error)) error {
	begun, warnings := time.Now(), warnings{next: min(firstWarning, limit/3)}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var wake <-chan struct{}
	for {
		if there, err := look(); there || err != nil {
			return err
		}
		if wake == nil {
			wake = watchDevices(ctx, env, "", max(time.Millisecond, min(lookEvery, limit/20)))
		}
		if waited := time.Since(begun); warnings.due(waited) {
			env.Log.Warn(fmt.Sprintf("waiting for %s, for %v of %v so far", what, waited.Round(time.Second), limit))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s has not appeared within %v", what, time.Since(begun).Round(time.Millisecond))
		case <-wake:
		}
	}
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
	err := waitFor(ctx, env, node, limit, func() (bool, error) {
		_, err := os.Stat(filepath.Join(env.Root, node))
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return err == nil, err
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
