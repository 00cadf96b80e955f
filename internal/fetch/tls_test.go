package fetch

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestCertificatesAreVerifiedByTheLaterOfClockAndBuild(t *testing.T) {
	defer func(old string) { buildTime = old }(buildTime)
	c, h, _ := newTestClient(t)
	now := h.now
	built := now.Add(-24 * time.Hour).Truncate(time.Second)
	// As on a real machine, the clock never says the same twice.
	c.Clock.Now = func() time.Time { h.now = h.now.Add(time.Nanosecond); return h.now }
	cert := &x509.Certificate{Subject: pkix.Name{CommonName: "www"}, NotBefore: built.Add(-time.Hour), NotAfter: built.Add(time.Hour)}
	const dates = "from 2030-01-01 02:04:05 UTC to 2030-01-01 04:04:05 UTC; this machine's clock says "
	for name, tc := range map[string]struct {
		build string
		clock time.Time
		used  time.Time
		text  string
		hint  string
	}{
		"a right clock": {built.Format(time.RFC3339), now, now,
			`the server's certificate "www" has expired: it was valid ` + dates + "2030-01-02 03:04:05 UTC", "renew this certificate"},
		"an empty battery": {built.Format(time.RFC3339), time.Unix(0, 0), built, "", ""},
		"an older build": {built.Add(-48 * time.Hour).Format(time.RFC3339), time.Unix(0, 0), built.Add(-48 * time.Hour),
			`the server's certificate "www" is not valid yet: it will be ` + dates + "1970-01-01 00:00:00 UTC, which is before this program was built, so that the time of the build was used: 2029-12-30 03:04:05 UTC", "set this machine's clock"},
		"a newer build": {built.Add(48 * time.Hour).Format(time.RFC3339), time.Unix(0, 0), built.Add(48 * time.Hour),
			`the server's certificate "www" has expired: it was valid ` + dates + "1970-01-01 00:00:00 UTC, which is before this program was built, so that the time of the build was used: 2030-01-03 03:04:05 UTC", "renew this certificate"},
		"an unknown build": {"", time.Unix(0, 0), time.Unix(0, 0),
			`the server's certificate "www" is not valid yet: it will be ` + dates + "1970-01-01 00:00:00 UTC", "set this machine's clock, or"},
	} {
		buildTime, h.now = tc.build, tc.clock
		if got := c.verificationTime().Truncate(time.Second); !got.Equal(tc.used) {
			t.Errorf("%s: verified by %v, want %v", name, got, tc.used)
		}
		if got, hint := c.validityProblem(cert, []*x509.Certificate{cert}); tc.text != "" && (got != tc.text || !strings.HasPrefix(hint, tc.hint)) {
			t.Errorf("%s: got  %s (%s)\nwant %s", name, got, hint, tc.text)
		}
	}
}

func TestWrongClockDoesNotFailTLS(t *testing.T) {
	defer func(old string) { buildTime = old }(buildTime)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	for _, tc := range []struct{ built, want string }{
		{srv.Certificate().NotBefore.Add(time.Hour).Format(time.RFC3339), ""},
		{"", "is not valid yet: it will be from 1970-01-01 00:00:00 UTC to 2084-01-29 16:00:00 UTC; this machine's clock says 1969-12-31 23:5"},
	} {
		c, h, _ := newTestClient(t)
		h.now = srv.Certificate().NotBefore.Add(-10 * time.Minute)
		roots := x509.NewCertPool()
		roots.AddCert(srv.Certificate())
		c.setSettings(settings{roots: roots})
		buildTime = tc.built
		_, err := get(t, c, resourceOf(srv.URL))
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("built %q: got %v", tc.built, err)
		}
	}
}

func TestCertificateNames(t *testing.T) {
	for want, cert := range map[string]*x509.Certificate{
		`"old" (no alternative names)`: {Subject: pkix.Name{CommonName: "old"}},
		"a.test, 10.0.0.1":             {DNSNames: []string{"a.test"}, IPAddresses: []net.IP{net.IPv4(10, 0, 0, 1)}},
		"a, b, c, d, e, ...":           {DNSNames: []string{"a", "b", "c", "d", "e", "f", "g"}},
	} {
		if got := certificateNames(cert); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
