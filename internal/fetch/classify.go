package fetch

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
)

// classify finds out what does not work: link, address, route, DNS, TCP, TLS or
// HTTP, from the lowest layer to the highest. Each text begins with that word.
func (c *Client) classify(err error) *AttemptError {
	var attempt *AttemptError
	var status *StatusError
	var name *net.DNSError
	switch {
	case errors.As(err, &attempt):
		return attempt
	case errors.Is(err, ErrNotFound):
		return &AttemptError{Kind: Permanent, Err: cause(err)}
	case errors.As(err, &status):
		return &AttemptError{Kind: status.failureKind(), Err: cause(err), RetryAfter: status.RetryAfter}
	case errors.As(err, &name):
		return c.classifyDNS(name)
	}
	if isAny(err, syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ENETDOWN, syscall.EADDRNOTAVAIL) {
		return c.classifyRoute(err)
	}
	if t := c.classifyTLS(err); t != nil {
		return t
	}
	if t := classifyDial(err); t != nil {
		return t
	}
	return classifyHTTP(cause(err))
}

func isAny(err error, targets ...error) bool {
	for _, t := range targets {
		if errors.Is(err, t) {
			return true
		}
	}
	return false
}

// classifyRoute is for what the kernel says without a packet sent: the reason may
// be the network of this machine.
func (c *Client) classifyRoute(err error) *AttemptError {
	if text := networkProblem(c.listLinks()); text != "" {
		return failed(NoNetwork, "%s", text)
	}
	if errors.Is(err, syscall.EHOSTUNREACH) {
		return failed(Timeout, "TCP: nobody has the server's address, or a firewall forbids it: %w", syscall.EHOSTUNREACH)
	}
	return failed(NoNetwork, "no route: %w", rootOf(err))
}

// rootOf returns the innermost cause.
func rootOf(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// classifyDNS is for errors of a name's resolution. Without a network they say
// nothing about the name.
func (c *Client) classifyDNS(err *net.DNSError) *AttemptError {
	switch text := networkProblem(c.listLinks()); {
	case text != "":
		return failed(NoNetwork, "%s", text)
	case err.IsNotFound:
		return failed(NXDomain, "DNS: there is no host %q, says the name server%s", err.Name, at(err.Server))
	case err.IsTimeout:
		return failed(DNSDown, "DNS: the name server%s does not answer (asked for %q)", at(err.Server), err.Name)
	}
	return failed(DNSDown, "DNS: asking the name server%s for %q: %s", at(err.Server), err.Name, err.Err)
}

func at(server string) string {
	if server == "" {
		return ""
	}
	return " " + server
}

// classifyDial is for errors before there is a connection.
func classifyDial(err error) *AttemptError {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "dial" && op.Op != "proxyconnect" {
		return nil
	}
	whom := "the server"
	if op.Op == "proxyconnect" {
		whom = "the proxy"
		var inner *net.OpError
		if errors.As(op.Err, &inner) {
			op = inner
		}
	}
	if op.Addr != nil {
		whom += " at " + op.Addr.String()
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return failed(ConnRefused, "TCP: %s refuses the connection: %w", whom, syscall.ECONNREFUSED)
	case op.Timeout():
		return failed(Timeout, "TCP: %s does not answer", whom)
	}
	return failed(ConnLost, "TCP: connecting to %s: %w", whom, op.Err)
}

// classifyHTTP is for errors after there is a connection. The timeouts of package
// http have no types but texts.
func classifyHTTP(err error) *AttemptError {
	switch {
	case errors.Is(err, errStalled), errors.Is(err, ErrCut), errors.Is(err, errBadRange):
		return &AttemptError{Kind: ConnLost, Err: err}
	case errors.Is(err, http.ErrSchemeMismatch):
		return failed(TLS, "TLS: the server speaks plain HTTP at this port; the URL should begin with http:// or have another port")
	case errors.Is(err, context.Canceled):
		return &AttemptError{Kind: ConnLost, Err: err}
	case strings.HasSuffix(err.Error(), "TLS handshake timeout"):
		return failed(ConnLost, "TLS: the server took the connection, but says nothing for %v", handshakeTimeout)
	case strings.HasSuffix(err.Error(), "timeout awaiting response headers"):
		return failed(ConnLost, "HTTP: the server took the request, but sends no answer within the limit of ignition.timeouts")
	case errors.Is(err, context.DeadlineExceeded):
		return failed(ConnLost, "none, there was no answer yet")
	case strings.HasPrefix(err.Error(), "failed to parse Location"):
		// The text holds the whole header, which may hold credentials.
		return redirectError("the server redirected to what is no URL")
	case strings.Contains(err.Error(), "malformed"):
		return failed(ConnRefused, "HTTP: the server at this port does not speak it: %s", Printable(err.Error()))
	case isAny(err, io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE):
		return failed(ConnLost, "HTTP: the server closed the connection without an answer: %w", err)
	}
	return failed(ConnLost, "HTTP: %w", err)
}

// KindOf returns the kind of a failed attempt. Other errors are Permanent.
func KindOf(err error) Kind {
	var attempt *AttemptError
	if errors.As(err, &attempt) {
		return attempt.Kind
	}
	return Permanent
}
