package providers

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/report"
)

// newLoggedEnv is newEnv, and what was logged.
func newLoggedEnv(t *testing.T) (*Env, *bytes.Buffer) {
	env, log := newEnv(t), new(bytes.Buffer)
	env.Log = report.NewWriterLogger(log)
	return env, log
}

// says checks that a failure tells a person all of this.
func says(t *testing.T, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("there is no error, want %q", want)
		return
	}
	unbroken := func(s string) string { return strings.NewReplacer("|", "", " ", "", "\n", "").Replace(s) }
	for _, w := range want {
		if box := report.Box("fetch", err); !strings.Contains(unbroken(box), unbroken(w)) {
			t.Errorf("%q is not in\n%s", w, box)
		}
	}
}

// gives checks that a platform gave this text, or none if it is "".
func gives(t *testing.T, want string) func(raw *UserData, err error) {
	return func(raw *UserData, err error) {
		t.Helper()
		var text string
		if raw != nil {
			text = string(raw.Text)
		}
		if err != nil || text != want {
			t.Errorf("got %.200q, %v, want %.200q", text, err, want)
		}
	}
}

func TestWaitIsAnnouncedAndEnds(t *testing.T) {
	env, log := newLoggedEnv(t)
	err := waitFor(context.Background(), env, "the moon", 300*time.Millisecond, func() (bool, error) { return false, nil })
	if err == nil || !strings.HasPrefix(err.Error(), "the moon has not appeared within 3") {
		t.Errorf("got %v", err)
	}
	if got := log.String(); strings.Count(got, "WARNING  : waiting for the moon, for 0s of 300ms so far\n") != 2 {
		t.Errorf("said %q", got)
	}
}

func TestWaitEndsWithWhatComes(t *testing.T) {
	env, log := newLoggedEnv(t)
	looks := 0
	err := waitFor(context.Background(), env, "it", time.Minute, func() (bool, error) { looks++; return looks == 2, nil })
	if err != nil || looks != 2 || log.Len() > 0 {
		t.Errorf("got %v after %d looks, said %q", err, looks, log)
	}
	bad := errors.New("bad")
	if err := waitFor(context.Background(), env, "it", time.Minute, func() (bool, error) { return false, bad }); err != bad {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := waitFor(ctx, env, "it", time.Minute, func() (bool, error) { return false, nil }); err == nil {
		t.Error("a wait that was called off has not failed")
	}
}
