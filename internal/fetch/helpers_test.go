package fetch

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/report"
)

// A hurried clock sleeps by being set forward.
type fakeClock struct {
	mu     sync.Mutex
	now    time.Time
	slept  []time.Duration
	before func() // is called before each pause
}

func (h *fakeClock) clock() Clock {
	now := func() time.Time { h.mu.Lock(); defer h.mu.Unlock(); return h.now }
	sleep := func(ctx context.Context, d time.Duration) error {
		if h.before != nil {
			h.before()
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.now, h.slept = h.now.Add(d), append(h.slept, d)
		return ctx.Err()
	}
	return Clock{Now: now, Sleep: sleep, AwaitNetwork: sleep}
}

// logBuffer is a log that several goroutines may write.
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

// newTestClient has no limit of time, a network, and a clock that does not wait.
func newTestClient(t *testing.T) (*Client, *fakeClock, *logBuffer) {
	t.Helper()
	log, h := &logBuffer{}, &fakeClock{now: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}
	c := New(report.NewWriterLogger(log), 0)
	c.Clock = h.clock()
	c.StallTimeout = 2 * time.Second
	c.listLinks = func() []link { return []link{{"eth0", true, true, 1}} }
	return c, h, log
}
