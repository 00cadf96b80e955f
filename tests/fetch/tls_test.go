package fetch_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/config"
)

func hello(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello "+r.Host) }

func TestCertificatesThatAreWrongEndAfterAMinute(t *testing.T) {
	good, other, old := newAuthority(t, valid), newAuthority(t, valid), newAuthority(t, span{-2 * time.Hour, -time.Hour})
	stranger := other.below(t, valid)
	now := time.Now().UTC().Format("2006-01-02 ")
	const here = "127.0.0.1"
	for name, tc := range map[string]struct {
		trusted *authority
		cert    tls.Certificate
		most    uint16
		want    []string
	}{
		"good":              {good, good.issue(t, valid, here), tls.VersionTLS13, nil},
		"good, TLS 1.2":     {good, good.issue(t, valid, here), tls.VersionTLS12, nil},
		"good intermediate": {good, good.below(t, valid).issue(t, valid, here), tls.VersionTLS13, nil},
		"authority of the same name": {good, other.issue(t, valid, here), tls.VersionTLS13,
			[]string{`TLS: the server's certificate is signed by an authority of the name "CN=Test Authority", but with another key than the authority of that name in ` +
				"ignition.security.tls.certificateAuthorities: the config has SHA-256 fingerprint " + fingerprint(good.cert.Raw) + ", key identifier " + beginning(good.cert.SubjectKeyId) +
				", the server SHA-256 fingerprint " + fingerprint(other.cert.Raw)}},
		"authority of the same name, not sent": {good, leafOnly(other.issue(t, valid, here)), tls.VersionTLS13,
			[]string{"TLS: the server's certificate is signed by an authority of the name ", ", the server key identifier " + beginning(other.cert.SubjectKeyId) + "\n"}},
		"intermediate of an authority of the same name": {good, stranger.issue(t, valid, here), tls.VersionTLS13,
			[]string{"TLS: the server's certificate is signed by an authority of the name ", ", the server key identifier " + beginning(other.cert.SubjectKeyId) + "\n"}},
		"unknown authority": {stranger, other.issue(t, valid, here), tls.VersionTLS13,
			[]string{`TLS: the server's certificate is signed by "CN=Test Authority", which this machine does not trust`}},
		"self-signed": {good, selfSigned(t, here), tls.VersionTLS13,
			[]string{`TLS: the server's certificate "Alone" is self-signed, and this machine does not trust it`}},
		"intermediate not sent": {good, leafOnly(good.below(t, valid).issue(t, valid, here)), tls.VersionTLS13,
			[]string{`TLS: the server's certificate is signed by "CN=Test Intermediate", which this machine does not trust; the server does not send the certificate of "CN=Test Intermediate"`}},
		"another host": {good, good.issue(t, valid, "www.test", "10.0.0.1"), tls.VersionTLS13, []string{"TLS: the server's certificate is not for 127.0.0.1, but for www.test, 10.0.0.1"}},
		"expired": {good, good.issue(t, span{-time.Hour, -time.Minute}, here), tls.VersionTLS13,
			[]string{`TLS: the server's certificate "Test Server" has expired: it was valid from `, "; this machine's clock says " + now}},
		"not yet valid": {good, good.issue(t, span{30 * time.Minute, time.Hour}, here), tls.VersionTLS13,
			[]string{`TLS: the server's certificate "Test Server" is not valid yet: it will be from `, "; this machine's clock says " + now}},
		"expired authority": {old, old.issue(t, valid, here), tls.VersionTLS13,
			[]string{`TLS: the certificate of the authority "Test Authority", in ignition.security.tls.certificateAuthorities, has expired: it was valid from `}},
		"expired intermediate": {good, good.below(t, span{-time.Hour, -time.Minute}).issue(t, valid, here), tls.VersionTLS13,
			[]string{`TLS: the certificate of the intermediate authority "Test Intermediate", which the server sends, has expired: it was valid from `}},
		"TLS 1.1": {good, good.issue(t, valid, here), tls.VersionTLS11, []string{"TLS: the server refuses: protocol version not supported"}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := serveTLS(t, tc.cert, tc.most, hello)
			c, log := newClient(t)
			if err := c.Configure(t.Context(), tc.trusted.trust()); err != nil {
				t.Fatal(err)
			}
			if tc.want == nil {
				if got, err := get(t, c, resource(srv.URL)); err != nil || !strings.HasPrefix(got, "hello") {
					t.Errorf("got %q, %v", got, err)
				}
				return
			}
			err := fails(t, c, resource(srv.URL), append(tc.want, "\nthis has been so for 1m")...)
			if !strings.Contains(log.String(), "WARNING  : GET "+srv.URL+": "+tc.want[0]) {
				t.Errorf("the console does not see it:\n%s", log)
			}
			if strings.Contains(err.Error(), "was built") {
				t.Errorf("the clock is right: %v", err)
			}
		})
	}
}

