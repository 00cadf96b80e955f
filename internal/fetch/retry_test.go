package fetch

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/http"
)

// attempt drives a retry with one error until it ends or has paused often enough.
func attempt(ctx context.Context, r *retry, err error, pauses int) error {
	for range pauses {
		r.start()
		if end := r.wait(ctx, err); end != nil {
			return end
		}
	}
	return nil
}

var (
	errConnRefused = &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	errNoRoute     = &net.OpError{Op: "dial", Err: syscall.ENETUNREACH}
	errTimeout     = &net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}
	errNXDomain    = &net.DNSError{Name: "nowhere.test", Server: "10.0.2.3:53", IsNotFound: true}
	errDNSDown     = &net.DNSError{Name: "nowhere.test", Server: "10.0.2.3:53", IsTimeout: true}
	errServerBusy  = &StatusError{Code: 503, Status: "503 Service Unavailable"}
	errTLS         = errors.New("tls: server selected unsupported protocol version 301")
)

func TestPausesAreRandomBelowALimitThatDoubles(t *testing.T) {
	busy, overload, told := &StatusError{Code: 500}, &StatusError{Code: 503}, &StatusError{Code: 429, RetryAfter: 8 * time.Second}
	type pauses [][2]int // of the shortest and the longest, in ms
	for name, tc := range map[string]struct {
		err        error
		ofPlatform bool
		want       pauses
	}{
		"a server that fails": {busy, false, pauses{{0, 200}, {0, 400}, {0, 800}, {0, 1600}, {0, 3200}, {0, 6400}, {0, 12800}, {0, 25600},
			{0, 30000}, {15000, 30000}, {15000, 30000}}},
		"a server that has too much to do":   {overload, false, pauses{{0, 200}, {0, 30000}, {15000, 30000}, {15000, 30000}}},
		"a server that says when":            {told, false, pauses{{8000, 12000}, {8000, 12000}, {8000, 12000}}},
		"a service of the platform":          {overload, true, pauses{{0, 200}, {0, 400}, {0, 800}, {0, 1600}, {0, 3200}, {0, 5000}, {0, 5000}}},
		"one of the platform that says when": {told, true, pauses{{8000, 12000}, {8000, 12000}}},
	} {
		c, h, _ := newTestClient(t)
		shortest, longest := slices.Repeat([]time.Duration{time.Hour}, len(tc.want)), make([]time.Duration, len(tc.want))
		for range 300 {
			h.slept = nil
			attempt(t.Context(), &retry{client: c, what: "GET x", ofPlatform: tc.ofPlatform}, tc.err, len(tc.want))
			for i, d := range h.slept {
				shortest[i], longest[i] = min(shortest[i], d), max(longest[i], d)
			}
		}
		for i, want := range tc.want {
			least, most := time.Duration(want[0])*time.Millisecond, time.Duration(want[1])*time.Millisecond
			margin := (most - least) / 10 // that one of 300 hits, but for one test in 10^13
			if shortest[i] < least || shortest[i] > least+margin || longest[i] >= most || longest[i] < most-margin {
				t.Errorf("%s: pause %d is between %v and %v; it should use all of %v to %v", name, i+1, shortest[i], longest[i], least, most)
			}
		}
	}
}

// A server that is dead and then says that it is busy has been failing for long already.
func TestWhoHasWaitedLongKeepsWaitingLong(t *testing.T) {
	c, h, _ := newTestClient(t)
	r := &retry{client: c, what: "GET x"}
	attempt(t.Context(), r, errServerBusy, 3)
	h.slept = nil
	attempt(t.Context(), r, errConnRefused, 20)
	if shortest := slices.Min(h.slept); shortest < lastPause/2 {
		t.Errorf("a pause of %v", shortest)
	}
	r.reset()
	h.slept = nil
	attempt(t.Context(), r, errConnRefused, 1)
	if h.slept[0] > firstPause {
		t.Errorf("after something had worked, a pause of %v", h.slept[0])
	}
}

func TestRetryAfterIsFollowedUpToAMinute(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{0: 0, 7 * time.Second: 7 * time.Second, time.Hour: time.Minute} {
		c, h, _ := newTestClient(t)
		attempt(t.Context(), &retry{client: c}, &StatusError{Code: 429, RetryAfter: asked}, 1)
		if h.slept[0] < want || h.slept[0] > want+max(want/2, firstPause) {
			t.Errorf("asked for %v it paused %v", asked, h.slept[0])
		}
	}
}

