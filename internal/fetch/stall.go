package fetch

import (
	"context"
	"fmt"
	"io"
	"time"
)

// A stallReader ends a body if the server sends nothing for some time. The time
// between reads does not count.
type stallReader struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	limit  time.Duration
	timer  *time.Timer
}

func newStallReader(ctx context.Context, cancel context.CancelCauseFunc, body io.ReadCloser, limit time.Duration) *stallReader {
	timer := time.AfterFunc(limit, func() { cancel(errStalled) })
	timer.Stop()
	return &stallReader{body, ctx, cancel, limit, timer}
}

func (r *stallReader) Read(p []byte) (int, error) {
	r.timer.Reset(r.limit)
	n, err := r.ReadCloser.Read(p)
	r.timer.Stop()
	if err != nil && err != io.EOF && context.Cause(r.ctx) == errStalled {
		err = fmt.Errorf("%w for %v", errStalled, r.limit)
	}
	return n, err
}

func (r *stallReader) Close() error {
	r.timer.Stop()
	r.cancel(nil)
	return r.ReadCloser.Close()
}
