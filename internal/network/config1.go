package network

import (
	"cmp"
	"strings"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// ParseNetworkConfig reads a network-config of version 1 or 2, the second of which is
// also netplan's language, with or without an object "network" around it. Files of the
// interfaces have the priority.
// https://docs.cloud-init.io/en/latest/reference/network-config.html
func ParseNetworkConfig(text []byte, name string, priority int) (*Config, error) {
	root, err := ReadDocument(text, name)
	if err != nil {
		return nil, err
	}
	r := &reader{}
	r.networkConfig(root, priority)
	return r.finish()
}

// ParseAny reads a network_data.json, or a network-config of any version.
func ParseAny(text []byte, name string, priority int) (*Config, error) {
	root, err := ReadDocument(text, name)
	if err == nil && get(root, "links") != nil {
		return ParseNetworkData(text, name, priority)
	}
	return ParseNetworkConfig(text, name, priority)
}

// ParseGuestInfo reads the metadata of VMware, in which "network" is a network-config, or an
// object with one as its member "config". Other metadata say nothing of the network: then
// it is nil.
func ParseGuestInfo(text []byte, name string, priority int) (*Config, error) {
	root, err := ReadDocument(text, name)
	if err != nil || get(root, "network") == nil {
		return nil, err
	}
	r := &reader{}
	around := r.object(root, "network")
	if inner := get(around, "config"); inner != nil && inner.Kind == doc.Map {
		around = inner
	}
	r.networkConfig(around, priority)
	return r.finish()
}

func (r *reader) networkConfig(root *doc.Node, priority int) {
	if r.ofKind(root, doc.Map) == nil {
		return
	}
	if around := get(root, "network"); around != nil {
		root = r.ofKind(around, doc.Map)
	}
	version := r.text(root, "version")
	if version == "" && root != nil {
		version = "2"
		if get(root, "config") != nil {
			version = "1"
		}
	}
	switch {
	case root == nil:
	case version == "1":
		r.version1(root, priority)
	case version == "2":
		r.version2(root, priority)
	default:
		r.fail(get(root, "version"), "version %s of network-config is not known; there are 1 and 2", version)
	}
}

// bond1 is what version 1 calls the values of a bond.
var bond1 = bondNames{"bond-mode", "bond-xmit_hash_policy", "bond-lacp-rate", "bond-primary", "bond-miimon", "bond-updelay", "bond-downdelay"}

func (r *reader) version1(root *doc.Node, priority int) {
	if config := get(root, "config"); config != nil && config.Kind != doc.List {
		if r.text(root, "config") != "disabled" {
			r.fail(config, "this should be a list")
		}
		return
	}
	for _, n := range r.objects(root, "config") {
		name := r.text(n, "name")
		l := Link{ID: name, Name: name, MAC: r.mac(n, "mac_address"), MTU: r.number(n, "mtu"), Priority: priority, Origin: n.Origin()}
		at := &l
		switch kind := r.text(n, "type"); kind {
		case "physical":
			at = r.out.interfaceOf(l)
		case "bond":
			l.Bond = r.bond(n, cmp.Or(r.object(n, "params"), new(doc.Node)), "bond_interfaces", bond1)
			r.addVirtual(at)
		case "vlan":
			l.VLAN = &VLAN{r.text(n, "vlan_link"), r.number(n, "vlan_id")}
			r.addVirtual(at)
		case "nameserver":
			r.nameserver(n)
			continue
		case "route":
			r.route1(n)
			continue
		default:
			r.note(n, "what is of the type %q is passed over", kind)
			continue
		}
		for _, s := range r.objects(n, "subnets") {
			r.subnet(at, s)
		}
	}
}

// nameserver reads servers for all interfaces, or for one that is mentioned before.
func (r *reader) nameserver(n *doc.Node) {
	servers, search := r.addresses(get(n, "address")), r.texts(get(n, "search"))
	if l := r.out.find(r.text(n, "interface")); l != nil {
		l.DNS, l.Search = appendNew(l.DNS, servers...), appendNew(l.Search, search...)
		return
	}
	r.dns, r.search = append(r.dns, servers...), append(r.search, search...)
}

// route1 adds a route to the interface that has its gateway.
func (r *reader) route1(n *doc.Node) {
	route, ok := r.route(n, "destination", "netmask", "gateway")
	if !ok {
		return
	}
	for _, l := range r.out.Links {
		for _, p := range l.Addresses {
			if p.Masked().Contains(route.Via) {
				l.Routes = appendNew(l.Routes, route)
				return
			}
		}
	}
	r.note(n, "the route to %s is passed over: no interface before it has a network with its gateway %s", route.To, route.Via)
}

// subnet reads one of an interface. Some platforms tell IPv6 by a member of its own.
func (r *reader) subnet(l *Link, n *doc.Node) {
	ipv6 := r.is(n, "ipv6")
	switch kind := r.text(n, "type"); {
	case strings.HasPrefix(kind, "static"):
		r.static(l, n, "address", "netmask", "gateway")
	case kind == "dhcp6", strings.HasPrefix(kind, "dhcp") && ipv6, strings.HasPrefix(kind, "ipv6_dhcpv6"):
		l.DHCP6 = true
	case kind == "dhcp", kind == "dhcp4":
		l.DHCP4 = true
	case kind == "ipv6_slaac":
		l.RouterAdvertisements = true
	case kind == "manual":
	default:
		r.note(n, "a subnet of the type %q is passed over", kind)
		return
	}
	for _, item := range r.objects(n, "routes") {
		to := "destination"
		if get(item, to) == nil {
			to = "network"
		}
		if route, ok := r.route(item, to, "netmask", "gateway"); ok {
			l.Routes = appendNew(l.Routes, route)
		}
	}
	l.DNS = appendNew(l.DNS, r.addresses(get(n, "dns_nameservers"))...)
	l.Search = appendNew(l.Search, r.texts(get(n, "dns_search"))...)
}
