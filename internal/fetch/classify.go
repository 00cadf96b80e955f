package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"syscall"

	"github.com/firstlight-os/firstlight/internal/http"
)

// classify finds out what does not work, and what the network of this machine is like if
// that may be the reason.
func (c *Client) classify(err error) *AttemptError {
	e := c.classifyLayers(err)
	if retryPolicy[e.Kind].network {
		e.state = c.networkState
	}
	return e
}

// classifyLayers finds out what does not work: link, address, route, DNS, TCP, TLS or
// HTTP, from the lowest layer to the highest. Each text begins with that word.
func (c *Client) classifyLayers(err error) *AttemptError {
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
	case errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) && !isDial(err):
		return &AttemptError{Kind: ConnLost, Err: &located{"it was given up before there was an answer", err}}
	}
	if isAny(err, noRoute...) {
		return c.classifyRoute(err)
	}
	if t := c.classifyTLS(err); t != nil {
		return t
	}
	if t := classifyRequest(err); t != nil {
		return t
	}
	if t := classifyDial(err); t != nil {
		return t
	}
	return classifyHTTP(cause(err))
}

// noRoute are the kernel's errors of a machine that has no path to an address.
var noRoute = []error{syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ENETDOWN, syscall.EADDRNOTAVAIL}

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
	var op *net.OpError
	target := ""
	for next := err; errors.As(next, &op); next = op.Err { // a dial is inside of that of a proxy
		if op.Addr != nil {
			target, _, _ = net.SplitHostPort(op.Addr.String())
		}
	}
	text := networkProblem(c.listLinks())
	switch {
	case text == "" && errors.Is(err, syscall.EHOSTUNREACH):
		return failed(Timeout, "nobody has the server's address, or a firewall forbids it: %w", syscall.EHOSTUNREACH)
	case text == "":
		text = "no route: " + rootOf(err).Error()
	}
	return noNetwork(text, err, target)
}

// noNetwork is a failure of this machine's network, with what can be done about this one if
// that is not the same as for others.
func noNetwork(text string, err error, target string) *AttemptError {
	e := &AttemptError{Kind: NoNetwork, Err: &located{text, err}, target: target}
	switch {
	case text == noInterface:
		e.hint = "give the virtual machine a network card, or the initramfs the driver of the one that is there (dracut --add-drivers)"
	case strings.HasPrefix(text, "no route"):
		e.hint = "this machine has an address, but no gateway to this server (ip route): check DHCP, or the ip= arguments on the kernel command line"
	}
	return e
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
	says := func(part string) bool { return strings.Contains(err.Err, part) }
	if err.IsNotFound && err.Server == "" {
		e := failed(Permanent, "DNS: no name server is asked for %q, as it cannot be the name of a host", Printable(err.Name))
		e.hint = "check the spelling of the host's name"
		return e
	}
	switch text := networkProblem(c.listLinks()); {
	case text != "":
		return noNetwork(text, err, err.Name)
	case err.IsNotFound:
		return failed(NXDomain, "DNS: there is no host %q, says the name server%s", err.Name, at(err.Server))
	case says("network is unreachable"):
		return noNetwork("no route to the name server"+at(err.Server), err, err.Name)
	case err.IsTimeout, says("operation was canceled"):
		return failed(DNSDown, "DNS: the name server%s does not answer (asked for %q)", at(err.Server), err.Name)
	case says("connection refused"):
		return failed(DNSDown, "DNS: nothing listens at the name server%s (asked for %q)", at(err.Server), err.Name)
	case says("misbehaving"):
		return failed(DNSDown, "DNS: the name server%s answers with an error (asked for %q)", at(err.Server), err.Name)
	}
	return failed(DNSDown, "DNS: asking the name server%s for %q: %s", at(err.Server), err.Name, err.Err)
}

func at(server string) string {
	if server == "" {
		return ""
	}
	return " " + server
}

// classifyRequest is for what fails before a byte has gone out: no server can be blamed
// for it, and another attempt would be the same.
func classifyRequest(err error) *AttemptError {
	var address *net.AddrError
	var request *http.RequestError
	var text string
	switch {
	case errors.As(err, &address):
		text = fmt.Sprintf("%s: %q", address.Err, Printable(address.Addr))
	case errors.As(err, &request):
		text = Printable(request.Error())
	default:
		return nil
	}
	return &AttemptError{Kind: Permanent, Err: &located{"this cannot be requested: " + text, err}, hint: "fix the URL, or httpHeaders, in the config"}
}

