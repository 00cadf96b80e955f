package fetch

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/http"
)

// maxRedirects is far more than any server means; the reference has no limit and
// can be sent in circles.
const maxRedirects = 30

// redirects are those that a request follows.
type redirects int

const (
	noRedirects   redirects = iota
	safeRedirects           // not from https to http
	allRedirects
)

func redirectError(text string) *AttemptError {
	return &AttemptError{Kind: Permanent, Err: errors.New(text), hint: "look where the URL leads to, with curl -IL URL"}
}

// isRedirect reports whether a response sends us to another URL.
func isRedirect(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return resp.Header.Get("Location") != ""
	}
	return false
}

// after returns the request that a redirect leads to: what was to be changed by the first
// one is changed there by 307 and 308 only (RFC 9110, 15.4).
func after(r *http.Request, resp *http.Response) (*http.Request, error) {
	// An error would hold the whole header, which may hold credentials.
	to, err := r.URL.Parse(resp.Header.Get("Location"))
	if err != nil {
		return nil, redirectError("the server redirected to what is no URL")
	}
	next := *r
	next.URL = to
	if kept := resp.StatusCode == http.StatusTemporaryRedirect || resp.StatusCode == http.StatusPermanentRedirect; !kept && r.Method != http.MethodHead {
		next.Method, next.Body = http.MethodGet, nil
	}
	if location, err := url.Parse(resp.Header.Get("Location")); err != nil || location.IsAbs() {
		next.Host = ""
	}
	return &next, nil
}

// redirect decides about a redirect. The headers of the config are for the first URL
// only, as in the reference: a store that is redirected to answers 400 to a request with
// a signature in its URL and another one in a header.
func (x *exchange) redirect(r, first *http.Request) error {
	before := x.last.URL
	if r.URL.Scheme != "http" && r.URL.Scheme != "https" {
		return redirectError(fmt.Sprintf("the server redirected to %q, which is neither http nor https", Printable(r.URL.Scheme)))
	}
	if err := config.CheckURL(r.URL.String()); err != nil {
		return redirectError(fmt.Sprintf("the server redirected to %s, which cannot be requested: %v", Redact(r.URL.String()), err))
	}
	x.last = r
	x.redirected++
	if before.Scheme == "https" && r.URL.Scheme == "http" && x.redirects == safeRedirects {
		e := redirectError("the server redirected from https to http, where anybody on the way can change the contents")
		e.hint = "have the server redirect to https, or set verification.hash in the config"
		return e
	}
	if x.redirected > maxRedirects {
		return redirectError(fmt.Sprintf("the server redirected %d times", maxRedirects))
	}
	x.logRedirect(first, before, r.URL)
	if isSigned(r.URL) {
		r.URL.User = nil
	}
	r.Header = defaultHeaders()
	for _, name := range []string{"Range", "If-Range"} {
		if value := first.Header.Get(name); value != "" {
			r.Header.Set(name, value)
		}
	}
	return nil
}

func (x *exchange) logRedirect(first *http.Request, from, to *url.URL) {
	text := fmt.Sprintf("%s %s: redirected to %s", first.Method, Redact(first.URL.String()), Redact(to.String()))
	if from.Scheme == "https" && to.Scheme == "http" {
		x.client.Log.Warn(text + ", where only the hash protects the contents")
		return
	}
	x.client.Log.Info(text)
}

// withOneSignature returns a request for a store without another proof of identity than
// the signature in its URL: stores answer 400 to two.
func (x *exchange) withOneSignature(r *http.Request) *http.Request {
	if !isSigned(r.URL) || r.URL.User == nil && r.Header.Get("Authorization") == "" {
		return r
	}
	x.client.Log.Warn(fmt.Sprintf("%s %s: the URL has a signature; the header Authorization is not sent beside it", r.Method, Redact(r.URL.String())))
	one, u := *r, *r.URL
	u.User = nil
	one.URL, one.Header = &u, r.Header.Clone()
	one.Header.Del("Authorization")
	return &one
}

// isSigned reports whether a URL holds a signature of S3, Google Cloud Storage or
// Azure blob storage.
func isSigned(u *url.URL) bool {
	q := u.Query()
	return q.Has("X-Amz-Signature") || q.Has("X-Goog-Signature") ||
		q.Has("Signature") && (q.Has("AWSAccessKeyId") || q.Has("GoogleAccessId")) ||
		q.Has("sig") && q.Has("sv")
}
