package fetch_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/fetch"
)

// jargon is what only Go programmers understand.
var jargon = regexp.MustCompile(`context (canceled|deadline exceeded)|operation was canceled|i/o timeout|\bEOF\b|net/http|http: |tls: |x509: |dial (tcp|udp)|(read|write) (tcp|udp)|lookup |malformed|gzip: |flate: |\*errors|%!`)

// conversation is a server that answers each connection by a function.
func conversation(t *testing.T, answer func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go answer(conn)
		}
	}()
	return l.Addr().String()
}

// once has a client give up after the first attempt that fails.
func once(c *fetch.Client) {
	c.Clock.Sleep = func(context.Context, time.Duration) error { return errors.New("enough") }
	c.Clock.AwaitNetwork = c.Clock.Sleep
	c.StallTimeout = time.Second
}

// limited has a client give up after a second.
func limited(t *testing.T, c *fetch.Client, ign config.Ignition) {
	t.Helper()
	limit := 1
	ign.Timeouts.HTTPTotal = &limit
	if err := c.Configure(t.Context(), ign); err != nil {
		t.Fatal(err)
	}
}

// closedPort is one that nothing listens at.
func closedPort(t *testing.T, network string) string {
	t.Helper()
	if network == "udp" {
		conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.LocalAddr().String()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestFailuresAreToldWithoutJargon(t *testing.T) {
	silent := func(conn net.Conn) { io.Copy(io.Discard, conn) }
	says := func(text string, end func(net.Conn)) func(net.Conn) {
		return func(conn net.Conn) {
			io.ReadAtLeast(conn, make([]byte, 4096), 5)
			io.WriteString(conn, text)
			end(conn)
		}
	}
	closes := func(conn net.Conn) { conn.Close() }
	resets := func(conn net.Conn) { conn.(*net.TCPConn).SetLinger(0); conn.Close() }
	secure := strings.TrimPrefix(serveTLS(t, newAuthority(t, valid).issue(t, valid, "127.0.0.1"), tls.VersionTLS13, hello).URL, "https://")
	mute, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mute.Close() })
	closedTCP, closedUDP := closedPort(t, "tcp"), closedPort(t, "udp")
	const ok = "HTTP/1.1 200 OK\r\n"
	type server struct{ url, want string }
	servers := map[string]server{
		"closed port":            {"http://" + closedTCP, "TCP: the server at " + closedTCP + " refuses the connection: connection refused"},
		"silent":                 {"http://" + conversation(t, silent), "answer"},
		"silent, TLS":            {"https://" + conversation(t, silent), "answer"},
		"closes":                 {"http://" + conversation(t, closes), "HTTP: the server "},
		"closes after a request": {"http://" + conversation(t, says("", closes)), "HTTP: the server closed the connection before it had answered"},
		"closes, TLS":            {"https://" + conversation(t, says("", closes)), "the server closed the connection before it had answered"},
		"resets":                 {"http://" + conversation(t, says("", resets)), "HTTP: the server reset the connection before it had answered"},
		"closes in the header":   {"http://" + conversation(t, says(ok+"X-A: ", closes)), "HTTP: the server closed the connection before it had answered"},
		"resets in the body":     {"http://" + conversation(t, says(ok+"Content-Length: 10\r\n\r\nabc", resets)), "HTTP: the answer broke off after 3 of 10 bytes"},
		"wrong length":           {"http://" + conversation(t, says(ok+"Content-Length: 10\r\n\r\nabc", closes)), "HTTP: the answer broke off after 3 of 10 bytes"},
		"two lengths":            {"http://" + conversation(t, says(ok+"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", closes)), "HTTP: "},
		"bad length":             {"http://" + conversation(t, says(ok+"Content-Length: -3\r\n\r\nabc", closes)), "HTTP: bad Content-Length"},
		"bad chunks":             {"http://" + conversation(t, says(ok+"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", closes)), "HTTP: the answer broke off after 0 bytes"},
		"bad encoding":           {"http://" + conversation(t, says(ok+"Transfer-Encoding: odd\r\n\r\n", closes)), "HTTP: unsupported transfer encoding"},
		"bad header":             {"http://" + conversation(t, says(ok+"no header\r\n\r\nabc", closes)), "HTTP: the server at this port does not speak it: it sent "},
		"HTTP/0.9":               {"http://" + conversation(t, says("<html>hello</html>\n", closes)), `HTTP: the server at this port does not speak it: it sent "<html>hello</html>"`},
		"rubbish":                {"http://" + conversation(t, says("\x00\xff\x1b[2J\n", closes)), "HTTP: the server at this port does not speak it: it sent "},
		"huge header":            {"http://" + conversation(t, says(ok+strings.Repeat("X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", 20000), closes)), "HTTP: the header of the answer is larger than 256 KiB"},
		"no TLS":                 {"https://" + conversation(t, says("220 mail\r\n", closes)), "TLS: the server does not speak TLS at this port"},
		"plain HTTP":             {"https://" + conversation(t, says("HTTP/1.0 400 Bad Request\r\n\r\n", closes)), "TLS: the server speaks plain HTTP at this port"},
		"TLS at a plain URL":     {"http://" + secure, "the server answered 400 Bad Request: Client sent an HTTP request to an HTTPS server."},
		"TLS alert":              {"http://" + conversation(t, says("\x15\x03\x01\x00\x02\x02\x46", closes)), "HTTP: the server speaks TLS at this port"},
		"TLS alert at once":      {"https://" + conversation(t, says("\x15\x03\x01\x00\x02\x02\x28", closes)), "TLS: the server refuses: handshake failure"},
		"TFTP, closed port":      {"tftp://" + closedUDP + "/site/a.json", "TFTP: nothing listens at " + closedUDP},
		"TFTP, silent":           {"tftp://" + mute.LocalAddr().String() + "/site/a.json", "TFTP: no answer from " + mute.LocalAddr().String() + " to the request for /site/a.json"},
		"TFTP, server dies":      {(&tftpServer{text: strings.Repeat("x", 100_000), deadAt: 3, t: t}).start(t) + "/dir/f", "TFTP: the server sends nothing more for 1s, after 4284 bytes"},
	}
	if !hasIPv6() { // where there is, no address is without a route
		servers["no route"] = server{"http://[2001:db8::1]:9/", "no route"}
	}
	for name, tc := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, log := newClient(t)
			if strings.Contains(name, "silent") {
				limited(t, c, config.Ignition{})
			} else {
				once(c)
			}
			err := fails(t, c, resource(tc.url), tc.want)
			if found := jargon.FindString(log.String() + err.Error()); found != "" {
				t.Errorf("%q is in:\n%s%v", found, log, err)
			}
			if hint(err) == "" {
				t.Errorf("there is no hint to %v", err)
			}
		})
	}
}

