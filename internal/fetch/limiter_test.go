package fetch

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// peak counts how many are inside at a time.
type peak struct{ now, most atomic.Int32 }

func (p *peak) enter() {
	n := p.now.Add(1)
	for m := p.most.Load(); n > m && !p.most.CompareAndSwap(m, n); m = p.most.Load() {
	}
}

func (p *peak) leave() { p.now.Add(-1) }

func TestTransfersAreBounded(t *testing.T) { synctest.Test(t, testTransfersAreBounded) }

func testTransfersAreBounded(t *testing.T) {
	var l limiter
	var all peak
	hosts := make([]peak, 4)
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			host := i % len(hosts)
			release, err := l.acquire(t.Context(), fmt.Sprint(host))
			if err != nil {
				t.Error(err)
				return
			}
			all.enter()
			hosts[host].enter()
			time.Sleep(time.Millisecond)
			hosts[host].leave()
			all.leave()
			release()
			release() // twice is once
		})
	}
	wg.Wait()
	if n := all.most.Load(); n > maxTransfers || n < 2 {
		t.Errorf("%d transfers at a time", n)
	}
	for i := range hosts {
		if n := hosts[i].most.Load(); n > maxTransfersPerHost || n < 2 {
			t.Errorf("%d transfers at a time from host %d", n, i)
		}
	}
}

func TestFewDescriptorsMakeFewerTransfers(t *testing.T) {
	for descriptors, want := range map[uint64]int{0: 1, 20: 1, 39: 1, 40: 2, 64: 8, 95: 15, 96: 16, 1 << 20: 16, 1<<64 - 1: 16} {
		if got := transfersFor(descriptors); got != want {
			t.Errorf("%d descriptors: got %d transfers, want %d", descriptors, got, want)
		}
	}
}

func TestBusyHostLeavesSlotsToOthers(t *testing.T) {
	var l limiter
	for range maxTransfersPerHost {
		if _, err := l.acquire(t.Context(), "busy"); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 3 * maxTransfers {
		wg.Go(func() {
			if _, err := l.acquire(ctx, "busy"); err == nil {
				t.Error("more transfers than the host should have")
			}
		})
	}
	if _, err := l.acquire(t.Context(), "idle"); err != nil {
		t.Error(err)
	}
	cancel()
	wg.Wait()
	for host, want := range map[string]int{"busy": maxTransfersPerHost, "idle": 1} {
		if forHost, all := l.slots(host); len(forHost) != want || len(all) != maxTransfersPerHost+1 {
			t.Errorf("%s: %d of %d slots are taken", host, len(forHost), len(all))
		}
	}
}

func TestCancelledWaitGivesTheHostsSlotBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l limiter
		for i := range maxTransfers {
			if _, err := l.acquire(t.Context(), fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := l.acquire(ctx, "last"); err == nil {
			t.Error("one transfer too many")
		}
		if forHost, _ := l.slots("last"); len(forHost) != 0 {
			t.Error("the host's slot is lost")
		}
	})
}

func TestManyFetchesAtOnceAreBounded(t *testing.T) {
	var at peak
	inBubble(t, 0, func(w http.ResponseWriter, r *http.Request) {
		at.enter()
		defer at.leave()
		time.Sleep(time.Second)
		io.WriteString(w, r.URL.Path)
	}, func(t *testing.T, c *Client, _ *testkit.Output) {
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				path := fmt.Sprintf("/%d", i)
				if got, err := get(t, c, resourceOf("http://server"+path)); err != nil || got != path {
					t.Errorf("%s: got %q, %v", path, got, err)
				}
			})
		}
		wg.Wait()
	})
	if n := at.most.Load(); n != maxTransfersPerHost {
		t.Errorf("%d requests at a time", n)
	}
}

func TestWaitingForASlotDoesNotCountAsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(nil, 0)
		var taken []func()
		for range maxTransfersPerHost {
			release, err := c.limits.acquire(t.Context(), "host")
			if err != nil {
				t.Fatal(err)
			}
			taken = append(taken, release)
		}
		go func() {
			time.Sleep(time.Hour)
			for _, release := range taken {
				release()
			}
		}()
		ctx, startTimer, cancel := withTimeout(t.Context(), time.Second, 0)
		defer cancel()
		_, err := c.openResuming(ctx, download{startTimer: startTimer}, "host", func(context.Context, resumePoint) (*response, error) {
			return &response{body: io.NopCloser(strings.NewReader(""))}, nil
		})
		if err != nil || ctx.Err() != nil {
			t.Errorf("got %v, %v", err, ctx.Err())
		}
		time.Sleep(2 * time.Second)
		if !timedOut(ctx) {
			t.Error("with a slot the time is not limited")
		}
	})
}
