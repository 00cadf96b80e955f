package fetch

import (
	"net/url"
	"testing"

	"github.com/firstlight-os/firstlight/config"
)

func TestProxyRules(t *testing.T) {
	plain, secure := "proxy.test:3128", "https://secure.test"
	for _, tc := range []struct {
		url     string
		noProxy []string
		want    string
	}{
		{"http://example.com/", nil, "http://proxy.test:3128"},
		{"https://example.com/", nil, "https://secure.test"},
		{"http://localhost:8080/", nil, ""},
		{"http://127.8.9.10/", nil, ""},
		{"http://[::1]/", nil, ""},
		{"http://example.com/", []string{"*"}, ""},
		{"http://example.com/", []string{" Example.COM "}, ""},
		{"http://a.example.com/", []string{"example.com"}, ""},
		{"http://notexample.com/", []string{"example.com"}, "http://proxy.test:3128"},
		{"http://example.com/", []string{".example.com"}, "http://proxy.test:3128"},
		{"http://a.example.com/", []string{".example.com"}, ""},
		{"http://a.example.com/", []string{"*.example.com"}, ""},
		{"http://example.com/", []string{"*.example.com"}, "http://proxy.test:3128"},
		{"http://example.com:8080/", []string{"example.com:8080"}, ""},
		{"http://example.com/", []string{"example.com:8080"}, "http://proxy.test:3128"},
		{"https://example.com/", []string{"example.com:443"}, ""},
		{"http://10.1.2.3/", []string{"a.test,10.0.0.0/8"}, ""},
		{"http://11.1.2.3/", []string{"10.0.0.0/8", "11.1.2.4"}, "http://proxy.test:3128"},
		{"http://11.1.2.4/", []string{"11.1.2.4"}, ""},
		{"http://11.1.2.4/", []string{"2.4"}, "http://proxy.test:3128"},
		{"http://[fd00::1]:80/", []string{"[fd00::1]:80"}, ""},
		{"http://example.com/", []string{"", "300.1.1.1/99", ":"}, "http://proxy.test:3128"},
	} {
		p, err := newProxy(config.Proxy{HTTPProxy: &plain, HTTPSProxy: &secure, NoProxy: tc.noProxy})
		if err != nil {
			t.Fatal(err)
		}
		target, err := url.Parse(tc.url)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if u := p.forURL(target); u != nil {
			got = u.String()
		}
		if got != tc.want {
			t.Errorf("%s without %q: got %q, want %q", tc.url, tc.noProxy, got, tc.want)
		}
	}
}

func TestBadProxyURLIsAnError(t *testing.T) {
	bad := "http://%zz"
	if _, err := newProxy(config.Proxy{HTTPProxy: &bad}); err == nil {
		t.Error("it was accepted")
	}
}
