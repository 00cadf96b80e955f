// Package fetch_test proves package fetch from outside: over real sockets,
// against servers that fail in all the ways that servers do, and against
// emulations of object stores that check what they are asked as strictly as the
// real ones.
package fetch_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/stores"
)

// newClient is one whose pauses take no time but are seen by its clock, which
// begins now.
func newClient(t *testing.T) (*fetch.Client, *testkit.Output) {
	t.Helper()
	log := new(testkit.Output)
	c := fetch.New(report.NewWriterLogger(log), 0)
	c.StallTimeout = time.Minute // for a machine that has other things to do
	var mu sync.Mutex
	var skipped time.Duration
	c.Clock.Now = func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return time.Now().Add(skipped)
	}
	c.Clock.Sleep = func(ctx context.Context, d time.Duration) error {
		mu.Lock()
		defer mu.Unlock()
		skipped += d
		return ctx.Err()
	}
	c.Clock.AwaitNetwork = c.Clock.Sleep
	return c, log
}

// hasten makes every pause an hour, for what is tried for hours and takes real
// time at each attempt.
func hasten(c *fetch.Client) {
	sleep := c.Clock.Sleep
	c.Clock.Sleep = func(ctx context.Context, d time.Duration) error { return sleep(ctx, d+time.Hour) }
}

func resource(source string) config.Resource { return config.Resource{Source: &source} }

var limit = config.Limit{Bytes: 16 << 20}

func get(t *testing.T, c *fetch.Client, r config.Resource) (string, error) {
	t.Helper()
	b, err := c.Bytes(t.Context(), r, limit)
	return string(b), err
}

// fails checks that a fetch fails with all of these texts in its message, and
// returns the error.
func fails(t *testing.T, c *fetch.Client, r config.Resource, texts ...string) error {
	t.Helper()
	got, err := get(t, c, r)
	if err == nil {
		t.Fatalf("got %q without an error", got)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q is not in:\n%v", text, err)
		}
	}
	return err
}

// hint is what the report would advise.
func hint(err error) string {
	problems := report.Explain(err)
	return problems[len(problems)-1].Hint
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv
}

// An authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// A span is from when to when something is valid, counted from now.
type span struct{ from, to time.Duration }

var valid = span{-time.Hour, time.Hour}

func newAuthority(t *testing.T, s span) *authority {
	t.Helper()
	a := &authority{key: newKey(t)}
	template := authorityTemplate("Test Authority", s)
	a.cert = parse(t)(x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key))
	return a
}

func authorityTemplate(name string, s span) *x509.Certificate {
	return &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(s.from), NotAfter: time.Now().Add(s.to), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
}

// below is an authority whose certificate is signed by a.
func (a *authority) below(t *testing.T, s span) *authority {
	t.Helper()
	i := &authority{key: newKey(t)}
	i.cert = parse(t)(x509.CreateCertificate(rand.Reader, authorityTemplate("Test Intermediate", s), a.cert, i.key.Public(), a.key))
	return i
}

// leafOnly is a chain of a server that sends only its own certificate.
func leafOnly(c tls.Certificate) tls.Certificate {
	c.Certificate = c.Certificate[:1]
	return c
}

// selfSigned is a server's certificate that nobody else has signed.
func selfSigned(t *testing.T, ip string) tls.Certificate {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: "Alone"}, IPAddresses: []net.IP{net.ParseIP(ip)},
		NotBefore: time.Now().Add(valid.from), NotAfter: time.Now().Add(valid.to), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	cert := parse(t)(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func parse(t *testing.T) func([]byte, error) *x509.Certificate {
	return func(raw []byte, err error) *x509.Certificate {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(raw)
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
}

// issue makes a certificate for hosts, names or addresses.
func (a *authority) issue(t *testing.T, s span, hosts ...string) tls.Certificate {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Test Server"},
		NotBefore: time.Now().Add(s.from), NotAfter: time.Now().Add(s.to), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	cert := parse(t)(x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key))
	return tls.Certificate{Certificate: [][]byte{cert.Raw, a.cert.Raw}, PrivateKey: key}
}

// trust is a config that trusts an authority.
func (a *authority) trust() config.Ignition {
	bundle := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
	source := "data:;base64," + base64.StdEncoding.EncodeToString(bundle)
	ign := config.Ignition{}
	ign.Security.TLS.CertificateAuthorities = []config.Resource{resource(source)}
	return ign
}

func serveTLS(t *testing.T, cert tls.Certificate, most uint16, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = quiet
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS10, MaxVersion: most}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv
}

// A tunnel is a proxy that leads every CONNECT to one server.
type tunnel struct {
	*httptest.Server
	to     string // host:port
	status int    // another than 200
	mu     sync.Mutex
	hosts  []string
}

func newTunnel(t *testing.T, to string) *tunnel {
	t.Helper()
	p := &tunnel{to: to, status: http.StatusOK}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *tunnel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.hosts = append(p.hosts, r.Method+" "+r.Host)
	p.mu.Unlock()
	if r.Method != http.MethodConnect || p.status != http.StatusOK {
		w.WriteHeader(p.status)
		return
	}
	stores.Connect(w, p.to)
}

// connected are the hosts that were asked for, without repetitions.
func (p *tunnel) connected() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for _, h := range p.hosts {
		if len(all) == 0 || all[len(all)-1] != h {
			all = append(all, h)
		}
	}
	return strings.Join(all, ", ")
}

// through is a client that reaches every https host at a server of ours, which
// has a certificate for all of them, as a proxy and an authority would have it.
func through(t *testing.T, h http.HandlerFunc, hosts ...string) (*fetch.Client, *testkit.Output, *tunnel) {
	t.Helper()
	a := newAuthority(t, valid)
	srv := serveTLS(t, a.issue(t, valid, hosts...), tls.VersionTLS13, h)
	p := newTunnel(t, strings.TrimPrefix(srv.URL, "https://"))
	c, log := newClient(t)
	ign := a.trust()
	ign.Proxy.HTTPSProxy = &p.URL
	if err := c.Configure(t.Context(), ign); err != nil {
		t.Fatal(err)
	}
	return c, log, p
}
