package fetch

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/config"
	ours "github.com/firstlight-os/firstlight/internal/http"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// redirecting starts two servers that redirect by the query, and note the headers by
// path. The path "/not" is not found.
func redirecting(t *testing.T) (first, other *httptest.Server, seen map[string]http.Header) {
	seen = map[string]http.Header{}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen[r.URL.Path] = r.Header
		switch to := r.URL.Query().Get("to"); to {
		case "":
			if r.URL.Path == "/not" {
				http.Error(w, "no "+r.URL.RawQuery+" here", http.StatusNotFound)
			}
		case "there":
			http.Redirect(w, r, other.URL+"/there?to=back", http.StatusFound)
		case "back":
			http.Redirect(w, r, first.URL+"/back", http.StatusFound)
		case "not":
			http.Redirect(w, r, strings.Replace(other.URL, "://", "://user:hunter2@", 1)+"/not?sig=hunter2", http.StatusFound)
		case "signed":
			http.Redirect(w, r, strings.Replace(first.URL, "://", "://user:hunter2@", 1)+"/signed?X-Amz-Signature=hunter2", http.StatusFound)
		default:
			http.Redirect(w, r, "/"+to, http.StatusFound)
		}
	})
	first, other = httptest.NewServer(handler), httptest.NewServer(handler)
	t.Cleanup(first.Close)
	t.Cleanup(other.Close)
	return first, other, seen
}

func TestHeadersOfTheConfigAreForTheFirstURLOnly(t *testing.T) {
	value, earlier := "secret", "not sent"
	first, other, seen := redirecting(t)
	c, _, log := newTestClient(t)
	for _, to := range []string{"here", "there"} {
		r := resourceOf(first.URL + "/?to=" + to)
		r.HTTPHeaders = []config.HTTPHeader{{Name: "x-auth", Value: &earlier}, {Name: "X-Auth", Value: &value}, {Name: "user-agent", Value: &value}, {Name: "Keep-Alive", Value: &value}}
		if _, err := get(t, c, r); err != nil {
			t.Fatal(err)
		}
	}
	if h := seen["/"]; strings.Join(h["X-Auth"], "|") != value || h.Get("User-Agent") != value || h.Get("Accept-Encoding") != "identity" ||
		h.Get("Accept") != "application/vnd.coreos.ignition+json;version=3.6.0, */*;q=0.1" {
		t.Errorf("the first request has %v", h)
	}
	for _, path := range []string{"/here", "/there", "/back"} {
		h := seen[path]
		if h.Get("X-Auth") != "" || h.Get("Keep-Alive") != "" || h.Get("Referer") != "" || !strings.HasPrefix(h.Get("User-Agent"), "Ignition/") || h.Get("Accept-Encoding") != "identity" {
			t.Errorf("%s: %v", path, h)
		}
	}
	start := "INFO     : GET " + first.URL + "/?...: redirected to "
	for _, want := range []string{start + first.URL + "/here\n", start + other.URL + "/there?...\n", start + first.URL + "/back\n"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%q is not in:\n%s", want, log)
		}
	}
}

func TestErrorsNameTheLastURL(t *testing.T) {
	first, other, _ := redirecting(t)
	c, _, log := newTestClient(t)
	_, err := get(t, c, resourceOf(first.URL+"/x?to=not"))
	want := "fetching " + first.URL + "/x?...: redirected to " + other.URL + "/not?...: the server answered 404 Not Found: no *** here"
	if err == nil || err.Error() != want || Hint(err) != "check the URL; the server was reached and has nothing there" {
		t.Errorf("got %v (%s)\nwant %s", err, Hint(err), want)
	}
	if strings.Contains(log.String(), "hunter2") {
		t.Errorf("a secret is in the log:\n%s", log)
	}
	dead := httptest.NewServer(http.RedirectHandler("http://127.0.0.1:1/gone", http.StatusFound))
	defer dead.Close()
	_, err = get(t, c, resourceOf(dead.URL))
	if err == nil || !strings.Contains(err.Error(), ": redirected to http://127.0.0.1:1/gone: TCP: the server at 127.0.0.1:1 refuses the connection: connection refused\nthis has been so for 3h") {
		t.Errorf("got %v", err)
	}
}

func TestRequestsNeverHaveTwoSignatures(t *testing.T) {
	auth := "Bearer abc"
	first, _, seen := redirecting(t)
	c, _, _ := newTestClient(t)
	for _, source := range []string{
		first.URL + "/x?to=signed",
		first.URL + "/signed?X-Goog-Signature=x",
		strings.Replace(first.URL, "://", "://user:password@", 1) + "/signed?sv=1&sig=x",
	} {
		r := resourceOf(source)
		r.HTTPHeaders = []config.HTTPHeader{{Name: "Authorization", Value: &auth}}
		if _, err := get(t, c, r); err != nil {
			t.Fatal(err)
		}
		if h := seen["/signed"]; h == nil || h["Authorization"] != nil {
			t.Errorf("%s: sent with %v", source, h)
		}
		delete(seen, "/signed")
	}
	for query, want := range map[string]bool{
		"X-Amz-Signature=1": true, "Signature=1&AWSAccessKeyId=2": true, "Signature=1&GoogleAccessId=2": true, "sig=1&sv=2": true,
		"": false, "sig=1": false, "Signature=1": false, "alt=media": false,
	} {
		if got := isSigned(&url.URL{RawQuery: query}); got != want {
			t.Errorf("%q: got %v", query, got)
		}
	}
}

