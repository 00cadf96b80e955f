package system_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/system/systemtest"
)

func TestFailedUnits(t *testing.T) {
	for name, c := range map[string]struct {
		answer systemtest.Answer
		want   []string
		fails  bool
	}{
		"none":            {systemtest.Answer{}, nil, false},
		"two":             {systemtest.Answer{Stdout: "a.service        loaded failed failed An operation\n  b\x1b[2J.mount loaded failed failed /b\n"}, []string{"a.service", "b?[2J.mount"}, false},
		"without systemd": {systemtest.Answer{Err: errors.New("exit status 1")}, nil, true},
	} {
		run := &systemtest.Recorder{Answers: map[string]systemtest.Answer{"systemctl list-units --state=failed": c.answer}}
		if got, err := system.FailedUnits(t.Context(), run); !slices.Equal(got, c.want) || (err != nil) != c.fails {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}
