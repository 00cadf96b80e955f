package providers

import (
	"context"
	"fmt"
	"time"

	"github.com/firstlight-os/firstlight/internal/report"
)

const (
	// rescanEvery is the pause between scans if no event asks for one: some drives
	// send none when they have a disc.
	rescanEvery = 2 * time.Second
	// longestWait is for drives where --fetch-timeout is 0.
	longestWait = 10 * time.Minute
)

// A driveWait scans all block devices until the wanted one is there.
type driveWait struct {
	what  string // is waited for
	limit time.Duration
	hint  string
	scan  func(context.Context) []*scanResult
	// choose returns the user data. Found reports that what is waited for is there.
	choose func([]*scanResult) (data *UserData, found bool, err error)
}

func (w *driveWait) run(ctx context.Context, env *Env) (data *UserData, err error) {
	if w.limit == 0 { // every wait for a drive ends
		w.limit = longestWait
	}
	wait := env.wait(w.what, "block", w.limit)
	wait.Every = rescanEvery
	var all []*scanResult
	var found bool
	over := wait.Until(ctx, func() (state string, done bool, _ error) {
		all = w.scan(ctx)
		data, found, err = w.choose(all)
		state = "there are: " + list(all)
		if err != nil {
			state += "; it is tried again after: " + err.Error()
		}
		return state, found && !isTransient(err), nil
	})
	if over != nil && err == nil {
		err = w.missing(all)
	}
	return data, err
}

// missing is the error of a wait that ends without a drive. A device that hangs
// may be the one: then it cannot be said that there is none.
func (w *driveWait) missing(all []*scanResult) error {
	doing := "waiting for " + w.what
	for _, r := range all {
		if r.err == errBusy {
			return &report.Error{Doing: doing, Err: fmt.Errorf("%s %w, so that nobody knows whether it is the one; there are: %s", r.name, errBusy, list(all)),
				Hint: fmt.Sprintf("remove %s or fix it; the kernel log (dmesg) may say what is wrong with it", r.name)}
		}
	}
	return &report.Error{Doing: doing, Err: fmt.Errorf("%w within %v; there are: %s", errNoDrive, w.limit, list(all)), Hint: w.hint}
}