func TestRetryAfterHeader(t *testing.T) {
	c, h, _ := newTestClient(t)
	for value, want := range map[string]time.Duration{
		"":                 0,
		"12":               12 * time.Second,
		"-3":               0,
		"99999999":         time.Minute,
		"9999999999999999": time.Minute,
		"soon":             0,
		h.now.Add(20 * time.Second).Format(http.TimeFormat): 20 * time.Second,
		h.now.Add(-time.Hour).Format(http.TimeFormat):       0,
		h.now.Add(time.Hour).Format(http.TimeFormat):        time.Minute,
	} {
		if got := c.retryAfter(http.Header{"Retry-After": {value}}); got != want {
			t.Errorf("%q: got %v, want %v", value, got, want)
		}
	}
}

func TestEachKindHasItsLimit(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		want time.Duration // 0 is at once, forever is never
		text string
	}{
		"forbidden":      {&StatusError{Code: 403, Status: "403 Forbidden"}, 0, "the server answered 403 Forbidden"},
		"not found":      {&StatusError{Code: 404, Status: "404 Not Found"}, 0, "the server answered 404 Not Found"},
		"refused":        {errConnRefused, 3 * time.Hour, "TCP: the server refuses the connection: connection refused\nthis has been so for 3h0m"},
		"silent":         {errTimeout, 3 * time.Hour, "nobody has the server's address, or a firewall forbids it: no route to host\nthis has been so for 3h0m"},
		"unknown host":   {errNXDomain, 30 * time.Minute, "DNS: there is no host \"nowhere.test\", says the name server 10.0.2.3:53\nthis has been so for 30m"},
		"insecure":       {errTLS, time.Minute, "TLS: server selected unsupported protocol version 301\nthis has been so for 1m"},
		"busy":           {errServerBusy, forever, ""},
		"too many":       {&StatusError{Code: 429}, forever, ""},
		"timeout":        {&StatusError{Code: 408}, forever, ""},
		"broken":         {syscall.ECONNRESET, forever, ""},
		"no route":       {errNoRoute, forever, ""},
		"no name server": {errDNSDown, forever, ""},
	} {
		c, h, _ := newTestClient(t)
		began := h.now
		end := attempt(t.Context(), &retry{client: c, what: "GET x"}, tc.err, 20000)
		lasted := h.now.Sub(began)
		switch {
		case tc.want == forever:
			if end != nil {
				t.Errorf("%s: ended after %v with %v", name, lasted, end)
			}
		case end == nil || !strings.Contains(end.Error(), tc.text):
			t.Errorf("%s: got %v, want %q", name, end, tc.text)
		case lasted < tc.want || lasted > tc.want+lastPause:
			t.Errorf("%s: ended after %v, want %v", name, lasted, tc.want)
		}
	}
}

func TestLimitIsForOneKindOnly(t *testing.T) {
	c, h, _ := newTestClient(t)
	r := &retry{client: c, what: "GET x"}
	began := h.now
	for h.now.Sub(began) < 10*time.Hour {
		if err := errors.Join(attempt(t.Context(), r, errConnRefused, 5), attempt(t.Context(), r, errServerBusy, 1)); err != nil {
			t.Fatalf("a server that answers in between was given up: %v", err)
		}
	}
}

func TestMissingNetworkIsNotAnAttempt(t *testing.T) {
	c, h, log := newTestClient(t)
	r := &retry{client: c, what: "GET http://h/x"}
	for _, links := range [][]link{{}, {{"eth0", false, false, 0}}, {{"eth0", true, false, 0}}, {{"eth0", true, true, 0}}} {
		c.listLinks = func() []link { return links }
		if err := attempt(t.Context(), r, errNoRoute, 30); err != nil {
			t.Fatal(err)
		}
	}
	if r.attempts != 0 || r.pauses != 0 {
		t.Errorf("%d attempts and %d pauses counted without a network", r.attempts, r.pauses)
	}
	for _, d := range h.slept {
		if d != networkPause {
			t.Fatalf("a pause of %v", d)
		}
	}
	r.start()
	for _, want := range []string{
		"INFO     : GET http://h/x: attempt #1\n",
		"INFO     : GET http://h/x: no link: this machine has no network interface; its driver may be missing in the initramfs (for 0s so far, 0 attempts; again in 500ms)",
		"no link: eth0 is not switched on yet (for 15s",
		"no carrier: eth0 sees nobody at the other end of the cable (for 30s",
		"no address: eth0 has a carrier, but no address yet (for 45s",
		"WARNING  : GET http://h/x: no link: this machine has no network interface; its driver may be missing in the initramfs (for 10s so far",
		"WARNING  : GET http://h/x: no carrier: eth0 sees nobody at the other end of the cable (for 40s",
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%q is not in the log", want)
		}
	}
	if n := strings.Count(log.String(), "\n"); n > 12 {
		t.Errorf("%d lines for a minute without a network:\n%s", n, log)
	}
}

