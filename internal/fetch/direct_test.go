package fetch

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"github.com/firstlight-os/firstlight/config"
)

func TestDirectRequestsDoNotUseTheProxy(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "direct") }))
	defer srv.Close()
	c, _, _ := newTestClient(t)
	dead := "http://127.0.0.1:1"
	if err := c.Configure(t.Context(), config.Ignition{Proxy: config.Proxy{HTTPProxy: &dead}}); err != nil {
		t.Fatal(err)
	}
	// A name would be asked for at the proxy; 127.0.0.1 never is, so look at the rule.
	req, _ := http.NewRequest(http.MethodGet, "http://169.254.169.254/", nil)
	if u, err := c.transports().direct.Proxy(req); u != nil || err != nil {
		t.Errorf("asked through %v, %v", u, err)
	}
	if u, err := c.transports().proxied.Proxy(req); u == nil || err != nil {
		t.Errorf("contents are asked for through %v, %v", u, err)
	}
	if got, err := getDirect(t, c, srv.URL, false); got != "direct" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func getDirect(t *testing.T, c *Client, url string, fromLowPort bool) (string, error) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.SendDirect(t.Context(), req, fromLowPort)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return string(text), err
}

func TestRequestsFromLowPorts(t *testing.T) {
	var from []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { from = append(from, r.RemoteAddr) }))
	defer srv.Close()
	c, _, _ := newTestClient(t)
	if _, err := getDirect(t, c, srv.URL, true); err != nil {
		if !errors.Is(err, syscall.EACCES) || Hint(err) != "run this as root" {
			t.Errorf("got %v", err)
		}
		return // not root
	}
	if len(from) != 1 || len(from[0])-strings.LastIndex(from[0], ":") > 5 {
		t.Errorf("asked from %v", from)
	}
}
