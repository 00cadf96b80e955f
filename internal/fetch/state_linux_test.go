package fetch

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

func TestDefaultGatewaysAreRead(t *testing.T) {
	const ipv4 = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
ens3	00000000	0100000A	0003	0	0	100	00000000	0	0	0
ens3	0000000A	00000000	0001	0	0	100	00FFFFFF	0	0	0
ppp0	00000000	00000000	0001	0	0	0	00000000	0	0	0
broken
ens4	00000000	01	0003	0	0	100	00000000	0	0	0
`
	const ipv6 = `00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000064 00000001 00000000 00000003     ens3
20010db8000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     ens3
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
`
	testkit.Equal(t, "gateways", defaultGateways(ipv4, ipv6), map[string][]string{"ens3": {"10.0.0.1", "fe80::1"}, "ppp0": {"none but the link"}})
}

func TestLinksAreDescribed(t *testing.T) {
	address := &net.IPNet{IP: net.IPv4(10, 0, 0, 5), Mask: net.CIDRMask(24, 32)}
	for want, l := range map[string]struct {
		flags     net.Flags
		addresses []net.Addr
		gateways  []string
	}{
		"ens3: switched off, no address, no gateway":           {0, nil, nil},
		"ens3: no carrier, no address, no gateway":             {net.FlagUp, nil, nil},
		"ens3: carrier, 10.0.0.5/24, gateway 10.0.0.1":         {net.FlagUp | net.FlagRunning, []net.Addr{address}, []string{"10.0.0.1"}},
		"ens3: carrier, 10.0.0.5/24, 10.0.0.5/24, no gateway":  {net.FlagUp | net.FlagRunning, []net.Addr{address, address}, nil},
		"ens3: carrier, no address, gateway none but the link": {net.FlagUp | net.FlagRunning, nil, []string{"none but the link"}},
	} {
		testkit.Equal(t, want, describeLink(net.Interface{Name: "ens3", Flags: l.flags}, l.addresses, l.gateways), want)
	}
	testkit.Equal(t, "servers", describeServers("# nameserver 1\nnameserver 10.0.0.53\nnameserver\nsearch x\nnameserver fe80::1%ens3\n"), "name server 10.0.0.53, fe80::1%ens3")
	testkit.Equal(t, "no servers", describeServers(""), "no name server")
}

// The failure box shows the network of this machine where that may be the reason, and only
// there.
func TestTheBoxShowsTheNetworkWhereItMatters(t *testing.T) {
	c := New(report.NewWriterLogger(io.Discard), 0)
	c.listLinks = func() []link { return []link{{"ens3", true, true, 1}} }
	c.networkState = func() string {
		return "ens3: carrier, 10.0.0.5/24, no gateway; ens4: no carrier, no address, no gateway; no name server"
	}
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	unreachable := c.classify(dial(syscall.ENETUNREACH))
	text := report.Box("fetch", &report.Error{Doing: "fetching http://192.0.2.1/x", Err: failure{unreachable}, Hint: Hint(unreachable)})
	testkit.Contains(t, "box", text, "operation  fetching http://192.0.2.1/x", "cause      no route: network is unreachable",
		"detail     ens3: carrier, 10.0.0.5/24, no gateway; ens4: no carrier, no ", "|            address, no gateway; no name server")
	for _, err := range []error{dial(syscall.ECONNREFUSED), errors.New("EOF"), ErrNotFound} {
		testkit.Equal(t, err.Error(), c.classify(err).Detail(), "")
	}
	if c := New(report.NewWriterLogger(io.Discard), 0); c.networkState() == "" {
		t.Error("nothing is known of the network of this machine")
	}
}
