package stores

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Signatures checks version 4 of Amazon's signatures.
type Signatures struct {
	Keys  map[string]string // secrets by ID
	Token string            // of the session
	Clock func() time.Time
}

// NewSignatures returns those of one key.
func NewSignatures() Signatures {
	return Signatures{Keys: map[string]string{"AKIA1": "s3cr3t"}, Token: "tok", Clock: time.Now}
}

// Check checks a signature from what arrived, by the letter of Amazon's documentation. It
// returns whose it is, "" without one. The problem is "" or one of those that Amazon's
// errors name: Malformed, InvalidAccessKeyId, RequestTimeTooSkewed, InvalidToken,
// NotSigned, SignatureDoesNotMatch.
func (s Signatures) Check(r *http.Request, body []byte, service, region string) (id, problem string) {
	text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	if !ok {
		return "", ""
	}
	fields := map[string]string{}
	for _, f := range strings.Split(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(f), "=")
		fields[name] = value
	}
	scope := strings.Split(fields["Credential"], "/")
	moment, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	switch {
	case len(scope) != 5 || err != nil || scope[1] != moment.Format("20060102") || strings.Join(scope[3:], " ") != service+" aws4_request":
		return "?", "Malformed"
	case s.Keys[scope[0]] == "":
		return "?", "InvalidAccessKeyId"
	case s.Clock().Sub(moment).Abs() > 15*time.Minute:
		return scope[0], "RequestTimeTooSkewed"
	case r.Header.Get("X-Amz-Security-Token") != s.Token:
		return scope[0], "InvalidToken"
	case scope[2] != region:
		return scope[0], "Malformed"
	}
	signed := strings.Split(fields["SignedHeaders"], ";")
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	if claimed, ok := r.Header["X-Amz-Content-Sha256"]; ok && claimed[0] != hash || !ok && service == "s3" {
		return scope[0], "SignatureDoesNotMatch"
	}
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if path == "" { // a request that was not sent itself
		path = r.URL.EscapedPath()
	}
	var canonical strings.Builder
	fmt.Fprintf(&canonical, "%s\n%s\n%s\n", r.Method, path, r.URL.RawQuery)
	for _, name := range signed {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		fmt.Fprintf(&canonical, "%s:%s\n", name, value)
	}
	fmt.Fprintf(&canonical, "\n%s\n%s", fields["SignedHeaders"], hash)
	for name := range r.Header { // all of Amazon's headers have to be signed, and the kind of body
		name = strings.ToLower(name)
		if (strings.HasPrefix(name, "x-amz-") || name == "content-type") && !slices.Contains(signed, name) {
			return scope[0], "NotSigned"
		}
	}
	if !slices.IsSorted(signed) || !slices.Contains(signed, "host") {
		return scope[0], "NotSigned"
	}
	key := []byte("AWS4" + s.Keys[scope[0]])
	for _, part := range scope[1:] {
		key = hmacOf(key, part)
	}
	digest := sha256.Sum256([]byte(canonical.String()))
	want := hmacOf(key, "AWS4-HMAC-SHA256\n"+r.Header.Get("X-Amz-Date")+"\n"+strings.Join(scope[1:], "/")+"\n"+hex.EncodeToString(digest[:]))
	if hex.EncodeToString(want) != fields["Signature"] {
		return scope[0], "SignatureDoesNotMatch"
	}
	return scope[0], ""
}

func hmacOf(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	io.WriteString(h, text)
	return h.Sum(nil)
}
