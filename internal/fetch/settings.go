package fetch

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
)

const (
	defaultHeaderTimeout = 10 * time.Second
	maxBundle            = 16 << 20 // bytes of certificates in one resource
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
		proxy:         proxy,
	}
	c.setSettings(s)
	if authorities := ign.Security.TLS.CertificateAuthorities; len(authorities) > 0 {
		roots, err := c.certPool(ctx, authorities)
		if err != nil {
			return err
		}
		s.roots = roots
		c.setSettings(s)
	}
	return nil
}

func seconds(s *int, unset time.Duration) time.Duration {
	if s == nil {
		return unset
	}
	return time.Duration(*s) * time.Second
}

// certPool returns the system's authorities and those of the config.
func (c *Client) certPool(ctx context.Context, authorities []config.Resource) (*x509.CertPool, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		c.Log.Warn(fmt.Sprintf("reading the system's certificate authorities: %v; only those of the config are trusted", err))
		roots = x509.NewCertPool()
	}
	for _, a := range authorities {
		bundle, err := c.Bundle(ctx, a)
		if err != nil {
			return nil, err
		}
		if err := addCertificates(roots, bundle); err != nil {
			return nil, &report.Error{Doing: "reading the certificate authorities from " + Redact(config.ValueOr(a.Source, "")), Origin: a.Origin("source"), Err: err,
				Hint: "the source must be one or more certificates in PEM form"}
		}
	}
	return roots, nil
}

// Bundle fetches the certificates of one authority, once.
func (c *Client) Bundle(ctx context.Context, authority config.Resource) ([]byte, error) {
	source := config.ValueOr(authority.Source, "")
	c.mu.Lock()
	bundle, ok := c.bundles[source]
	c.mu.Unlock()
	if ok {
		return bundle, nil
	}
	bundle, err := c.Bytes(ctx, authority, maxBundle)
	if err == nil {
		c.mu.Lock()
		c.bundles[source] = bundle
		c.mu.Unlock()
	}
	return bundle, err
}

// addCertificates adds all certificates of a PEM text. Text around them is fine.
func addCertificates(pool *x509.CertPool, text []byte) error {
	found := 0
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		text = rest
		if block.Type != "CERTIFICATE" {
			return fmt.Errorf("there is a %s in it, which is no certificate", block.Type)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return fmt.Errorf("certificate %d: %w", found+1, err)
		}
		pool.AddCert(cert)
		found++
	}
	if found == 0 && len(text) > 0 {
		return errors.New("there is no certificate in it")
	}
	return nil
}