// What fails before a byte has gone out is no fault of a server.
func TestMistakesAreNotRetried(t *testing.T) {
	locations := map[string]string{
		"/host":  "http:///x",
		"/port":  "http://me:secret@h:80800/x",
		"/zone":  "http://[fe80::1%25abcdefghijklmnop]/x",
		"/no":    "http://[fe80::1%25eth0/x",
		"/label": "http://" + strings.Repeat("a", 64) + "/x",
	}
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if to := locations[r.URL.Path]; to != "" {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
			return
		}
		if r.URL.Path == "/huge" {
			w.Header().Set("X-A", strings.Repeat("a", 300_000))
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader("hello"))
	})
	for name, tc := range map[string]struct {
		url, header, value, want string
	}{
		"line end in a header": {srv.URL, "Authorization", "Bearer secret\n", `this cannot be requested: invalid header field value for "Authorization"`},
		"blank in a name":      {srv.URL, "X Token", "secret", `this cannot be requested: invalid header field name "X Token"`},
		"port":                 {"http://127.0.0.1:80800/x", "", "", `the port "80800" of this URL is not possible`},
		"no host":              {"http:///x", "", "", "the URL names no host"},
		"no name of a host":    {"http://256.256.256.256/x", "", "", `DNS: no name server is asked for "256.256.256.256"`},
		"huge header":          {srv.URL + "/huge", "", "", "HTTP: the header of the answer is larger than 256 KiB"},
		"redirect to no host":  {srv.URL + "/host", "", "", "the server redirected to http:///x, which cannot be requested: the URL names no host"},
		"redirect to a port":   {srv.URL + "/port", "", "", `the server redirected to http://h:80800/x, which cannot be requested: the port "80800"`},
		"redirect to a zone":   {srv.URL + "/zone", "", "", "cannot be the name of a network interface"},
		"redirect to no URL":   {srv.URL + "/no", "", "", "the server redirected to what is no URL"},
		"redirect to a label":  {srv.URL + "/label", "", "", "is 64 bytes long, at most 63 are possible"},
		"range":                {srv.URL, "Range", "bytes=2-3", "the server answered 206 Partial Content"},
	} {
		c, log := newClient(t)
		r := resource(tc.url)
		if tc.header != "" {
			r.HTTPHeaders = []config.HTTPHeader{{Name: tc.header, Value: &tc.value}}
		}
		err := fails(t, c, r, tc.want)
		if strings.Count(log.String(), "attempt #") > 1 || strings.Contains(log.String()+err.Error(), "secret") || hint(err) == "" {
			t.Errorf("%s: %v (%s)\n%s", name, err, hint(err), log)
		}
	}
}

