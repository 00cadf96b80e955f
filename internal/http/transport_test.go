package http

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	std "net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

func newTransport() *Transport {
	return &Transport{DialContext: (&net.Dialer{}).DialContext, MaxIdleConns: 4, MaxIdleConnsPerHost: 2, MaxResponseHeaderBytes: 64 << 10}
}

func parse(t *testing.T, source string) *url.URL {
	t.Helper()
	u, err := url.Parse(source)
	testkit.NoError(t, err)
	return u
}

// get returns the body of a GET.
func get(t *testing.T, transport *Transport, source string) (string, error) {
	t.Helper()
	resp, err := transport.RoundTrip(&Request{Method: MethodGet, URL: parse(t, source)})
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// serve answers each connection by a script; it is given the header of each request.
func serve(t *testing.T, script func(conn net.Conn, next func() string)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			r := bufio.NewReader(conn)
			go func() {
				defer conn.Close()
				script(conn, func() (header string) {
					for !strings.HasSuffix(header, "\r\n\r\n") {
						line, err := r.ReadString('\n')
						if header += line; err != nil {
							return ""
						}
					}
					return header
				})
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

func TestRequestsOnTheWire(t *testing.T) {
	var seen string
	server := serve(t, func(conn net.Conn, next func() string) {
		seen = next()
		io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
	})
	host := strings.TrimPrefix(server, "http://")
	for name, tc := range map[string]struct {
		request Request
		want    string
	}{
		"plain":           {Request{Method: MethodGet, URL: parse(t, server)}, "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n"},
		"query, fragment": {Request{Method: MethodHead, URL: parse(t, server+"/a%20b?c=d#e")}, "HEAD /a%20b?c=d HTTP/1.1\r\nHost: " + host + "\r\n\r\n"},
		"headers": {Request{Method: MethodGet, URL: parse(t, server), Host: "other.test", Header: Header{"B": {"2 "}, "A": {"1", "x\ty"}, "Host": {"h"}, "Content-Length": {"5"}, "Transfer-Encoding": {"chunked"}}},
			"GET / HTTP/1.1\r\nHost: other.test\r\nA: 1\r\nA: x\ty\r\nB: 2\r\n\r\n"},
		"credentials": {Request{Method: MethodGet, URL: parse(t, "http://user:pass@"+host)}, "GET / HTTP/1.1\r\nHost: " + host + "\r\nAuthorization: Basic dXNlcjpwYXNz\r\n\r\n"},
		"credentials of the header": {Request{Method: MethodGet, URL: parse(t, "http://user:pass@"+host), Header: Header{"Authorization": {"Bearer x"}}},
			"GET / HTTP/1.1\r\nHost: " + host + "\r\nAuthorization: Bearer x\r\n\r\n"},
		"body":         {Request{Method: MethodPost, URL: parse(t, server), Body: []byte("{}")}, "POST / HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 2\r\n\r\n"},
		"without body": {Request{Method: MethodPut, URL: parse(t, server)}, "PUT / HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 0\r\n\r\n"},
	} {
		resp, err := newTransport().RoundTrip(&tc.request)
		testkit.NoError(t, err)
		testkit.Equal(t, name, resp.StatusCode, StatusNoContent)
		testkit.Equal(t, name, seen, tc.want)
	}
}

func TestWhatCannotBeSentIsNotDialed(t *testing.T) {
	transport := &Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		t.Error("it is dialed")
		return nil, io.EOF
	}}
	for want, request := range map[string]Request{
		"no Host in request URL":                {URL: &url.URL{Scheme: "http", Path: "/x"}},
		`unsupported protocol scheme "ftp"`:     {URL: &url.URL{Scheme: "ftp", Host: "h"}},
		`invalid header field name "a b"`:       {URL: &url.URL{Scheme: "http", Host: "h"}, Header: Header{"a b": {"x"}}},
		`invalid header field value for "A"`:    {URL: &url.URL{Scheme: "http", Host: "h"}, Header: Header{"A": {"x\r\nB: y"}}},
		`invalid header field value for "Host"`: {URL: &url.URL{Scheme: "http", Host: "h"}, Host: "a b"},
		"there is a control character in the U": {URL: &url.URL{Scheme: "http", Host: "h", RawQuery: "a\nb"}},
		"the name of the host is not in UTF-8":  {URL: &url.URL{Scheme: "http", Host: "h\xff"}},
		`invalid header field value for "H2"`:   {URL: &url.URL{Scheme: "http", Host: "h"}, Header: Header{"H2": {"\x00"}}},
		`invalid header field name ""`:          {URL: &url.URL{Scheme: "http", Host: "h"}, Header: Header{"": {"x"}}},
		`invalid header field name "Caf\u00e9"`: {URL: &url.URL{Scheme: "http", Host: "h"}, Header: Header{"Caf\u00e9": {"x"}}},
	} {
		request.Method = MethodGet
		_, err := transport.RoundTrip(&request)
		var unsendable *RequestError
		if !errors.As(err, &unsendable) || !strings.HasPrefix(strings.ReplaceAll(err.Error(), "é", `\u00e9`), strings.ReplaceAll(want, "é", `\u00e9`)) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	var mu sync.Mutex
	conns := map[string]bool{}
	server := httptest.NewServer(std.HandlerFunc(func(w std.ResponseWriter, r *std.Request) {
		mu.Lock()
		conns[r.RemoteAddr] = true
		mu.Unlock()
		switch r.URL.Path {
		case "/chunked":
			w.(std.Flusher).Flush()
			io.WriteString(w, "in pieces")
		case "/close":
			w.Header().Set("Connection", "close")
		case "/long":
			w.Write(make([]byte, 1<<20))
		case "/length":
			io.WriteString(w, "of a length")
		}
	}))
	defer server.Close()
	for _, tc := range []struct {
		name  string
		paths []string
		want  int // connections
	}{
		{"length, chunks, nothing", []string{"/length", "/chunked", "/", "/length"}, 1},
		{"the server closes", []string{"/close", "/length"}, 2},
	} {
		transport := newTransport()
		clear(conns)
		for _, path := range tc.paths {
			body, err := get(t, transport, server.URL+path)
			testkit.NoError(t, err)
			testkit.Equal(t, path, body, map[string]string{"/chunked": "in pieces", "/length": "of a length"}[path])
		}
		testkit.Equal(t, tc.name, len(conns), tc.want)
		transport.CloseIdleConnections()
		_, err := get(t, transport, server.URL)
		testkit.NoError(t, err)
		testkit.Equal(t, tc.name+", after all were closed", len(conns), tc.want+1)
	}

	clear(conns)
	transport := newTransport()
	for range 2 { // whoever does not read to the end costs a connection
		resp, err := transport.RoundTrip(&Request{Method: MethodGet, URL: parse(t, server.URL+"/long")})
		testkit.NoError(t, err)
		resp.Body.Close()
	}
	for range 2 { // what must not be sent twice goes by a new one
		resp, err := transport.RoundTrip(&Request{Method: MethodPost, URL: parse(t, server.URL+"/")})
		testkit.NoError(t, err)
		resp.Body.Close()
	}
	testkit.Equal(t, "connections", len(conns), 4)
	for range 10 {
		c, err := transport.connect(t.Context(), route{scheme: "http", address: strings.TrimPrefix(server.URL, "http://")})
		testkit.NoError(t, err)
		transport.putIdle(c)
	}
	testkit.Equal(t, "idle connections", len(transport.idle), transport.MaxIdleConnsPerHost)
}

func TestConnectionsThatTheServerClosed(t *testing.T) {
	var requests atomic.Int32
	drop := make(chan bool, 1)
	server := serve(t, func(conn net.Conn, next func() string) {
		for {
			if next() == "" {
				return
			}
			requests.Add(1)
			select {
			case <-drop: // at the moment at which it is used again
				return
			default:
				io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			}
		}
	})
	transport := newTransport()
	_, err := get(t, transport, server)
	testkit.NoError(t, err)
	drop <- true
	body, err := get(t, transport, server)
	testkit.NoError(t, err)
	testkit.Equal(t, "body", body, "ok")
	testkit.Equal(t, "requests", requests.Load(), 3)

	drop <- true
	transport.CloseIdleConnections()
	if _, err = get(t, transport, server); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a new connection that is closed: got %v", err)
	}
	testkit.Equal(t, "requests", requests.Load(), 4)
}

func TestWhatNobodyAskedForIsNoResponse(t *testing.T) {
	again, sent := make(chan bool), make(chan bool)
	once := sync.OnceFunc(func() { close(sent) })
	server := serve(t, func(conn net.Conn, next func() string) {
		next()
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		<-again
		io.WriteString(conn, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
		once()
		next()
	})
	transport := newTransport()
	_, err := get(t, transport, server)
	testkit.NoError(t, err)
	close(again)
	<-sent
	// The kernel has it before the next request, as both ends are on one machine.
	body, err := get(t, transport, server)
	testkit.NoError(t, err)
	testkit.Equal(t, "body", body, "ok")
}

// piped returns a transport whose servers follow a script, in a bubble of package
// synctest, whose time is its own.
func piped(script func(conn net.Conn)) *Transport {
	transport := newTransport()
	transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			server.Read(make([]byte, 4<<10))
			script(server)
			io.Copy(io.Discard, server) // until the client closes it
		}()
		return client, nil
	}
	return transport
}

