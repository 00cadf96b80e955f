package providers

import (
	"bytes"
	"strings"
	"testing"

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