func TestRedirectsToPlainHTTPNeedAHash(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "plain") }))
	defer plain.Close()
	srv := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	defer srv.Close()
	c, _, log := newTestClient(t)
	c.current.proxied.TLSClientConfig.RootCAs = srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	c.Clock.Now = srv.Certificate().NotBefore.AddDate(1, 0, 0).Local
	r := resourceOf(srv.URL)
	_, err := get(t, c, r)
	want := "redirected to " + plain.URL + ": the server redirected from https to http, where anybody on the way can change the contents"
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(Hint(err), "verification.hash") {
		t.Errorf("got %v (%s)", err, Hint(err))
	}
	sum := sha256.Sum256([]byte("plain"))
	hash := fmt.Sprintf("sha256-%x", sum)
	r.Verification.Hash = &hash
	if got, err := get(t, c, r); err != nil || got != "plain" {
		t.Errorf("got %q, %v", got, err)
	}
	if want := "WARNING  : GET " + srv.URL + ": redirected to " + plain.URL + ", where only the hash protects the contents"; !strings.Contains(log.String(), want) {
		t.Errorf("%q is not in:\n%s", want, log)
	}
}

// The body of a redirect, and that of an error, may never end.
func TestBodiesThatNobodyNeedsAreNotWaitedFor(t *testing.T) {
	dribble := func(w http.ResponseWriter) {
		for {
			io.WriteString(w, "words ")
			if w.(interface{ FlushError() error }).FlushError() != nil {
				return
			}
			time.Sleep(time.Second)
		}
	}
	inBubble(t, 0, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/silent", "/slow":
			w.Header().Set("Location", "/x")
			w.Header().Set("Content-Length", "2000")
			w.WriteHeader(http.StatusFound)
			if r.URL.Path == "/slow" {
				dribble(w)
			}
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		case "/not":
			w.WriteHeader(http.StatusNotFound)
			dribble(w)
		default:
			io.WriteString(w, "ok")
		}
	}, func(t *testing.T, c *Client, log *testkit.Output) {
		began := time.Now()
		for _, path := range []string{"silent", "slow"} {
			if got, err := get(t, c, resourceOf("http://server/"+path)); got != "ok" || err != nil {
				t.Errorf("%s: got %q, %v", path, got, err)
			}
		}
		if _, err := get(t, c, resourceOf("http://server/not")); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "404 Not Found: words words") {
			t.Errorf("got %v", err)
		}
		if lasted := time.Since(began); lasted > time.Minute {
			t.Errorf("it took %v\n%s", lasted, log)
		}
		time.Sleep(time.Minute) // until the server has noticed, too
	})
}

func TestMethodsAfterRedirects(t *testing.T) {
	u := &url.URL{Scheme: "http", Host: "h", Path: "/a/b"}
	for _, tc := range []struct {
		method, host, location string
		status                 int
		want                   string // method, URL, host, body
	}{
		{"GET", "", "c?d", 302, "GET http://h/a/c?d  "},
		{"HEAD", "", "/c", 301, "HEAD http://h/c  body"},
		{"PUT", "", "/c", 303, "GET http://h/c  "},
		{"POST", "", "/c", 308, "POST http://h/c  body"},
		{"POST", "", "/c", 307, "POST http://h/c  body"},
		{"HEAD", "other", "/c", 302, "HEAD http://h/c other body"},
		{"HEAD", "other", "//g/c", 302, "HEAD http://g/c other body"},
		{"HEAD", "other", "https://g", 302, "HEAD https://g  body"},
	} {
		r := newGet(u, nil)
		r.Method, r.Host, r.Body = tc.method, tc.host, []byte("body")
		next, err := after(r, &ours.Response{StatusCode: tc.status, Header: ours.Header{"Location": {tc.location}}})
		testkit.NoError(t, err)
		got := fmt.Sprintf("%s %s %s %s", next.Method, next.URL, next.Host, next.Body)
		testkit.Equal(t, tc.method+" "+tc.location, got, tc.want)
	}
	_, err := after(newGet(u, nil), &ours.Response{Header: ours.Header{"Location": {"http://secret:x@%zz"}}})
	if err == nil || err.Error() != "the server redirected to what is no URL" {
		t.Errorf("got %v", err)
	}
}
