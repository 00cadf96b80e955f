package providers

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"
)

// vagrantLimit is how long Vagrant may take to configure the private network.
const vagrantLimit = time.Minute

// vagrantInstance is a machine that Vagrant has started in VirtualBox, by the ID that
// Flatcar has for it. Nobody but the machine itself knows it.
var vagrantInstance = &Instance{moreAttributes: func(a *Asker) ([]Attribute, error) {
	hostname, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("reading the hostname: %w", err)
	}
	var address string
	err = a.env.wait("an IPv4 address of eth1", "net", vagrantLimit).Until(a.ctx, func() (string, bool, error) {
		address = firstIPv4("eth1")
		return "", address != "", nil
	})
	return []Attribute{{"VAGRANT_VIRTUALBOX_HOSTNAME", hostname}, {"VAGRANT_VIRTUALBOX_PRIVATE_IPV4", address}}, err
}}

// firstIPv4 is an address of an interface, "" without one.
func firstIPv4(name string) string {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return "" // it may come
	}
	addresses, _ := i.Addrs() // one that vanishes has none
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() {
			return p.Addr().String()
		}
	}
	return ""
}
