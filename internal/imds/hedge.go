package imds

import (
	"context"
	"errors"
	"net/url"
	"sync"
	"time"

	"github.com/firstlight-os/firstlight/internal/fetch"
)

const (
	// defaultHeadStart is how long only the first host is asked.
	defaultHeadStart = 250 * time.Millisecond
	// defaultGrace is how long a response that is nothing, or an error, waits for
	// a better one of another host.
	defaultGrace = 2 * time.Second
)

// An attempt is the request at one host, and how far it is.
type attempt struct {
	host        int
	body        []byte
	err         error
	done        bool
	unreachable bool // for now: it is tried again
}

// hedge makes a request at the first host, and at all others as soon as that one
// is slow, cannot be reached or has no content: an address may lead to a server
// that knows nothing. Content counts before an empty response, that before "not
// found", and that before other errors. What is no content waits for the grace,
// but not for hosts that cannot be reached at the moment.
func (c *Client) hedge(ctx context.Context, r Request) ([]byte, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	updates, ended := make(chan attempt), make(chan struct{})
	defer close(ended)
	requests := r.atEachHost()
	attempts := make([]attempt, len(requests))
	start := func(host int) {
		update := func(a attempt) {
			a.host = host
			select {
			case updates <- a:
			case <-ended:
			}
		}
		request := requests[host]
		request.onAttempt = func(err *fetch.AttemptError) { update(attempt{unreachable: isUnreachable(err)}) }
		body, err := c.doAtHost(ctx, request)
		update(attempt{body: body, err: err, done: true})
	}
	startOthers := sync.OnceFunc(func() {
		for host := range requests[1:] {
			go start(host + 1)
		}
	})
	go start(0)
	headStartOver := time.After(c.headStart)
	var graceOver <-chan time.Time
	var late, firstIsNotEnough bool
	for {
		select {
		case a := <-updates:
			attempts[a.host] = a
			firstIsNotEnough = firstIsNotEnough || a.done || a.unreachable
			if a.done && graceOver == nil {
				graceOver = time.After(c.grace)
			}
		case <-headStartOver:
			firstIsNotEnough = true
		case <-graceOver:
			late = true
		}
		if best := choose(attempts, late, r.AnyAnswer); best != nil {
			return best.body, best.err
		}
		if firstIsNotEnough {
			startOthers()
		}
	}
}

func isUnreachable(err *fetch.AttemptError) bool {
	return err != nil && (err.Kind == fetch.NoNetwork || err.Kind == fetch.NoInterface || err.Kind == fetch.ConnRefused || err.Kind == fetch.Timeout)
}

// atEachHost returns the request for each host of the service.
func (r Request) atEachHost() []Request {
	all := []Request{r}
	u, err := url.Parse(r.URL)
	if err != nil {
		return all // which is refused when it is made
	}
	for _, u.Host = range r.OtherHosts {
		r.URL = u.String()
		all = append(all, r)
	}
	return all
}

// choose returns the attempt whose response counts, nil if it is too early to say.
func choose(attempts []attempt, late, anyAnswer bool) *attempt {
	var best *attempt
	waiting, all := false, true
	for i := range attempts {
		a := &attempts[i]
		if a.done && (best == nil || a.rank() > best.rank()) {
			best = a
		}
		waiting = waiting || !a.done && !a.unreachable
		all = all && a.done
	}
	switch {
	case best == nil:
	case all, best.rank() == rankContent, anyAnswer && best.rank() >= rankNotFound, best.rank() > rankOutOfTime && (late || !waiting):
		return best
	}
	return nil
}

// The ranks of responses. When the time is over at one host it is at all.
const (
	rankOutOfTime = iota
	rankError
	rankNotFound
	rankEmpty
	rankContent
)

func (a *attempt) rank() int {
	switch {
	case a.err == nil && len(a.body) > 0:
		return rankContent
	case a.err == nil:
		return rankEmpty
	case errors.Is(a.err, context.DeadlineExceeded):
		return rankOutOfTime
	case errors.Is(a.err, fetch.ErrNotFound):
		return rankNotFound
	}
	return rankError
}
