package fetch

import (
	"context"
	"errors"
	"net/url"
	"time"
)

// A service that has several addresses, of IPv4 and IPv6, is asked at the first.
// The others are asked too as soon as there is trouble with it, or no answer
// within raceHeadStart, or an answer that has nothing in it: an address may lead
// to somebody who knows nothing. Something is better than nothing, and nothing
// is better than an error.
//
// What is less than something waits for raceGrace for a better answer, unless
// there is no way to the other addresses at the moment.
const (
	raceHeadStart = 250 * time.Millisecond
	raceGrace     = 2 * time.Second
)

// A racer is how far one address is.
type racer struct {
	text []byte
	err  error
	done bool
	away bool // nothing leads there at the moment
}

// Who tells of a time that is over.
const (
	headStartOver = -1 - iota
	graceOver
)

// A raceEvent is something new about a racer, or the end of a time.
type raceEvent struct {
	who int
	racer
}

// A track is where racers tell how far they are, until it is closed.
type track struct {
	events chan raceEvent
	closed chan struct{}
}

func (t *track) tell(who int, r racer) {
	select {
	case t.events <- raceEvent{who, r}:
	case <-t.closed:
	}
}

func (t *track) run(ctx context.Context, c *Client, who int, q *MetadataRequest) {
	q.onAttempt = func(trouble *AttemptError) {
		t.tell(who, racer{away: trouble != nil && (trouble.Kind == NoNetwork || trouble.Kind == ConnRefused || trouble.Kind == Timeout)})
	}
	text, err := c.askAt(ctx, q)
	t.tell(who, racer{text: text, err: err, done: true})
}

// after tells when a time is over.
func (t *track) after(d time.Duration, who int) {
	time.AfterFunc(d, func() { t.tell(who, racer{}) })
}

func (c *Client) race(ctx context.Context, q *MetadataRequest) ([]byte, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t := &track{make(chan raceEvent), make(chan struct{})}
	defer close(t.closed)
	everywhere := q.everywhere()
	racers := make([]racer, len(everywhere))
	go t.run(ctx, c, 0, everywhere[0])
	t.after(raceHeadStart, headStartOver)
	for started, waiting, late := false, false, false; ; {
		e := <-t.events
		if e.who >= 0 {
			racers[e.who] = e.racer
		}
		late = late || e.who == graceOver
		if best := settle(racers, late); best != nil {
			return best.text, best.err
		}
		if !started && (e.who < 0 || e.away || e.done) {
			started = true
			for i, q := range everywhere[1:] {
				go t.run(ctx, c, i+1, q)
			}
		}
		if !waiting && e.done {
			waiting = true
			t.after(raceGrace, graceOver)
		}
	}
}

// everywhere is the same inquiry at each address.
func (q *MetadataRequest) everywhere() []*MetadataRequest {
	first := *q
	all := []*MetadataRequest{&first}
	u, err := url.Parse(q.URL)
	if err != nil {
		return all // which is refused when it is asked
	}
	for _, u.Host = range q.OtherHosts {
		other := *q
		other.URL = u.String()
		all = append(all, &other)
	}
	return all
}

// settle finds the racer whose answer counts, if that can be said already.
func settle(racers []racer, late bool) *racer {
	var best *racer
	open, all := false, true
	for i := range racers {
		r := &racers[i]
		if r.done && (best == nil || r.rank() > best.rank()) {
			best = r
		}
		open = open || !r.done && !r.away
		all = all && r.done
	}
	switch {
	case best == nil:
	case all, best.rank() == rankSomething, best.rank() > rankOutOfTime && (late || !open):
		return best
	}
	return nil
}

// The ranks of answers. When the time is over for one it is for all.
const (
	rankOutOfTime = iota
	rankError
	rankNotFound
	rankEmpty
	rankSomething
)

func (r *racer) rank() int {
	switch {
	case r.err == nil && len(r.text) > 0:
		return rankSomething
	case r.err == nil:
		return rankEmpty
	case errors.Is(r.err, context.DeadlineExceeded):
		return rankOutOfTime
	case errors.Is(r.err, ErrNotFound):
		return rankNotFound
	}
	return rankError
}
