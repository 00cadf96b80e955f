package config

import (
	"net/url"
	"strings"

	"github.com/firstlight-os/firstlight/internal/header"
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
		v.warn(RuleTimeoutNegative, t.Origin("httpResponseHeaders"), message)
	}
	if ValueOr(t.HTTPTotal, 0) < 0 {
		v.unbootable(RuleTimeoutNegative, t.Origin("httpTotal"), message)
	}
}

func (v *validator) mergeReference(r *Resource) {
	switch {
	case ValueOr(r.Source, "") != "":
	case v.version == V3_0:
		v.warn(RuleSourceMissing, r.Origin(), "the source is missing, so nothing is merged")
	default:
		v.error(RuleSourceMissing, r.Origin(), "the source is missing: the URL of the config to merge")
	}
	v.configReference(r)
}

func (v *validator) replaceReference(r *Resource) {
	if r.Source != nil && *r.Source == "" {
		// The reference takes it for an empty config.
		v.error(RuleSourceMissing, r.Origin("source"), "the source is empty: it should be the URL of the config that replaces this one, or be removed")
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
		v.error(RuleSourceMissing, r.Origin(), "the source is missing: the URL of the certificates")
	}
	v.resource(r)
	v.certificates(r)
}

// instead checks a resource that stands in place of a member of an object.
func (v *validator) instead(r *Resource, hasMember bool, member string, o Object) {
	if !r.IsPresent() && r.Source == nil {
		return
	}
	if hasMember {
		from := o.Key(member + "From")
		v.error(RuleContentsSeveral, r.Origin(), "%s and %s are set together; set only one of them", o.Key(member), from)
	}
	v.requiredResource(r, "what should be "+o.Key(member)+" here")
}

// requiredResource checks a resource that needs a source.
func (v *validator) requiredResource(r *Resource, of string) {
	if ValueOr(r.Source, "") == "" {
		v.error(RuleSourceMissing, r.Origin(), "the source is missing: the URL of %s", of)
	}
	v.resource(r)
}

// resource checks all that resources have in common.
func (v *validator) resource(r *Resource) {
	if c := ValueOr(r.Compression, ""); c != "" && c != "gzip" {
		v.error(RuleCompressionUnknown, r.Origin("compression"), "the compression %s is unknown; it should be \"gzip\", or be removed", quote(c))
	}
	if r.Verification.Hash != nil && r.Source == nil {
		v.error(RuleHashWithoutSource, r.Verification.Origin("hash"), "there is a hash but no source that it could be the hash of")
	}
	v.source(r)
	v.headers(r)
	if v.hashForm(r) {
		v.contents(r)
	}
}

func (v *validator) source(r *Resource) {
	source := ValueOr(r.Source, "")
	if source == "" {
		return
	}
	if err := checkURL(source, v.version); err != nil { // few need an origin
		v.fault(err, r.Origin("source"))
	}
}

// host checks the server in a URL that is no source.
func (v *validator) host(u *url.URL, o Object, member string) {
	v.fault(checkHost(u), o.Origin(member))
}

// headers checks what cannot be sent.
func (v *validator) headers(r *Resource) {
	if len(r.HTTPHeaders) > 0 && !isHTTP(ValueOr(r.Source, "")) {
		v.error(RuleHeaderWithoutHTTP, r.Origin("httpHeaders"), "HTTP headers need a source that starts with http:// or https://")
	}
	for i := range r.HTTPHeaders {
		h := &r.HTTPHeaders[i]
		switch {
		case h.Name == "":
			v.error(RuleHeaderName, h.Origin("name"), "the name of the HTTP header is missing")
		case !header.IsName(h.Name):
			v.error(RuleHeaderName, h.Origin("name"), "%s cannot be the name of an HTTP header: a name has letters, digits and !#$%%&'*+-.^_`|~ only", quote(h.Name))
		}
		switch {
		case h.Value == nil && v.whole:
			v.error(RuleHeaderValue, h.Origin(), "the HTTP header %s has no value; set one, or remove the header", quote(h.Name))
		case h.Value == nil: // another config that is merged sets it
		case *h.Value == "":
			v.error(RuleHeaderValue, h.Origin("value"), "the value of the HTTP header %s is empty", quote(h.Name))
		case !header.IsValue(*h.Value):
			v.error(RuleHeaderValue, h.Origin("value"), "there is a line end or another control character in the value of the HTTP header %s, which cannot be sent", quote(h.Name))
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
		v.error(RuleHashForm, at(), "this is not a hash; it should be \"sha512-\" and 128 hexadecimal digits")
	case name != "sha512" && name != "sha256":
		v.error(RuleHashForm, at(), "the hash function is unknown; it should be \"sha512\" or \"sha256\", in lower case, before the first -")
	case name == "sha256" && v.version < V3_1:
		v.error(RuleValueSince, at(), "the hash function \"sha256\" exists since version 3.1.0 of the spec; use \"sha512\" or a newer version")
	case len(sum) != digits:
		v.error(RuleHashForm, at(), "the %s hash has %d digits; it should have %d", name, len(sum), digits)
	default:
		if i := firstOther(sum); i < len(sum) {
			v.error(RuleHashForm, at(), "digit %d of the %s hash is not hexadecimal", i+1, name)
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
			v.fault(cannotParse(err), p.Origin(name))
		case u.Scheme != "http" && u.Scheme != "https":
			v.error(RuleURLScheme, p.Origin(name), "a proxy's URL should start with http:// or https://")
		default:
			v.host(u, p.Object, name)
			return u.Scheme
		}
		return ""
	}
	check("httpProxy", p.HTTPProxy)
	if check("httpsProxy", p.HTTPSProxy) == "http" {
		v.warn(RuleProxyUnencrypted, p.Origin("httpsProxy"), "the connection to the proxy for HTTPS is not encrypted itself; https:// would be safer, if the proxy can do it")
	}
}

// hexValues are those of hexadecimal digits, and notHex for other bytes. Looking up is
// faster than comparing: each file may have a hash.
var hexValues = func() (values [256]byte) {
	for i := range values {
		values[i] = notHex
	}
	for i := range byte(16) {
		values["0123456789abcdef"[i]], values["0123456789ABCDEF"[i]] = i, i
	}
	return values
}()

const notHex = 0xff

func isHex(c byte) bool { return hexValues[c] != notHex }

// firstOther returns the index of the first byte that is no hexadecimal digit, or the length.
func firstOther(digits string) int {
	for i := range len(digits) {
		if hexValues[digits[i]] == notHex {
			return i
		}
	}
	return len(digits)
}

// hasDigits reports whether the digits, all of which are hexadecimal, are those of a sum.
func hasDigits(sum []byte, digits string) bool {
	if len(digits) != 2*len(sum) {
		return false
	}
	for i, b := range sum {
		if b != hexValues[digits[2*i]]<<4|hexValues[digits[2*i+1]] {
			return false
		}
	}
	return true
}
