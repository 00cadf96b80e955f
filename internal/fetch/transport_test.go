package fetch

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// A connection that is not answered is begun once more, and one that fails in another way,
// or whose request was given up, is not.
func TestAConnectionThatIsNotAnsweredIsBegunOnceMore(t *testing.T) {
	noAnswer := &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx      context.Context
		results  []error
		timeouts []time.Duration
	}{
		"at once":                 {t.Context(), []error{nil}, []time.Duration{3 * time.Second}},
		"the second time":         {t.Context(), []error{noAnswer, nil}, []time.Duration{3 * time.Second, 27 * time.Second}},
		"never":                   {t.Context(), []error{noAnswer, noAnswer}, []time.Duration{3 * time.Second, 27 * time.Second}},
		"refused":                 {t.Context(), []error{refused}, []time.Duration{3 * time.Second}},
		"the request is over":     {over, []error{noAnswer}, []time.Duration{3 * time.Second}},
		"refused the second time": {t.Context(), []error{noAnswer, refused}, []time.Duration{3 * time.Second, 27 * time.Second}},
	} {
		var timeouts []time.Duration
		results := c.results
		_, err := dialTwice(c.ctx, func(timeout time.Duration) (net.Conn, error) {
			timeouts = append(timeouts, timeout)
			result := results[0]
			results = results[1:]
			return nil, result
		})
		testkit.Equal(t, name, timeouts, c.timeouts)
		if want := c.results[len(c.results)-1]; !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
	}
}
