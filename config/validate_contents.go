package config

import (
	"bytes"
	"compress/gzip"
	"crypto"
	_ "crypto/sha256" // for crypto.SHA256
	_ "crypto/sha512" // for crypto.SHA512
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	"github.com/firstlight-os/firstlight/internal/dataurl"
)

// maxChecked bounds how much of the contents that stand in a config is looked at, in
// bytes: a few kilobytes of gzip can be very much.
const maxChecked = 64 << 20

// contents checks what a data URL holds: that it can be decompressed and has its hash.
// As in the reference, another hash is an error only when the file is written.
func (v *validator) contents(r *Resource) {
	compressed, hashed := ValueOr(r.Compression, "") == "gzip", r.Verification.Hash != nil
	if !compressed && (!hashed || NonZero(r.Compression)) {
		return
	}
	body, err := v.inline(r)
	if body == nil && err == nil {
		return
	}
	if err != nil {
		v.unbootable(RuleContentsNotGzip, r.Origin("compression"), "the contents, which stand in the config, are not compressed with gzip; remove compression, or compress them")
		return
	}
	sum, digits := v.hashOf(ValueOr(r.Verification.Hash, ""))
	if v.buffer == nil {
		v.buffer = make([]byte, 32<<10)
	}
	n, err := io.CopyBuffer(sum, io.LimitReader(body, maxChecked), v.buffer)
	switch {
	case err != nil && compressed:
		v.unbootable(RuleContentsDamaged, r.Origin("source"), "the contents, which stand in the config, are compressed with gzip, but they are damaged or cut off; compress them again")
	case err == nil && hashed && n < maxChecked && !hasDigits(sum.Sum(v.buffer[:0]), digits):
		v.warn(RuleHashMismatch, r.Verification.Origin("hash"), "the contents, which stand in the config, have another hash; it is that of the bytes before they are compressed or encoded")
	}
}

// inline returns the contents that stand in the config, decompressed; nil if they do
// not, or not in a form that can be read. An error is one of the compression.
func (v *validator) inline(r *Resource) (io.Reader, error) {
	source := ValueOr(r.Source, "")
	if !strings.HasPrefix(source, "data:") {
		return nil, nil
	}
	body, err := dataurl.NewReader(source)
	if err != nil {
		return nil, nil // the source is reported
	}
	if ValueOr(r.Compression, "") != "gzip" {
		return body, nil
	}
	// There may be thousands, and a reader has large tables.
	if v.gzip == nil {
		v.gzip = new(gzip.Reader)
	}
	return v.gzip, v.gzip.Reset(body)
}

// hashOf returns the function of a verification hash and its digits. The function is new
// again.
func (v *validator) hashOf(verification string) (hash.Hash, string) {
	name, digits, _ := strings.Cut(verification, "-")
	function := crypto.SHA512
	if name == "sha256" {
		function = crypto.SHA256
	}
	sum := v.hashes[function]
	if sum == nil {
		if v.hashes == nil {
			v.hashes = map[crypto.Hash]hash.Hash{}
		}
		sum = function.New()
		v.hashes[function] = sum
	}
	sum.Reset()
	return sum, digits
}

// MaxCertificates is how large the certificates of all authorities may be together, in
// bytes: many times what systems have.
const MaxCertificates = 4 << 20

// certificates checks an authority that stands in the config.
func (v *validator) certificates(r *Resource) {
	body, err := v.inline(r)
	if body == nil || err != nil {
		return
	}
	text, err := io.ReadAll(io.LimitReader(body, MaxCertificates+1))
	switch {
	case err != nil:
		return
	case len(text) > MaxCertificates:
		v.unbootable(RuleCertificateForm, r.Origin("source"), "the certificates have more than %d MiB", MaxCertificates>>20)
		return
	}
	if _, err := ParseCertificates(text); err != nil {
		v.unbootable(RuleCertificateForm, r.Origin("source"), "this is not the certificate of an authority, or several, in PEM form: %v", err)
	}
}

// ParseCertificates reads all certificates of a text in PEM form, such as that of an
// entry of ignition.security.tls.certificateAuthorities. Text around them is fine.
func ParseCertificates(text []byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		text = rest
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("there is a %s in it, which is no certificate", block.Type)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", len(all)+1, err)
		}
		all = append(all, cert)
	}
	if len(all) == 0 && len(text) > 0 {
		return nil, errors.New("there is no certificate in it")
	}
	return all, nil
}

// script warns of a script of Windows: the kernel takes the end of its first line for
// a part of the interpreter's name.
func (v *validator) script(f *File) {
	source := ValueOr(f.Contents.Source, "")
	_, body, _ := strings.Cut(source, ",")
	// What #! can be in a data URL, as most files are no scripts.
	if !strings.HasPrefix(body, "IyE") && !strings.HasPrefix(body, "%23!") && !strings.HasPrefix(body, "%23%21") {
		return
	}
	contents, err := v.inline(&f.Contents)
	if contents == nil || err != nil {
		return
	}
	const longest = 256 // bytes of such a line that the kernel reads
	line := make([]byte, longest)
	n, _ := io.ReadFull(contents, line)
	first, _, whole := bytes.Cut(line[:n], []byte("\n"))
	if whole && bytes.HasPrefix(first, []byte("#!")) && bytes.HasSuffix(first, []byte("\r")) {
		v.warn(RuleScriptLineEnd, f.Contents.Origin("source"), "the first line of this script ends with a carriage return, as on Windows, so that its interpreter will not be found; save it with the line ends of Unix")
	}
}
