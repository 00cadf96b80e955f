package report

import (
	"sync"
	"time"
)

// longOperation is for how long an operation runs before the log says that it does.
const longOperation = time.Second

// A watch logs which operations take long, while they run. Its timer is one for all of
// them: thousands of short ones start it once.
type watch struct {
	mu      sync.Mutex
	running map[*Operation]running
	ticking bool
}

// A running operation is one that the log has not mentioned yet.
type running struct {
	log   *Logger
	start time.Time
}

func (w *watch) begin(op *Operation, log *Logger, start time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running == nil {
		w.running = map[*Operation]running{}
	}
	w.running[op] = running{log, start}
	if !w.ticking {
		w.ticking = true
		time.AfterFunc(longOperation, w.look)
	}
}

// end is called before the log says how an operation has ended: it waits for a line that
// says that it runs.
func (w *watch) end(op *Operation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.running, op)
}

// look mentions what has been running for long, and comes back for what has not.
func (w *watch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	next := longOperation
	for op, r := range w.running {
		left := longOperation - time.Since(r.start)
		if left > 0 {
			next = min(next, left)
			continue
		}
		r.log.Info("[started]  " + op.Name)
		delete(w.running, op)
	}
	if w.ticking = len(w.running) > 0; w.ticking {
		time.AfterFunc(next, w.look)
	}
}
