package fetch

import (
	"context"
	"crypto/x509"
	"fmt"
	"math"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
)

const (
	defaultHeaderTimeout = 10 * time.Second
)

// Configure applies the settings of a config. Its certificate authorities are
// fetched with its timeouts and its proxy, and trusted from then on. A config
// without authorities leaves those of the config before it.
func (c *Client) Configure(ctx context.Context, ign config.Ignition) error {
	proxy, err := newProxy(ign.Proxy)
	if err != nil {
		return &report.Error{Origin: ign.Proxy.Origin(), Err: err}
	}
	s := settings{
		headerTimeout: seconds(ign.Timeouts.HTTPResponseHeaders, defaultHeaderTimeout),
		totalTimeout:  seconds(ign.Timeouts.HTTPTotal, 0),
		roots:         c.transports().roots,
		authorities:   c.transports().authorities,
		proxy:         proxy,
	}
	c.setSettings(s)
	if authorities := ign.Security.TLS.CertificateAuthorities; len(authorities) > 0 {
		if s.roots, s.authorities, err = c.certPool(ctx, authorities); err != nil {
			return err
		}
		c.setSettings(s)
	}
	return nil
}

func seconds(s *int, unset time.Duration) time.Duration {
	if s == nil {
		return unset
	}
	const most = int64(math.MaxInt64 / time.Second)
	return time.Duration(min(int64(*s), most)) * time.Second
}

// certPool returns the system's authorities with those of the config, and the latter.
func (c *Client) certPool(ctx context.Context, sources []config.Resource) (*x509.CertPool, []authority, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		c.Log.Warn(fmt.Sprintf("reading the system's certificate authorities: %v; only those of the config are trusted", err))
		roots = x509.NewCertPool()
	}
	var all []authority
	for _, r := range sources {
		bundle, err := c.Bundle(ctx, r)
		if err != nil {
			return nil, nil, err
		}
		certs, err := config.ParseCertificates(bundle)
		if err != nil {
			const hint = "the source must be one or more certificates in PEM form"
			if !config.IsRemote(config.ValueOr(r.Source, "")) {
				err = report.Conflict(r.Origin("source"), hint, "%v", err)
			}
			return nil, nil, &report.Error{Doing: "reading the certificate authorities from " + Redact(config.ValueOr(r.Source, "")), Origin: r.Origin("source"), Err: err, Hint: hint}
		}
		for i, cert := range certs {
			roots.AddCert(cert)
			all = append(all, authority{cert, locate(r, i, len(certs))})
		}
	}
	return roots, all, nil
}

// locate says where in a config a certificate of a resource is.
func locate(r config.Resource, i, of int) string {
	text := "in ignition.security.tls.certificateAuthorities"
	if origin := r.Origin("source"); !origin.IsZero() {
		text = "in " + origin.String()
	}
	if of > 1 {
		text += fmt.Sprintf(", certificate %d", i+1)
	}
	return text
}

// Bundle fetches the certificates of one authority, once.
func (c *Client) Bundle(ctx context.Context, authority config.Resource) ([]byte, error) {
	source := config.ValueOr(authority.Source, "")
	c.mu.Lock()
	bundle, ok := c.bundles[source]
	left := config.MaxCertificates
	for _, other := range c.bundles {
		left -= len(other)
	}
	c.mu.Unlock()
	if ok {
		return bundle, nil
	}
	bundle, err := c.Bytes(ctx, authority, config.Limit{Bytes: left, Reason: "what is left of " + config.Limit{Bytes: config.MaxCertificates}.String() + " for all certificates"})
	if err == nil {
		c.mu.Lock()
		c.bundles[source] = bundle
		c.mu.Unlock()
	}
	return bundle, err
}
