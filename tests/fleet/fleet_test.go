// Package fleet_test has a fleet of machines boot for the first time at one config server
// that can answer few of them at once and is dark for a while. The machines run the agent's
// own code, from the kernel command line's URL to the record that is sent; the network is
// in memory and the time is that of package synctest, so that an hour takes seconds and no
// assertion depends on the host. What differs from run to run is chance only: the pauses of
// machines are random.
//
//	go test ./tests/fleet -v -fleet.machines=10000 -fleet.plots=../../docs/performance
//
// draws the pictures of docs/performance.md.
package fleet_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/firstlight-os/firstlight/internal/report"
)

var (
	machines = flag.Int("fleet.machines", 1000, "machines of the fleet")
	plots    = flag.String("fleet.plots", "", "draw pictures into this directory")
)

// A scenario is when machines start, and what the server does.
type scenario struct {
	machines   int
	perSecond  int // machines that start; 0 is all at once
	rate       int // requests per second that the server can answer
	darkFrom   time.Duration
	dark       time.Duration // how long
	retryAfter string        // what it tells those that it is too busy for
}

func (s scenario) title() string {
	starts := "at once"
	if s.perSecond > 0 {
		starts = fmt.Sprintf("%d per second", s.perSecond)
	}
	return fmt.Sprintf("%d machines, %s", s.machines, starts)
}

const dark = 30 * time.Second

// A fleet of 20 seconds' worth of requests starts at once, in 100 s and in 1000 s.
func atOnce(n int) scenario {
	return scenario{machines: n, rate: n / 20, darkFrom: 10 * time.Second, dark: dark}
}

func in100Seconds(n int) scenario {
	return scenario{machines: n, perSecond: n / 100, rate: n / 20, darkFrom: 50 * time.Second, dark: dark}
}

func in1000Seconds(n int) scenario {
	return scenario{machines: n, perSecond: n / 1000, rate: n / 20, darkFrom: 500 * time.Second, dark: dark}
}

// A policy makes pauses instead of package fetch: it gets how many there were.
type policy func(before int) time.Duration

// fixedDoubling are the pauses of clients that know no chance.
func fixedDoubling(before int) time.Duration {
	return min(200*time.Millisecond<<min(before, 10), 5*time.Second)
}

// sleeper returns the pauses of one client.
func (p policy) sleeper() func(context.Context, time.Duration) error {
	pauses := 0
	return func(ctx context.Context, _ time.Duration) error {
		select {
		case <-time.After(p(pauses)):
		case <-ctx.Done():
		}
		pauses++
		return ctx.Err()
	}
}

// What the surroundings of a fleet are like.
const (
	lateShare   = 0.1 // of the machines get their address late
	latest      = 20 * time.Second
	brokenShare = 0.01 // have a link that loses packets
)

// run boots a fleet. Without a policy the pauses are our own.
func run(t *testing.T, s scenario, p policy) (r result) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(s)
		motd := []byte("This machine is one of many.\n")
		srv.contents["/motd"] = motd
		srv.contents["/machine.ign"] = fleetConfig(fmt.Sprintf("sha256-%x", sha256.Sum256(motd)))
		random := rand.New(rand.NewPCG(1, 2))
		fleet := make([]*machine, s.machines)
		var running sync.WaitGroup
		for i := range fleet {
			m := &machine{server: srv, policy: p, log: report.NewFuncLogger(func(report.Level, string, map[string]string) {}), starts: srv.began}
			if s.perSecond > 0 {
				m.starts = srv.began.Add(time.Duration(i) * time.Second / time.Duration(s.perSecond))
			}
			m.online = m.starts
			if random.Float64() < lateShare {
				m.online = m.starts.Add(time.Duration(random.Int64N(int64(latest))))
			}
			if random.Float64() < brokenShare {
				m.broken = &link{rand.New(rand.NewPCG(3, uint64(i)))}
			}
			fleet[i] = m
			running.Go(func() { m.boot(t.Context()) })
		}
		running.Wait()
		time.Sleep(time.Minute) // for dials that nobody waits for
		srv.shutDown()
		r = newResult(s, srv, fleet)
	})
	return r
}

// A result is how a fleet has booted. Times are since the start of the first machine.
type result struct {
	scenario
	arrived  []int           // requests at the server, by seconds
	refused  []int           // connections while it was dark, by seconds
	done     []time.Duration // machines, in order
	ideal    []time.Duration // the same, see idealTimes
	whole    time.Duration   // when the last machine with a whole link was done
	errs     []error         // of machines that have given up
	reported int             // records that have arrived
}

func newResult(s scenario, srv *server, fleet []*machine) result {
	r := result{scenario: s, arrived: srv.arrived, refused: srv.refused}
	for _, m := range fleet {
		if m.err != nil {
			r.errs = append(r.errs, m.err)
			continue
		}
		took := m.provisioned.Sub(srv.began)
		r.done = append(r.done, took)
		if m.broken == nil {
			r.whole = max(r.whole, took)
		}
		if m.reported {
			r.reported++
		}
	}
	slices.Sort(r.done)
	r.ideal = idealTimes(s, srv, fleet)
	return r
}

