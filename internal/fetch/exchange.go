package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/internal/http"
)

// An exchange is one request and its response, over all redirects.
type exchange struct {
	client    *Client
	transport *http.Transport
	redirects redirects

	last       *http.Request // the first one, or that of the last redirect
	redirected int           // times
}

// What is read of the body of an error, for its words, and of that of a redirect, so
// that its connection can be used again.
const (
	excerptTime   = 5 * time.Second
	redirectTime  = time.Second
	redirectBytes = 2 << 10
)

// do sends a request once. A status other than success is a *StatusError. Errors name
// the last URL if there were redirects, and the proxy if there is one.
func (c *Client) do(transport *http.Transport, redirects redirects, req *http.Request) (*http.Response, error) {
	x := &exchange{client: c, transport: transport, redirects: redirects, last: req}
	ctx, cancel := context.WithCancelCause(req.Context())
	resp, err := x.follow(x.withOneSignature(req).WithContext(ctx))
	if err != nil {
		cancel(nil)
		return nil, x.failed(err)
	}
	c.Log.Info(fmt.Sprintf("%s result: %s", req.Method, Printable(resp.Status)))
	resp.Body = &paceReader{ReadCloser: newStallReader(ctx, cancel, resp.Body, c.StallTimeout)}
	switch resp.StatusCode {
	case http.StatusOK, http.StatusNoContent:
		return resp, nil
	case http.StatusPartialContent:
		if req.Header.Get("If-Range") != "" { // else it is a range that the config asks for
			return resp, nil
		}
	}
	defer resp.Body.Close()
	return nil, x.refused(resp)
}

// follow sends a request, and those that redirects lead to. It reads the short body of a
// redirect, so that its connection can be used again, but not for long.
func (x *exchange) follow(first *http.Request) (*http.Response, error) {
	for req := first; ; {
		resp, err := x.transport.RoundTrip(req)
		if err != nil || x.redirects == noRedirects || !isRedirect(resp) {
			return resp, err
		}
		drain(resp.Body, redirectBytes, redirectTime)
		resp.Body.Close()
		if req, err = after(req, resp); err == nil {
			err = x.redirect(req, first)
		}
		if err != nil {
			return nil, err
		}
	}
}

// drain reads some bytes of a body, or what comes of them in time.
func drain(body io.ReadCloser, limit int64, patience time.Duration) []byte {
	over := time.AfterFunc(patience, func() { body.Close() })
	defer over.Stop()
	text, _ := io.ReadAll(io.LimitReader(body, limit))
	return text
}

// proxy returns that of the last request, nil without one.
func (x *exchange) proxy() *url.URL { return x.transport.Proxy(x.last.URL) }

// secretsInBody is the key of a context's []string: what must not be shown of a request's
// body.
type secretsInBody struct{}

// secrets returns what must not be shown of the last request.
func (x *exchange) secrets() []string {
	urls := []*url.URL{x.last.URL}
	if proxy := x.proxy(); proxy != nil {
		urls = append(urls, proxy)
	}
	headers := x.last.Header
	if inBody, ok := x.last.Context().Value(secretsInBody{}).([]string); ok {
		headers = headers.Clone()
		headers["in the body"] = inBody
	}
	return secretsOf(headers, urls...)
}

// failed returns an error without a response, classified.
func (x *exchange) failed(err error) *AttemptError {
	e := *x.client.classify(err)
	text := masked(e.Err.Error(), x.secrets()) // it may repeat what the server sent
	var op *net.OpError
	var tunnel *http.TunnelError
	switch proxy := x.proxy(); {
	case proxy == nil || strings.Contains(text, "the proxy "):
	case errors.Is(err, context.DeadlineExceeded) && x.last.Context().Err() == nil:
		// Package http gives up after a minute, and nothing else has a limit of its own.
		text = fmt.Sprintf("the proxy at %s does not answer whether it opens a tunnel", proxy.Host)
	case errors.As(err, &op) && op.Op == "proxyconnect", errors.As(err, &tunnel):
		text = strings.ReplaceAll(text, "the server", "the proxy at "+proxy.Host)
	default:
		text = fmt.Sprintf("through the proxy at %s: %s", proxy.Host, text)
	}
	e.Err = &located{x.redirectedTo() + text, e.Err}
	return &e
}

// redirectedTo is put before an error after redirects.
func (x *exchange) redirectedTo() string {
	if x.redirected == 0 {
		return ""
	}
	return fmt.Sprintf("redirected to %s: ", Redact(x.last.URL.String()))
}

// A located error says where a request was when it failed.
type located struct {
	text string
	err  error
}

func (e *located) Error() string { return e.text }
func (e *located) Unwrap() error { return e.err }

// refused returns the error for a response that is not the resource.
func (x *exchange) refused(resp *http.Response) error {
	secrets := x.secrets()
	status := &StatusError{Code: resp.StatusCode, Status: masked(resp.Status, secrets), RetryAfter: x.client.retryAfter(resp.Header), header: resp.Header}
	status.excerpt = drain(resp.Body, maxExcerpt, excerptTime) // as far as it comes
	if proxy := x.proxy(); proxy != nil {
		status.proxy, status.byProxy = proxy.Host, x.last.URL.Scheme == "http" && isProxysOwn(resp)
	}
	status.words = firstWords(status.excerpt, resp.Status, secrets)
	if text := x.redirectedTo(); text != "" {
		return &located{text + status.Error(), status}
	}
	return status
}

// isProxysOwn reports whether a response through a proxy is one of the proxy itself:
// it says so (RFC 9209, Squid), or does not say that it passes it on (RFC 9110, 7.6.3).
func isProxysOwn(resp *http.Response) bool {
	h := resp.Header
	switch resp.StatusCode {
	case http.StatusProxyAuthRequired:
		return true
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return h.Get("Via") == "" || h.Get("X-Squid-Error") != "" || h.Get("Proxy-Status") != ""
	}
	return h.Get("X-Squid-Error") != ""
}

// onProxyResponse keeps the status with which a proxy refuses a tunnel.
func onProxyResponse(proxy *url.URL, resp *http.Response) error {
	defer resp.Body.Close()
	text := drain(resp.Body, maxExcerpt, excerptTime)
	return &StatusError{Code: resp.StatusCode, Status: resp.Status, proxy: proxy.Host, byProxy: true, tunnel: true,
		words: firstWords(text, resp.Status, secretsOf(nil, proxy))}
}
