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
// to somebody who knows nothing. Something is better than nothing, nothing than
// an error, an error that the service gives than one on the way to it.
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

// A raceEvent is something new about a racer.
type raceEvent struct {
	who int
	racer
}

func (c *Client) race(ctx context.Context, q Inquiry) ([]byte, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	over := make(chan struct{})
	defer close(over)
	events := make(chan raceEvent)
	start := func(who int, q Inquiry) {
		tell := func(r racer) {
			select {
			case events <- raceEvent{who, r}:
			case <-over:
			}
		}
		q.met = func(t *trouble) {
			tell(racer{away: t != nil && (t.kind == cutOff || t.kind == refused || t.kind == silent)})
		}
		text, err := c.askAt(ctx, q)
		tell(racer{text: text, err: err, done: true})
	}
	everywhere := q.everywhere()
	go start(0, everywhere[0])
	racers := make([]racer, len(everywhere))
	headStart, started := time.After(raceHeadStart), false
	var grace <-chan time.Time
	for late := false; ; {
		select {
		case e := <-events:
			racers[e.who] = e.racer
		case <-headStart:
			headStart = nil
		case <-grace:
			late = true
		}
		if best := settle(racers, late); best != nil {
			return best.text, best.err
		}
		if !started && (headStart == nil || racers[0].away || racers[0].done) {
			started = true
			for i, q := range everywhere[1:] {
				go start(i+1, q)
			}
		}
		if grace == nil && anyDone(racers) {
			grace = time.After(raceGrace)
		}
	}
}

// everywhere is the same inquiry at each address.
func (q Inquiry) everywhere() []Inquiry {
	hosts := q.Also
	q.Also = nil
	all := []Inquiry{q}
	u, err := url.Parse(q.URL)
	if err != nil {
		return all // which is refused when it is asked
	}
	for _, u.Host = range hosts {
		q.URL = u.String()
		all = append(all, q)
	}
	return all
}

func anyDone(racers []racer) bool {
	for _, r := range racers {
		if r.done {
			return true
		}
	}
	return false
}

// settle finds the racer whose answer counts, if that can be said already.
func settle(racers []racer, late bool) *racer {
	var best *racer
	open := false
	for i := range racers {
		r := &racers[i]
		if r.done && (best == nil || r.rank() > best.rank()) {
			best = r
		}
		open = open || !r.done && !r.away
	}
	if best == nil || open && !late && best.rank() < rankSomething {
		return nil
	}
	return best
}

// The ranks of answers.
const (
	rankUnreached = iota
	rankRefused
	rankNotFound
	rankEmpty
	rankSomething
)

func (r *racer) rank() int {
	var status *StatusError
	switch {
	case r.err == nil && len(r.text) > 0:
		return rankSomething
	case r.err == nil:
		return rankEmpty
	case errors.Is(r.err, ErrNotFound):
		return rankNotFound
	case errors.As(r.err, &status):
		return rankRefused
	}
	return rankUnreached
}