func TestContextsEndRequests(t *testing.T) {
	cause := errors.New("it is enough")
	for name, text := range map[string]string{"no header": "", "half a header": "HTTP/1.1 2", "half a body": "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf"} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Hour, func() { cancel(cause) })
			transport := piped(func(conn net.Conn) { io.WriteString(conn, text) })
			r := &Request{Method: MethodGet, URL: parse(t, "http://server.test")}
			resp, err := transport.RoundTrip(r.WithContext(ctx))
			if err == nil {
				_, err = io.ReadAll(resp.Body)
			}
			if err != cause {
				t.Errorf("%s: got %v", name, err)
			}
		})
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	_, err := newTransport().RoundTrip((&Request{Method: MethodGet, URL: parse(t, "http://127.0.0.1:1")}).WithContext(ctx))
	testkit.Equal(t, "before the start", err, cause)
}

func TestLimitsOfTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := piped(func(net.Conn) {})
		transport.ResponseHeaderTimeout, transport.TLSHandshakeTimeout = time.Minute, time.Second
		for source, want := range map[string]struct {
			err   error
			after time.Duration
		}{"http://server.test": {ErrHeaderTimeout, time.Minute}, "https://server.test": {ErrHandshakeTimeout, time.Second}} {
			began := time.Now()
			_, err := get(t, transport, source)
			testkit.Equal(t, source, err, want.err)
			testkit.Equal(t, source, time.Since(began), want.after)
		}
		// The limit is not that of the body.
		transport = piped(func(conn net.Conn) {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
			time.Sleep(time.Hour)
			io.WriteString(conn, "body")
		})
		transport.ResponseHeaderTimeout = time.Minute
		body, err := get(t, transport, "http://server.test")
		testkit.NoError(t, err)
		testkit.Equal(t, "body", body, "body")
		transport.CloseIdleConnections()
	})
}

