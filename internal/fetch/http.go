package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/system"
)

const (
	defaultHeaderTimeout = 10 * time.Second
	defaultStall         = 30 * time.Second
	dialTimeout          = 30 * time.Second
	handshakeTimeout     = 10 * time.Second
	// maxRedirects is far more than any server means; the reference has no
	// limit and can be sent in circles.
	maxRedirects = 30
	// maxHeader bounds what a server can make us keep, in bytes.
	maxHeader = 256 << 10
	// maxExcerpt is how much of an answer that is none is looked at.
	maxExcerpt = 16 << 10
)

// settings are what a config says about fetching.
type settings struct {
	headerTimeout time.Duration // until the response's header is there; 0 is without limit
	totalTimeout  time.Duration // with retries and body; 0 is without limit
	proxy         proxy
	roots         *x509.CertPool // nil is the system's
}

// limit applies the total time, which runs from when begin is called: waiting
// for a turn is not the server's fault.
func (s settings) withTimeout(ctx context.Context) (limited context.Context, begin, cancel func()) {
	limited, end := context.WithCancelCause(ctx)
	cancel = func() { end(nil) }
	if s.totalTimeout == 0 {
		return limited, func() {}, cancel
	}
	begin = sync.OnceFunc(func() {
		over := time.AfterFunc(s.totalTimeout, func() { end(context.DeadlineExceeded) })
		context.AfterFunc(limited, func() { over.Stop() })
	})
	return limited, begin, cancel
}

// timedOut reports whether a limit of time has ended a context.
func timedOut(ctx context.Context) bool {
	return errors.Is(context.Cause(ctx), context.DeadlineExceeded)
}

// explain says which limit was hit, if one was.
func (s settings) explainTimeout(ctx context.Context, err error) error {
	if err == nil || !timedOut(ctx) {
		return err
	}
	return &timeoutError{s.totalTimeout, err}
}

// timeoutError is a fetch that hit its limit.
type timeoutError struct {
	limit time.Duration
	last  error
}

func (e *timeoutError) Unwrap() error        { return e.last }
func (e *timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }
func (e *timeoutError) Error() string {
	if e.limit == 0 {
		return fmt.Sprintf("the time for it was over; the last trouble was:\n%v", e.last)
	}
	return fmt.Sprintf("it took longer than %v; the last trouble was:\n%v", e.limit, e.last)
}

// A StatusError is an answer that is not the resource.
type StatusError struct {
	Code   int
	Status string
	// RetryAfter is what the server asked for, if it did.
	RetryAfter time.Duration

	header  http.Header
	excerpt []byte // of the body
}

func (e *StatusError) Error() string {
	return "the server answered " + Printable(e.Status)
}

// Is makes 404 be ErrNotFound.
func (e *StatusError) Is(target error) bool {
	return target == ErrNotFound && e.Code == http.StatusNotFound
}

func (e *StatusError) failureKind() Kind {
	if e.Code >= http.StatusInternalServerError || e.Code == http.StatusTooManyRequests || e.Code == http.StatusRequestTimeout {
		return ServerBusy
	}
	return Permanent
}

// ways are the HTTP clients that settings lead to.
type transports struct {
	settings
	proxied *http.Transport
	// metadata is for what belongs to the platform, where no proxy leads.
	direct *http.Transport
}

func (c *Client) transports() *transports {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current
}

// use replaces the settings. Fetches that run keep theirs.
func (c *Client) setSettings(s settings) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current != nil {
		c.current.proxied.CloseIdleConnections()
		c.current.direct.CloseIdleConnections()
	}
	direct := s
	direct.proxy = proxy{}
	c.current = &transports{s, c.newTransport(s), c.newTransport(direct)}
	c.current.direct.DialContext = dialPlatform
}

func (c *Client) newTransport(s settings) *http.Transport {
	return &http.Transport{
		Proxy:                  s.proxy.forRequest,
		OnProxyConnectResponse: onProxyResponse,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: s.roots, Time: c.verificationTime},
		TLSHandshakeTimeout:    handshakeTimeout,
		ResponseHeaderTimeout:  s.headerTimeout,
		MaxIdleConnsPerHost:    maxTransfersPerHost,
		MaxResponseHeaderBytes: maxHeader,
		// What is fetched is what the hash is over: nothing may decompress it on the way.
		DisableCompression: true,
		// Without HTTP/2 one dead connection cannot hold up other fetches.
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{},
	}
}

