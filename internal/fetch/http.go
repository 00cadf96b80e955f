package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/system"
)

// maxExcerpt is how much of the body of an error is read, in bytes.
const maxExcerpt = 16 << 10

func defaultHeaders() http.Header {
	return http.Header{
		"User-Agent":      {"Ignition/" + system.Version},
		"Accept":          {fmt.Sprintf("application/vnd.coreos.ignition+json;version=%s, */*;q=0.1", config.Stable)},
		"Accept-Encoding": {"identity"},
	}
}

// do sends a request once. A status other than success is a *StatusError.
func (c *Client) do(client *http.Client, req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	resp, err := client.Do(req.WithContext(ctx))
	if err != nil {
		cancel(nil)
		return nil, err
	}
	c.Log.Info(fmt.Sprintf("%s result: %s", req.Method, Printable(resp.Status)))
	resp.Body = newStallReader(ctx, cancel, resp.Body, c.StallTimeout)
	switch resp.StatusCode {
	case http.StatusOK, http.StatusNoContent:
		return resp, nil
	case http.StatusPartialContent:
		if req.Header.Get("Range") != "" {
			return resp, nil
		}
	}
	defer resp.Body.Close()
	excerpt, _ := io.ReadAll(io.LimitReader(resp.Body, maxExcerpt)) // as far as it comes
	return nil, &StatusError{Code: resp.StatusCode, Status: resp.Status, RetryAfter: c.retryAfter(resp.Header), header: resp.Header, excerpt: excerpt}
}

func openHTTP(ctx context.Context, c *Client, d download) (io.ReadCloser, error) {
	u, err := url.Parse(d.source)
	if err != nil || u.Host == "" {
		return nil, errors.New("this is not a URL that can be requested")
	}
	headers, err := headersOf(d)
	if err != nil {
		return nil, err
	}
	open := c.httpOpener(func(context.Context) (*http.Request, error) { return newGet(u, headers.Clone()), nil })
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
func (c *Client) httpOpener(build func(context.Context) (*http.Request, error)) opener {
	return func(ctx context.Context, at resumePoint) (*response, error) {
		req, err := build(ctx)
		if err != nil {
			return nil, err
		}
		at.addTo(req.Header)
		return c.attempt(ctx, req, at, onRedirect)
	}
}

// attempt sends a request whose header has the resume point already.
func (c *Client) attempt(ctx context.Context, req *http.Request, at resumePoint, onRedirect func(*http.Request, []*http.Request) error) (*response, error) {
	resp, err := c.do(&http.Client{Transport: c.transports().proxied, CheckRedirect: onRedirect}, req.WithContext(ctx))
	if err != nil {
		return nil, at.explain(err)
	}
	return at.response(resp)
}