func TestProxiesThatOpenNoTunnel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := piped(func(net.Conn) {})
		transport.Proxy = func(*url.URL) *url.URL { return &url.URL{Scheme: "http", Host: "proxy.test"} }
		began := time.Now()
		_, err := get(t, transport, "https://server.test")
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		testkit.Equal(t, "limit", time.Since(began), tunnelTime)
	})
}

func TestLargeHeaders(t *testing.T) {
	server := httptest.NewServer(std.HandlerFunc(func(w std.ResponseWriter, r *std.Request) {
		w.Header().Set("X", strings.Repeat("x", 1000))
		w.Write(make([]byte, 10_000))
	}))
	defer server.Close()
	transport := newTransport()
	transport.MaxResponseHeaderBytes = 1000
	if _, err := get(t, transport, server.URL); !errors.Is(err, ErrHeaderTooLarge) {
		t.Errorf("got %v", err)
	}
	transport.MaxResponseHeaderBytes = 2000 // is not the limit of the body
	body, err := get(t, transport, server.URL)
	testkit.NoError(t, err)
	testkit.Equal(t, "bytes", len(body), 10_000)
}

// newProxy starts a proxy that opens tunnels and passes requests on, to one server,
// whatever they ask for.
func newProxy(t *testing.T, to string, seen *[]string, start func(std.Handler) *httptest.Server) *url.URL {
	proxy := start(std.HandlerFunc(func(w std.ResponseWriter, r *std.Request) {
		*seen = append(*seen, r.Method+" "+r.RequestURI+" "+r.Header.Get("Proxy-Authorization"))
		if r.Method != "CONNECT" {
			fmt.Fprintf(w, "passed on: %s", r.Header.Get("Authorization"))
			return
		}
		if strings.HasPrefix(r.Host, "refused.test") {
			std.Error(w, "not there", StatusForbidden)
			return
		}
		server, err := net.Dial("tcp", to)
		testkit.NoError(t, err)
		client, _, err := std.NewResponseController(w).Hijack()
		testkit.NoError(t, err)
		io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n")
		go func() { io.Copy(server, client); server.Close() }()
		go func() { io.Copy(client, server); client.Close() }()
	}))
	t.Cleanup(proxy.Close)
	u := parse(t, proxy.URL)
	u.User = url.UserPassword("me", "secret")
	return u
}

