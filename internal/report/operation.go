package report

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/system"
)

// An Operation is one change to the machine, decided but not yet made.
type Operation struct {
	// Name says what it does and to what: "creating partition 3 "data" on
	// /dev/vdb". It is a gerund, so that it reads well after "while".
	Name string
	// Origin is the value of the config that asked for it.
	Origin config.Origin
	// Programs are the helper programs that it cannot do without, each with others, after
	// a "|", that do in its place: "chpasswd|usermod".
	Programs []string
	// After are the operations that must have succeeded before it starts.
	After []*Operation
	// Do makes the change. Its error need not repeat the name.
	Do func(ctx context.Context) error
}

// String prints an operation for a plan.
func (o *Operation) String() string {
	if o.Origin.IsZero() {
		return o.Name
	}
	return fmt.Sprintf("%s  [%s]", o.Name, o.Origin)
}

// A Plan is operations in an order in which they can be run.
type Plan []*Operation

// String prints a plan, one operation to a line.
func (p Plan) String() string {
	lines := make([]string, len(p))
	for i, o := range p {
		lines[i] = o.String()
	}
	return strings.Join(lines, "\n")
}

// An Outcome is what became of an operation.
type Outcome struct {
	Name    string        `json:"operation"`
	Origin  config.Origin `json:"origin,omitzero"`
	Started time.Time     `json:"started"`
	// Seconds that it took.
	Seconds float64 `json:"seconds"`
	Error   string  `json:"error,omitempty"`
}

// A Runner executes plans. One serves a whole stage, so that its operations
// are numbered through.
type Runner struct {
	Log *Logger
	// Workers is how many operations may run at once. With 1 they run in the
	// order of the plan.
	Workers int

	Outcomes []Outcome
	count    atomic.Int32
	watch    watch
}

// Run executes a plan: each operation when all that it comes after are done.
// The first failure keeps further operations from starting; those that run are
// canceled and waited for. The error joins an *Error for each operation that
// failed.
func (r *Runner) Run(ctx context.Context, plan Plan) error {
	if err := plan.check(); err != nil {
		return err
	}
	if r.Workers > 1 {
		return r.runConcurrently(ctx, plan)
	}
	r.Outcomes = slices.Grow(r.Outcomes, len(plan))
	for _, op := range plan {
		outcome, err := r.do(ctx, op)
		r.Outcomes = append(r.Outcomes, outcome)
		if err != nil {
			return err
		}
	}
	return nil
}

// check returns an error if an operation comes before one that it waits for.
func (p Plan) check() error {
	earlier := map[*Operation]bool{}
	for _, op := range p {
		for _, before := range op.After {
			if !earlier[before] {
				return fmt.Errorf("%w: in the plan the operation %q is not after %q", ErrBug, op.Name, before.Name)
			}
		}
		earlier[op] = true
	}
	return nil
}

// runConcurrently starts a goroutine for each operation, which waits for those
// before it and then for one of r.Workers slots.
func (r *Runner) runConcurrently(parent context.Context, plan Plan) error {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	slots := make(chan struct{}, r.Workers)
	done := map[*Operation]chan struct{}{} // closed when the operation has succeeded
	for _, op := range plan {
		done[op] = make(chan struct{})
	}
	var mu sync.Mutex
	var failures []error
	finish := func(op *Operation, outcome Outcome, err error) {
		mu.Lock()
		defer mu.Unlock()
		r.Outcomes = append(r.Outcomes, outcome)
		switch {
		case err == nil:
			close(done[op])
		case len(failures) > 0 && errors.Is(err, context.Canceled):
			// It has stopped only because another operation failed.
		default:
			failures = append(failures, err)
			cancel()
		}
	}
	var all sync.WaitGroup
	for _, op := range plan {
		all.Go(func() {
			for _, before := range op.After {
				if !proceed(ctx, done[before]) {
					return
				}
			}
			select {
			case slots <- struct{}{}:
				defer func() { <-slots }()
			case <-ctx.Done():
			}
			if ctx.Err() == nil {
				outcome, err := r.do(ctx, op)
				finish(op, outcome, err)
			}
		})
	}
	all.Wait()
	if len(failures) == 0 {
		return context.Cause(parent)
	}
	return errors.Join(failures...)
}

// proceed waits for an operation to succeed, and reports whether it has.
func proceed(ctx context.Context, done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}

// do runs an operation. Its failure is logged as a notice: once the stage has
// ended it is logged as critical, with its origin and what to do.
func (r *Runner) do(ctx context.Context, op *Operation) (Outcome, error) {
	log := r.Log.With("op(" + strconv.FormatInt(int64(r.count.Add(1)), 16) + ")")
	start := time.Now()
	r.watch.begin(op, log, start)
	err := protect(ctx, op, log)
	r.watch.end(op)
	out := Outcome{Name: system.PrintableLine(op.Name), Origin: printableOrigin(op.Origin), Started: start, Seconds: time.Since(start).Seconds()}
	if err != nil {
		err = &Error{Doing: op.Name, Origin: op.Origin, Err: err}
		out.Error = system.Printable(err.Error())
		log.Log(LevelNotice, "[failed]   "+out.Error)
	} else {
		log.Info(fmt.Sprintf("[finished] %s (%.3f s)", op.Name, out.Seconds))
	}
	return out, err
}

// protect turns a panic into an error: a report is worth more than a trace on
// a console that nobody can scroll. The trace goes to the log.
func protect(ctx context.Context, op *Operation, log *Logger) (err error) {
	defer func() {
		if p := recover(); p != nil {
			log.Log(LevelNotice, string(debug.Stack()))
			err = fmt.Errorf("%w: %v", ErrBug, p)
		}
	}()
	return op.Do(ctx)
}