// An interface of this machine may be late, but not for ever.
func TestAddressesOfInterfacesThatAreNotThere(t *testing.T) {
	c, log := newClient(t)
	pauses := 0
	now := time.Now()
	c.Clock.Now = func() time.Time { return now }
	c.Clock.AwaitNetwork = func(_ context.Context, d time.Duration) error { pauses, now = pauses+1, now.Add(d); return nil }
	err := fails(t, c, resource("http://[fe80::1%25nope0]:80/x"), "this machine has no network interface of the name that follows after the % in the address of the server at [fe80::1%nope0]:80")
	if pauses != 20 || strings.Contains(log.String(), "attempt #2") || !strings.Contains(hint(err), "ip link") {
		t.Errorf("%d pauses, %v (%s)\n%s", pauses, err, hint(err), log)
	}
}

func hasIPv6() bool {
	conn, err := net.Dial("udp", "[2001:db8::1]:9")
	if err == nil {
		conn.Close()
	}
	return err == nil
}

func TestCancelledFetchesAreToldWithoutJargon(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			w.Header().Set("Content-Length", "5")
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	})
	mute, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	for _, url := range []string{srv.URL, srv.URL + "/body", "tftp://" + mute.LocalAddr().String() + "/x", strings.Replace(srv.URL, "http:", "https:", 1)} {
		c, log := newClient(t)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(200*time.Millisecond, cancel)
		_, err := c.Bytes(ctx, resource(url), config.Limit{Bytes: 100})
		if err == nil || jargon.MatchString(log.String()+err.Error()) {
			t.Errorf("%s: got %v\n%s", url, err, log)
		}
	}
}

func TestErrorsSayWhatTheServerSays(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(500)
		fmt.Fprintf(w, "could not fetch config for pool master: not ready\x1b[31m\u202e, %s %s %s\nmore\n", r.Header.Get("Authorization"), r.URL.RawQuery, r.Header.Get("X-Token"))
	})
	c, log := newClient(t)
	token := "canary1"
	once(c)
	r := resource(strings.Replace(srv.URL, "://", "://me:canary2@", 1) + "/?sig=canary3")
	r.HTTPHeaders = []config.HTTPHeader{{Name: "X-Token", Value: &token}}
	_, err := get(t, c, r)
	const want = "the server answered 500 Internal Server Error: could not fetch config for pool master: not ready?[31m?, "
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(log.String(), want) {
		t.Errorf("got %v\n%s", err, log)
	}
	if said := log.String() + err.Error(); strings.Contains(said, "canary") || strings.Contains(said, "bWU6Y2FuYXJ5Mg==") {
		t.Errorf("a secret is in:\n%s", said)
	}
}

