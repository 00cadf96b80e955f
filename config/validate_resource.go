package config

import (
	"net/url"
	"strings"
)

func (v *validator) ignition(i *Ignition) {
	for n := range i.Config.Merge {
		v.mergeReference(&i.Config.Merge[n])
	}
	v.replaceReference(&i.Config.Replace)
	v.proxy(&i.Proxy)
	for n := range i.Security.TLS.CertificateAuthorities {
		v.authority(&i.Security.TLS.CertificateAuthorities[n])
	}
	v.timeouts(&i.Timeouts)
}

func (v *validator) timeouts(t *Timeouts) {
	const message = "the timeout is negative; it is in seconds, and 0 is without limit"
	if ValueOr(t.HTTPResponseHeaders, 0) < 0 {
		v.warn(t.Origin("httpResponseHeaders"), message)
	}
	if ValueOr(t.HTTPTotal, 0) < 0 {
		v.unbootable(t.Origin("httpTotal"), message)
	}
}

func (v *validator) mergeReference(r *Resource) {
	switch {
	case ValueOr(r.Source, "") != "":
	case v.version == V3_0:
		v.warn(r.Origin(), "the source is missing, so nothing is merged")
	default:
		v.error(r.Origin(), "the source is missing: the URL of the config to merge")
	}
	v.configReference(r)
}

func (v *validator) replaceReference(r *Resource) {
	if r.Source != nil && *r.Source == "" {
		// The reference takes it for an empty config.
		v.error(r.Origin("source"), "the source is empty: it should be the URL of the config that replaces this one, or be removed")
	}
	v.configReference(r)
}

func (v *validator) configReference(r *Resource) {
	if v.version == V3_0 {
		// In this version a reference may lead nowhere, with or without a hash.
		v.source(r)
		if v.hashForm(r) {
			v.contents(r)
		}
		return
	}
	v.resource(r)
}

func (v *validator) authority(r *Resource) {
	if ValueOr(r.Source, "") == "" {
		v.error(r.Origin(), "the source is missing: the URL of the certificates")
	}
	v.resource(r)
	v.certificates(r)
}

// resource checks all that resources have in common.
func (v *validator) resource(r *Resource) {
	if c := ValueOr(r.Compression, ""); c != "" && c != "gzip" {
		v.error(r.Origin("compression"), "the compression %s is unknown; it should be \"gzip\", or be removed", quote(c))
	}
	if r.Verification.Hash != nil && r.Source == nil {
		v.error(r.Verification.Origin("hash"), "there is a hash but no source that it could be the hash of")
	}
	v.source(r)
	v.headers(r)
	if v.hashForm(r) {
		v.contents(r)
	}
}

func (v *validator) source(r *Resource) {
	if source := ValueOr(r.Source, ""); source != "" {
		if err := checkURL(source, v.version); err != nil {
			v.error(r.Origin("source"), "%v", err)
		}
	}
}

func (v *validator) headers(r *Resource) {
	if len(r.HTTPHeaders) > 0 && !isHTTP(ValueOr(r.Source, "")) {
		v.error(r.Origin("httpHeaders"), "HTTP headers need a source that starts with http:// or https://")
	}
	for i := range r.HTTPHeaders {
		h := &r.HTTPHeaders[i]
		if h.Name == "" {
			v.error(h.Origin("name"), "the name of the HTTP header is missing")
		}
		if h.Value != nil && *h.Value == "" {
			v.error(h.Origin("value"), "the value of the HTTP header %s is empty", quote(h.Name))
		}
	}
}

// hashForm checks what a hash looks like, and reports whether it is right, or absent.
func (v *validator) hashForm(r *Resource) bool {
	if r.Verification.Hash == nil {
		return true
	}
	at := func() Origin { return r.Verification.Origin("hash") }
	name, sum, ok := strings.Cut(*r.Verification.Hash, "-")
	digits := 128
	if name == "sha256" {
		digits = 64
	}
	switch {
	case !ok:
		v.error(at(), "this is not a hash; it should be \"sha512-\" and 128 hexadecimal digits")
	case name != "sha512" && name != "sha256":
		v.error(at(), "the hash function is unknown; it should be \"sha512\" or \"sha256\", in lower case, before the first -")
	case name == "sha256" && v.version < V3_1:
		v.error(at(), "the hash function \"sha256\" exists since version 3.1.0 of the spec; use \"sha512\" or a newer version")
	case len(sum) != digits:
		v.error(at(), "the %s hash has %d digits; it should have %d", name, len(sum), digits)
	default:
		if i := strings.IndexFunc(sum, func(c rune) bool { return c > 'f' || !isHex(byte(c)) }); i >= 0 {
			v.error(at(), "digit %d of the %s hash is not hexadecimal", i+1, name)
			return false
		}
		return true
	}
	return false
}

func (v *validator) proxy(p *Proxy) {
	check := func(name string, value *string) (scheme string) {
		if value == nil {
			return ""
		}
		u, err := url.Parse(*value)
		switch {
		case err != nil:
			v.error(p.Origin(name), "%v", cannotParse(err))
		case u.Scheme != "http" && u.Scheme != "https":
			v.error(p.Origin(name), "a proxy's URL should start with http:// or https://")
		default:
			return u.Scheme
		}
		return ""
	}
	check("httpProxy", p.HTTPProxy)
	if check("httpsProxy", p.HTTPSProxy) == "http" {
		v.warn(p.Origin("httpsProxy"), "the connection to the proxy for HTTPS is not encrypted itself; https:// would be safer, if the proxy can do it")
	}
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
