package fetch

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// buildTime is when the source was committed, in RFC 3339, set when the agent
// is built. "" is unknown.
var buildTime string

// verificationTime returns the time that certificates are verified by. A clock
// that is behind the build of this program is wrong, as are those of machines
// without a battery; certificates that were valid at the build are accepted then.
func (c *Client) verificationTime() time.Time {
	now := c.Clock.Now()
	if built, err := time.Parse(time.RFC3339, buildTime); err == nil && built.After(now) {
		return built
	}
	return now
}

// classifyTLS is for errors of the server's certificate or of TLS itself. It
// returns nil for others.
func (c *Client) classifyTLS(err error) *AttemptError {
	var op *net.OpError
	var record tls.RecordHeaderError
	var verification *tls.CertificateVerificationError
	var text string
	switch {
	case errors.As(err, &verification):
		text = c.certificateProblem(verification)
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
	return failed(TLS, "TLS: %s", Printable(text))
}

// certificateProblem returns what is wrong with the server's certificate.
func (c *Client) certificateProblem(err *tls.CertificateVerificationError) string {
	var invalid x509.CertificateInvalidError
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return c.validityProblem(invalid.Cert)
	case errors.As(err, &host):
		return fmt.Sprintf("the server's certificate is not for %s, but for %s", host.Host, certificateNames(host.Certificate))
	case errors.As(err, &authority):
		return fmt.Sprintf("the server's certificate is signed by %q, whom this machine does not trust", issuer(err))
	}
	return "the server's certificate is not accepted: " + strings.TrimPrefix(err.Err.Error(), "x509: ")
}

// validityProblem names the times of the certificate and of this machine: one of
// the two is wrong, and only a person knows which.
func (c *Client) validityProblem(cert *x509.Certificate) string {
	const form = "2006-01-02 15:04:05 UTC"
	show := func(t time.Time) string { return t.UTC().Format(form) }
	clock, used := c.Clock.Now(), c.verificationTime()
	text := fmt.Sprintf("the certificate of %q", cert.Subject.CommonName)
	if used.After(cert.NotAfter) {
		text += " has expired at " + show(cert.NotAfter)
	} else {
		text += " is not valid before " + show(cert.NotBefore)
	}
	text += "; this machine's clock says " + show(clock)
	if used.After(clock) {
		text += ", which is before this program was built, " + show(used)
	}
	return text
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

func issuer(err *tls.CertificateVerificationError) string {
	last := err.UnverifiedCertificates[len(err.UnverifiedCertificates)-1]
	return last.Issuer.String()
}
