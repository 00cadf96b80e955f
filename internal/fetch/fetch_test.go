package fetch

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

func resourceOf(source string) config.Resource { return config.Resource{Source: &source} }

func get(t *testing.T, c *Client, r config.Resource) (string, error) {
	t.Helper()
	b, err := c.Bytes(context.Background(), r, config.Limit{Bytes: 1 << 20})
	return string(b), err
}

func TestDataURLs(t *testing.T) {
	for source, want := range map[string]string{
		"data:,":                                "",
		"data:,hello%20world":                   "hello world",
		"data:,a+b?c=d":                         "a+b?c=d",
		"data:text/plain;charset=utf-8,x%0A":    "x\n",
		"data:text/plain;charset=utf-8;base64,": "",
		"data:;base64,aGVsbG8=":                 "hello",
		"data:;base64,aGVs%62G8=":               "",
	} {
		c, _, _ := newTestClient(t)
		c.Offline = true
		got, err := get(t, c, resourceOf(source))
		if strings.Contains(source, ";base64,aGVs%") {
			if err == nil {
				t.Errorf("%s: percent signs are not base64", source)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", source, got, err, want)
		}
	}
}

func TestResourceWithoutASourceIsEmpty(t *testing.T) {
	c, _, _ := newTestClient(t)
	hash := "sha256-" + strings.Repeat("0", 64)
	hashed := resourceOf("")
	hashed.Verification.Hash = &hash // there is nothing that it could be of
	for _, r := range []config.Resource{{}, resourceOf(""), hashed} {
		if got, err := get(t, c, r); err != nil || got != "" {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

func TestVerificationIsOverDecompressedBytes(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(testkit.Gzip("payload"))) }))
	defer srv.Close()
	h512, h256 := sha512.Sum512([]byte("payload")), sha256.Sum256([]byte("payload"))
	gz, wrong := "gzip", "sha256-"+strings.Repeat("0", 64)
	for _, hash := range []string{"sha512-" + hex.EncodeToString(h512[:]), "sha256-" + strings.ToUpper(hex.EncodeToString(h256[:]))} {
		c, _, _ := newTestClient(t)
		r := resourceOf(srv.URL)
		r.Compression, r.Verification.Hash = &gz, &hash
		if got, err := get(t, c, r); err != nil || got != "payload" {
			t.Errorf("%s: got %q, %v", hash, got, err)
		}
	}
	c, _, _ := newTestClient(t)
	r := resourceOf(srv.URL)
	r.Compression, r.Verification.Hash = &gz, &wrong
	_, err := get(t, c, r)
	var mismatch *hashError
	if !errors.As(err, &mismatch) {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{"fetching http://127.0.0.1", "the sha256 of what was fetched is not the one in the config", mismatch.Got, mismatch.Want} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}

func TestBadResourcesAreRefused(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/plain":
			w.Write([]byte("plain"))
		case "/cut":
			w.Write([]byte(testkit.Gzip(strings.Repeat("long ", 1000)))[:20])
		case "/big":
			w.Write(make([]byte, 2<<20))
		case "/created":
			w.WriteHeader(201)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	}))
	defer srv.Close()
	gz, lz, md5, short := "gzip", "lz", "md5-00", "sha256-00"
	for name, tc := range map[string]struct {
		path              string
		compression, hash *string
		want              string
	}{
		"not gzip":            {"/plain", &gz, nil, "the config says that it is compressed with gzip, but it does not begin like that"},
		"cut gzip":            {"/cut", &gz, nil, "the config says that it is compressed with gzip, but it ends too early"},
		"unknown compression": {"/plain", &lz, nil, `compression "lz" is not known`},
		"unknown hash":        {"/plain", nil, &md5, `the hash "md5" is of an unknown kind`},
		"short hash":          {"/plain", nil, &short, "is not 64 hexadecimal digits"},
		"too big":             {"/big", nil, nil, "it is larger than 1 MiB"},
		"not found":           {"/none", nil, nil, "the server answered 404 Not Found"},
		"odd success":         {"/created", nil, nil, "the server answered 201 Created"},
	} {
		c, _, _ := newTestClient(t)
		r := resourceOf(srv.URL + tc.path)
		r.Compression, r.Verification.Hash = tc.compression, tc.hash
		if _, err := get(t, c, r); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
	}
	c, _, _ := newTestClient(t)
	if _, err := get(t, c, resourceOf(srv.URL+"/none")); !errors.Is(err, ErrNotFound) {
		t.Errorf("404 is not ErrNotFound: %v", err)
	}
	if _, err := get(t, c, resourceOf("gopher://x/")); err == nil || !strings.Contains(err.Error(), "only URLs that begin with "+strings.Join(slices.Sorted(maps.Keys(schemes)), ", ")+" can be fetched") {
		t.Errorf("unknown scheme: %v", err)
	}
}

// Package config has the same schemes: it lists them for a URL without one, but for those
// of secrets.
func TestSchemesAreThoseOfConfigs(t *testing.T) {
	versions := config.Versions()
	text := fmt.Sprintf(`{"ignition": {"version": %q, "config": {"replace": {"source": "/x"}}}}`, versions[len(versions)-1])
	_, problems, _ := config.Parse([]byte(text), "test")
	if len(problems) == 0 {
		t.Fatal("a URL without a scheme is accepted")
	}
	_, list, _ := strings.Cut(problems[0].Message, "one of ")
	valid := strings.Split(list, ", ")
	slices.Sort(valid)
	for _, form := range config.SecretForms() {
		if scheme, _, _ := strings.Cut(form, ":"); scheme != "age" { // is before another scheme
			valid = append(valid, scheme)
		}
	}
	slices.Sort(valid)
	if have := slices.Sorted(maps.Keys(schemes)); !slices.Equal(have, valid) {
		t.Errorf("the table schemes of client.go has %q, package config has %q", have, valid)
	}
}

