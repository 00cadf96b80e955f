package fetch

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/firstlight-os/firstlight/internal/http"
)

func TestClassification(t *testing.T) {
	c, _, _ := newTestClient(t)
	dial := func(err error) error {
		return &net.OpError{Op: "dial", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 80}, Err: err}
	}
	for name, tc := range map[string]struct {
		err  error
		kind Kind
		want string
	}{
		"refused":           {dial(syscall.ECONNREFUSED), ConnRefused, "TCP: the server at 10.0.0.1:80 refuses the connection: connection refused"},
		"silent":            {dial(os.ErrDeadlineExceeded), Timeout, "TCP: the server at 10.0.0.1:80 does not answer"},
		"filtered":          {dial(syscall.EHOSTUNREACH), Timeout, "nobody has the server's address, or a firewall forbids it: no route to host"},
		"no route":          {dial(syscall.ENETUNREACH), NoNetwork, "no route: network is unreachable"},
		"no source address": {dial(syscall.EADDRNOTAVAIL), NoNetwork, "no route: cannot assign requested address"},
		"forbidden":         {dial(syscall.EACCES), ConnLost, "TCP: connecting to the server at 10.0.0.1:80: permission denied"},
		"other":             {dial(syscall.EPERM), ConnLost, "TCP: connecting to the server at 10.0.0.1:80: operation not permitted"},
		"proxy refused":     {&net.OpError{Op: "proxyconnect", Err: dial(syscall.ECONNREFUSED)}, ConnRefused, "TCP: the proxy at 10.0.0.1:80 refuses the connection: connection refused"},
		"name server fails": {&net.DNSError{Err: "server misbehaving", Name: "h", Server: "10.0.2.3:53"}, DNSDown, `DNS: the name server 10.0.2.3:53 answers with an error (asked for "h")`},
		"alert":             {&net.OpError{Op: "remote error", Err: errors.New("tls: handshake failure")}, TLS, "TLS: the server refuses: handshake failure"},
		"no TLS":            {tls.RecordHeaderError{Msg: "x"}, TLS, "TLS: the server does not speak TLS at this port"},
		"closed":            {io.EOF, ConnLost, "HTTP: the server closed the connection before it had answered"},
		"reset":             {&net.OpError{Op: "read", Err: syscall.ECONNRESET}, ConnLost, "HTTP: the server reset the connection before it had answered"},
		"not HTTP":          {&http.MalformedError{What: "HTTP response", Sent: "SSH-2.0-x\x01"}, ConnRefused, `HTTP: the server at this port does not speak it: it sent "SSH-2.0-x`},
		"unknown":           {errors.New("odd"), ConnLost, "HTTP: odd"},
	} {
		got := c.classify(tc.err)
		if got.Kind != tc.kind || !strings.HasPrefix(got.Error(), tc.want) {
			t.Errorf("%s: got %d, %q, want %d, %q", name, got.Kind, got, tc.kind, tc.want)
		}
		if retryPolicy[got.Kind].hint == "" {
			t.Errorf("%s: there is no hint", name)
		}
	}
}

func TestWithoutANetworkNamesMayBeRight(t *testing.T) {
	c, _, _ := newTestClient(t)
	c.listLinks = func() []link { return []link{{"eth0", true, true, 0}, {"eth1", true, false, 0}} }
	for _, err := range []error{errNXDomain, errDNSDown, errNoRoute, errTimeout} {
		if got := c.classify(err); got.Kind != NoNetwork || got.Error() != "no address: eth0 has a carrier, but no address yet" {
			t.Errorf("%v: got %d, %v", err, got.Kind, got)
		}
	}
}

func TestNetworkProblem(t *testing.T) {
	for want, links := range map[string][]link{
		"":                           {{"eth0", true, false, 0}, {"eth1", true, true, 1}},
		"no address: eth1 ":          {{"eth0", true, false, 0}, {"eth1", true, true, 0}},
		"no carrier: eth0, eth1 see": {{"eth0", true, false, 1}, {"eth1", true, false, 0}, {"eth2", false, false, 0}},
		"no link: eth2 ":             {{"eth2", false, false, 0}},
		"no link: this machine":      nil,
	} {
		if got := networkProblem(links); !strings.HasPrefix(got, want) || (want == "") != (got == "") {
			t.Errorf("%v: got %q, want %q", links, got, want)
		}
	}
}

func TestLinks(t *testing.T) {
	interfaces, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	loops := 0
	for _, i := range interfaces {
		if i.Flags&net.FlagLoopback != 0 {
			loops++
		}
	}
	if got := links(); len(got) != len(interfaces)-loops {
		t.Errorf("%d of %d links, %d of them loops: %v", len(got), len(interfaces), loops, got)
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                       "plain",
		"a\n\tb\x1b[31mc\x00\u0085d":  "a b?[31mc? d",
		"\xff\xfe":                    "?",
		"a\u202egpj.exe\u2066b\ufeff": "a?gpj.exe?b?",
		"one\u2028two\u2029three":     "one two three",
		strings.Repeat("é", 400):      strings.Repeat("é", 300) + "...",
	} {
		if got := Printable(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
