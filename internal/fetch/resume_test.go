package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// A part is one answer of a scripted server.
type scriptedResponse struct {
	text   string // what the whole file is now
	until  int    // where the connection ends; 0 is at the end
	tag    string // without one the server cannot be asked for the rest
	status int    // another than 200
	deaf   bool   // it does not know ranges
	header map[string]string
}

// A script is a server that answers one part after the other, and the last one
// for ever.
type scriptedServer struct {
	parts []scriptedResponse
	asked []string // the ranges
}

func (s *scriptedServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := s.parts[min(len(s.asked), len(s.parts)-1)]
	s.asked = append(s.asked, r.Header.Get("Range"))
	from := 0
	if p.tag != "" {
		w.Header().Set("ETag", p.tag)
	}
	status := http.StatusOK
	if n, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes="); ok && !p.deaf && r.Header.Get("If-Range") == p.tag {
		from, _ = strconv.Atoi(strings.TrimSuffix(n, "-"))
		status = http.StatusPartialContent
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(p.text)-1, len(p.text)))
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(p.text)-from))
	for name, value := range p.header {
		w.Header().Set(name, value)
	}
	if p.header["Transfer-Encoding"] != "" {
		w.Header().Del("Content-Length")
	}
	if p.status != 0 {
		status = p.status
	}
	w.WriteHeader(status)
	end := len(p.text)
	if p.until > 0 {
		end = p.until
	}
	io.WriteString(w, p.text[min(from, end):end])
	if end < len(p.text) {
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

const letters = "abcdefghijklmnopqrstuvwxyz"

var capitals = strings.ToUpper(letters)

func TestBrokenTransfersAreResumed(t *testing.T) {
	for name, tc := range map[string]struct {
		parts []scriptedResponse
		want  string // the text, or a part of the error
		asked string
	}{
		"with ranges": {[]scriptedResponse{{text: letters, until: 10, tag: `"1"`}, {text: letters, until: 20, tag: `"1"`}, {text: letters, tag: `"1"`}},
			letters, ", bytes=10-, bytes=20-"},
		"server without ranges": {[]scriptedResponse{{text: letters, until: 10, tag: `"1"`}, {text: letters, tag: `"1"`, deaf: true}},
			letters, ", bytes=10-"},
		"server without tags": {[]scriptedResponse{{text: letters, until: 10}, {text: letters}},
			letters, ", "},
		"a new tag, the same beginning": {[]scriptedResponse{{text: letters, until: 10, tag: `"1"`}, {text: letters[:10] + "0123", tag: `"2"`}},
			letters[:10] + "0123", ", bytes=10-"},
		"trouble in between": {[]scriptedResponse{{text: letters, until: 10, tag: `"1"`}, {text: "busy", status: 503}, {text: letters, tag: `"1"`}},
			letters, ", bytes=10-, bytes=10-"},
		"the file is too short now": {[]scriptedResponse{{text: letters, until: 10, tag: `"1"`}, {text: "short", tag: `"1"`, status: 416}, {text: letters, tag: `"1"`}},
			letters, ", bytes=10-, "},
		"a wrong range": {[]scriptedResponse{{text: letters, until: 10, tag: `"1"`}, {text: letters, tag: `"1"`, header: map[string]string{"Content-Range": "bytes 9-25/26"}}, {text: letters, tag: `"1"`}},
			letters, ", bytes=10-, "},
		"a longer rest than its range": {[]scriptedResponse{{text: letters, until: 10, tag: `"1"`}, {text: letters, tag: `"1"`, header: map[string]string{"Content-Range": "bytes 10-25/26"}, deaf: true, status: 206}, {text: letters, tag: `"1"`}},
			letters, ", bytes=10-, "},
		"a longer rest without a length": {[]scriptedResponse{{text: letters, until: 10, tag: `"1"`}, {text: letters, tag: `"1"`, header: map[string]string{"Content-Range": "bytes 10-25/26", "Transfer-Encoding": "identity"}, deaf: true, status: 206}, {text: letters, tag: `"1"`}},
			letters, ", bytes=10-, "},
		"another size with the same tag": {[]scriptedResponse{{text: letters, until: 10, tag: `"1"`}, {text: letters + "0", tag: `"1"`}, {text: letters, tag: `"1"`}},
			letters, ", bytes=10-, "},
		"the file was changed": {[]scriptedResponse{{text: letters, until: 10, tag: `"1"`}, {text: capitals, tag: `"2"`}},
			capitals, ", bytes=10-, "},
		"the file has become shorter": {[]scriptedResponse{{text: letters, until: 10, tag: `"1"`}, {text: "short", tag: `"2"`}},
			"short", ", bytes=10-, "},
		"the file changes all the time": {[]scriptedResponse{{text: letters, until: 10}, {text: capitals}, {text: letters, until: 10}, {text: capitals}, {text: letters, until: 10}, {text: capitals}},
			"the file on the server was changed while it was fetched", ", , , , , "},
		"an error in between": {[]scriptedResponse{{text: letters, until: 10, tag: `"1"`}, {text: "no", status: 403}},
			"the server answered 403 Forbidden", ", bytes=10-"},
		"always at the same place": {[]scriptedResponse{{text: letters, until: 10, tag: `"1"`}},
			"HTTP: the answer broke off after 10 of 26 bytes, 10 times in a row at the same position", strings.Repeat(", bytes=10-", 10)},
		"always before that place": {[]scriptedResponse{{text: letters, until: 10}, {text: letters, until: 9}},
			"HTTP: the answer broke off after 10 of 26 bytes, 10 times in a row at the same position", strings.Repeat(", ", 10)},
	} {
		t.Run(name, func(t *testing.T) {
			s := &scriptedServer{parts: tc.parts}
			srv := httptest.NewServer(s)
			defer srv.Close()
			c, _, log := newTestClient(t)
			got, err := get(t, c, resourceOf(srv.URL))
			if err != nil && !strings.Contains(err.Error(), tc.want) || err == nil && got != tc.want {
				t.Errorf("got %q, %v, want %q", got, err, tc.want)
			}
			if asked := strings.Join(s.asked, ", "); asked != tc.asked {
				t.Errorf("asked for %q, want %q\n%s", asked, tc.asked, log)
			}
		})
	}
}

func TestChangedResourceReplacesOnlyWhatWasWritten(t *testing.T) {
	c, _, log := newTestClient(t)
	srv := httptest.NewServer(&scriptedServer{parts: []scriptedResponse{{text: letters, until: 10}, {text: "new"}}})
	defer srv.Close()
	f := &truncatableBuffer{}
	io.WriteString(f, "before ")
	if err := c.Fetch(t.Context(), resourceOf(srv.URL), f); err != nil {
		t.Fatal(err)
	}
	io.WriteString(f, " after")
	if got := f.String(); got != "before new after" {
		t.Errorf("got %q", got)
	}
	if !strings.Contains(log.String(), "WARNING  : fetching "+srv.URL+": the file on the server was changed while it was fetched; it is begun again") {
		t.Errorf("the log says:\n%s", log)
	}
}

type truncatableBuffer struct{ bytes.Buffer }

func (b *truncatableBuffer) Size() int64 { return int64(b.Len()) }

func (b *truncatableBuffer) Truncate(size int64) error {
	b.Buffer.Truncate(int(size))
	return nil
}

func TestChangedResourceFailsIfTheWriterCannotTruncate(t *testing.T) {
	for name, w := range map[string]io.Writer{"no file": io.MultiWriter(&bytes.Buffer{}), "a pipe": pipe(t)} {
		c, _, _ := newTestClient(t)
		srv := httptest.NewServer(&scriptedServer{parts: []scriptedResponse{{text: letters, until: 10}, {text: "new"}}})
		if err := c.Fetch(t.Context(), resourceOf(srv.URL), w); !errors.Is(err, errChanged) {
			t.Errorf("%s: got %v", name, err)
		}
		srv.Close()
	}
}

func pipe(t *testing.T) io.Writer {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return w
}

func TestHashAndCompressionAreOfTheResumedWhole(t *testing.T) {
	text := strings.Repeat(letters, 1000)
	zipped := testkit.Gzip(text)
	c, _, _ := newTestClient(t)
	srv := httptest.NewServer(&scriptedServer{parts: []scriptedResponse{{text: zipped, until: 50, tag: `"1"`}, {text: zipped, until: 100, tag: `"1"`}, {text: zipped, tag: `"1"`}}})
	defer srv.Close()
	r, gz := resourceOf(srv.URL), "gzip"
	r.Compression = &gz
	if got, err := get(t, c, r); err != nil || got != text {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

func TestStalledTransfersAreResumed(t *testing.T) {
	requests := 0
	inBubble(t, 0, func(w http.ResponseWriter, r *http.Request) {
		if requests++; requests == 1 {
			w.Header().Set("Content-Length", "26")
			io.WriteString(w, letters[:10])
			w.(http.Flusher).Flush()
			<-r.Context().Done() // until the client gives up
			return
		}
		io.WriteString(w, letters)
	}, func(t *testing.T, c *Client, log *testkit.Output) {
		if got, err := get(t, c, resourceOf("http://server/")); err != nil || got != letters {
			t.Errorf("got %q, %v", got, err)
		}
		if !strings.Contains(log.String(), "HTTP: the server sends nothing more for 30s, after 10 of 26 bytes (for 0s so far, 1 attempt; again in ") {
			t.Errorf("the log says:\n%s", log)
		}
	})
}

func TestSlowReadersDoNotStallAServer(t *testing.T) {
	inBubble(t, 0, func(w http.ResponseWriter, r *http.Request) { w.Write(make([]byte, 1<<20)) }, func(t *testing.T, c *Client, log *testkit.Output) {
		slow := writerFunc(func(p []byte) (int, error) {
			time.Sleep(time.Hour) // 32 times
			return len(p), nil
		})
		if err := c.Fetch(t.Context(), resourceOf("http://server/"), slow); err != nil || strings.Contains(log.String(), "sends nothing") {
			t.Errorf("got %v\n%s", err, log)
		}
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestTotalTimeoutEndsATransferAndSaysWhereItWas(t *testing.T) {
	inBubble(t, 10*time.Second, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "26")
		io.WriteString(w, letters[:10])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}, func(t *testing.T, c *Client, log *testkit.Output) {
		_, err := get(t, c, resourceOf("http://server/"))
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "it took longer than 10s; the last error was:\nnone, the transfer was at 10 of 26 bytes") {
			t.Errorf("got %v", err)
		}
	})
}

func TestCancelledTransfersEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		cancel()
		<-r.Context().Done()
	}))
	defer srv.Close()
	c, _, _ := newTestClient(t)
	if err := c.Fetch(ctx, resourceOf(srv.URL), io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestNoConnectionIsLeftBehind(t *testing.T) {
	c, _, _ := newTestClient(t)
	srv := httptest.NewUnstartedServer(&scriptedServer{parts: []scriptedResponse{{text: letters, until: 10, tag: `"1"`}, {text: letters, tag: `"1"`}}})
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	srv.Config.ConnState = func(conn net.Conn, state http.ConnState) {
		mu.Lock()
		defer mu.Unlock()
		if open[conn] = true; state == http.StateClosed {
			delete(open, conn)
		}
	}
	srv.Start()
	for range 20 {
		if _, err := get(t, c, resourceOf(srv.URL)); err != nil {
			t.Fatal(err)
		}
	}
	srv.Close() // waits for all
	mu.Lock()
	defer mu.Unlock()
	if len(open) > 1 {
		t.Errorf("%d connections are still open", len(open))
	}
	if forHost, all := c.limits.slots(strings.TrimPrefix(srv.URL, "http://")); len(forHost)+len(all) > 0 {
		t.Errorf("%d and %d slots are still taken", len(forHost), len(all))
	}
}

func TestEmptyResources(t *testing.T) {
	for _, status := range []int{200, 204} {
		c, _, _ := newTestClient(t)
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(status) }))
		if got, err := get(t, c, config.Resource{Source: &srv.URL}); err != nil || got != "" {
			t.Errorf("%d: got %q, %v", status, got, err)
		}
		srv.Close()
	}
}
