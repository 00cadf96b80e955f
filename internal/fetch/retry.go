package fetch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/firstlight-os/firstlight/internal/http"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// The constants of the policy of retries; doc.go has it in words.
const (
	firstPause = 200 * time.Millisecond
	// lastPause is the longest where the server is dark or has too much to do, shortPause
	// elsewhere: for what is no server's fault, and for services of the platform, which many
	// machines do not ask at once.
	lastPause  = 30 * time.Second
	shortPause = 5 * time.Second
	// doublings is how often a pause doubles until it is the longest.
	doublings = 8
	// quickPauses are those that a server gets that says that it has too much to do.
	quickPauses = 1

	networkPause  = 500 * time.Millisecond
	maxRetryAfter = time.Minute

	firstWarning = 10 * time.Second
	warningEvery = 10 * time.Minute

	forever = time.Duration(1<<63 - 1)
)

// A Kind of failed attempt decides when there is another one.
type Kind int

const (
	Permanent   Kind = iota // another attempt would not help
	ServerBusy              // the server cannot answer now
	ConnLost                // the connection broke off, or nothing came
	ConnRefused             // nobody listens at that address
	Timeout                 // nobody answers at that address
	TLS                     // the server is not who it should be
	NXDomain                // the name does not exist
	DNSDown                 // no name server answers
	NoNetwork               // this machine has no link, address or route
	NoInterface             // this machine has no interface of the name in the address
)

var retryPolicy = [...]struct {
	limit     time.Duration // how long this kind alone may last
	pause     time.Duration // the longest between two attempts
	uncounted bool          // nobody was asked, so that it does not count as an attempt
	network   bool          // the network of this machine may be the reason
	hint      string
}{
	Permanent:   {0, 0, false, false, ""},
	ServerBusy:  {forever, lastPause, false, false, "look at the server and its log"},
	ConnLost:    {forever, shortPause, false, false, "look at the server and at what is between: proxies, firewalls, the MTU"},
	ConnRefused: {3 * time.Hour, lastPause, false, false, "check that the server runs, and that address and port are right"},
	Timeout:     {3 * time.Hour, shortPause, false, true, "check the address, and whether a firewall drops the packets"},
	TLS:         {time.Minute, shortPause, false, false, "check the URL's host and this machine's clock; an authority of your own goes to ignition.security.tls"},
	NXDomain: {30 * time.Minute, shortPause, false, true,
		"check the spelling of the host's name, and the name servers that this machine was given (/etc/resolv.conf)"},
	DNSDown:   {forever, networkPause, true, true, "check the name servers that this machine was given (/etc/resolv.conf)"},
	NoNetwork: {forever, networkPause, true, true, "check cable, switch port and DHCP, or the ip= arguments on the kernel command line"},
	NoInterface: {10 * time.Second, networkPause, true, true,
		"check the name of the network interface in the URL, which follows after the address; \"ip link\" lists those of this machine"},
}

// An AttemptError is why one attempt has failed.
type AttemptError struct {
	Kind       Kind
	Err        error
	RetryAfter time.Duration // that the server demands
	hint       string        // instead of the policy's
	target     string        // the host that this machine has no route to
	state      func() string // describes the network of this machine; may be nil
}

func failed(kind Kind, format string, args ...any) *AttemptError {
	return &AttemptError{Kind: kind, Err: fmt.Errorf(format, args...)}
}

func (e *AttemptError) Error() string { return e.Err.Error() }
func (e *AttemptError) Unwrap() error { return e.Err }

// Detail describes the network of this machine, if that may be the reason.
func (e *AttemptError) Detail() string {
	if e.state == nil {
		return ""
	}
	return e.state()
}

