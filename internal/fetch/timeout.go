package fetch

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"time"
)

// settings are what a config says about fetching.
type settings struct {
	headerTimeout time.Duration // until the response's header is there; 0 is without limit
	totalTimeout  time.Duration // with retries and body; 0 is without limit
	beforeConfig  bool          // these are the settings before the first config
	proxy         proxy
	roots         *x509.CertPool // nil is the system's
	authorities   []authority    // of roots, those of the config
}

// defaultNetworkWait is how long a machine may have no route to any server that has
// the first config: a switch with a slow spanning tree takes most of a minute, and
// the DHCP client its time after that.
const defaultNetworkWait = 5 * time.Minute

// A deadline ends a context after a limit, which begins anew with each attempt that
// has no route, until there was one that had.
type deadline struct {
	limit       time.Duration
	networkWait time.Duration // in all, without a route
	end         context.CancelCauseFunc

	mu      sync.Mutex
	started time.Time
	timer   *time.Timer
	routed  bool
}

// deadlineKey is that of a context's *deadline.
type deadlineKey struct{}

func (d *deadline) start(ctx context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.started = time.Now()
	d.timer = time.AfterFunc(d.limit, func() { d.end(context.DeadlineExceeded) })
	context.AfterFunc(ctx, func() { d.timer.Stop() })
}

// attempted is called after each attempt that has failed. Several hosts of a service
// have one deadline; a route to one of them is enough.
func (d *deadline) attempted(kind Kind) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case kind != NoNetwork:
		d.routed = true
	case !d.routed && d.timer != nil:
		last := d.started.Add(max(d.limit, d.networkWait))
		d.timer.Reset(min(d.limit, time.Until(last)))
	}
}

func (d *deadline) isOver() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.timer != nil && time.Since(d.started) >= d.limit
}

// withTimeout applies a timeout, whose time runs from when start is called: waiting
// for a slot is not the server's fault. A limit of 0 is none.
func withTimeout(ctx context.Context, limit, networkWait time.Duration) (limited context.Context, start, cancel func()) {
	limited, end := context.WithCancelCause(ctx)
	cancel = func() { end(nil) }
	if limit == 0 {
		return limited, func() {}, cancel
	}
	d := &deadline{limit: limit, networkWait: networkWait, end: end}
	limited = context.WithValue(limited, deadlineKey{}, d)
	return limited, sync.OnceFunc(func() { d.start(limited) }), cancel
}

// WithLimit returns a context for requests of a platform, which ends after a limit,
// with the cause context.DeadlineExceeded. The time in which this machine has no route
// to any server asked does not count, up to c.NetworkWait. A limit of 0 is none.
func (c *Client) WithLimit(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	limited, start, cancel := withTimeout(ctx, limit, c.NetworkWait)
	start()
	return limited, cancel
}

// timedOut reports whether a timeout has ended a context.
func timedOut(ctx context.Context) bool {
	return errors.Is(context.Cause(ctx), context.DeadlineExceeded)
}

// explainTimeout adds the timeout to an error that it caused.
func explainTimeout(ctx context.Context, err error) error {
	if err == nil || !timedOut(ctx) {
		return err
	}
	e := &timeoutError{last: err}
	// Another timeout, of a caller, may have ended it.
	if d, ok := ctx.Value(deadlineKey{}).(*deadline); ok && d.isOver() {
		e.limit = d.limit
		if KindOf(err) == NoNetwork {
			e.limit = max(d.limit, d.networkWait)
		}
	}
	return e
}

// A timeoutError is a fetch that took too long.
type timeoutError struct {
	limit time.Duration // 0 if it is not known
	last  error
}

func (e *timeoutError) Unwrap() error { return e.last }

func (e *timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

func (e *timeoutError) Error() string {
	switch {
	case e.limit == 0:
		return fmt.Sprintf("its time limit was reached; the last error was:\n%v", e.last)
	case KindOf(e.last) == NoNetwork:
		return fmt.Sprintf("this machine had no network route for %v; the last error was:\n%v", e.limit, e.last)
	}
	return fmt.Sprintf("it took longer than %v; the last error was:\n%v", e.limit, e.last)
}
