package http

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Transport reaches servers. Its fields are not changed while it is used.
type Transport struct {
	// Proxy returns the proxy for a URL, nil for a direct connection.
	Proxy func(*url.URL) *url.URL
	// OnProxyConnectResponse makes an error of the response with which a proxy opens
	// no tunnel.
	OnProxyConnectResponse func(proxy *url.URL, resp *Response) error
	DialContext            func(ctx context.Context, network, address string) (net.Conn, error)
	TLSClientConfig        *tls.Config

	// 0 is no limit.
	TLSHandshakeTimeout, ResponseHeaderTimeout time.Duration
	MaxIdleConns, MaxIdleConnsPerHost          int
	MaxResponseHeaderBytes                     int

	mu   sync.Mutex
	idle []*conn // the one that was used last is the last
}

// A TunnelError is a proxy that took the connection but opened no tunnel.
type TunnelError struct{ Err error }

func (e *TunnelError) Error() string { return e.Err.Error() }
func (e *TunnelError) Unwrap() error { return e.Err }

// tunnelTime is how long a proxy may take to open a tunnel.
const tunnelTime = time.Minute

// RoundTrip sends a request and returns its response, whatever its status is. The error
// is the cause of the request's context if that has ended.
func (t *Transport) RoundTrip(r *Request) (*Response, error) {
	resp, err := t.roundTrip(r)
	if err != nil && r.Context().Err() != nil {
		err = context.Cause(r.Context())
	}
	return resp, err
}

func (t *Transport) roundTrip(r *Request) (*Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	to, err := t.routeOf(r.URL)
	if err != nil {
		return nil, err
	}
	request, err := r.wire(to)
	if err != nil {
		return nil, err
	}
	for c := t.takeIdle(to.String(), r.Method); c != nil; c = t.takeIdle(to.String(), r.Method) {
		resp, err := c.send(r.Context(), r.Method, request)
		if err == nil || c.answered || !wasClosed(err) || r.Context().Err() != nil {
			return resp, err
		}
	}
	c, err := t.connect(r.Context(), to)
	if err != nil {
		return nil, err
	}
	return c.send(r.Context(), r.Method, request)
}

// A route leads to a server.
type route struct {
	scheme  string
	host    string // with a port if the URL has one
	address string // with a port
	proxy   *url.URL
}

func (t *Transport) routeOf(u *url.URL) (route, error) {
	if u.Scheme != "http" && u.Scheme != "https" {
		return route{}, unsendable("unsupported protocol scheme %q", u.Scheme)
	}
	if u.Host == "" {
		return route{}, unsendable("no Host in request URL")
	}
	address, err := addressOf(u)
	if err != nil {
		return route{}, err
	}
	to := route{scheme: u.Scheme, address: address}
	if to.host, err = asciiHost(withoutZone(u.Host)); err == nil && t.Proxy != nil {
		to.proxy = t.Proxy(u)
	}
	return to, err
}

// addressOf returns the host and the port of a URL.
func addressOf(u *url.URL) (string, error) {
	host, err := asciiHost(u.Hostname())
	return net.JoinHostPort(host, PortOf(u)), err
}

// PortOf returns the port of a URL, which may be that of its scheme.
func PortOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	switch u.Scheme {
	case "http":
		return "80"
	case "https":
		return "443"
	}
	return ""
}

// passesOn reports whether a proxy gets the requests themselves, not a tunnel.
func (to route) passesOn() bool { return to.proxy != nil && to.scheme == "http" }

// String identifies connections that can be used for the same requests.
func (to route) String() string {
	switch {
	case to.proxy == nil:
		return to.scheme + " " + to.address
	case to.passesOn():
		return to.proxy.String()
	}
	return to.proxy.String() + " " + to.address
}

func proxyHeader(proxy *url.URL) Header {
	if proxy.User == nil {
		return nil
	}
	return Header{"Proxy-Authorization": {basic(proxy.User)}}
}

// connect opens a connection. Errors before a proxy is asked for anything are
// *net.OpError of the operation "proxyconnect".
func (t *Transport) connect(ctx context.Context, to route) (*conn, error) {
	var c *conn
	var err error
	if to.proxy == nil {
		c, err = t.dial(ctx, to.address)
	} else if c, err = t.connectProxy(ctx, to.proxy); err == nil && !to.passesOn() {
		err = t.tunnel(ctx, c, to)
	}
	if err == nil && to.scheme == "https" {
		err = t.secure(ctx, c, to.address)
	}
	if err != nil {
		if c != nil {
			c.Close()
		}
		return nil, err
	}
	c.route = to.String()
	return c, nil
}

