package providers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	// grace is how long the other sources may still find a config once one has
	// reported that it has none: that may be true of it, but not of the machine.
	grace = 10 * time.Second
	// cancelTime is how long a cancelled source may take to return.
	cancelTime = scanTime + 2*time.Second
	// newSourcesEvery is how often to look for sources that have appeared.
	newSourcesEvery = 500 * time.Millisecond
)

// A source is one of several locations where a platform may keep a config. Its
// fetch returns when its context ends, with the last error that it has met.
type source struct {
	name  string
	fetch func(ctx context.Context) (*UserData, error)
}

// errNoSource is wrapped by sources that do not exist. One that exists and
// cannot be read is another matter.
var errNoSource = errors.New("it is not there")

// A rank orders the results of sources; the highest one counts.
type rank int

const (
	rankPending rank = iota
	rankAbsent       // no such source
	rankNothing      // a source without a config
	rankFailed       // a source that cannot be read, and may have one
	rankConfig
)

// A result is what a source has returned, or that it has not yet.
type result struct {
	source
	index int
	rank  rank
	data  *UserData
	err   error
}

// run fetches, and sends the result while the race lasts.
func (r result) run(ctx context.Context, results chan<- result, ended <-chan struct{}) {
	r.data, r.err = r.fetch(ctx)
	switch {
	case errors.Is(r.err, errNoSource), errors.Is(r.err, errNoDrive), errors.Is(r.err, context.Canceled):
		r.rank = rankAbsent
	case r.err != nil:
		r.rank = rankFailed
	case r.data == nil || len(r.data.Text) == 0:
		r.rank = rankNothing
	default:
		r.rank = rankConfig
	}
	select {
	case results <- r:
	case <-ended:
	}
}

// race fetches from several sources at once, and from those that later, which may be
// nil, returns each time that it is called. The first config wins. Without one, a
// source that cannot be read counts before one that has none, since it may have one,
// and that before those that do not exist. The first that has none starts the grace
// for the others.
func race(ctx context.Context, env *Env, sources []source, later func() []source) (*UserData, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results, ended := make(chan result), make(chan struct{})
	defer close(ended)
	var all []result
	start := func(sources []source) {
		for _, s := range sources {
			r := result{source: s, index: len(all)}
			all = append(all, r)
			go r.run(ctx, results, ended)
		}
	}
	start(sources)
	var tick <-chan time.Time
	if later != nil {
		start(later())
		ticker := time.NewTicker(newSourcesEvery)
		defer ticker.Stop()
		tick = ticker.C
	}
	var timeout <-chan time.Time
	for ranked(all, rankPending) != "" {
		select {
		case <-tick:
			start(later())
		case r := <-results:
			if r.rank == rankConfig {
				return r.data, nil
			}
			all[r.index] = r
		case <-timeout:
			if ctx.Err() != nil {
				return nil, verdict(all)
			}
			// A drive that cannot be read for now must not count as one that does not
			// exist, so all have to return what they know.
			cancel()
			timeout = time.After(cancelTime)
		}
		nothing, pending := ranked(all, rankNothing), ranked(all, rankPending)
		if timeout == nil && nothing != "" && pending != "" {
			timeout = time.After(grace)
			env.Log.Warn(fmt.Sprintf("%s: no config; waiting %v more for: %s", nothing, grace, pending))
		}
	}
	return nil, verdict(all)
}

// ranked names the sources whose result has a rank.
func ranked(all []result, rank rank) string {
	var names []string
	for _, r := range all {
		if r.rank == rank {
			names = append(names, r.name)
		}
	}
	return strings.Join(names, ", ")
}

// verdict is the error of a race without a config: those of the highest rank,
// nil if that is a source that has none.
func verdict(all []result) error {
	highest := rankPending
	for _, r := range all {
		highest = max(highest, r.rank)
	}
	var errs []error
	for _, r := range all {
		if r.rank == highest {
			errs = append(errs, r.err)
		}
	}
	return errors.Join(errs...)
}
