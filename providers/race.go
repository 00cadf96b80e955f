package providers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// grace is for how long the other sources are still listened to once one has
// said that it holds no config: that may be true of it, but not of the machine.
const grace = 10 * time.Second

// lastWords is how long a source may take to end when it has to.
const lastWords = lookTime + 2*time.Second

// A source is one of several places where a platform may have put a config.
// How long it tries is its own matter, but it must end, and end soon with its
// context, by what it has met until then.
type source struct {
	name  string
	fetch func(ctx context.Context) (*UserData, error)
}

// errNoSource is wrapped by sources that are not there at all. One that is there
// and cannot be read is another matter.
var errNoSource = errors.New("it is not there")

// A rank is what an answer counts.
type rank int

const (
	rankSilent  rank = iota // still asked
	rankAbsent              // not there
	rankNothing             // there, and holds no config
	rankBroken              // there, and cannot be read
	rankConfig
)

// A runner is a source in a race, and its answer once that has come.
type runner struct {
	source
	order int
	rank  rank
	raw   *UserData
	err   error
}

func (r *runner) run(ctx context.Context) {
	r.raw, r.err = r.fetch(ctx)
	switch {
	case errors.Is(r.err, errNoSource), errors.Is(r.err, errNoDrive), errors.Is(r.err, context.Canceled):
		r.rank = rankAbsent
	case r.err != nil:
		r.rank = rankBroken
	case r.raw == nil || len(r.raw.Text) == 0:
		r.rank = rankNothing
	default:
		r.rank = rankConfig
	}
}

// race asks several sources at once, and those that turn up later too. The first
// config wins; of two that come at the same moment the one of the earlier source.
// One that has nothing does not end the race, but begins the grace. Then, without
// a config, a source that is there and cannot be read makes an error, since it
// may hold one; else the answer is that there is none. If no source is there at
// all, that is an error too.
func race(ctx context.Context, env *Env, sources []source, later <-chan source) (*UserData, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	field := &field{came: make(chan *runner), over: make(chan struct{})}
	defer close(field.over)
	for _, s := range sources {
		field.start(ctx, s)
	}
	var over <-chan time.Time
	for field.pending > 0 {
		select {
		case s := <-later:
			field.start(ctx, s)
		case <-over:
			if ctx.Err() != nil {
				return field.settle()
			}
			// Who is still busy says what it has met so far: a drive that cannot be
			// read for now must not count as one that is not there.
			cancel()
			over = time.After(lastWords)
		case r := <-field.came:
			field.arrive(r)
		}
		if field.has(rankConfig) {
			break
		}
		if over == nil && field.has(rankNothing) && field.pending > 0 {
			over = time.After(grace)
			env.Log.Warn(fmt.Sprintf("%s: no config; listening for %v more to: %s", field.names(rankNothing), grace, field.names(rankSilent)))
		}
	}
	return field.settle()
}

// A field is all who run in a race.
type field struct {
	runners []runner // in the order of the sources, with what they have said so far
	came    chan *runner
	over    chan struct{} // nobody listens any more
	pending int
}

func (f *field) start(ctx context.Context, s source) {
	r := &runner{source: s, order: len(f.runners)}
	f.runners = append(f.runners, *r)
	f.pending++
	go func() {
		r.run(ctx)
		select {
		case f.came <- r:
		case <-f.over:
		}
	}()
}

// arrive takes an answer, and all that wait behind it.
func (f *field) arrive(r *runner) {
	for {
		f.runners[r.order] = *r
		f.pending--
		select {
		case r = <-f.came:
		default:
			return
		}
	}
}

func (f *field) has(rank rank) bool { return f.names(rank) != "" }

func (f *field) names(rank rank) string {
	var names []string
	for _, r := range f.runners {
		if r.rank == rank {
			names = append(names, r.name)
		}
	}
	return strings.Join(names, ", ")
}

// settle decides by what was said so far.
func (f *field) settle() (*UserData, error) {
	var broken, absent []error
	for _, r := range f.runners {
		switch r.rank {
		case rankConfig:
			return r.raw, nil
		case rankBroken:
			broken = append(broken, r.err)
		case rankAbsent:
			absent = append(absent, r.err)
		}
	}
	switch {
	case len(broken) > 0:
		return nil, errors.Join(broken...)
	case f.has(rankNothing):
		return nil, nil
	}
	return nil, errors.Join(absent...)
}
