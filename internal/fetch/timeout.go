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
	proxy         proxy
	roots         *x509.CertPool // nil is the system's
	authorities   []authority    // of roots, those of the config
}

// withTimeout applies the total timeout, whose time runs from when start is
// called: waiting for a slot is not the server's fault.
func (s settings) withTimeout(ctx context.Context) (limited context.Context, start, cancel func()) {
	limited, end := context.WithCancelCause(ctx)
	cancel = func() { end(nil) }
	if s.totalTimeout == 0 {
		return limited, func() {}, cancel
	}
	start = sync.OnceFunc(func() {
		over := time.AfterFunc(s.totalTimeout, func() { end(context.DeadlineExceeded) })
		context.AfterFunc(limited, func() { over.Stop() })
	})
	return limited, start, cancel
}

// timedOut reports whether a timeout has ended a context.
func timedOut(ctx context.Context) bool {
	return errors.Is(context.Cause(ctx), context.DeadlineExceeded)
}

// explainTimeout adds the timeout to an error that it caused.
func (s settings) explainTimeout(ctx context.Context, err error) error {
	if err == nil || !timedOut(ctx) {
		return err
	}
	return &timeoutError{s.totalTimeout, err}
}

// A timeoutError is a fetch that took too long.
type timeoutError struct {
	limit time.Duration
	last  error
}

func (e *timeoutError) Unwrap() error { return e.last }

func (e *timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

func (e *timeoutError) Error() string {
	if e.limit == 0 {
		return fmt.Sprintf("its time limit was reached; the last error was:\n%v", e.last)
	}
	return fmt.Sprintf("it took longer than %v; the last error was:\n%v", e.limit, e.last)
}
