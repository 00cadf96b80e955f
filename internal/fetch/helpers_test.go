package fetch

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
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

// newTestClient has no limit of time, a network, and a clock that does not wait.
func newTestClient(t *testing.T) (*Client, *fakeClock, *testkit.Output) {
	t.Helper()
	log, h := &testkit.Output{}, &fakeClock{now: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}
	c := New(report.NewWriterLogger(log), 0)
	c.Clock = h.clock()
	c.StallTimeout = 2 * time.Second
	c.listLinks = func() []link { return []link{{"eth0", true, true, 1}} }
	return c, h, log
}

// A memoryListener accepts connections from within the process, which unlike
// sockets can be used in bubbles of package synctest.
type memoryListener struct {
	conns  chan net.Conn
	closed chan struct{}
	close  func()
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error   { l.close(); return nil }
func (l *memoryListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }

func (l *memoryListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// inBubble runs a test in a bubble of package synctest, with a server and a client
// with a timeout that reaches it at http://server/.
func inBubble(t *testing.T, totalTimeout time.Duration, h http.HandlerFunc, test func(t *testing.T, c *Client, log *testkit.Output)) {
	synctest.Test(t, func(t *testing.T) {
		l := &memoryListener{conns: make(chan net.Conn), closed: make(chan struct{})}
		l.close = sync.OnceFunc(func() { close(l.closed) })
		srv := &http.Server{Handler: h}
		go srv.Serve(l)
		defer srv.Close()
		log := &testkit.Output{}
		c := New(report.NewWriterLogger(log), totalTimeout)
		c.current.proxied.DialContext = l.dial
		defer c.current.proxied.CloseIdleConnections()
		test(t, c, log)
	})
}
