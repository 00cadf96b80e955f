package fetch

import (
	"context"
	"io"
	"sync"
)

// Transfers at the same time: in all, enough to hide the latency of servers, but
// fewer if this process may have few files open; for each host fewer, so that a host
// that hangs leaves slots to the others.
const (
	maxTransfers        = 16
	maxTransfersPerHost = 12
)

// descriptorsPerTransfer are those that a transfer has at most: for two connections
// that race, or one and the file that is written, for a name that is looked up, and
// for a connection that is left idle.
const descriptorsPerTransfer = 4

// otherDescriptors are what the rest of this process may have open.
const otherDescriptors = 32

// transfersFor returns how many transfers a process may have at a time that may
// have so many open files (RLIMIT_NOFILE).
func transfersFor(descriptors uint64) int {
	spare := max(descriptors, otherDescriptors) - otherDescriptors
	return int(min(maxTransfers, max(1, spare/descriptorsPerTransfer)))
}

// transfers is transfersFor this process.
var transfers = sync.OnceValue(func() int {
	files, err := openFiles()
	if err != nil {
		return maxTransfers
	}
	return transfersFor(files)
})

// A limiter bounds how many transfers run at a time. The zero value is ready.
type limiter struct {
	mu    sync.Mutex
	all   chan struct{}
	hosts map[string]chan struct{}
}

func (l *limiter) slots(host string) (forHost, all chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all, l.hosts = make(chan struct{}, transfers()), map[string]chan struct{}{}
	}
	if l.hosts[host] == nil {
		l.hosts[host] = make(chan struct{}, maxTransfersPerHost)
	}
	return l.hosts[host], l.all
}

// limited returns open with a limit: an attempt begins when a slot is free and
// keeps it until its body is closed. The function started is called in between.
func (l *limiter) limited(host string, started func(), open opener) opener {
	return func(ctx context.Context, at resumePoint) (*response, error) {
		release, err := l.acquire(ctx, host)
		if err != nil {
			return nil, err
		}
		started()
		r, err := open(ctx, at)
		if err != nil {
			release()
			return nil, err
		}
		r.body = &releasingBody{r.body, release}
		return r, nil
	}
}

// A releasingBody gives its slot back when it is closed.
type releasingBody struct {
	io.ReadCloser
	release func()
}

func (b *releasingBody) Close() error {
	defer b.release()
	return b.ReadCloser.Close()
}

// acquire waits for a slot of the host first, so that waiting for a busy host
// takes no slot from others.
func (l *limiter) acquire(ctx context.Context, host string) (release func(), err error) {
	forHost, all := l.slots(host)
	if err := take(ctx, forHost); err != nil {
		return nil, err
	}
	if err := take(ctx, all); err != nil {
		<-forHost
		return nil, err
	}
	return sync.OnceFunc(func() { <-all; <-forHost }), nil
}

func take(ctx context.Context, slots chan struct{}) error {
	select {
	case slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
