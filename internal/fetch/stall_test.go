package fetch

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

func TestSlowServersAreNamedAndEnded(t *testing.T) {
	body := strings.Repeat("x", 1000)
	inBubble(t, 0, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("Range") != "" {
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(body))
			return
		}
		time.Sleep(9 * time.Second)
		w.Header().Set("Content-Length", "1000")
		for range 1000 {
			if _, err := io.WriteString(w, "x"); err != nil || w.(interface{ FlushError() error }).FlushError() != nil {
				return
			}
			time.Sleep(2 * time.Second)
		}
	}, func(t *testing.T, c *Client, log *testkit.Output) {
		got, err := get(t, c, resourceOf("http://server/"))
		if err != nil || got != body {
			t.Errorf("got %d bytes, %v", len(got), err)
		}
		for _, want := range []string{
			"WARNING  : GET http://server/: 1 of 1000 bytes are here (for 10s so far)\n",
			"WARNING  : GET http://server/: 6 of 1000 bytes are here (for 20s so far)\n",
			"GET http://server/: HTTP: the server sends nothing more, or nearly nothing: less than 4 KiB in 2m0s, after 61 of 1000 bytes",
		} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("%q is not in:\n%s", want, log)
			}
		}
		time.Sleep(time.Hour)
		if n := strings.Count(log.String(), "are here"); n != 4 {
			t.Errorf("%d lines of progress:\n%s", n, log)
		}
	})
}

func TestSilenceBeforeTheAnswerIsNamed(t *testing.T) {
	inBubble(t, time.Minute, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, func(t *testing.T, c *Client, log *testkit.Output) {
		c.current.proxied.ResponseHeaderTimeout = 0
		_, err := get(t, c, resourceOf("http://server/"))
		if err == nil || !strings.Contains(log.String(), "WARNING  : GET http://server/: waiting for the server (for 10s so far)\n") {
			t.Errorf("got %v\n%s", err, log)
		}
	})
}

// A service of the platform has the same limits as other servers.
func TestSlowServicesOfThePlatformAreEnded(t *testing.T) {
	inBubble(t, 0, func(w http.ResponseWriter, r *http.Request) {
		for range 10_000 {
			if _, err := io.WriteString(w, "x"); err != nil || w.(interface{ FlushError() error }).FlushError() != nil {
				return
			}
			time.Sleep(20 * time.Second)
		}
	}, func(t *testing.T, c *Client, log *testkit.Output) {
		c.current.direct.DialContext = c.current.proxied.DialContext
		defer c.current.direct.CloseIdleConnections()
		u, err := url.Parse("http://server/")
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.SendDirect(t.Context(), newGet(u, defaultHeaders()), false)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); !errors.Is(err, ErrStalled) || len(body) > 10 {
			t.Errorf("got %d bytes, %v", len(body), err)
		}
		resp.Body.Close()
		time.Sleep(time.Minute) // until the server knows
	})
}
