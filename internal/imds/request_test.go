package imds

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"github.com/firstlight-os/firstlight/internal/fetch"
)

func TestRequestsAreRepeatedUntilTheServiceIsReady(t *testing.T) {
	var got []string
	statuses := []int{410, 429, 503, 200}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		got = append(got, fmt.Sprintf("%s %s %s %s", req.Method, req.URL, req.Header.Get("X-Flavor"), body))
		w.WriteHeader(statuses[min(len(got), len(statuses))-1])
		io.WriteString(w, "answer")
	}))
	defer srv.Close()
	c, _, _ := newTestClient(t)
	r := Request{Method: "POST", URL: srv.URL + "/x?k=v", Header: []string{"x-flavor", "F"}, Body: []byte("b"), RetryOn: []int{410}}
	if text, err := c.Do(t.Context(), r); string(text) != "answer" || err != nil || strings.Join(got, "\n") != strings.TrimSpace(strings.Repeat("POST /x?k=v F b\n", 4)) {
		t.Errorf("got %q, %v after\n%s", text, err, strings.Join(got, "\n"))
	}
	got, statuses = nil, []int{410}
	r.RetryOn = nil
	if _, err := c.Do(t.Context(), r); err == nil || !strings.Contains(err.Error(), "asking "+srv.URL+"/x?...: the server answered 410 Gone") || len(got) != 1 {
		t.Errorf("%d requests: %v", len(got), err)
	}
	if _, err := c.Do(t.Context(), Request{URL: "http://"}); err == nil || !strings.Contains(err.Error(), "this is not a URL that can be requested") {
		t.Errorf("got %v", err)
	}
	c.fetch.Offline = true
	if _, err := c.Do(t.Context(), r); !errors.Is(err, fetch.ErrNeedNetwork) {
		t.Errorf("offline: %v", err)
	}
}

func TestHintsAreThoseOfTheService(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"with a meaning":    {&fetch.StatusError{Code: 403}, "switch it on"},
		"without a meaning": {&fetch.StatusError{Code: 418}, "check that the kernel argument ignition.platform.id names the platform"},
		"not ready":         {&fetch.AttemptError{Kind: fetch.ServerBusy, Err: &fetch.StatusError{Code: 503}}, "the service is there but not ready"},
		"nobody listens":    {&fetch.AttemptError{Kind: fetch.ConnRefused, Err: syscall.ECONNREFUSED}, "check that the kernel argument ignition.platform.id names the platform"},
		"no network":        {&fetch.AttemptError{Kind: fetch.NoNetwork, Err: errors.New("no link")}, "check cable"},
	} {
		r := Request{Hints: []Hint{{403, "switch it on"}}}
		if got := r.hint(tc.err); !strings.HasPrefix(got, tc.want) {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestOfflineThereAreNoRequests(t *testing.T) {
	c, _, _ := newTestClient(t)
	c.fetch.Offline = true
	for _, r := range []Request{{URL: "http://192.0.2.1/"}, {URL: "http://192.0.2.1/", OtherHosts: []string{"192.0.2.2"}}, {URL: "http://192.0.2.1/", Token: EC2Token}} {
		if _, err := c.Do(t.Context(), r); !errors.Is(err, fetch.ErrNeedNetwork) {
			t.Errorf("%+v: %v", r, err)
		}
	}
}
