package fetch

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
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
	service := &url.URL{Scheme: "http", Host: "169.254.169.254"}
	if u := c.transports().direct.Proxy(service); u != nil {
		t.Errorf("asked through %v", u)
	}
	if u := c.transports().proxied.Proxy(service); u == nil || u.Host != "127.0.0.1:1" {
		t.Errorf("contents are asked for through %v", u)
	}
	if got, err := getDirect(t, c, srv.URL, false); got != "direct" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func getDirect(t *testing.T, c *Client, source string, fromLowPort bool) (string, error) {
	t.Helper()
	u, err := url.Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.SendDirect(t.Context(), newGet(u, defaultHeaders()), fromLowPort)
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