func (t *Transport) dial(ctx context.Context, address string) (*conn, error) {
	c, err := t.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return t.newConn(c), nil
}

func (t *Transport) connectProxy(ctx context.Context, proxy *url.URL) (*conn, error) {
	var c *conn
	address, err := addressOf(proxy)
	switch {
	case err == nil && proxy.Scheme != "http" && proxy.Scheme != "https":
		err = unsendable("unsupported scheme of the proxy: %q", proxy.Scheme)
	case err == nil:
		c, err = t.dial(ctx, address)
	}
	if err == nil && proxy.Scheme == "https" {
		err = t.secure(ctx, c, address)
	}
	if err != nil {
		return c, &net.OpError{Op: "proxyconnect", Net: "tcp", Err: err}
	}
	return c, nil
}

// tunnel has a proxy connect to a server (RFC 9110, 9.3.6).
func (t *Transport) tunnel(ctx context.Context, c *conn, to route) error {
	ctx, cancel := context.WithTimeout(ctx, tunnelTime)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	ask := &Request{Method: connect, URL: &url.URL{}}
	request, err := ask.wire(route{scheme: to.scheme, host: to.address, proxy: to.proxy})
	if err != nil {
		return err
	}
	if _, err = c.Write(request); err == nil {
		err = t.tunnelAnswer(c, to)
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return &TunnelError{err}
	}
	return nil
}

// tunnelAnswer reads the header with which a tunnel begins.
func (t *Transport) tunnelAnswer(c *conn, to route) error {
	c.budget = t.headerBudget()
	resp, minor, err := readHeader(c.r)
	c.budget = -1
	switch {
	case err != nil:
		return err
	case resp.StatusCode != StatusOK:
		if _, err := resp.frame(c.r, MethodGet, minor); err != nil {
			return err
		}
		resp.Body = &body{Reader: resp.Body, ctx: context.Background(), end: func(bool) { c.Close() }}
		return t.OnProxyConnectResponse(to.proxy, resp)
	case c.r.Buffered() > 0:
		return errors.New("the proxy sent something before the server could")
	}
	return nil
}

func (t *Transport) headerBudget() int {
	if t.MaxResponseHeaderBytes == 0 {
		return -1
	}
	return t.MaxResponseHeaderBytes
}

// secure speaks TLS from here on.
func (t *Transport) secure(ctx context.Context, c *conn, address string) error {
	config := &tls.Config{}
	if t.TLSClientConfig != nil {
		config = t.TLSClientConfig.Clone()
	}
	if config.ServerName == "" {
		host, _, _ := net.SplitHostPort(address)
		config.ServerName, _, _ = strings.Cut(host, "%") // of the interface, whose name no certificate has
	}
	limited := ctx
	if t.TLSHandshakeTimeout > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, t.TLSHandshakeTimeout)
		defer cancel()
	}
	secured := tls.Client(c.Conn, config)
	if err := secured.HandshakeContext(limited); err != nil {
		if limited.Err() != nil && ctx.Err() == nil {
			return ErrHandshakeTimeout
		}
		return err
	}
	c.Conn = secured
	return nil
}

// takeIdle returns a connection that was used before, nil without one. What must not be
// sent twice goes by a new one.
func (t *Transport) takeIdle(route, method string) *conn {
	if method != MethodGet && method != MethodHead {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := len(t.idle) - 1; i >= 0; i-- {
		c := t.idle[i]
		if c.route != route {
			continue
		}
		t.idle = slices.Delete(t.idle, i, i+1)
		if !c.isDead() {
			return c
		}
		c.Close()
	}
	return nil
}

// putIdle keeps a connection, and closes what is too many, the oldest first.
func (t *Transport) putIdle(c *conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	same := 0
	for _, other := range t.idle {
		if other.route == c.route {
			same++
		}
	}
	switch {
	case t.MaxIdleConnsPerHost > 0 && same >= t.MaxIdleConnsPerHost:
		c.Close()
		return
	case t.MaxIdleConns > 0 && len(t.idle) >= t.MaxIdleConns:
		t.idle[0].Close()
		t.idle = slices.Delete(t.idle, 0, 1)
	}
	t.idle = append(t.idle, c)
}

// CloseIdleConnections closes the connections that no request uses.
func (t *Transport) CloseIdleConnections() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.idle {
		c.Close()
	}
	t.idle = nil
}