func TestProxysOwnErrorsAreBlamedOnIt(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		via    string
		body   string
		want   string
		hint   string
	}{
		"no password":     {407, "", "", "the proxy at PROXY answered 407 Proxy Authentication Required", "the proxy wants a name and a password"},
		"no server":       {502, "", "<html><title>502 Bad Gateway</title><p>connection to origin refused</p>", "the proxy at PROXY answered 502 Bad Gateway: connection to origin refused", "look at the log of the proxy"},
		"passed on":       {503, "1.1 proxy", "not ready", "through the proxy at PROXY: the server answered 503 Service Unavailable: not ready", "check the URL"},
		"nothing there":   {404, "", "no matching profile", "through the proxy at PROXY: the server answered 404 Not Found: no matching profile", "check the URL; the server, or the proxy before it"},
		"server's refuse": {403, "", "", "through the proxy at PROXY: the server answered 403 Forbidden", "check the URL"},
	} {
		t.Run(name, func(t *testing.T) {
			proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if tc.via != "" {
					w.Header().Set("Via", tc.via)
				}
				w.WriteHeader(tc.status)
				io.WriteString(w, tc.body)
			})
			c, log := newClient(t)
			address := strings.Replace(proxy.URL, "://", "://name:password@", 1)
			if err := c.Configure(t.Context(), config.Ignition{Proxy: config.Proxy{HTTPProxy: &address}}); err != nil {
				t.Fatal(err)
			}
			once(c)
			err := fails(t, c, resource("http://www.test/x"), strings.Replace(tc.want, "PROXY", strings.TrimPrefix(proxy.URL, "http://"), 1))
			if !strings.HasPrefix(hint(err), tc.hint) {
				t.Errorf("the hint is %q", hint(err))
			}
			if strings.Contains(log.String()+err.Error(), "password") && tc.status != 407 {
				t.Errorf("the password is in:\n%s%v", log, err)
			}
		})
	}
}

func TestFailuresBehindAProxyNameIt(t *testing.T) {
	closes := func(conn net.Conn) { io.ReadAtLeast(conn, make([]byte, 4096), 5); conn.Close() }
	rubbish := func(conn net.Conn) {
		io.ReadAtLeast(conn, make([]byte, 4096), 5)
		io.WriteString(conn, "SSH-2\n")
		conn.Close()
	}
	mute := func(conn net.Conn) { io.Copy(io.Discard, conn) }
	tunnelled := newTunnel(t, strings.TrimPrefix(serveTLS(t, newAuthority(t, valid).issue(t, valid, "other.test"), tls.VersionTLS13, hello).URL, "https://"))
	secure := serveTLS(t, newAuthority(t, valid).issue(t, valid, "127.0.0.1"), tls.VersionTLS13, hello)
	for name, tc := range map[string]struct {
		proxy, url, want string
	}{
		"no such proxy, https":           {"http://" + closedPort(t, "tcp"), "https://www.test/x", "TCP: the proxy at PROXY refuses the connection"},
		"no such proxy":                  {"http://" + closedPort(t, "tcp"), "http://www.test/x", "TCP: the proxy at PROXY refuses the connection"},
		"closes, https":                  {"http://" + conversation(t, closes), "https://www.test/x", "HTTP: the proxy at PROXY closed the connection before it had answered"},
		"closes":                         {"http://" + conversation(t, closes), "http://www.test/x", "through the proxy at PROXY: HTTP: the server closed the connection before it had answered"},
		"no proxy, https":                {"http://" + conversation(t, rubbish), "https://www.test/x", "HTTP: the proxy at PROXY at this port does not speak it"},
		"silent, https":                  {"http://" + conversation(t, mute), "https://www.test/x", "answer"},
		"wrong certificate":              {tunnelled.URL, "https://www.test/x", "through the proxy at PROXY: TLS: the server's certificate "},
		"wrong certificate of the proxy": {secure.URL, "https://www.test/x", "TLS: the proxy at PROXY's certificate "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, log := newClient(t)
			ign := config.Ignition{Proxy: config.Proxy{HTTPProxy: &tc.proxy, HTTPSProxy: &tc.proxy}}
			if err := c.Configure(t.Context(), ign); err != nil {
				t.Fatal(err)
			}
			once(c)
			if strings.Contains(name, "silent") {
				limited(t, c, ign)
			}
			_, host, _ := strings.Cut(tc.proxy, "://")
			err := fails(t, c, resource(tc.url), strings.Replace(tc.want, "PROXY", host, 1))
			if found := jargon.FindString(log.String() + err.Error()); found != "" {
				t.Errorf("%q is in:\n%s%v", found, log, err)
			}
		})
	}
}