// A Clock is the time of retries, certificates and credentials.
type Clock struct {
	Now   func() time.Time
	Sleep func(context.Context, time.Duration) error
	// AwaitNetwork waits until something changes in the network of this machine,
	// but not longer than the given time.
	AwaitNetwork func(context.Context, time.Duration) error
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// A retry counts the attempts of one request.
type retry struct {
	client *Client
	what   string // "GET https://example.com/x"
	// onAttempt, if set, is called with nil before each attempt, and with the
	// error after each one that fails.
	onAttempt func(*AttemptError)

	// underWay, if set, says how far an attempt is, for warnings that it takes long.
	underWay func() string
	unwatch  func() // ends these warnings

	// ofPlatform reports whether a service of the platform is asked.
	ofPlatform bool

	attempts  int // that had a network
	pauses    int // since something worked
	lastError *AttemptError
	// since is when attempts began to fail, and sinceKind, to fail in this way.
	since, sinceKind time.Time
	noted            bool          // that they did
	warnedAfter      time.Duration // how long they had failed at the last warning
}

// start is called before each attempt.
func (r *retry) start() {
	if r.onAttempt != nil {
		r.onAttempt(nil)
	}
	if r.lastError == nil || !retryPolicy[r.lastError.Kind].uncounted {
		r.client.Log.Info(fmt.Sprintf("%s: attempt #%d", r.what, r.attempts+1))
	}
	if r.underWay != nil {
		r.end()
		what, underWay := r.what, r.underWay
		r.unwatch = r.client.watch(func() string { return what + ": " + underWay() })
	}
}

// end is called after each attempt, and after the last byte.
func (r *retry) end() {
	if r.unwatch != nil {
		r.unwatch()
	}
}

// over is called when an attempt has succeeded, or there is no other one. What was waited
// for meanwhile is what the last one failed by.
func (r *retry) over() {
	if r.lastError == nil || r.noted {
		return
	}
	r.noted = true
	what := r.what + ": " + Printable(r.lastError.Error())
	if r.lastError.target != "" {
		what = "a network route to " + r.lastError.target
	}
	r.client.Log.Waited(what, r.since)
}

// reset is called when something worked.
func (r *retry) reset() {
	*r = retry{client: r.client, what: r.what, onAttempt: r.onAttempt, attempts: r.attempts, underWay: r.underWay, unwatch: r.unwatch, ofPlatform: r.ofPlatform}
}

// wait pauses after an attempt that has failed. It returns an error if there
// should be no other one: that of this attempt, or when the time is over, that of
// the one before.
func (r *retry) wait(ctx context.Context, err error) (final error) {
	r.end()
	defer func() {
		if final != nil {
			r.over()
		}
	}()
	e := r.client.classify(err)
	if r.onAttempt != nil {
		r.onAttempt(e)
	}
	if d, ok := ctx.Value(deadlineKey{}).(*deadline); ok && ctx.Err() == nil {
		d.attempted(e.Kind)
	}
	switch {
	case ctx.Err() != nil && r.lastError != nil:
		return r.lastError // this attempt failed only since the time was over
	case ctx.Err() != nil || e.Kind == Permanent:
		return e
	}
	policy, now := retryPolicy[e.Kind], r.client.Clock.Now()
	if !policy.uncounted {
		r.attempts++
	}
	if r.since.IsZero() {
		r.since = now
	}
	if r.lastError == nil || e.Kind != r.lastError.Kind {
		r.sinceKind = now
	}
	if lasted := now.Sub(r.sinceKind); lasted >= policy.limit {
		text := fmt.Sprintf("%v\nthis has been so for %v", e.Err, lasted.Round(time.Second))
		if !policy.uncounted {
			text += ", in " + system.Plural(r.attempts, "attempt")
		}
		return &AttemptError{Kind: e.Kind, Err: &located{text, e.Err}, hint: e.hint}
	}
	pause := r.pause(e)
	r.logRetry(e, now, pause)
	r.lastError = e
	wait := r.client.Clock.Sleep
	if e.Kind == NoNetwork || e.Kind == NoInterface {
		wait = r.client.Clock.AwaitNetwork
	}
	if wait(ctx, pause) != nil {
		return e
	}
	return nil
}

// pause returns how long to wait: full jitter below a limit that doubles, after the time
// that the server demands. If many machines ask a server that can answer few, quick attempts
// are most of its work: one that says so, and not when to come again, is asked again quickly
// once, and then so seldom as if it had failed for long. Pauses after the first of the
// longest are no shorter than half of it: by then no two machines are in step, and who has
// waited long should not be the last one.
//
// tests/fleet has the figures from which the constants are.
func (r *retry) pause(e *AttemptError) time.Duration {
	policy := retryPolicy[e.Kind]
	if policy.uncounted {
		return policy.pause
	}
	after := min(e.RetryAfter, maxRetryAfter)
	longest := policy.pause
	switch {
	case r.ofPlatform:
		longest = min(longest, shortPause)
	case isOverload(e) && after == 0 && r.pauses >= quickPauses:
		r.pauses = max(r.pauses, doublings)
	}
	limit, least := min(firstPause<<min(r.pauses, doublings), longest), time.Duration(0)
	if r.pauses > doublings && limit == lastPause {
		least = limit / 2
	}
	r.pauses++
	if after > 0 { // those that were told the same should not come at the same time
		return after + rand.N(max(limit, after)/2)
	}
	return least + rand.N(limit-least)
}

// isOverload reports whether the server has said that it has too much to do.
func isOverload(err error) bool {
	var status *StatusError
	return errors.As(err, &status) && (status.Code == http.StatusServiceUnavailable || status.Code == http.StatusTooManyRequests)
}

// logRetry logs each new error, and as a warning one that lasts.
func (r *retry) logRetry(e *AttemptError, now time.Time, pause time.Duration) {
	level, text := report.LevelInfo, e.Error()
	lasted := now.Sub(r.since)
	if lasted >= max(firstWarning, min(2*r.warnedAfter, r.warnedAfter+warningEvery)) {
		level, r.warnedAfter = report.LevelWarn, lasted
	} else if retryPolicy[e.Kind].uncounted && r.lastError != nil && r.lastError.Error() == text {
		return // nothing is new, twice a second
	}
	if e.target != "" {
		text = fmt.Sprintf("waiting for a network route to %s: %s", e.target, text)
	}
	r.client.Log.Log(level, fmt.Sprintf("%s: %s (for %v so far, %s; again in %v)",
		r.what, text, lasted.Round(time.Second), system.Plural(r.attempts, "attempt"), pause.Round(10*time.Millisecond)))
}
