package fetch

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestWhichAnswerCounts(t *testing.T) {
	refused := &StatusError{Code: 403, Status: "403 Forbidden"}
	missing := &StatusError{Code: 404, Status: "404 Not Found"}
	asking, away := racer{}, racer{away: true}
	something, empty := racer{done: true, text: []byte("x")}, racer{done: true}
	notFound, forbidden, outOfTime := racer{done: true, err: missing}, racer{done: true, err: refused}, racer{done: true, err: &timeoutError{0, missing}}
	for name, tc := range map[string]struct {
		racers []racer
		late   bool
		want   int // -1 is that nothing can be said yet
	}{
		"nobody has answered":                {[]racer{asking, away}, false, -1},
		"nobody can answer":                  {[]racer{away, away}, false, -1},
		"something":                          {[]racer{something, asking}, false, 0},
		"something from the second":          {[]racer{asking, something}, false, 1},
		"something after nothing":            {[]racer{notFound, something}, false, 1},
		"something after an error":           {[]racer{forbidden, something}, false, 1},
		"nothing, and another is asked":      {[]racer{notFound, asking}, false, -1},
		"nothing, and another is away":       {[]racer{notFound, away}, false, 0},
		"nothing, and the other one is late": {[]racer{notFound, asking}, true, 0},
		"an error, and another is asked":     {[]racer{forbidden, asking}, false, -1},
		"nothing beats an error":             {[]racer{forbidden, notFound}, false, 1},
		"empty beats not found":              {[]racer{notFound, empty}, false, 1},
		"an error beats the end of the time": {[]racer{outOfTime, forbidden}, false, 1},
		"out of time, as another soon is":    {[]racer{away, outOfTime}, false, -1},
		"out of time, all of them":           {[]racer{outOfTime, outOfTime}, false, 0},
		"of equals the first":                {[]racer{notFound, notFound}, false, 0},
		"three":                              {[]racer{notFound, away, something}, false, 2},
	} {
		want := (*racer)(nil)
		if tc.want >= 0 {
			want = &tc.racers[tc.want]
		}
		if got := settle(tc.racers, tc.late); got != want {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func saying(t *testing.T, status int, text string, after time.Duration) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(after):
		case <-r.Context().Done():
		}
		w.WriteHeader(status)
		io.WriteString(w, text)
	}))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

// closed is an address where nobody listens.
func closed(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestServicesWithSeveralAddresses(t *testing.T) {
	const soon, never = 0, time.Hour
	for name, tc := range map[string]struct {
		first, second string
		want, err     string
		most          time.Duration
	}{
		"the first has it":                 {saying(t, 200, "config", soon), saying(t, 200, "other", never), "config", "", time.Second},
		"the first is silent":              {saying(t, 200, "config", never), saying(t, 200, "other", soon), "other", "", time.Second},
		"the first is refused":             {closed(t), saying(t, 200, "other", soon), "other", "", time.Second},
		"the first has nothing":            {saying(t, 404, "", soon), saying(t, 200, "other", time.Second), "other", "", 1900 * time.Millisecond},
		"the first forbids":                {saying(t, 403, "", soon), saying(t, 200, "other", soon), "other", "", time.Second},
		"neither has it":                   {saying(t, 404, "", soon), saying(t, 200, "", soon), "", "", time.Second},
		"nothing, and nobody else":         {saying(t, 404, "", soon), closed(t), "", "404 Not Found", time.Second},
		"nothing, and the other is silent": {saying(t, 404, "", soon), saying(t, 200, "other", never), "", "404 Not Found", raceGrace + time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := client(t)
			began := time.Now()
			got, err := c.DoMetadata(t.Context(), MetadataRequest{URL: "http://" + tc.first + "/x", OtherHosts: []string{tc.second}})
			if string(got) != tc.want || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("got %q, %v", got, err)
			}
			if took := time.Since(began); took > tc.most {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestServiceThatNobodyReachesEndsWithItsTime(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	c, _ := client(t)
	first := closed(t)
	_, err := c.DoMetadata(ctx, MetadataRequest{URL: "http://" + first + "/x", OtherHosts: []string{closed(t)}})
	if err == nil || !strings.Contains(err.Error(), "asking http://"+first+"/x: the time for it was over; the last trouble was:\nTCP: the server at "+first+" refuses the connection") {
		t.Errorf("got %v", err)
	}
}

func TestOfflineNobodyIsAsked(t *testing.T) {
	c, _ := client(t)
	c.Offline = true
	for _, q := range []MetadataRequest{{URL: "http://192.0.2.1/"}, {URL: "http://192.0.2.1/", OtherHosts: []string{"192.0.2.2"}}, {URL: "http://192.0.2.1/", Token: EC2Token}} {
		if _, err := c.DoMetadata(t.Context(), q); !errors.Is(err, ErrNeedNetwork) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}
