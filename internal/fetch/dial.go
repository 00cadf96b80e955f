package fetch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"syscall"
	"time"
)

var dialer = net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second, Resolver: &net.Resolver{PreferGo: true}}

// lowPort marks the context of a request that is to come from a low port.
type lowPort struct{}

const (
	maxLowPort = 1023
	// lowPortTries is how many ports are tried before the retries' pause: when
	// half of the ports are in use, one in a billion fails.
	lowPortTries = 30
)

// dialPlatform connects to a service of the platform. A port that is in use, or
// was a moment ago for the same service, is no reason to stop.
func dialPlatform(ctx context.Context, network, address string) (net.Conn, error) {
	if ctx.Value(lowPort{}) == nil {
		return dialer.DialContext(ctx, network, address)
	}
	from := dialer
	for try := 1; ; try++ {
		from.LocalAddr = &net.TCPAddr{Port: 1 + rand.IntN(maxLowPort)}
		conn, err := from.DialContext(ctx, network, address)
		switch {
		case errors.Is(err, syscall.EACCES):
			return nil, &AttemptError{Kind: Permanent, Err: fmt.Errorf("the service wants to be asked from a port below 1024, and the kernel does not give us one: %w", syscall.EACCES),
				hint: "run this as root"}
		case try == lowPortTries || !isAny(err, syscall.EADDRINUSE, syscall.EADDRNOTAVAIL):
			return conn, err
		}
	}
}
