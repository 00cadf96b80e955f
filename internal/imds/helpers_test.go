package imds

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

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
func newTestClient(t *testing.T) (*Client, *fakeClock, *testkit.Output) {
	t.Helper()
	log, clock := &testkit.Output{}, &fakeClock{time: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}
	c := fetch.New(report.NewWriterLogger(log), 0)
	c.Clock = fetch.Clock{Now: clock.now, Sleep: clock.sleep, AwaitNetwork: clock.sleep}
	return New(c), clock, log
}
