package providers_test

import (
	"context"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/system"
)

func TestChangesOfTheNetworkAreNoticed(t *testing.T) {
	for name, change := range map[string]struct{ do, undo []string }{
		"an address": {[]string{"address", "add", "192.0.2.7/32", "dev", "lo"}, []string{"address", "del", "192.0.2.7/32", "dev", "lo"}},
		"a link":     {[]string{"link", "set", "lo", "mtu", "9000"}, []string{"link", "set", "lo", "mtu", "65536"}},
		"a route":    {[]string{"route", "add", "blackhole", "198.51.100.0/24"}, []string{"route", "del", "blackhole", "198.51.100.0/24"}},
		"IPv6":       {[]string{"address", "add", "2001:db8::7/128", "dev", "lo", "nodad"}, []string{"address", "del", "2001:db8::7/128", "dev", "lo"}},
	} {
		t.Run(name, func(t *testing.T) {
			noticed := make(chan error)
			go func() { noticed <- system.AwaitNetworkChange(t.Context(), time.Hour) }()
			// It is not known when the wait has begun.
			for {
				for _, args := range [][]string{change.do, change.undo} {
					if err := ip(args...); err != nil {
						t.Fatal(err)
					}
				}
				select {
				case err := <-noticed:
					if err != nil {
						t.Error(err)
					}
					return
				case <-time.After(50 * time.Millisecond):
				}
			}
		})
	}
}

func TestTheWaitForTheNetworkEnds(t *testing.T) {
	if err := system.AwaitNetworkChange(t.Context(), time.Millisecond); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if err := system.AwaitNetworkChange(ctx, time.Hour); err == nil {
		t.Error("the end of the context is no error")
	}
}
