package system

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"
)

func TestWaitLooksAtOnceAtEventsAndNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var looks []time.Duration
		w := Wait{What: "it", Limit: time.Minute, Every: 10 * time.Second, Wake: func(ctx context.Context) <-chan struct{} {
			wake := make(chan struct{})
			go func() {
				time.Sleep(3 * time.Second)
				wake <- struct{}{}
			}()
			return wake
		}}
		err := w.Until(t.Context(), func() (string, bool, error) {
			looks = append(looks, time.Since(start))
			return "", len(looks) == 4, nil
		})
		want := []time.Duration{0, 3 * time.Second, 13 * time.Second, 23 * time.Second}
		if err != nil || !reflect.DeepEqual(looks, want) {
			t.Errorf("got %v, looks at %v, want %v", err, looks, want)
		}
	})
}

func TestWhereThereAreEventsAWaitLooksOnlyWhenItWarnsToo(t *testing.T) {
	silent := func(context.Context) <-chan struct{} { return make(chan struct{}) }
	deaf := func(context.Context) <-chan struct{} { return nil }
	for name, c := range map[string]struct {
		wait Wait
		want int
	}{
		"events":                     {Wait{Wake: silent}, 1 + 5 + 1}, // after 10, 20, 40, 80 and 160 s
		"events that miss something": {Wait{Wake: silent, Every: 5 * time.Second}, 1 + 60 + 1},
		"nothing to listen to":       {Wait{Wake: deaf}, 1 + 300 + 1},
		"no events":                  {Wait{}, 1 + 300 + 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			looks := 0
			c.wait.Limit = 5*time.Minute + 100*time.Millisecond // the last look is because of it
			if err := c.wait.Until(t.Context(), func() (string, bool, error) { looks++; return "", false, nil }); err == nil {
				t.Error("it has come")
			}
			if looks != c.want {
				t.Errorf("%s: looked %d times, want %d", name, looks, c.want)
			}
		})
	}
}

func TestWaitWarnsWhileItLastsAndEndsWithWhatItSaw(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log []string
		w := Wait{What: "/dev/vdb", Limit: 70 * time.Second, Warn: func(text string, _ ...string) { log = append(log, text) }}
		err := w.Until(t.Context(), func() (string, bool, error) { return "here: vda", false, nil })
		var timeout *TimeoutError
		if !errors.As(err, &timeout) || err.Error() != "/dev/vdb has not appeared within 1m10s; here: vda" {
			t.Errorf("got %v", err)
		}
		want := []string{
			"waiting for /dev/vdb, for 10s so far, 1m0s left; here: vda",
			"waiting for /dev/vdb, for 20s so far, 50s left; here: vda",
			"waiting for /dev/vdb, for 40s so far, 30s left; here: vda",
		}
		if !reflect.DeepEqual(log, want) {
			t.Errorf("got  %q\nwant %q", log, want)
		}
	})
}

func TestWaitLooksALastTimeWhenTheLimitIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		err := Wait{What: "it", Limit: 1500 * time.Millisecond}.Until(t.Context(), func() (string, bool, error) {
			return "", time.Since(start) > time.Second, nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestWaitEndsWithTheErrorOfALookAndWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		if err := (Wait{What: "it"}).Until(t.Context(), func() (string, bool, error) { return "", false, broken }); err != broken {
			t.Errorf("got %v", err)
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, broken)
		defer cancel()
		err := Wait{What: "it"}.Until(ctx, func() (string, bool, error) { return "", false, nil })
		if !errors.Is(err, broken) || err.Error() != "waiting for it: broken" {
			t.Errorf("got %v", err)
		}
	})
}

func TestWaitIsNotedAtItsEndIfThereWasOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		waited := func(what string, since time.Time) { got = append(got, what+" for "+time.Since(since).String()) }
		done := false
		look := func() (string, bool, error) { return "", done, nil }
		if err := (Wait{What: "a", Limit: 3 * time.Second, Waited: waited}).Until(t.Context(), look); err == nil {
			t.Error("it has come")
		}
		done = true
		if err := (Wait{What: "b", Waited: waited}).Until(t.Context(), look); err != nil {
			t.Error(err)
		}
		if want := []string{"a for 3s"}; !reflect.DeepEqual(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
