package system

import (
	"context"
	"fmt"
	"time"
)

// A Wait is for something that comes by itself: a device, a driver, an answer.
// All loops that wait are this one.
type Wait struct {
	// What names what is awaited, for messages: "/dev/vdb".
	What string
	// Limit is how long to wait; 0 is as long as the context allows.
	Limit time.Duration
	// Every is how often to look without a reason to, where events do not tell of
	// everything. 0 is once a second, or, where Wake listens to events, only when a
	// warning is due.
	Every time.Duration
	// Wake begins to listen for reasons to look earlier, such as device events
	// (see DeviceEvents). It is called when the first look was in vain. May be
	// nil.
	Wake func(ctx context.Context) <-chan struct{}
	// Warn logs that the wait lasts: after WarnAfter (10 s if 0), then after
	// twice that, and so on. Nil logs nothing.
	Warn      func(text string, fields ...string)
	WarnAfter time.Duration
	// Waited, if set, is called at the end of a wait, if the first look was in vain.
	Waited func(what string, since time.Time)
}

// A TimeoutError is a wait that was in vain.
type TimeoutError struct {
	What string
	// Waited is how long it was waited.
	Waited time.Duration
	// State is what the last look returned.
	State string
}

func (e *TimeoutError) Error() string {
	text := fmt.Sprintf("%s has not appeared within %v", e.What, e.Waited.Round(time.Millisecond))
	if e.State != "" {
		text += "; " + e.State
	}
	return text
}

// Until calls look at once, whenever something wakes it, and a last time when
// the limit is over, until look reports that it is done or returns an error.
// State is what look saw, for messages: "block devices here: vda (10 GiB)".
//
// The error is look's, the context's cause, or a *TimeoutError.
func (w Wait) Until(ctx context.Context, look func() (state string, done bool, err error)) error {
	if _, done, err := look(); done || err != nil {
		return err
	}
	if w.Waited != nil {
		defer w.Waited(w.What, time.Now())
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wake <-chan struct{}
	if w.Wake != nil {
		wake = w.Wake(ctx)
	}
	reminder := NewReminder(w.WarnAfter)
	next := time.NewTimer(w.pause(wake, reminder))
	defer next.Stop()
	var limit <-chan time.Time
	if w.Limit > 0 {
		limit = time.After(w.Limit)
	}
	for over := false; ; {
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", w.What, context.Cause(ctx))
		case <-limit:
			over = true
		case <-wake:
		case <-next.C:
		}
		state, done, err := look()
		if done || err != nil {
			return err
		}
		waited, due := reminder.Due()
		if over {
			return &TimeoutError{w.What, waited, state}
		}
		if due && w.Warn != nil {
			w.Warn(w.describe(waited, state))
		}
		next.Reset(w.pause(wake, reminder))
	}
}

// pause is the time until the next look without a reason to.
func (w Wait) pause(wake <-chan struct{}, reminder *Reminder) time.Duration {
	switch {
	case w.Every > 0:
		return w.Every
	case wake == nil:
		return time.Second
	}
	return reminder.Left()
}

func (w Wait) describe(waited time.Duration, state string) string {
	text := fmt.Sprintf("waiting for %s, for %v so far", w.What, waited.Round(time.Second))
	if w.Limit > 0 {
		text += fmt.Sprintf(", %v left", (w.Limit - waited).Round(time.Second))
	}
	if state != "" {
		text += "; " + state
	}
	return text
}

// A Reminder decides when to warn that something takes long: after a first time,
// after twice that, and so on.
type Reminder struct {
	begun time.Time
	next  time.Duration
}

// NewReminder begins to count. The first warning is due after 10 s if first is 0.
func NewReminder(first time.Duration) *Reminder {
	if first == 0 {
		first = 10 * time.Second
	}
	return &Reminder{time.Now(), first}
}

// Due returns the time since the beginning, and whether a warning is due.
func (r *Reminder) Due() (waited time.Duration, due bool) {
	waited = time.Since(r.begun)
	due = waited >= r.next
	for r.next <= waited {
		r.next *= 2
	}
	return waited, due
}

// Left returns the time until the next warning is due.
func (r *Reminder) Left() time.Duration { return r.next - time.Since(r.begun) }
