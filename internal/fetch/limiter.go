package fetch

import (
	"context"
	"sync"
)

// Transfers at the same time: in all, enough to hide the latency of servers;
// for each host, so many that a host that hangs leaves room for the others.
const (
	maxTransfers        = 16
	maxTransfersPerHost = 12
)

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
		l.all, l.hosts = make(chan struct{}, maxTransfers), map[string]chan struct{}{}
	}
	if l.hosts[host] == nil {
		l.hosts[host] = make(chan struct{}, maxTransfersPerHost)
	}
	return l.hosts[host], l.all
}

// acquire waits for its turn. Who waits for a busy host does not keep others
// from theirs: the host's slot comes first.
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
		return ctx.Err()
	}
}
