package fetch

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

func TestServersAreAskedOnceAndWithTheHeadersOfTheConfig(t *testing.T) {
	var requests testkit.Output
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Write([]byte(r.Method + " " + r.URL.Path + " " + r.Header.Get("X-Key") + "\n"))
		switch r.URL.Path {
		case "/busy":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/sized":
			w.Header().Set("Content-Length", "3")
		}
	}))
	defer s.Close()
	c := New(nil, 0)
	ask := func(path string) (int64, error) {
		source, value := s.URL+path, "k"
		return c.Ask(context.Background(), config.Resource{Source: &source, HTTPHeaders: []config.HTTPHeader{{Name: "X-Key", Value: &value}}})
	}
	size, err := ask("/sized")
	testkit.NoError(t, err)
	testkit.Equal(t, "size", size, 3)
	size, err = ask("/unsized")
	testkit.NoError(t, err)
	testkit.Equal(t, "size", size, -1)
	_, err = ask("/busy")
	testkit.ErrorContains(t, "a busy server", err, "asking for "+s.URL+"/busy", "503")
	if !errors.Is(err, report.ErrFetch) {
		t.Errorf("%v is no failure to fetch", err)
	}
	testkit.Equal(t, "requests", requests.String(), "HEAD /sized k\nHEAD /unsized k\nHEAD /busy k\nGET /busy k\n")
}

func TestWhoCanBeAsked(t *testing.T) {
	for source, want := range map[string]bool{"http://a": true, "HTTPS://a": true, "s3://a/b": false, "data:,": false, "": false} {
		testkit.Equal(t, source, CanAsk(config.Resource{Source: &source}), want)
	}
}
