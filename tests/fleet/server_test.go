package fleet_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// A server has the configs of a fleet. It answers so many requests a second, one after
// another; who would wait longer than a second is told that it is busy. While it is dark it
// refuses connections, and those that it had are reset.
type server struct {
	http.Server
	rate       int // requests per second that it can answer
	darkFrom   time.Time
	darkUntil  time.Time
	retryAfter string            // of those that it is too busy for
	contents   map[string][]byte // by path
	conns      chan net.Conn
	closed     chan struct{}

	mu       sync.Mutex
	began    time.Time
	free     time.Time // when it can begin with the next request
	open     map[net.Conn]bool
	arrived  []int // requests by seconds
	refused  []int // connections by seconds, while it was dark
	answered int   // requests
}

const (
	// patience is how long a request may wait for its turn.
	patience = time.Second
	// latency is the longest of the network.
	latency = 4 * time.Millisecond
)

func newServer(s scenario) *server {
	now := time.Now()
	srv := &server{rate: s.rate, darkFrom: now.Add(s.darkFrom), darkUntil: now.Add(s.darkFrom + s.dark), retryAfter: s.retryAfter, contents: map[string][]byte{},
		conns: make(chan net.Conn), closed: make(chan struct{}), began: now, free: now, open: map[net.Conn]bool{}}
	srv.Handler = http.HandlerFunc(srv.answer)
	go srv.Serve(srv)
	time.AfterFunc(s.darkFrom, srv.reset)
	return srv
}

// Accept, Close and Addr are those of a net.Listener.
func (s *server) Accept() (net.Conn, error) {
	select {
	case conn := <-s.conns:
		return conn, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

func (s *server) Close() error   { return nil }
func (s *server) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }

// shutDown ends all goroutines of the server.
func (s *server) shutDown() {
	close(s.closed)
	s.reset()
}

// reset breaks off all connections.
func (s *server) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.open {
		conn.Close()
	}
	clear(s.open)
}

func (s *server) isDark() bool {
	now := time.Now()
	return !now.Before(s.darkFrom) && now.Before(s.darkUntil)
}

// count adds one to the present second.
func (s *server) count(bySecond *[]int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	second := int(time.Since(s.began) / time.Second)
	for len(*bySecond) <= second {
		*bySecond = append(*bySecond, 0)
	}
	(*bySecond)[second]++
}

// dial connects a machine, which takes a moment.
func (s *server) dial(ctx context.Context) (net.Conn, error) {
	time.Sleep(rand.N(latency))
	if s.isDark() {
		s.count(&s.refused)
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: s.Addr(), Err: syscall.ECONNREFUSED}
	}
	client, ours := net.Pipe()
	s.mu.Lock()
	s.open[ours] = true
	s.mu.Unlock()
	select {
	case s.conns <- ours:
		return client, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// turn waits until it is a request's turn, if that is soon enough.
func (s *server) turn() error {
	s.mu.Lock()
	now := time.Now()
	if s.free.Before(now) {
		s.free = now
	}
	wait := s.free.Sub(now)
	if wait >= patience {
		s.mu.Unlock()
		return errors.New("too busy")
	}
	s.free = s.free.Add(time.Second / time.Duration(s.rate))
	s.mu.Unlock()
	time.Sleep(wait)
	return nil
}

func (s *server) answer(w http.ResponseWriter, r *http.Request) {
	s.count(&s.arrived)
	if err := s.turn(); err != nil {
		if s.retryAfter != "" {
			w.Header().Set("Retry-After", s.retryAfter)
		}
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	if s.isDark() { // its connection is broken off
		panic(http.ErrAbortHandler)
	}
	s.mu.Lock()
	s.answered++
	s.mu.Unlock()
	if r.Method == http.MethodPost {
		return
	}
	w.Header().Set("ETag", `"1"`)
	http.ServeContent(w, r, r.URL.Path, time.Time{}, bytes.NewReader(s.contents[r.URL.Path]))
}
