package fetch

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

func TestTheLimitBeginsWithTheRoute(t *testing.T) {
	noRoute := &net.OpError{Op: "dial", Addr: &net.TCPAddr{IP: net.IPv4(169, 254, 169, 254), Port: 80}, Err: syscall.ENETUNREACH}
	busy := &StatusError{Code: 503, Status: "503 Busy"}
	until := func(end time.Duration, before, after error) func(time.Duration) error {
		return func(now time.Duration) error {
			if now < end {
				return before
			}
			return after
		}
	}
	type host = func(now time.Duration) error
	for name, tc := range map[string]struct {
		limit time.Duration
		hosts []host
		ends  time.Duration
		err   string // of the last host
	}{
		"a route in time":        {2 * time.Minute, []host{until(4*time.Minute, noRoute, nil)}, 4 * time.Minute, ""},
		"never a route":          {2 * time.Minute, []host{until(time.Hour, noRoute, nil)}, 5 * time.Minute, "this machine had no network route for 5m0s; the last error was:\nno route: network is unreachable"},
		"a longer limit":         {10 * time.Minute, []host{until(time.Hour, noRoute, nil)}, 10 * time.Minute, "this machine had no network route for 10m0s; the last"},
		"a route to no answer":   {2 * time.Minute, []host{until(time.Minute, noRoute, busy)}, 3 * time.Minute, "it took longer than 2m0s; the last error was:\nthe server answered 503 Busy"},
		"a route that goes away": {2 * time.Minute, []host{until(time.Minute, busy, noRoute)}, 2 * time.Minute, "no route: network is unreachable"},
		"a route to one of two":  {2 * time.Minute, []host{until(time.Hour, busy, nil), until(time.Hour, noRoute, nil)}, 2 * time.Minute, "no route: network is unreachable"},
		"no limit":               {0, []host{until(time.Hour, noRoute, nil)}, time.Hour, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := &testkit.Output{}
				c := New(report.NewWriterLogger(log), 0)
				c.Clock.AwaitNetwork = c.Clock.Sleep
				c.listLinks = func() []link { return []link{{"eth0", true, true, 1}} }
				began := time.Now()
				ctx, cancel := c.WithLimit(t.Context(), tc.limit)
				defer cancel()
				errs := make([]error, len(tc.hosts))
				var wg sync.WaitGroup
				for i, host := range tc.hosts {
					wg.Go(func() {
						errs[i] = c.Retry(ctx, "GET x", nil, func() error { return host(time.Since(began)) })
					})
				}
				wg.Wait()
				err := errs[len(errs)-1]
				if (err == nil) != (tc.err == "") || err != nil && (!strings.Contains(err.Error(), tc.err) || !errors.Is(err, context.DeadlineExceeded)) {
					t.Errorf("got %v", err)
				}
				if lasted := time.Since(began); lasted < tc.ends-time.Second || lasted > tc.ends+10*time.Second {
					t.Errorf("ended after %v, want %v", lasted, tc.ends)
				}
				if want := "WARNING  : GET x: waiting for a network route to 169.254.169.254: no route: network is unreachable (for 10s so far"; len(tc.hosts) == 1 && tc.hosts[0](0) != nil && name != "a route that goes away" && !strings.Contains(log.String(), want) {
					t.Errorf("%q is not in:\n%s", want, log)
				}
			})
		})
	}
}

// The timeouts of a config begin at once: there was a network to fetch it with.
func TestOnlyTheFirstConfigWaitsForARoute(t *testing.T) {
	for name, configured := range map[string]bool{"before the config": false, "with the config": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, time.Minute, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "at last") }, func(t *testing.T, c *Client, log *testkit.Output) {
				c.Clock.AwaitNetwork = c.Clock.Sleep
				c.listLinks = func() []link { return []link{{"eth0", true, true, 0}} }
				dial, began, minute := c.current.proxied.DialContext, time.Now(), 60
				if configured {
					if err := c.Configure(t.Context(), config.Ignition{Timeouts: config.Timeouts{HTTPTotal: &minute}}); err != nil {
						t.Fatal(err)
					}
				}
				c.current.proxied.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
					if time.Since(began) < 3*time.Minute {
						return nil, &net.OpError{Op: "dial", Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 80}, Err: syscall.ENETUNREACH}
					}
					return dial(ctx, network, address)
				}
				got, err := get(t, c, resourceOf("http://server/"))
				if configured {
					if err == nil || !strings.Contains(err.Error(), "this machine had no network route for 1m0s; the last error was:\nno address: eth0 has a carrier, but no address yet") {
						t.Errorf("got %q, %v", got, err)
					}
				} else if got != "at last" || err != nil {
					t.Errorf("got %q, %v", got, err)
				}
				if want := "WARNING  : GET http://server/: waiting for a network route to 192.0.2.7: no address: eth0 has"; !strings.Contains(log.String(), want) {
					t.Errorf("%q is not in:\n%s", want, log)
				}
				c.current.proxied.CloseIdleConnections()
			})
		})
	}
}
