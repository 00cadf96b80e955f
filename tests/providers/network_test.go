package providers_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/system"
)

func TestChangesOfTheNetworkAreNoticed(t *testing.T) {
	const long = 10 * time.Second
	for name, change := range map[string]struct{ do, undo []string }{
		"an address": {[]string{"address", "add", "192.0.2.7/32", "dev", "lo"}, []string{"address", "del", "192.0.2.7/32", "dev", "lo"}},
		"a link":     {[]string{"link", "set", "lo", "mtu", "9000"}, []string{"link", "set", "lo", "mtu", "65536"}},
		"a route":    {[]string{"route", "add", "blackhole", "198.51.100.0/24"}, []string{"route", "del", "blackhole", "198.51.100.0/24"}},
		"IPv6":       {[]string{"address", "add", "2001:db8::7/128", "dev", "lo", "nodad"}, []string{"address", "del", "2001:db8::7/128", "dev", "lo"}},
	} {
		t.Run(name, func(t *testing.T) {
			failed := make(chan error, 1)
			time.AfterFunc(100*time.Millisecond, func() { failed <- ip(change.do...) })
			began := time.Now()
			if err := system.AwaitNetworkChange(t.Context(), long); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took < 100*time.Millisecond || took > long/2 {
				t.Errorf("it took %v", took)
			}
			if err := errors.Join(<-failed, ip(change.undo...)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestTheWaitForTheNetworkEnds(t *testing.T) {
	began := time.Now()
	if err := system.AwaitNetworkChange(t.Context(), 100*time.Millisecond); err != nil || time.Since(began) < 100*time.Millisecond {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began = time.Now()
	if err := system.AwaitNetworkChange(ctx, time.Minute); err == nil || time.Since(began) > time.Minute/2 {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
}
