package fetch_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/fetch"
)

var quiet = log.New(io.Discard, "", 0)

// raw is a server of its own words: it reads a request and answers with bytes.
func raw(t *testing.T, answers ...string) (url string, asked *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	asked = new(atomic.Int32)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			n := int(asked.Add(1))
			go func() {
				defer conn.Close()
				io.ReadAtLeast(conn, make([]byte, 4096), 16)
				io.WriteString(conn, answers[min(n, len(answers))-1])
			}()
		}
	}()
	return "http://" + l.Addr().String() + "/f", asked
}

func TestTransferSurvivesEverythingAtOnce(t *testing.T) {
	body := make([]byte, 1<<20)
	random := rand.NewChaCha8([32]byte{1})
	random.Read(body)
	sum := sha256.Sum256(body)
	var asked, ranges atomic.Int32
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v1"`)
		n := asked.Add(1)
		if strings.HasPrefix(r.Header.Get("Range"), "bytes=") {
			ranges.Add(1)
		}
		switch n % 5 {
		case 0:
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(http.StatusServiceUnavailable)
		case 1, 2:
			// A connection that ends early: the promised length is not reached.
			http.ServeContent(&cutWriter{ResponseWriter: w, left: 100_000}, r, "", time.Time{}, strings.NewReader(string(body)))
		case 3: // one that goes silent
			http.ServeContent(&cutWriter{ResponseWriter: w, left: 50_000, silent: r}, r, "", time.Time{}, strings.NewReader(string(body)))
		case 4: // a server that forgets ranges
			r.Header.Del("Range")
			http.ServeContent(&cutWriter{ResponseWriter: w, left: 600_000 + int(n)*20_000}, r, "", time.Time{}, strings.NewReader(string(body)))
		}
	})
	c, log := newClient(t)
	c.StallTimeout = time.Second
	r := resource(srv.URL)
	hash := "sha256-" + hex.EncodeToString(sum[:])
	r.Verification.Hash = &hash
	if got, err := get(t, c, r); err != nil || got != string(body) {
		t.Errorf("got %d bytes, %v\n%s", len(got), err, log)
	}
	if asked.Load() < 5 || ranges.Load() == 0 {
		t.Errorf("only %d requests, %d with ranges", asked.Load(), ranges.Load())
	}
}

// A cutWriter ends the connection after some bytes, or says nothing more.
type cutWriter struct {
	http.ResponseWriter
	left   int
	silent *http.Request
}

func (c *cutWriter) Write(p []byte) (int, error) {
	if len(p) < c.left {
		c.left -= len(p)
		return c.ResponseWriter.Write(p)
	}
	c.ResponseWriter.Write(p[:c.left])
	c.ResponseWriter.(http.Flusher).Flush()
	if c.silent != nil {
		<-c.silent.Context().Done()
	}
	panic(http.ErrAbortHandler)
}

func TestServersOfAllSortsOfTrouble(t *testing.T) {
	for name, tc := range map[string]struct {
		answers []string
		asked   int32
		want    string // the body, or
		err     string // a part of the message
	}{
		"good":               {[]string{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}, 1, "ok", ""},
		"without a length":   {[]string{"HTTP/1.0 200 OK\r\n\r\nok"}, 1, "ok", ""},
		"no content":         {[]string{"HTTP/1.1 204 No Content\r\n\r\n"}, 1, "", ""},
		"chunks cut":         {[]string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}, 2, "ok", ""},
		"closed at once":     {[]string{"", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}, 2, "ok", ""},
		"busy, then good":    {[]string{"HTTP/1.1 503 Busy\r\n\r\n", "HTTP/1.1 429 Slowly\r\nRetry-After: 3\r\n\r\n", "HTTP/1.1 408 Late\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}, 4, "ok", ""},
		"too long a promise": {[]string{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"}, 11, "", "HTTP: the answer broke off after 2 of 9 bytes, 10 times in a row at the same position"},
		"gone":               {[]string{"HTTP/1.1 410 Gone\x1b[2J\r\n\r\n"}, 1, "", "the server answered 410 Gone?[2J"},
		"unasked part":       {[]string{"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/5\r\nContent-Length: 2\r\n\r\nok"}, 1, "", "the server answered 206 Partial Content"},
		"nowhere":            {[]string{"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"}, 1, "", "the server answered 302 Found"},
		"to another scheme":  {[]string{"HTTP/1.1 302 Found\r\nLocation: ftp://h/x?password\r\nContent-Length: 0\r\n\r\n"}, 1, "", `the server redirected to "ftp", which is neither http nor https`},
		"to no URL":          {[]string{"HTTP/1.1 302 Found\r\nLocation: http://h:port/?password\r\nContent-Length: 0\r\n\r\n"}, 1, "", "the server redirected to what is no URL"},
		"in circles":         {[]string{"HTTP/1.1 302 Found\r\nLocation: /f\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"}, 31, "", "the server redirected 30 times"},
	} {
		t.Run(name, func(t *testing.T) {
			url, asked := raw(t, tc.answers...)
			c, log := newClient(t)
			got, err := get(t, c, resource(url))
			if got != tc.want || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("got %q, %v\n%s", got, err, log)
			}
			if err != nil && hint(err) == "" {
				t.Errorf("there is no hint to %v", err)
			}
			if asked.Load() != tc.asked {
				t.Errorf("asked %d times, want %d\n%s", asked.Load(), tc.asked, log)
			}
			if strings.Contains(log.String()+fmt.Sprint(err), "password") {
				t.Errorf("the secret of a redirect is shown:\n%s%v", log, err)
			}
		})
	}
}

var againIn40To60 = regexp.MustCompile(`the server answered 429 Slowly \(for 0s so far, 1 attempt; again in (4\d|5\d|1m0)[.\d]*s\)`)

func TestServersChooseWhenTheyAreAskedAgain(t *testing.T) {
	url, _ := raw(t, "HTTP/1.1 429 Slowly\r\nRetry-After: 40\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	c, log := newClient(t)
	if got, err := get(t, c, resource(url)); got != "ok" || err != nil || !againIn40To60.MatchString(log.String()) {
		t.Errorf("got %q, %v\n%s", got, err, log)
	}
}

func TestSilentServersAreAskedAgain(t *testing.T) {
	var asked atomic.Int32
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			<-r.Context().Done()
			return
		}
		io.WriteString(w, "at last")
	})
	c, log := newClient(t)
	one := 1
	if err := c.Configure(t.Context(), config.Ignition{Timeouts: config.Timeouts{HTTPResponseHeaders: &one}}); err != nil {
		t.Fatal(err)
	}
	if got, err := get(t, c, resource(srv.URL)); got != "at last" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if !strings.Contains(log.String(), "HTTP: the server took the request, but sends no answer within the limit of ignition.timeouts (for 0s so far, 1 attempt; again in ") {
		t.Errorf("the log says:\n%s", log)
	}
}

