package imds

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/fetch"
)

func TestBestResponseIsChosen(t *testing.T) {
	refused := &fetch.StatusError{Code: 403, Status: "403 Forbidden"}
	missing := &fetch.StatusError{Code: 404, Status: "404 Not Found"}
	waiting, unreachable := attempt{}, attempt{unreachable: true}
	something, empty := attempt{done: true, body: []byte("x")}, attempt{done: true}
	notFound, forbidden, outOfTime := attempt{done: true, err: missing}, attempt{done: true, err: refused}, attempt{done: true, err: context.DeadlineExceeded}
	for name, tc := range map[string]struct {
		attempts []attempt
		late     bool
		want     int // -1 is that nothing can be said yet
	}{
		"nobody has answered":                 {[]attempt{waiting, unreachable}, false, -1},
		"nobody can answer":                   {[]attempt{unreachable, unreachable}, false, -1},
		"something":                           {[]attempt{something, waiting}, false, 0},
		"something from the second":           {[]attempt{waiting, something}, false, 1},
		"something after nothing":             {[]attempt{notFound, something}, false, 1},
		"something after an error":            {[]attempt{forbidden, something}, false, 1},
		"nothing, and another is asked":       {[]attempt{notFound, waiting}, false, -1},
		"nothing, and another is unreachable": {[]attempt{notFound, unreachable}, false, 0},
		"nothing, and the other one is late":  {[]attempt{notFound, waiting}, true, 0},
		"an error, and another is asked":      {[]attempt{forbidden, waiting}, false, -1},
		"nothing beats an error":              {[]attempt{forbidden, notFound}, false, 1},
		"empty beats not found":               {[]attempt{notFound, empty}, false, 1},
		"an error beats the end of the time":  {[]attempt{outOfTime, forbidden}, false, 1},
		"out of time, as another soon is":     {[]attempt{unreachable, outOfTime}, false, -1},
		"out of time, all of them":            {[]attempt{outOfTime, outOfTime}, false, 0},
		"of equals the first":                 {[]attempt{notFound, notFound}, false, 0},
		"three":                               {[]attempt{notFound, unreachable, something}, false, 2},
	} {
		want := (*attempt)(nil)
		if tc.want >= 0 {
			want = &tc.attempts[tc.want]
		}
		if got := choose(tc.attempts, tc.late, false); got != want {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

// serve starts a server that answers with a status and a text, once wait is closed.
func serve(t *testing.T, status int, text string, wait <-chan struct{}) (host string) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-wait:
		case <-r.Context().Done():
		}
		w.WriteHeader(status)
		io.WriteString(w, text)
	}))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

// closedPort returns an address at which nobody listens.
func closedPort(t *testing.T) (host string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestServicesWithSeveralHosts(t *testing.T) {
	at := make(chan struct{}) // at once
	close(at)
	never := make(chan struct{})
	const long = time.Minute
	for name, tc := range map[string]struct {
		first, second    string
		headStart, grace time.Duration
		want, err        string
	}{
		"the first has it":                 {serve(t, 200, "config", at), serve(t, 200, "other", never), long, long, "config", ""},
		"the first is silent":              {serve(t, 200, "config", never), serve(t, 200, "other", at), 0, long, "other", ""},
		"the first is refused":             {closedPort(t), serve(t, 200, "other", at), long, long, "other", ""},
		"the first has nothing":            {serve(t, 404, "", at), serve(t, 200, "other", at), long, long, "other", ""},
		"the first forbids":                {serve(t, 403, "", at), serve(t, 200, "other", at), long, long, "other", ""},
		"neither has it":                   {serve(t, 404, "", at), serve(t, 200, "", at), long, long, "", ""},
		"nothing, and nobody else":         {serve(t, 404, "", at), closedPort(t), long, long, "", "404 Not Found"},
		"nothing, and the other is silent": {serve(t, 404, "", at), serve(t, 200, "other", never), long, 0, "", "404 Not Found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := New(fetch.New(nil, 0))
			c.headStart, c.grace = tc.headStart, tc.grace
			got, err := c.Do(t.Context(), Request{URL: "http://" + tc.first + "/x", OtherHosts: []string{tc.second}})
			if string(got) != tc.want || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestServiceThatNobodyReachesEndsWithItsTime(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	first := closedPort(t)
	c := fetch.New(nil, 0)
	c.Clock.Sleep = func(ctx context.Context, _ time.Duration) error {
		cancel(context.DeadlineExceeded) // before the second attempt
		return ctx.Err()
	}
	_, err := New(c).Do(ctx, Request{URL: "http://" + first + "/x", OtherHosts: []string{closedPort(t)}})
	if err == nil || !strings.Contains(err.Error(), "asking http://"+first+"/x: its time limit was reached; the last error was:\nTCP: the server at "+first+" refuses the connection") {
		t.Errorf("got %v", err)
	}
}
