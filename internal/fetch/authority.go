package fetch

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
)

// An authority is a certificate of the config that servers' certificates may be
// signed by.
type authority struct {
	cert     *x509.Certificate
	location string // in the config, to be shown
}

// authorityProblem says why none of the authorities that this machine trusts has
// signed a server's certificate, as far as what the server has sent shows it.
func (c *Client) authorityProblem(sent []*x509.Certificate) (text, hint string) {
	last := lastSigned(sent)
	signer := last.Issuer.String()
	settings := c.transports().settings
	for _, a := range settings.authorities {
		if bytes.Equal(a.cert.RawSubject, last.RawIssuer) {
			return differentAuthority(a, last)
		}
	}
	switch {
	case isSelfSigned(last) && last == sent[0]:
		text = fmt.Sprintf("the server's certificate %q is self-signed, and this machine does not trust it", nameOf(last))
		hint = "list this certificate in ignition.security.tls.certificateAuthorities, or have an authority issue one"
	case isSelfSigned(last):
		text = fmt.Sprintf("the server's certificate is signed by %q, which this machine does not trust", signer)
		hint = "list that authority in ignition.security.tls.certificateAuthorities"
	default:
		text = fmt.Sprintf("the server's certificate is signed by %q, which this machine does not trust; the server does not send the certificate of %q", signer, signer)
		hint = "have the server send its intermediate certificates too, or list that authority in ignition.security.tls.certificateAuthorities"
	}
	if settings.hasNoRoots() {
		text += "; this machine has no certificate authorities at all"
		hint += "; the system's own ones are those of the initramfs (ca-certificates)"
	}
	return text, hint
}

// hasNoRoots reports whether no authority is trusted.
func (s settings) hasNoRoots() bool {
	roots := s.roots
	if roots == nil {
		roots, _ = x509.SystemCertPool()
	}
	return roots == nil || roots.Equal(x509.NewCertPool())
}

// lastSigned follows the signatures from the server's certificate through those that
// it has sent, and returns the last one.
func lastSigned(sent []*x509.Certificate) *x509.Certificate {
	last := sent[0]
	for range sent {
		for _, next := range sent[1:] {
			if !next.Equal(last) && bytes.Equal(next.RawSubject, last.RawIssuer) && last.CheckSignatureFrom(next) == nil {
				last = next
				break
			}
		}
	}
	return last
}

func isSelfSigned(cert *x509.Certificate) bool {
	return bytes.Equal(cert.RawIssuer, cert.RawSubject) && cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature) == nil
}

// differentAuthority is for a certificate that names an authority of the config as
// its issuer, but cannot be of it.
func differentAuthority(a authority, signed *x509.Certificate) (text, hint string) {
	var constraint x509.ConstraintViolationError
	if errors.As(signed.CheckSignatureFrom(a.cert), &constraint) && bytes.Equal(a.cert.SubjectKeyId, signed.AuthorityKeyId) {
		return fmt.Sprintf("the server's certificate is signed by %q, but the certificate of that name %s may not sign others", signed.Issuer.String(), a.location),
			"list the certificate of the authority, with the basic constraint CA"
	}
	got := "another key"
	switch {
	case isSelfSigned(signed):
		got = fingerprint(signed)
	case len(signed.AuthorityKeyId) > 0:
		got = "key identifier " + beginning(signed.AuthorityKeyId)
	}
	return fmt.Sprintf("the server's certificate is signed by an authority of the name %q, but with another key than the authority of that name %s: the config has %s, the server %s",
			signed.Issuer.String(), a.location, fingerprint(a.cert), got),
		"list the authority that signs the server's certificate now: it may have been made anew, or be that of another cluster"
}

// fingerprint shows what tells a certificate from others of its name, as openssl
// x509 -fingerprint -sha256 and -ext subjectKeyIdentifier do.
func fingerprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	text := "SHA-256 fingerprint " + beginning(sum[:])
	if len(cert.SubjectKeyId) > 0 {
		text += ", key identifier " + beginning(cert.SubjectKeyId)
	}
	return text
}

// beginning shows the first bytes of an identifier.
func beginning(id []byte) string {
	const shown = 8
	text := ""
	for i, b := range id[:min(shown, len(id))] {
		if i > 0 {
			text += ":"
		}
		text += fmt.Sprintf("%02X", b)
	}
	if len(id) > shown {
		text += "..."
	}
	return text
}
