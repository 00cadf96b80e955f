package fetch

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/http"
)

// A proxy decides which proxy a URL is requested by. The rules are those that
// curl and Go programs know from no_proxy; they are written out here since
// golang.org/x/net/http/httpproxy brings 205 kB of tables for names outside of
// ASCII along.
type proxy struct {
	http, https *url.URL
	exceptions  []string // lower case, without blanks
}

func newProxy(p config.Proxy) (proxy, error) {
	var out proxy
	var errs [2]error
	out.http, errs[0] = parseProxy(config.ValueOr(p.HTTPProxy, ""))
	out.https, errs[1] = parseProxy(config.ValueOr(p.HTTPSProxy, ""))
	for item := range strings.SplitSeq(strings.Join(p.NoProxy, ","), ",") {
		if item = strings.ToLower(strings.TrimSpace(item)); item != "" {
			out.exceptions = append(out.exceptions, item)
		}
	}
	return out, errors.Join(errs[:]...)
}

// parseProxy reads a proxy's address; without a scheme it is http.
func parseProxy(text string) (*url.URL, error) {
	if text == "" {
		return nil, nil
	}
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("the address of the proxy is not a URL")
	}
	return u, nil
}

// forURL returns the proxy for a URL, as http.Transport calls it; nil is a direct
// connection.
func (p proxy) forURL(u *url.URL) *url.URL {
	use := p.http
	if u.Scheme == "https" {
		use = p.https
	}
	if use == nil || p.direct(strings.ToLower(u.Hostname()), http.PortOf(u)) {
		return nil
	}
	return use
}

// direct reports whether a host is reached without a proxy. This machine itself always is.
func (p proxy) direct(host, port string) bool {
	ip, err := netip.ParseAddr(host)
	isIP := err == nil
	if host == "localhost" || isIP && ip.IsLoopback() {
		return true
	}
	for _, item := range p.exceptions {
		if item == "*" {
			return true
		}
		if network, err := netip.ParsePrefix(item); err == nil {
			if isIP && network.Contains(ip) {
				return true
			}
			continue
		}
		name, itemPort, err := net.SplitHostPort(item)
		if err != nil {
			name, itemPort = item, ""
		}
		if (itemPort == "" || itemPort == port) && matchHost(strings.Trim(name, "[]"), host, isIP) {
			return true
		}
	}
	return false
}

// matchHost: "example.com" is the domain and what is below it, ".example.com"
// and "*.example.com" only what is below; addresses are equal or not.
func matchHost(name, host string, isIP bool) bool {
	if name == host {
		return true
	}
	below := "." + strings.TrimPrefix(strings.TrimPrefix(name, "*"), ".")
	return !isIP && name != "" && strings.HasSuffix(host, below)
}
