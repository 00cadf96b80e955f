package imds

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/report"
)

// A logBuffer is a log that several goroutines may write.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// A fakeClock sleeps by being set forward.
type fakeClock struct {
	mu   sync.Mutex
	time time.Time
}

func (f *fakeClock) now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.time
}

func (f *fakeClock) sleep(ctx context.Context, d time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.time = f.time.Add(d)
	return ctx.Err()
}

// newTestClient has a clock that does not wait. It begins an hour before the end
// of the keys in keysJSON.
func newTestClient(t *testing.T) (*Client, *fakeClock, *logBuffer) {
	t.Helper()
	log, clock := &logBuffer{}, &fakeClock{time: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}
	c := fetch.New(report.NewWriterLogger(log), 0)
	c.Clock = fetch.Clock{Now: clock.now, Sleep: clock.sleep, AwaitNetwork: clock.sleep}
	return New(c), clock, log
}