func TestWarningsHaveGrowingIntervals(t *testing.T) {
	c, h, log := newTestClient(t)
	var at []time.Duration
	began, seen := h.now, 0
	h.before = func() {
		if n := strings.Count(log.String(), "WARNING"); n > seen {
			seen = n
			at = append(at, h.now.Sub(began).Round(10*time.Second))
		}
	}
	attempt(t.Context(), &retry{client: c, what: "GET x"}, errDNSDown, 2*60*45)
	var want []time.Duration
	for _, s := range []int{10, 20, 40, 80, 160, 320, 640, 1240, 1840, 2440} {
		want = append(want, time.Duration(s)*time.Second)
	}
	if !slices.Equal(at, want) {
		t.Errorf("warned after %v, want %v", at, want)
	}
	if !strings.Contains(log.String(), "WARNING  : GET x: DNS: the name server 10.0.2.3:53 does not answer (asked for \"nowhere.test\") (for 5m20s so far, 0 attempts; again in 500ms)") {
		t.Errorf("the log says:\n%s", log)
	}
}

func TestSuccessResetsLimits(t *testing.T) {
	c, h, _ := newTestClient(t)
	r := &retry{client: c, what: "GET x"}
	for range 3000 {
		if err := attempt(t.Context(), r, errConnRefused, 10); err != nil {
			t.Fatalf("after %v: %v", h.now, err)
		}
		r.reset()
	}
}

func TestTimeoutReportsTheErrorBefore(t *testing.T) {
	c, h, _ := newTestClient(t)
	ctx, cancel := context.WithCancel(t.Context())
	r := &retry{client: c, what: "GET x"}
	attempt(ctx, r, errServerBusy, 1)
	cancel()
	if err := r.wait(ctx, context.Canceled); err == nil || err.Error() != "the server answered 503 Service Unavailable" {
		t.Errorf("got %v", err)
	}
	h.slept = nil
	ctx, cancel = context.WithCancel(t.Context())
	h.before = cancel
	if err := attempt(ctx, &retry{client: c}, errServerBusy, 5); !errors.Is(err, errServerBusy) || len(h.slept) != 1 {
		t.Errorf("got %v after %d pauses", err, len(h.slept))
	}
}

// A wait is in the record of the boot once, whether it ends well or not, by what it was
// for at last.
func TestWaitsOfRetriesAreNoted(t *testing.T) {
	routed := failed(NoNetwork, "no route")
	routed.target = "192.0.2.1"
	for name, c := range map[string]struct {
		err  error
		ends func(r *retry)
		want string
	}{
		"a route that comes":  {routed, (*retry).over, "a network route to 192.0.2.1"},
		"a server that comes": {errServerBusy, (*retry).over, "GET http://h/x: the server answered 503 Service Unavailable"},
		"given up":            {errServerBusy, func(r *retry) { r.wait(t.Context(), failed(Permanent, "gone")) }, "GET http://h/x: the server answered 503 Service Unavailable"},
	} {
		c2, h, _ := newTestClient(t)
		h.now = time.Now().Add(-time.Hour)
		r := &retry{client: c2, what: "GET http://h/x"}
		r.over() // nothing was waited for
		if err := attempt(t.Context(), r, c.err, 5); err != nil {
			t.Fatal(err)
		}
		c.ends(r)
		r.over()
		waits := c2.Log.Waits()
		if len(waits) != 1 || waits[0].For != c.want || waits[0].Seconds < 3000 {
			t.Errorf("%s: got %+v, want %q", name, waits, c.want)
		}
	}
}
