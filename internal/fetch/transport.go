package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/firstlight-os/firstlight/internal/http"
)

const (
	dialTimeout      = 30 * time.Second
	redialAfter      = 3 * time.Second
	handshakeTimeout = 10 * time.Second
	// maxHeader bounds the header of a response, in bytes.
	maxHeader = 256 << 10
)

var dialer = net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second, Resolver: &net.Resolver{PreferGo: true}}

// dialTwice connects. What is not answered for a while is tried once more from the beginning:
// a machine that has just got its network may have sent its first packet from an address that
// nobody can answer (of the link only, while its own IPv6 address is checked for duplicates),
// and all later packets of a connection are from the same.
func dialTwice(ctx context.Context, dial func(timeout time.Duration) (net.Conn, error)) (net.Conn, error) {
	conn, err := dial(redialAfter)
	var op net.Error
	if err == nil || ctx.Err() != nil || !errors.As(err, &op) || !op.Timeout() {
		return conn, err
	}
	return dial(dialTimeout - redialAfter)
}

// dialDirectly connects by this machine's network.
func dialDirectly(ctx context.Context, network, address string) (net.Conn, error) {
	return dialTwice(ctx, func(timeout time.Duration) (net.Conn, error) {
		d := dialer
		d.Timeout = timeout
		return d.DialContext(ctx, network, address)
	})
}

// lowPort marks the context of a request that is sent from a low port.
type lowPort struct{}

const (
	maxLowPort = 1023
	// lowPortTries is how many ports are tried before the retries' pause: when
	// half of the ports are in use, one in a billion fails.
	lowPortTries = 30
)

// dialPlatform connects to a service of the platform, from a low port if ctx says
// so: from another one if that is in use, or was a moment ago for this service.
func dialPlatform(ctx context.Context, network, address string) (net.Conn, error) {
	if ctx.Value(lowPort{}) == nil {
		return dialDirectly(ctx, network, address)
	}
	from := dialer
	for try := 1; ; try++ {
		from.LocalAddr = &net.TCPAddr{Port: 1 + rand.IntN(maxLowPort)}
		conn, err := from.DialContext(ctx, network, address)
		var call *os.SyscallError
		switch {
		case errors.As(err, &call) && call.Syscall == "bind" && errors.Is(err, syscall.EACCES):
			return nil, &AttemptError{Kind: Permanent, Err: fmt.Errorf("the service wants to be asked from a port below 1024, and the kernel does not give us one: %w", syscall.EACCES),
				hint: "run this as root"}
		case try == lowPortTries || !isAny(err, syscall.EADDRINUSE, syscall.EADDRNOTAVAIL):
			return conn, err
		}
	}
}

func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if c.Dial == nil {
		return dialDirectly(ctx, network, address)
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	return c.Dial(ctx, network, address)
}

// transports reach servers by some settings.
type transports struct {
	settings
	proxied *http.Transport // by the proxy, if there is one
	direct  *http.Transport // never by a proxy, for services of the platform
}

func (c *Client) transports() *transports {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current
}

// setSettings replaces the settings. Fetches that run keep theirs.
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
		Proxy:                  s.proxy.forURL,
		OnProxyConnectResponse: onProxyResponse,
		DialContext:            c.dial,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: s.roots, Time: c.verificationTime},
		TLSHandshakeTimeout:    handshakeTimeout,
		ResponseHeaderTimeout:  s.headerTimeout,
		MaxIdleConns:           transfers(),
		MaxIdleConnsPerHost:    maxTransfersPerHost,
		MaxResponseHeaderBytes: maxHeader,
	}
}