func TestBusyServerIsRetried(t *testing.T) {
	var asked atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) < 3 {
			w.WriteHeader(503)
			return
		}
		w.Write([]byte("at last"))
	}))
	defer srv.Close()
	c, _, log := newTestClient(t)
	if got, err := get(t, c, resourceOf(srv.URL)); err != nil || got != "at last" {
		t.Fatalf("got %q, %v", got, err)
	}
	if !strings.Contains(log.String(), "attempt #3") {
		t.Errorf("the attempts are not in the log:\n%s", log)
	}
}

func TestTotalTimeoutEndsRetries(t *testing.T) {
	inBubble(t, time.Minute, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) }, func(t *testing.T, c *Client, log *testkit.Output) {
		_, err := get(t, c, resourceOf("http://server/"))
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "it took longer than 1m0s") || !strings.Contains(err.Error(), "500 Internal Server Error") {
			t.Errorf("got %v", err)
		}
	})
}

func TestOfflineRefusesRemoteResources(t *testing.T) {
	c, _, _ := newTestClient(t)
	c.Offline = true
	if _, err := get(t, c, resourceOf("https://example.com/x")); !errors.Is(err, ErrNeedNetwork) {
		t.Errorf("got %v", err)
	}
}

func TestHeaderWithoutAValueIsRefused(t *testing.T) {
	c, _, _ := newTestClient(t)
	r := resourceOf("http://127.0.0.1:1/")
	r.HTTPHeaders = []config.HTTPHeader{{Name: "X-Auth"}}
	if _, err := get(t, c, r); err == nil || !strings.Contains(err.Error(), `the header "X-Auth" has no value`) {
		t.Errorf("got %v", err)
	}
}

func TestCredentialsNeverReachLogOrMessage(t *testing.T) {
	c, _, log := newTestClient(t)
	_, err := get(t, c, resourceOf("http://user:hunter2@127.0.0.1:1/x?sig=hunter2"))
	if err == nil {
		t.Fatal("port 1 answers")
	}
	if said := log.String() + err.Error(); strings.Contains(said, "hunter2") || !strings.Contains(said, "http://127.0.0.1:1/x?...") {
		t.Errorf("said:\n%s", said)
	}
}

func TestConfigsCertificateAuthoritiesAreTrusted(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("safe")) }))
	defer srv.Close()
	bundle := "some words\n" + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})) + "\n\n# more\n"
	ca := "data:;base64," + base64.StdEncoding.EncodeToString([]byte(bundle))
	c, _, _ := newTestClient(t)
	ign := config.Ignition{}
	if err := c.Configure(context.Background(), ign); err != nil {
		t.Fatal(err)
	}
	if _, err := get(t, c, resourceOf(srv.URL)); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("without the authority: %v", err)
	}
	ign.Security.TLS.CertificateAuthorities = []config.Resource{resourceOf(ca)}
	if err := c.Configure(context.Background(), ign); err != nil {
		t.Fatal(err)
	}
	if got, err := get(t, c, resourceOf(srv.URL)); err != nil || got != "safe" {
		t.Errorf("with the authority: %q, %v", got, err)
	}
}

func TestBundlesWithoutCertificatesAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"words only": "there is no certificate in it",
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")})): "PRIVATE KEY in it",
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})): "certificate 1:",
	} {
		c, _, _ := newTestClient(t)
		ign := config.Ignition{}
		ign.Security.TLS.CertificateAuthorities = []config.Resource{resourceOf("data:;base64," + base64.StdEncoding.EncodeToString([]byte(text)))}
		if err := c.Configure(context.Background(), ign); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestProxyOfTheConfigIsUsed(t *testing.T) {
	var asked string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.String()
		w.Write([]byte("by proxy"))
	}))
	defer proxy.Close()
	c, _, _ := newTestClient(t)
	if err := c.Configure(context.Background(), config.Ignition{Proxy: config.Proxy{HTTPProxy: &proxy.URL}}); err != nil {
		t.Fatal(err)
	}
	if got, err := get(t, c, resourceOf("http://config.test/x")); err != nil || got != "by proxy" || asked != "http://config.test/x" {
		t.Errorf("got %q, %v; the proxy was asked for %q", got, err, asked)
	}
}

func TestRedact(t *testing.T) {
	for source, want := range map[string]string{
		"https://u:p@h:1/a/b?c=d#e": "https://h:1/a/b?...",
		"data:,secret":              "a data URL of 12 bytes",
		"arn:aws:s3:::b/k":          "arn:aws:s3:::b/k",
		"http://%zz":                "a URL that cannot be parsed",
		"foo:bar":                   "foo:bar",
		"credential:key":            "credential:key",
		"aws-sm:prod/db@1?a=b#k":    "aws-sm:prod/db@1?...",
		"vault:https://h/kv/a#k":    "vault:https://h/kv/a",
		"vault:https://u:p@h/kv/a":  "a URL without a host",
		"age:data:,secret":          "a data URL of 12 bytes, encrypted with age",
		"age:https://u:p@h/a?b":     "https://h/a?..., encrypted with age",
		"user:secret@host/":         "a URL without a host",
		"http:user:secret@host/":    "a URL without a host",
		"http:/user:secret@host/":   "a URL without a host",
		"http:///user:secret@host/": "a URL without a host",
	} {
		if got := Redact(source); got != want {
			t.Errorf("%s: got %q, want %q", source, got, want)
		}
	}
}