// fingerprint is what is shown of a certificate's.
func fingerprint(raw []byte) string {
	sum := sha256.Sum256(raw)
	return beginning(sum[:])
}

func beginning(id []byte) string {
	return strings.ReplaceAll(fmt.Sprintf("% X", id[:8]), " ", ":") + "..."
}

func TestPortsWithoutTLS(t *testing.T) {
	srv := serve(t, hello)
	c, _ := newClient(t)
	fails(t, c, resource(strings.Replace(srv.URL, "http:", "https:", 1)), "TLS: the server speaks plain HTTP at this port; the URL should begin with http:// or have another port\nthis has been so for 1m")
	url, _ := raw(t, "220 mail.test ESMTP\r\n")
	fails(t, c, resource(strings.Replace(url, "http:", "https:", 1)), "TLS: the server does not speak TLS at this port\nthis has been so for 1m")
	hasten(c)
	fails(t, c, resource(url), "HTTP: the server at this port does not speak it: ", "\nthis has been so for 3h")
}

func TestProxyTunnels(t *testing.T) {
	c, _, p := through(t, hello, "www.test")
	if got, err := get(t, c, resource("https://www.test/x")); got != "hello www.test" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if got := p.connected(); got != "CONNECT www.test:443" {
		t.Errorf("the proxy was asked for %q", got)
	}
}

func TestProxiesThatRefuse(t *testing.T) {
	for status, want := range map[int]string{
		407: "opens no tunnel: it answered 407 Proxy Authentication Required",
		403: "opens no tunnel: it answered 403 Forbidden",
	} {
		c, _, p := through(t, hello, "www.test")
		p.status = status
		fails(t, c, resource("https://www.test/x"), "fetching https://www.test/x: the proxy at "+strings.TrimPrefix(p.URL, "http://")+" "+want)
		_, err := get(t, c, resource("https://www.test/x"))
		if status == 407 && !strings.Contains(hint(err), "ignition.proxy") {
			t.Errorf("the hint is %q", hint(err))
		}
		p.mu.Lock()
		if len(p.hosts) != 2 {
			t.Errorf("%d: asked %d times for two fetches", status, len(p.hosts))
		}
		p.mu.Unlock()
	}
}

func TestBusyProxiesAreAskedAgain(t *testing.T) {
	c, log, p := through(t, hello, "www.test")
	server := p.to
	p.to = "127.0.0.1:1"
	sleep := c.Clock.Sleep
	c.Clock.Sleep = func(ctx context.Context, d time.Duration) error {
		p.to = server // no request is on its way during a pause
		return sleep(ctx, d)
	}
	if got, err := get(t, c, resource("https://www.test/x")); got != "hello www.test" || err != nil {
		t.Errorf("got %q, %v\n%s", got, err, log)
	}
	if !strings.Contains(log.String(), "opens no tunnel: it answered 502 Bad Gateway (for 0s so far, 1 attempt") {
		t.Errorf("the log says:\n%s", log)
	}
}

func TestProxiesThatAreNotThere(t *testing.T) {
	c, _ := newClient(t)
	hasten(c)
	dead := "http://name:password@127.0.0.1:1"
	if err := c.Configure(t.Context(), config.Ignition{Proxy: config.Proxy{HTTPProxy: &dead, HTTPSProxy: &dead}}); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"http://www.test/", "https://www.test/"} {
		_, err := get(t, c, resource(url))
		if err == nil || !strings.Contains(err.Error(), "TCP: the proxy at 127.0.0.1:1 refuses the connection") || strings.Contains(err.Error(), "password") {
			t.Errorf("%s: got %v", url, err)
		}
	}
}

func TestPasswordOfTheProxyReachesItOnly(t *testing.T) {
	var toProxy, toServer http.Header
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { toProxy = r.Header }))
	defer srv.Close()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { toServer = r.Header })
	c, log := newClient(t)
	proxy := strings.Replace(srv.URL, "://", "://name:password@", 1)
	if err := c.Configure(t.Context(), config.Ignition{Proxy: config.Proxy{HTTPProxy: &proxy}}); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"http://www.test/", server.URL} {
		if _, err := get(t, c, resource(url)); err != nil {
			t.Error(err)
		}
	}
	if toProxy.Get("Proxy-Authorization") != "Basic bmFtZTpwYXNzd29yZA==" || toServer.Get("Proxy-Authorization") != "" || strings.Contains(log.String(), "password") {
		t.Errorf("the proxy has got %v, the server %v\n%s", toProxy, toServer, log)
	}
}
