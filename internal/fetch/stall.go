package fetch

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/firstlight-os/firstlight/internal/system"
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
	timer := time.AfterFunc(limit, func() { cancel(ErrStalled) })
	timer.Stop()
	return &stallReader{body, ctx, cancel, limit, timer}
}

func (r *stallReader) Read(p []byte) (int, error) {
	r.timer.Reset(r.limit)
	n, err := r.ReadCloser.Read(p)
	r.timer.Stop()
	if err != nil && err != io.EOF && context.Cause(r.ctx) == ErrStalled {
		err = fmt.Errorf("%w for %v", ErrStalled, r.limit)
	}
	return n, err
}

func (r *stallReader) Close() error {
	r.timer.Stop()
	r.cancel(nil)
	return r.ReadCloser.Close()
}

// A server has to send slowBytes in slowTime; one that sends a byte now and then, so that
// it never stalls, would otherwise be read from for days.
const (
	slowTime  = 2 * time.Minute
	slowBytes = 4 << 10
)

// A paceReader ends a body that is too slow. The time between reads does not count.
type paceReader struct {
	io.ReadCloser
	waited time.Duration
	got    int
	err    error
}

func (r *paceReader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	began := time.Now()
	n, err := r.ReadCloser.Read(p)
	r.waited, r.got = r.waited+time.Since(began), r.got+n
	if r.waited >= slowTime {
		if r.got < slowBytes {
			r.err = fmt.Errorf("%w, or nearly nothing: less than %s in %v", ErrStalled, system.FormatSize(slowBytes), slowTime)
		}
		r.waited, r.got = 0, 0
	}
	return n, err
}

// watch warns every now and then of an attempt that is under way, until stop is called.
func (c *Client) watch(state func() string) (stop func()) {
	over, cancel := context.WithCancel(context.Background())
	go func() {
		for reminder := system.NewReminder(firstWarning); ; {
			select {
			case <-over.Done():
				return
			case <-time.After(reminder.Left()):
			}
			if waited, due := reminder.Due(); due {
				c.Log.Warn(fmt.Sprintf("%s (for %v so far)", state(), waited.Round(time.Second)))
			}
		}
	}()
	return cancel
}
