package network

import (
	"cmp"
	"net/netip"
	"strconv"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// ParseDigitalOcean reads the metadata of a machine at DigitalOcean. Interfaces that lead
// to the internet have default routes; all have routes to the networks of their addresses
// by their gateways.
// https://docs.digitalocean.com/reference/api/metadata/
func ParseDigitalOcean(text []byte, name string) (*Config, error) {
	root, err := ReadDocument(text, name)
	if err != nil {
		return nil, err
	}
	r := &reader{}
	r.dns = r.addresses(get(r.object(root, "dns"), "nameservers"))
	for _, kind := range []string{"public", "private"} {
		for _, n := range r.objects(r.object(root, "interfaces"), kind) {
			r.digitalOcean(n)
		}
	}
	return r.finish()
}

// The priority of files of platforms whose interfaces come before others.
const servicePriority = 10

// digitalOcean reads an interface. What comes later of one that was mentioned before goes
// before that.
func (r *reader) digitalOcean(n *doc.Node) {
	l := Link{MAC: r.mac(n, "mac"), Origin: n.Origin()}
	for _, family := range []string{"ipv4", "ipv6", "anchor_ipv4"} {
		a := r.object(n, family)
		if a == nil {
			continue
		}
		mask := "netmask"
		if family == "ipv6" {
			mask = "cidr"
		}
		p, ok := r.prefix(get(a, "ip_address"), get(a, mask))
		via, hasGateway := r.address(get(a, "gateway"))
		switch {
		case get(a, "ip_address") == nil || get(a, "gateway") == nil || get(a, mask) == nil:
			r.fail(a, "an address needs ip_address, %s and gateway", mask)
			continue
		case !ok || !hasGateway:
			continue
		}
		l.Addresses = append(l.Addresses, p)
		l.Routes = append(l.Routes, Route{To: p, Via: via})
		if family != "anchor_ipv4" && r.text(n, "type") == "public" {
			l.Routes = append(l.Routes, Route{To: defaultRoute(via), Via: via})
		}
	}
	at := r.out.interfaceOf(Link{MAC: l.MAC, Priority: servicePriority, Origin: l.Origin})
	at.Addresses, at.Routes = appendNew(l.Addresses, at.Addresses...), appendNew(l.Routes, at.Routes...)
}

// ParsePacket reads the metadata of a machine at Equinix Metal, which has bonds. DNS are
// the name servers, which the metadata do not have.
// https://deploy.equinix.com/developers/docs/metal/server-metadata/metadata/
func ParsePacket(text []byte, name string, dns []netip.Addr) (*Config, error) {
	root, err := ReadDocument(text, name)
	if err != nil {
		return nil, err
	}
	r := &reader{}
	network := r.object(root, "network")
	var bonds []*Link
	for _, n := range r.objects(network, "interfaces") {
		bonds = r.packetInterface(n, bonds)
	}
	for _, b := range bonds {
		b.DNS = dns
		b.Bond.Mode = r.packetMode(r.object(network, "bonding"))
		if b.Bond.Mode == "802.3ad" {
			b.Bond.LACPRate = "fast"
		}
	}
	if len(bonds) > 0 {
		for _, n := range r.objects(network, "addresses") {
			r.packetAddress(bonds[0], n)
		}
	} else {
		r.note(cmp.Or(network, root), "there is no bond, so that the addresses are passed over")
	}
	// No other interface is anybody's.
	r.out.Links = append(r.out.Links, bonds...)
	r.out.Links = append(r.out.Links, &Link{Path: "pci-*", Priority: 80, Unmanaged: true})
	return r.finish()
}

// packetInterface adds an interface, and its bond if that is a new one.
func (r *reader) packetInterface(n *doc.Node, bonds []*Link) []*Link {
	l := r.out.interfaceOf(Link{MAC: r.mac(n, "mac"), Priority: servicePriority, Origin: n.Origin()})
	l.ID = l.MAC
	name := r.text(n, "bond")
	if name == "" {
		l.Unmanaged = true
		return bonds
	}
	l.Required = "no"
	for _, b := range bonds {
		if b.Name == name {
			b.Bond.Members = appendNew(b.Bond.Members, l.ID)
			return bonds
		}
	}
	const bondPriority, monitor, delay = 5, 100, 200
	return append(bonds, &Link{ID: name, Name: name, MAC: l.MAC, Priority: bondPriority, Required: "degraded-carrier", Origin: n.Origin(),
		Bond: &Bond{Members: []string{l.ID}, HashPolicy: "layer3+4", Monitor: monitor, UpDelay: delay, DownDelay: delay}})
}

// packetMode is the name of a bond's mode, which is given as a number.
func (r *reader) packetMode(n *doc.Node) string {
	mode := r.number(n, "mode")
	if n == nil || mode >= len(bondModes) {
		return strconv.Itoa(mode) // which check reports
	}
	return bondModes[mode]
}

// packetAddress adds an address and its route: to everywhere, but from a private address
// only to the private network.
func (r *reader) packetAddress(l *Link, n *doc.Node) {
	p, ok := r.prefix(get(n, "address"), get(n, "cidr"))
	via, hasGateway := r.address(get(n, "gateway"))
	if !ok || !hasGateway {
		return
	}
	l.Addresses = appendNew(l.Addresses, p)
	to := defaultRoute(via)
	if via.Is4() && !r.is(n, "public") {
		to = netip.PrefixFrom(netip.AddrFrom4([4]byte{10}), 8)
	}
	l.Routes = appendNew(l.Routes, Route{To: to, Via: via})
}
