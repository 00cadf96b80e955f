package providers

import (
	"context"
	"time"

	"github.com/firstlight-os/firstlight/internal/system"
)

// watchDevices tells when to look again: when the kernel or udev say something
// about a device of a subsystem, of any if it is "", and every so often.
func watchDevices(ctx context.Context, env *Env, subsystem string, every time.Duration) <-chan struct{} {
	wake := make(chan struct{}, 1)
	poke := func() {
		select {
		case wake <- struct{}{}:
		default: // it will look anyway
		}
	}
	go func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				poke()
			}
		}
	}()
	if env.Root == "" { // the kernel knows nothing of a test's devices
		go listenForDevices(ctx, subsystem, poke)
	}
	return wake
}

func listenForDevices(ctx context.Context, subsystem string, poke func()) {
	events, err := system.ListenEvents()
	if err != nil {
		return // the ticks remain
	}
	defer events.Close()
	poke() // for what came before we listened
	for {
		event, err := events.Next(ctx)
		if err != nil {
			return
		}
		if len(event) == 0 || subsystem == "" || event.Has("SUBSYSTEM", subsystem) {
			poke()
		}
	}
}

// firstWarning is when a wait is told on the console.
const firstWarning = 10 * time.Second

// warnings are due after 10 s, 20 s, 40 s and so on.
type warnings struct{ next time.Duration }

func (w *warnings) due(waited time.Duration) bool {
	if waited < w.next {
		return false
	}
	w.next *= 2
	return true
}