// onProxyResponse keeps the status with which a proxy refuses a tunnel.
func onProxyResponse(_ context.Context, proxy *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	status := &StatusError{Code: answer.StatusCode, Status: answer.Status}
	// 404 from a proxy is not about the resource.
	return &AttemptError{Kind: status.failureKind(), Err: &proxyError{proxy.Host, status}}
}

// A proxyError is a proxy that opens no tunnel.
type proxyError struct {
	host   string
	status *StatusError
}

func (e *proxyError) Error() string {
	return fmt.Sprintf("the proxy %s opens no tunnel: it answered %s", e.host, Printable(e.status.Status))
}

func (e *proxyError) As(target any) bool {
	status, ok := target.(**StatusError)
	if ok {
		*status = e.status
	}
	return ok
}

func defaultHeaders() http.Header {
	return http.Header{
		"User-Agent":      {"Ignition/" + system.Version},
		"Accept":          {fmt.Sprintf("application/vnd.coreos.ignition+json;version=%s, */*;q=0.1", config.Stable)},
		"Accept-Encoding": {"identity"},
	}
}

func redirectError(text string) *AttemptError {
	return &AttemptError{Kind: Permanent, Err: errors.New(text), hint: "look where the URL leads to, with curl -IL URL"}
}

// onRedirect keeps the headers of the config as long as it is the server that
// they were meant for, and those that ask for the rest of a body always.
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

// sameOrigin reports whether a chain of redirects has never left its server. Once
// it did, who answers may not be who was asked.
func sameOrigin(r *http.Request, via []*http.Request) bool {
	for _, v := range via {
		if v.URL.Scheme != r.URL.Scheme || v.URL.Hostname() != r.URL.Hostname() || portOf(v.URL) != portOf(r.URL) {
			return false
		}
	}
	return true
}

// do sends a request once. What is no success is a *StatusError.
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
	excerpt, _ := io.ReadAll(io.LimitReader(resp.Body, maxExcerpt)) // what there is of it
	return nil, &StatusError{Code: resp.StatusCode, Status: resp.Status, RetryAfter: c.retryAfter(resp.Header), header: resp.Header, excerpt: excerpt}
}

// retryAfter reads the header of that name: seconds, or a date.
func (c *Client) retryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if s, err := strconv.Atoi(value); err == nil {
		return time.Duration(min(max(s, 0), int(maxRetryAfter/time.Second))) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return min(max(date.Sub(c.Clock.Now()), 0), maxRetryAfter)
	}
	return 0
}

func openHTTP(ctx context.Context, c *Client, r download) (io.ReadCloser, error) {
	u, err := parseHTTP(r.source)
	if err != nil {
		return nil, err
	}
	headers, err := headersOf(r)
	if err != nil {
		return nil, err
	}
	open := c.httpOpener(func(context.Context) (*http.Request, error) { return newGet(u, headers.Clone()), nil })
	if c.Credentials.Azure != nil && isAzure(u) && headers.Get("Authorization") == "" {
		open = c.azureFirst(u, open)
	}
	return c.openResuming(ctx, r, u.Host, open)
}

func parseHTTP(source string) (*url.URL, error) {
	u, err := url.Parse(source)
	if err != nil || u.Host == "" {
		return nil, errors.New("this is not a URL that can be requested")
	}
	return u, nil
}

func headersOf(r download) (http.Header, error) {
	headers := defaultHeaders()
	for _, h := range r.headers {
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

// httpOpener makes attempts of requests.
func (c *Client) httpOpener(build func(context.Context) (*http.Request, error)) opener {
	return func(ctx context.Context, at resumePoint) (*response, error) {
		req, err := build(ctx)
		if err != nil {
			return nil, err
		}
		at.addTo(req.Header)
		resp, err := c.do(&http.Client{Transport: c.transports().proxied, CheckRedirect: onRedirect}, req.WithContext(ctx))
		if err != nil {
			return nil, at.explain(err)
		}
		return at.response(resp)
	}
}
