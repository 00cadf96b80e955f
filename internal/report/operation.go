package report

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/firstlight-os/firstlight/config"
)

// An Operation is one change to the machine, decided but not yet made.
type Operation struct {
	// Name says what it does and to what: "creating partition 3 "data" on
	// /dev/vdb". It is a gerund, so that it reads well after "while".
	Name string
	// Origin is the value of the config that asked for it.
	Origin config.Origin
	// After are the operations that must have succeeded before it starts.
	After []*Operation
	// Do makes the change. What it returns need not repeat the name.
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
}

type result struct {
	op      *Operation
	outcome Outcome
	err     error
}

// Run executes a plan: each operation when all that it comes after are done.
// The first failure keeps further operations from starting; those that run are
// told by their context and waited for. The error joins an *Error for each
// operation that failed.
func (r *Runner) Run(ctx context.Context, plan Plan) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := map[*Operation]bool{}
	workers := max(r.Workers, 1)
	results := make(chan result, 1)
	pending, running := append(Plan(nil), plan...), 0
	var failures []error
	for len(pending) > 0 || running > 0 {
		for running < workers && len(failures) == 0 {
			i := nextReady(pending, done)
			if i < 0 {
				break
			}
			op := pending[i]
			if i == 0 { // as always where they run one after another
				pending = pending[1:]
			} else {
				pending = append(pending[:i:i], pending[i+1:]...)
			}
			running++
			if workers == 1 { // waking another thread would take longer than most operations
				results <- r.do(ctx, op)
				break
			}
			go func() { results <- r.do(ctx, op) }()
		}
		if running == 0 {
			break
		}
		res := <-results
		running--
		r.Outcomes = append(r.Outcomes, res.outcome)
		done[res.op] = res.err == nil
		// What stops only because another operation failed is no news.
		if res.err != nil && !(len(failures) > 0 && errors.Is(res.err, context.Canceled)) {
			failures = append(failures, res.err)
			cancel()
		}
	}
	if len(failures) == 0 && len(pending) > 0 {
		return fmt.Errorf("%w: the operation %q waits for one that is not in the plan", ErrBug, pending[0].Name)
	}
	return errors.Join(failures...)
}

// nextReady is the first operation that may start, or -1.
func nextReady(pending Plan, done map[*Operation]bool) int {
next:
	for i, op := range pending {
		for _, before := range op.After {
			if !done[before] {
				continue next
			}
		}
		return i
	}
	return -1
}

func (r *Runner) do(ctx context.Context, op *Operation) result {
	log := r.Log.With(fmt.Sprintf("op(%x)", r.count.Add(1)))
	log.Info("[started]  " + op.Name)
	start := time.Now()
	err := protect(ctx, op)
	out := Outcome{Name: op.Name, Origin: op.Origin, Started: start, Seconds: time.Since(start).Seconds()}
	if err != nil {
		err = named(op, err)
		out.Error = err.Error()
		log.Log(LevelCritical, "[failed]   "+err.Error())
		return result{op, out, err}
	}
	log.Info(fmt.Sprintf("[finished] %s (%.3f s)", op.Name, out.Seconds))
	return result{op, out, nil}
}

// protect turns a panic into an error: a report is worth more than a trace on
// a console that nobody can scroll. The trace is part of the log.
func protect(ctx context.Context, op *Operation) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v\n%s", ErrBug, p, debug.Stack())
		}
	}()
	return op.Do(ctx)
}

// named gives an error the operation's name and origin where it has none itself.
func named(op *Operation, err error) error {
	e := &Error{Doing: op.Name, Origin: op.Origin, Err: err}
	var inner *Error
	if errors.As(err, &inner) {
		e.Hint = inner.Hint
		if !inner.Origin.IsZero() {
			e.Origin = inner.Origin
		}
	}
	return e
}
