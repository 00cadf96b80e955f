package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/http"
	"github.com/firstlight-os/firstlight/internal/system"
)

// maxExcerpt is how much of the body of an error is read, in bytes.
const maxExcerpt = 16 << 10

func defaultHeaders() http.Header {
	return http.Header{
		"User-Agent":      {system.UserAgent()},
		"Accept":          {fmt.Sprintf("application/vnd.coreos.ignition+json;version=%s, */*;q=0.1", config.Stable)},
		"Accept-Encoding": {"identity"},
	}
}

func openHTTP(ctx context.Context, c *Client, d download) (io.ReadCloser, error) {
	u, err := url.Parse(d.source)
	if err != nil {
		return nil, errors.New("this is not a URL that can be requested")
	}
	headers, err := headersOf(d)
	if err != nil {
		return nil, err
	}
	redirects := safeRedirects
	if d.hashed {
		redirects = allRedirects
	}
	open := c.httpOpener(redirects, func(context.Context) (*http.Request, error) { return newGet(u, headers.Clone()), nil })
	if c.Credentials.Azure != nil && isAzure(u) && headers.Get("Authorization") == "" {
		open = c.azureBeforePlain(u, open)
	}
	return c.openResuming(ctx, d, u.Host, open)
}

func headersOf(d download) (http.Header, error) {
	headers := defaultHeaders()
	for _, h := range d.headers {
		if h.Value == nil {
			return nil, fmt.Errorf("the header %q has no value", h.Name)
		}
		headers.Set(h.Name, *h.Value)
	}
	return headers, nil
}

func newGet(u *url.URL, headers http.Header) *http.Request {
	return &http.Request{Method: http.MethodGet, URL: u, Header: headers, Host: headers.Get("Host")}
}

// httpOpener returns an opener that sends what build returns.
func (c *Client) httpOpener(redirects redirects, build func(context.Context) (*http.Request, error)) opener {
	return func(ctx context.Context, at resumePoint) (*response, error) {
		req, err := build(ctx)
		if err != nil {
			return nil, err
		}
		at.addTo(req.Header)
		return c.attempt(ctx, req, at, redirects)
	}
}

// attempt sends a request whose header has the resume point already.
func (c *Client) attempt(ctx context.Context, req *http.Request, at resumePoint, redirects redirects) (*response, error) {
	resp, err := c.do(c.transports().proxied, redirects, req.WithContext(ctx))
	if err != nil {
		return nil, at.explain(err)
	}
	return at.response(resp)
}