func TestProxies(t *testing.T) {
	server := httptest.NewTLSServer(std.HandlerFunc(func(w std.ResponseWriter, r *std.Request) {
		fmt.Fprintf(w, "by TLS: %s %s", r.Host, r.Header.Get("Proxy-Authorization"))
	}))
	defer server.Close()
	refused := errors.New("refused")
	auth := "Basic " + base64.StdEncoding.EncodeToString([]byte("me:secret"))
	for name, start := range map[string]func(std.Handler) *httptest.Server{"http": httptest.NewServer, "https": httptest.NewTLSServer} {
		var seen []string
		proxy := newProxy(t, server.Listener.Addr().String(), &seen, start)
		transport := newTransport()
		transport.Proxy = func(*url.URL) *url.URL { return proxy }
		transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
		transport.OnProxyConnectResponse = func(by *url.URL, resp *Response) error {
			body, err := io.ReadAll(resp.Body)
			return errors.Join(err, fmt.Errorf("%w by %s: %s %s", refused, by.Host, resp.Status, body))
		}
		for source, want := range map[string]string{
			"http://u:p@plain.test/a?b": "passed on: Basic dTpw",
			"https://secure.test/x":     "by TLS: secure.test ",
		} {
			body, err := get(t, transport, source)
			testkit.NoError(t, err)
			testkit.Equal(t, name+": "+source, body, want)
		}
		_, err := get(t, transport, "https://refused.test/")
		var tunnel *TunnelError
		if want := "refused by " + proxy.Host + ": 403 Forbidden not there\n"; !errors.Is(err, refused) || !errors.As(err, &tunnel) || err.Error() != want {
			t.Errorf("%s: got %q, want %q", name, err, want)
		}
		for _, want := range []string{"GET http://plain.test/a?b " + auth, "CONNECT secure.test:443 " + auth, "CONNECT refused.test:443 " + auth} {
			if !strings.Contains(strings.Join(seen, "\n"), want) {
				t.Errorf("%s: the proxy has seen %q, want %q", name, seen, want)
			}
		}
	}
	transport := newTransport()
	transport.Proxy = func(*url.URL) *url.URL { return &url.URL{Scheme: "http", Host: "127.0.0.1:1"} }
	_, err := get(t, transport, "http://x.test/")
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "proxyconnect" {
		t.Errorf("a proxy that is not there: got %v", err)
	}
}

