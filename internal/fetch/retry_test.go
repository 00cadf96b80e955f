package fetch

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
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
	c, h, _ := newTestClient(t)
	const rounds = 200
	longest, shortest := make([]time.Duration, 8), slices.Repeat([]time.Duration{time.Hour}, 8)
	for range rounds {
		h.slept = nil
		attempt(t.Context(), &retry{client: c, what: "GET x"}, errServerBusy, 8)
		for i, d := range h.slept {
			longest[i], shortest[i] = max(longest[i], d), min(shortest[i], d)
		}
	}
	for i, limit := range []time.Duration{200, 400, 800, 1600, 3200, 5000, 5000, 5000} {
		limit *= time.Millisecond
		if longest[i] >= limit || longest[i] < limit*8/10 || shortest[i] > limit*2/10 {
			t.Errorf("pause %d is between %v and %v; it should use all of 0 to %v", i+1, shortest[i], longest[i], limit)
		}
	}
}

func TestRetryAfterIsAddedUpToAMinute(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{0: 0, 7 * time.Second: 7 * time.Second, time.Hour: time.Minute} {
		c, h, _ := newTestClient(t)
		attempt(t.Context(), &retry{client: c}, &StatusError{Code: 429, RetryAfter: asked}, 1)
		if h.slept[0] < want || h.slept[0] > want+firstPause {
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
