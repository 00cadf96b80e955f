package fetch

import (
	"errors"
	"fmt"
	"net/http"
)

// maxRedirects is far more than any server means; the reference has no limit and
// can be sent in circles.
const maxRedirects = 30

func redirectError(text string) *AttemptError {
	return &AttemptError{Kind: Permanent, Err: errors.New(text), hint: "look where the URL leads to, with curl -IL URL"}
}

// onRedirect keeps the headers of the config as long as they go to the server that
// they are meant for, and those of range requests always.
func onRedirect(r *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return redirectError(fmt.Sprintf("the server redirected %d times", maxRedirects))
	}
	if r.URL.Scheme != "http" && r.URL.Scheme != "https" {
		return redirectError(fmt.Sprintf("the server redirected to %q, which is neither http nor https", Printable(r.URL.Scheme)))
	}
	first := via[0].Header
	r.Header = defaultHeaders()
	if sameOrigin(r, via) {
		r.Header = first.Clone()
	}
	for _, name := range []string{"Range", "If-Range"} {
		if value := first.Get(name); value != "" {
			r.Header.Set(name, value)
		}
	}
	return nil
}

// sameOrigin reports whether a chain of redirects has never left its server.
func sameOrigin(r *http.Request, via []*http.Request) bool {
	for _, v := range via {
		if v.URL.Scheme != r.URL.Scheme || v.URL.Hostname() != r.URL.Hostname() || portOf(v.URL) != portOf(r.URL) {
			return false
		}
	}
	return true
}
