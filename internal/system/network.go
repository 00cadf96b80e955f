package system

import (
	"context"
	"time"
)

// changesSettle is how long the kernel may take to report related changes:
// an address comes with its routes.
const changesSettle = 20 * time.Millisecond

// AwaitNetworkChange sleeps until a link, an address or a route of this machine
// has changed, but no longer than d. It fails only if ctx is over.
func AwaitNetworkChange(ctx context.Context, d time.Duration) error {
	limited, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	if changes, err := networkChanges(); err == nil { // else it is an ordinary sleep
		defer changes.Close()
		defer context.AfterFunc(limited, func() { changes.Close() })()
		if _, err := changes.Read(make([]byte, 8<<10)); err == nil {
			d = changesSettle
		}
	}
	select {
	case <-limited.Done():
	case <-time.After(d):
	}
	return ctx.Err()
}