func TestTLSNamesAreThoseOfTheURL(t *testing.T) {
	server := httptest.NewTLSServer(std.HandlerFunc(func(w std.ResponseWriter, r *std.Request) { io.WriteString(w, "ok") }))
	defer server.Close()
	transport := newTransport()
	transport.TLSClientConfig = server.Client().Transport.(*std.Transport).TLSClientConfig
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}
	for host, right := range map[string]bool{"example.com": true, "127.0.0.1:443": true, "[::1]": true, "other.test": false} {
		_, err := get(t, transport, "https://"+host)
		var wrong *tls.CertificateVerificationError
		if right && err != nil || !right && !errors.As(err, &wrong) {
			t.Errorf("%s: got %v", host, err)
		}
	}
}

func TestPunycode(t *testing.T) {
	for host, want := range map[string]string{
		"example.com:80":      "example.com:80",
		"Bücher.example:8080": "xn--bcher-kva.example:8080",
		"münchen.de":          "xn--mnchen-3ya.de",
		"münchen:8080":        "xn--mnchen-3ya:8080",
		"例え.テスト":              "xn--r8jz45g.xn--zckzah",
		"пример。испытание":    "xn--e1afmkfd.xn--80akhbyknj4f",
		"ليهمابتكلموشعربي؟":   "xn--egbpdaj6bu4bxfgehfvwxn",
		"3年b組金八先生":            "xn--3b-ww4c5e180e575a65lsy2b",
	} {
		got, err := asciiHost(host)
		testkit.NoError(t, err)
		testkit.Equal(t, host, got, want)
	}
}

func TestZonesStayHere(t *testing.T) {
	for host, want := range map[string]string{"[fe80::1%eth0]:80": "[fe80::1]:80", "[::1]": "[::1]", "h:80": "h:80", "[": "["} {
		testkit.Equal(t, host, withoutZone(host), want)
	}
}

// FuzzReadResponse compares with net/http: what both read is the same, and what this
// package reads that one does, too.
func FuzzReadResponse(f *testing.F) {
	for _, text := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello and more",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ncut",
		"HTTP/1.1 200\r\n\r\nto the end",
		"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n2;x=y\r\nab\r\nA \r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nmore",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
		"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 404 Not Found\r\nA: b\r\n c\r\na: d\r\n\r\n",
		"HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 -20 OK\r\n\r\n",
		"SSH-2.0-OpenSSH\r\n", "", "\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		want, wantErr := std.ReadResponse(bufio.NewReader(bytes.NewReader(text)), nil)
		if wantErr == nil && want.StatusCode/100 == 1 {
			return // another one follows
		}
		got, err := ReadResponse(bufio.NewReader(bytes.NewReader(text)))
		if err != nil {
			return
		}
		if wantErr != nil {
			t.Fatalf("%q: net/http says %v, ours reads it", text, wantErr)
		}
		if got.StatusCode != want.StatusCode || got.Status != want.Status || got.ContentLength != want.ContentLength {
			t.Errorf("%q: got %d, %q, %d bytes, want %d, %q, %d", text, got.StatusCode, got.Status, got.ContentLength, want.StatusCode, want.Status, want.ContentLength)
		}
		body, err := io.ReadAll(got.Body)
		wantBody, wantErr := io.ReadAll(want.Body)
		if !bytes.Equal(body, wantBody) || err == nil && wantErr != nil {
			t.Errorf("%q: got %q, %v, want %q, %v", text, body, err, wantBody, wantErr)
		}
	})
}

func TestResponsesThatAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"SSH-2.0-x\r\n":           `malformed HTTP response "SSH-2.0-x"`,
		"HTTP/2.0 200 OK\r\n\r\n": `malformed HTTP version "HTTP/2.0"`,
		"HTTP/1.1 abc\r\n\r\n":    `malformed HTTP status code "abc"`,
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n": `bad Content-Length "1, 2"`,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n":                `unsupported transfer encoding: ["gzip"]`,
		"HTTP/1.1 200 OK\r\nA: b":                                           "unexpected EOF",
		"":                                                                  "unexpected EOF",
		strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 2*maxInterim):            "the server sends one interim response after the other",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n": `bad Content-Length "x"`,
	} {
		_, err := ReadResponse(bufio.NewReader(strings.NewReader(text)))
		if err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}
