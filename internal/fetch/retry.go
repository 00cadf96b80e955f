package fetch

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/firstlight-os/firstlight/internal/report"
)

// The policy of retries, for contents and for what providers ask alike:
//
//   - The machine without a link, an address or a route, and one without a name
//     server that answers, is nobody's failure: it waits, looks twice a second
//     and whenever something has changed, and such looks do not count as attempts.
//   - A server that is there and cannot answer now (5xx, 408, 429), breaks off
//     or goes silent is asked again until the fetch's own limit of time
//     (ignition.timeouts.httpTotal, --fetch-timeout), which may be none. Pauses
//     are random between nothing and 200 ms, 400 ms and so on up to 5 s, so that
//     many machines do not knock in step; a Retry-After up to a minute is added.
//   - What looks permanent ends, each sort after its time in the table below:
//     long enough for a server that is just being set up, and for those who wait
//     for an installation to have come so far, but not for ever.
//   - Every other answer is final at once.
//
// A trouble that lasts is told at the level of warnings, which consoles show,
// after 10 s, 20 s, 40 s and so on, at least every 10 minutes.
const (
	firstPause    = 200 * time.Millisecond
	lastPause     = 5 * time.Second
	networkPause  = 500 * time.Millisecond
	maxRetryAfter = time.Minute

	firstWarning = 10 * time.Second
	warningEvery = 10 * time.Minute

	forever = time.Duration(1<<63 - 1)
)

// A kind of trouble decides what is done about it.
type Kind int

const (
	Permanent   Kind = iota // somebody's last word
	ServerBusy              // the server is there and cannot answer now
	ConnLost                // the connection ended, or went silent
	ConnRefused             // nobody listens at that address
	Timeout                 // nobody answers at that address
	TLS                     // the server is not who it should be
	NXDomain                // the name does not exist
	DNSDown                 // no name server answers
	NoNetwork               // this machine has no link, address or route
)

var retryPolicy = [...]struct {
	patience time.Duration // for how long without anything else it may last
	free     bool          // it does not count as an attempt
	hint     string
}{
	Permanent:   {0, false, ""},
	ServerBusy:  {forever, false, "look at the server and its log"},
	ConnLost:    {forever, false, "look at the server and at what is between: proxies, firewalls, the MTU"},
	ConnRefused: {3 * time.Hour, false, "check that the server runs, and that address and port are right"},
	Timeout:     {3 * time.Hour, false, "check the address, and whether a firewall drops the packets"},
	TLS:         {time.Minute, false, "check the URL's host and this machine's clock; an authority of your own goes to ignition.security.tls.certificateAuthorities"},
	NXDomain: {30 * time.Minute, false,
		"check the spelling of the host's name, and the name servers that this machine was given (/etc/resolv.conf)"},
	DNSDown:   {forever, true, "check the name servers that this machine was given (/etc/resolv.conf)"},
	NoNetwork: {forever, true, "check cable, switch port and DHCP, or the ip= arguments on the kernel command line"},
}

// A trouble is why one attempt has not worked.
type AttemptError struct {
	Kind       Kind
	Err        error
	retryAfter time.Duration // what the server asked for
	hint       string        // instead of the policy's
}

func (t *AttemptError) Error() string { return t.Err.Error() }
func (t *AttemptError) Unwrap() error { return t.Err }

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

// A retry is the memory of one request over its attempts.
type retry struct {
	client *Client
	what   string // "GET https://example.com/x"
	// met, if there is one, hears of each trouble, and by nil that an attempt
	// begins.
	onAttempt func(*AttemptError)

	attempts  int           // that had a network
	pauses    int           // since something worked
	lastError *AttemptError // of the last attempt
	// since is when the trouble began; the one of this kind began at sinceKind.
	since, sinceKind time.Time
	warned           time.Duration // how long it had lasted at the last warning
}

// begin is said before each attempt.
func (r *retry) start() {
	if r.onAttempt != nil {
		r.onAttempt(nil)
	}
	if r.lastError == nil || !retryPolicy[r.lastError.Kind].free {
		r.client.Log.Info(fmt.Sprintf("%s: attempt #%d", r.what, r.attempts+1))
	}
}

// worked forgets all trouble.
func (r *retry) reset() {
	*r = retry{client: r.client, what: r.what, onAttempt: r.onAttempt, attempts: r.attempts}
}

// wait pauses after an attempt that has not worked. An error is the end: the
// trouble's own, or what it was when the time was over.
func (r *retry) wait(ctx context.Context, err error) error {
	t := r.client.classify(err)
	if r.onAttempt != nil {
		r.onAttempt(t)
	}
	switch {
	case ctx.Err() != nil && r.lastError != nil:
		return r.lastError // what kept this attempt from its end is only the time
	case ctx.Err() != nil || t.Kind == Permanent:
		return t
	}
	if !retryPolicy[t.Kind].free {
		r.attempts++
	}
	now := r.client.Clock.Now()
	if r.since.IsZero() {
		r.since = now
	}
	if r.lastError == nil || t.Kind != r.lastError.Kind {
		r.sinceKind = now
	}
	if lasted := now.Sub(r.sinceKind); lasted >= retryPolicy[t.Kind].patience {
		return &AttemptError{Kind: t.Kind, Err: fmt.Errorf("%w\nthis has been so for %v, in %s", t.Err, lasted.Round(time.Second), plural(r.attempts, "attempt"))}
	}
	pause := r.pause(t)
	r.logRetry(t, now, pause)
	r.lastError = t
	wait := r.client.Clock.Sleep
	if t.Kind == NoNetwork {
		wait = r.client.Clock.AwaitNetwork
	}
	if wait(ctx, pause) != nil {
		return t
	}
	return nil
}

// pause is how long to wait: full jitter below a limit that doubles.
func (r *retry) pause(t *AttemptError) time.Duration {
	if retryPolicy[t.Kind].free {
		return networkPause
	}
	limit := min(firstPause<<min(r.pauses, 10), lastPause)
	r.pauses++
	return rand.N(limit) + min(t.retryAfter, maxRetryAfter)
}

// tell logs a trouble: each new one, and as a warning one that lasts.
func (r *retry) logRetry(t *AttemptError, now time.Time, pause time.Duration) {
	level, text := report.LevelInfo, t.Error()
	lasted := now.Sub(r.since)
	if lasted >= max(firstWarning, min(2*r.warned, r.warned+warningEvery)) {
		level, r.warned = report.LevelWarn, lasted
	} else if retryPolicy[t.Kind].free && r.lastError != nil && r.lastError.Error() == text {
		return // these looks are often, and nothing is new
	}
	r.client.Log.Log(level, fmt.Sprintf("%s: %s (for %v so far, %s; again in %v)",
		r.what, text, lasted.Round(time.Second), plural(r.attempts, "attempt"), pause.Round(10*time.Millisecond)))
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