func TestTotalLimitHoldsForRetriesAndBody(t *testing.T) {
	limit := 3 // seconds
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"retries": {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) }, "the server answered 500 Internal Server Error"},
		"body":    {func(w http.ResponseWriter, r *http.Request) { trickle(w, r) }, "none, the transfer was at "},
		"header":  {func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "none, there was no answer yet"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, tc.handler)
			c, _ := newClient(t)
			c.Clock = fetch.New(nil, 0).Clock
			if err := c.Configure(t.Context(), config.Ignition{Timeouts: config.Timeouts{HTTPTotal: &limit}}); err != nil {
				t.Fatal(err)
			}
			fails(t, c, resource(srv.URL), "it took longer than 3s; the last error was:\n"+tc.want)
		})
	}
}

// trickle never ends and never stalls.
func trickle(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		io.WriteString(w, ".")
		w.(http.Flusher).Flush()
		time.Sleep(20 * time.Millisecond)
	}
}

func TestRefusedForLongEnds(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	c, log := newClient(t)
	_, err = get(t, c, resource("http://"+address+"/x"))
	if err == nil || !strings.Contains(err.Error(), "TCP: the server at "+address+" refuses the connection: connection refused\nthis has been so for 3h0m") {
		t.Errorf("got %v", err)
	}
	if got := hint(err); got != "check that the server runs, and that address and port are right" {
		t.Errorf("the hint is %q", got)
	}
	if n := strings.Count(log.String(), "WARNING"); n < 10 || n > 40 {
		t.Errorf("%d warnings in three hours", n)
	}
}

func TestResumedThroughARedirect(t *testing.T) {
	var asked []string
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, strings.Replace("http://"+r.Host, "127.0.0.1", "localhost", 1)+"/elsewhere?signature", http.StatusFound)
			return
		}
		asked = append(asked, r.Header.Get("Range"))
		w.Header().Set("ETag", `"1"`)
		left := 1 << 20
		if len(asked) == 1 {
			left = 5
		}
		http.ServeContent(&cutWriter{ResponseWriter: w, left: left}, r, "", time.Time{}, strings.NewReader("hello world"))
	})
	c, log := newClient(t)
	if got, err := get(t, c, resource(srv.URL)); got != "hello world" || err != nil || strings.Join(asked, "|") != "|bytes=5-" {
		t.Errorf("got %q, %v, asked for %q\n%s", got, err, asked, log)
	}
}

func TestOfflineSaysWhichContentsNeedTheNetwork(t *testing.T) {
	const text = `{"ignition": {"version": "3.4.0"}, "storage": {"files": [
  {"path": "/a", "contents": {"source": "data:,x"}},
  {"path": "/b", "contents": {"source": "https://user:password@h/x?signature"}}]}}`
	cfg, _, err := config.Parse([]byte(text), "user config")
	if err != nil {
		t.Fatal(err)
	}
	c, _ := newClient(t)
	c.Offline = true
	if got, err := get(t, c, cfg.Storage.Files[0].Contents); got != "x" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	_, err = get(t, c, cfg.Storage.Files[1].Contents)
	if err == nil || err.Error() != "fetching https://h/x?...: this needs the network" {
		t.Errorf("got %v", err)
	}
	for _, scheme := range []string{"tftp://h/x", "s3://b/k", "arn:aws:s3:::b/k", "gs://b/o", "HTTP://h/x"} {
		fails(t, c, resource(scheme), "this needs the network")
	}
	if needs := fmt.Sprint(cfg.NeedsNetwork()); needs != "[user config, line 3, column 41 (storage.files[1].contents.source)]" {
		t.Errorf("the config needs it for %s", needs)
	}
}
