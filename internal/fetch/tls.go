package fetch

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
)

// buildTime is when the source was committed, in RFC 3339, set when the agent
// is built. "" is unknown.
var buildTime string

// times returns what this machine's clock says, and the time that certificates are
// verified by. A clock that is behind the build of this program is wrong, as are
// those of machines without a battery; certificates that were valid at the build
// are accepted then.
func (c *Client) times() (clock, used time.Time) {
	clock = c.Clock.Now()
	if built, err := time.Parse(time.RFC3339, buildTime); err == nil && built.After(clock) {
		return clock, built
	}
	return clock, clock
}

func (c *Client) verificationTime() time.Time {
	_, used := c.times()
	return used
}

// classifyTLS is for errors of the server's certificate or of TLS itself. It
// returns nil for others.
func (c *Client) classifyTLS(err error) *AttemptError {
	var op *net.OpError
	var record tls.RecordHeaderError
	var verification *tls.CertificateVerificationError
	var text, hint string
	switch {
	case errors.As(err, &verification):
		text, hint = c.certificateProblem(verification)
	case errors.As(err, &record) && string(record.RecordHeader[:]) == "HTTP/":
		text = "the server speaks plain HTTP at this port; the URL should begin with http:// or have another port"
	case errors.As(err, &record):
		text = "the server does not speak TLS at this port"
	case errors.As(err, &op) && op.Op == "remote error":
		text = "the server refuses: " + strings.TrimPrefix(op.Err.Error(), "tls: ")
	case strings.HasPrefix(cause(err).Error(), "tls: "):
		// What package tls says by itself has no types: no common version...
		text = strings.TrimPrefix(cause(err).Error(), "tls: ")
	default:
		return nil
	}
	return &AttemptError{Kind: TLS, Err: fmt.Errorf("TLS: %s", oneLine(text, maxCertificateText)), hint: hint}
}

// maxCertificateText bounds what is said of a certificate, in characters.
const maxCertificateText = 1000

// certificateProblem returns what is wrong with the server's certificate, and what
// can be done if that is known.
func (c *Client) certificateProblem(err *tls.CertificateVerificationError) (text, hint string) {
	var invalid x509.CertificateInvalidError
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	sent := err.UnverifiedCertificates
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return c.validityProblem(invalid.Cert, sent)
	case errors.As(err, &host):
		return fmt.Sprintf("the server's certificate is not for %s, but for %s", host.Host, certificateNames(host.Certificate)),
			"check the URL's host, or have the server use a certificate for it"
	case errors.As(err, &authority):
		return c.authorityProblem(sent)
	}
	return "the server's certificate is not accepted: " + strings.TrimPrefix(err.Err.Error(), "x509: "), ""
}

// validityProblem names the times of a certificate and of this machine: one of
// the two is wrong, and unless the clock is behind this program only a person knows
// which.
func (c *Client) validityProblem(cert *x509.Certificate, sent []*x509.Certificate) (text, hint string) {
	const form = "2006-01-02 15:04:05 UTC"
	show := func(t time.Time) string { return t.UTC().Format(form) }
	clock, used := c.times()
	text = c.roleOf(cert, sent)
	if used.After(cert.NotAfter) {
		text += fmt.Sprintf(" has expired: it was valid from %s to %s", show(cert.NotBefore), show(cert.NotAfter))
		hint = "renew this certificate, or set this machine's clock if that is wrong"
	} else {
		text += fmt.Sprintf(" is not valid yet: it will be from %s to %s", show(cert.NotBefore), show(cert.NotAfter))
		hint = "set this machine's clock, or issue a certificate that is valid now"
	}
	text += "; this machine's clock says " + show(clock)
	if !used.Equal(clock) {
		text += fmt.Sprintf(", which is before this program was built, so that the time of the build was used: %s", show(used))
		if used.Before(cert.NotBefore) {
			hint = "set this machine's clock"
		}
	}
	return text, hint
}

// roleOf names a certificate by what it is for. The server has sent some, its own
// first.
func (c *Client) roleOf(cert *x509.Certificate, sent []*x509.Certificate) string {
	switch at := slices.IndexFunc(sent, cert.Equal); {
	case at == 0:
		return fmt.Sprintf("the server's certificate %q", nameOf(cert))
	case at > 0 && !isSelfSigned(cert):
		return fmt.Sprintf("the certificate of the intermediate authority %q, which the server sends,", nameOf(cert))
	}
	for _, a := range c.transports().authorities {
		if a.cert.Equal(cert) {
			return fmt.Sprintf("the certificate of the authority %q, %s,", nameOf(cert), a.location)
		}
	}
	return fmt.Sprintf("the certificate of the authority %q", nameOf(cert))
}

func nameOf(cert *x509.Certificate) string {
	if cert.Subject.CommonName == "" && len(cert.DNSNames) > 0 {
		return cert.DNSNames[0]
	}
	if cert.Subject.CommonName == "" {
		return cert.Subject.String()
	}
	return cert.Subject.CommonName
}

func certificateNames(cert *x509.Certificate) string {
	all := append([]string(nil), cert.DNSNames...)
	for _, ip := range cert.IPAddresses {
		all = append(all, ip.String())
	}
	switch {
	case len(all) == 0:
		return fmt.Sprintf("%q (no alternative names)", cert.Subject.CommonName)
	case len(all) > 5:
		all = append(all[:5], "...")
	}
	return strings.Join(all, ", ")
}
