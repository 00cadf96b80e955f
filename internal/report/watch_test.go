package report

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestOnlyWhatTakesLongIsLoggedWhenItStarts(t *testing.T) {
	sleep := func(d time.Duration) func() error { return func() error { time.Sleep(d); return nil } }
	for name, c := range map[string]struct {
		workers int
		plan    Plan
		want    string
	}{
		"short ones": {1, Plan{op("a", sleep(time.Millisecond)), op("b", sleep(999*time.Millisecond))},
			"INFO     : op(1): [finished] a (0.001 s)\nINFO     : op(2): [finished] b (0.999 s)\n"},
		"a long one among short ones": {1, Plan{op("a", sleep(900*time.Millisecond)), op("b", sleep(5*time.Second)), op("c", sleep(0))},
			"INFO     : op(1): [finished] a (0.900 s)\nINFO     : op(2): [started]  b\nINFO     : op(2): [finished] b (5.000 s)\nINFO     : op(3): [finished] c (0.000 s)\n"},
		"a long one that fails": {1, Plan{op("a", func() error { time.Sleep(2 * time.Second); return errors.New("no space") })},
			"INFO     : op(1): [started]  a\nNOTICE   : op(1): [failed]   a: no space\n"},
		"a long one after a pause": {1, Plan{op("a", sleep(1500*time.Millisecond)), op("b", sleep(1500*time.Millisecond))},
			"INFO     : op(1): [started]  a\nINFO     : op(1): [finished] a (1.500 s)\nINFO     : op(2): [started]  b\nINFO     : op(2): [finished] b (1.500 s)\n"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, log := runner(c.workers)
				_ = r.Run(context.Background(), c.plan)
				if log.String() != c.want {
					t.Errorf("the log is\n%swant\n%s", log, c.want)
				}
			})
		})
	}
}

func TestLongOperationsThatRunAtOnceAreAllLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, log := runner(2)
		second := op("b", func() error { time.Sleep(400 * time.Millisecond); return nil })
		plan := Plan{op("a", func() error { time.Sleep(3 * time.Second); return nil }), second, op("c", func() error { time.Sleep(3 * time.Second); return nil }, second)}
		if err := r.Run(context.Background(), plan); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"[started]  a\n", "[started]  c\n", "[finished] a (3.000 s)\n", "[finished] b (0.400 s)\n", "[finished] c (3.000 s)\n"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("%q is not in\n%s", want, log)
			}
		}
		if strings.Contains(log.String(), "[started]  b") {
			t.Errorf("a short operation is logged when it starts:\n%s", log)
		}
	})
}