func isDial(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect")
}

// classifyDial is for errors before there is a connection.
func classifyDial(err error) *AttemptError {
	var op *net.OpError
	if !isDial(err) {
		return nil
	}
	errors.As(err, &op)
	whom := "the server"
	if op.Op == "proxyconnect" {
		whom = "the proxy"
		var inner *net.OpError
		if !errors.As(op.Err, &inner) {
			return nil // it is connected
		}
		op = inner
	}
	if op.Addr != nil {
		whom += " at " + op.Addr.String()
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return failed(ConnRefused, "TCP: %s refuses the connection: %w", whom, syscall.ECONNREFUSED)
	case op.Timeout():
		return failed(Timeout, "TCP: %s does not answer", whom)
	case errors.Is(err, context.Canceled):
		return failed(Timeout, "TCP: %s has not answered yet", whom)
	case errors.Is(err, syscall.EINVAL) && strings.Contains(whom, "%"):
		return failed(NoInterface, "this machine has no network interface of the name that follows after the %% in the address of %s", whom)
	case errors.Is(err, syscall.EINVAL):
		return &AttemptError{Kind: Permanent, Err: &located{"the kernel does not connect to " + whom + ": " + syscall.EINVAL.Error(), err}, hint: "check the address in the URL"}
	}
	e := failed(ConnLost, "TCP: connecting to %s: %w", whom, rootOf(op.Err))
	if errors.Is(err, syscall.EACCES) {
		e.hint = "something forbids it, on this machine or on the way: a firewall, or a rule (ip rule; afterburn --lock makes one for the metadata service)"
	}
	return e
}

// classifyHTTP is for errors after there is a connection.
func classifyHTTP(err error) *AttemptError {
	var malformed *http.MalformedError
	var line textproto.ProtocolError
	switch {
	case errors.Is(err, ErrStalled), errors.Is(err, ErrCut), errors.Is(err, errBadRange):
		return &AttemptError{Kind: ConnLost, Err: err}
	case errors.Is(err, http.ErrHandshakeTimeout):
		return failed(ConnLost, "TLS: the server took the connection, but says nothing for %v", handshakeTimeout)
	case errors.Is(err, http.ErrHeaderTimeout):
		return failed(ConnLost, "HTTP: the server took the request, but sends no answer within the limit of ignition.timeouts")
	case errors.Is(err, context.DeadlineExceeded):
		return &AttemptError{Kind: ConnLost, Err: &located{"none, there was no answer yet", err}}
	case errors.As(err, &malformed) && strings.HasPrefix(malformed.Sent, "\x15\x03"):
		return &AttemptError{Kind: TLS, Err: &located{"HTTP: the server speaks TLS at this port", err}, hint: "begin the URL with https://, or set another port"}
	case errors.Is(err, http.ErrHeaderTooLarge):
		return &AttemptError{Kind: Permanent, Err: &located{fmt.Sprintf("HTTP: the header of the answer is larger than %d KiB", maxHeader>>10), err},
			hint: "look at what the server sends before the contents, with curl -I URL"}
	case malformed != nil, errors.As(err, &line):
		return &AttemptError{Kind: ConnRefused, Err: &located{"HTTP: the server at this port does not speak it: it sent " + whatCame(err), err}}
	case isAny(err, syscall.ECONNRESET, syscall.EPIPE):
		return &AttemptError{Kind: ConnLost, Err: &located{"HTTP: the server reset the connection before it had answered", err}}
	case isAny(err, io.EOF, io.ErrUnexpectedEOF):
		return &AttemptError{Kind: ConnLost, Err: &located{"HTTP: the server closed the connection before it had answered", err}}
	}
	return &AttemptError{Kind: ConnLost, Err: &located{"HTTP: " + Printable(err.Error()), err}}
}

// whatCame returns the part of an error that the server has sent.
func whatCame(err error) string {
	text := err.Error()
	if at := strings.IndexByte(text, '"'); at >= 0 {
		return Printable(text[at:])
	}
	return Printable(text[strings.LastIndex(text, ": ")+1:])
}

// KindOf returns the kind of a failed attempt. Other errors are Permanent.
func KindOf(err error) Kind {
	var attempt *AttemptError
	if errors.As(err, &attempt) {
		return attempt.Kind
	}
	return Permanent
}