// idealTimes are those at which machines were done if the server were never idle while one
// of them waits, answered as many requests as it did, and no machine asked in vain.
func idealTimes(s scenario, srv *server, fleet []*machine) []time.Duration {
	times := make([]time.Duration, len(fleet))
	for i, m := range fleet {
		times[i] = m.online.Sub(srv.began)
	}
	slices.Sort(times)
	each := time.Second * time.Duration(srv.answered) / time.Duration(len(fleet)) / time.Duration(s.rate)
	now := time.Duration(0)
	for i, online := range times {
		now = max(now, online)
		if now >= s.darkFrom && now < s.darkFrom+s.dark {
			now = s.darkFrom + s.dark
		}
		now += each
		times[i] = now
	}
	return times
}

// last is when the last machine was done.
func (r result) last() time.Duration { return r.done[len(r.done)-1] }

// peak is the most requests in a second, but for the first one.
func (r result) peak() int { return slices.Max(r.arrived[1:]) }

func (r result) String() string {
	ideal := r.ideal[len(r.ideal)-1]
	times := func(d time.Duration) string {
		return fmt.Sprintf("%.1f s (%.2f times the ideal)", d.Seconds(), d.Seconds()/ideal.Seconds())
	}
	sum := func(counts []int) (n int) {
		for _, c := range counts {
			n += c
		}
		return n
	}
	return fmt.Sprintf("%s: half done after %.1f s, 99 %% after %s, all with whole links %s, all %s; %d have given up, %d records have arrived; "+
		"%d requests, %d in the first second, then at most %d in one (%.2f times what the server can answer); %d refused connections",
		r.title(), r.done[len(r.done)/2].Seconds(), times(r.done[len(r.done)*99/100]), times(r.whole), times(r.last()), len(r.errs), r.reported,
		sum(r.arrived), r.arrived[0], r.peak(), float64(r.peak())/float64(r.rate), sum(r.refused))
}

// misses returns which of the goals were missed. A machine whose own link is broken must get
// there, but takes its time; what is more by chance in a second is allowed for.
func (r result) misses() error {
	var missed []error
	if len(r.errs) > 0 {
		missed = append(missed, fmt.Errorf("%d machines have given up, one of them: %w", len(r.errs), r.errs[0]))
	}
	if most := r.ideal[len(r.ideal)-1] * 13 / 10; r.whole > most {
		missed = append(missed, fmt.Errorf("the last machine was done after %v, want %v", r.whole, most))
	}
	for second, n := range r.arrived[1:] {
		times := 2.0
		if second == 0 { // the first machines make their next requests
			times = 2.5
		}
		most := times*float64(r.rate) + 5*math.Sqrt(times*float64(r.rate))
		if float64(n) > most {
			missed = append(missed, fmt.Errorf("%d requests in a second, want %.0f", n, most))
		}
	}
	return errors.Join(missed...)
}

func TestFleetIsProvisionedByAServerThatIsDarkForAWhile(t *testing.T) {
	var all []comparison
	for _, s := range []scenario{atOnce(*machines), in100Seconds(*machines), in1000Seconds(*machines)} {
		t.Run(s.title(), func(t *testing.T) {
			ours := run(t, s, nil)
			t.Log(ours)
			if err := ours.misses(); err != nil {
				t.Error(err)
			}
			if *plots != "" && s.darkFrom < time.Minute { // in 1000 s there is nothing to see
				fixed := run(t, s, fixedDoubling)
				t.Log("with fixed pauses: ", fixed)
				all = append(all, comparison{ours, fixed})
			}
		})
	}
	if *plots != "" {
		if err := drawAll(*plots, all); err != nil {
			t.Fatal(err)
		}
	}
}

// The goals are ones that can be missed.
func TestFixedPausesMissTheGoals(t *testing.T) {
	r := run(t, atOnce(*machines), fixedDoubling)
	t.Log(r)
	if err := r.misses(); err == nil || !strings.Contains(err.Error(), "requests in a second") {
		t.Errorf("got %v", err)
	}
}

// Who is told when to come again does not come at the same moment as all others.
func TestRetryAfterSpreadsAFleet(t *testing.T) {
	s := atOnce(*machines)
	s.dark, s.retryAfter = 0, "20"
	r := run(t, s, nil)
	t.Log(r)
	if most := s.machines / 5; r.peak() > most || len(r.errs) > 0 {
		t.Errorf("%d requests in a second, want at most %d; errors %v", r.peak(), most, r.errs)
	}
	if early := slices.Max(r.arrived[2:20]); early > s.rate*3/2 {
		t.Errorf("%d requests in a second before the time that the server has told", early)
	}
}
