package network

import (
	"cmp"
	"strings"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// ParseNetworkData reads OpenStack's network_data.json: links, networks on them, and
// services for all. Files of the links have the priority.
// https://docs.openstack.org/nova/latest/user/metadata.html
func ParseNetworkData(text []byte, name string, priority int) (*Config, error) {
	root, err := ReadDocument(text, name)
	if err != nil {
		return nil, err
	}
	r := &reader{}
	for _, n := range r.objects(root, "links") {
		r.openStackLink(n, priority)
	}
	for _, n := range r.objects(root, "networks") {
		r.openStackNetwork(n)
	}
	for _, n := range r.objects(root, "services") {
		if strings.EqualFold(r.text(n, "type"), "dns") {
			r.dns = append(r.dns, r.addresses(get(n, "address"))...)
		}
	}
	return r.finish()
}

// openStackBond is what network_data.json calls the values of a bond.
var openStackBond = bondNames{"bond_mode", "bond_xmit_hash_policy", "bond_lacp_rate", "bond_primary", "bond_miimon", "bond_updelay", "bond_downdelay"}

func (r *reader) openStackLink(n *doc.Node, priority int) {
	l := Link{ID: r.text(n, "id"), Name: r.text(n, "name"), MAC: r.mac(n, "ethernet_mac_address"), MTU: r.number(n, "mtu"), Priority: priority, Origin: n.Origin()}
	switch kind := r.text(n, "type"); kind {
	case "bond":
		l.Bond = r.bond(n, n, "bond_links", openStackBond)
		l.Name = cmp.Or(l.Name, l.ID)
	case "vlan":
		l.VLAN = &VLAN{r.text(n, "vlan_link"), r.number(n, "vlan_id")}
		l.MAC = cmp.Or(r.mac(n, "vlan_mac_address"), l.MAC)
		if l.Name = cmp.Or(l.Name, l.ID); !isInterfaceName(l.Name) {
			l.Name = "vlan" + r.text(n, "vlan_id")
		}
	default:
		// The others are how the host sees the interface: phy, vif, tap, ovs, ...
		r.out.interfaceOf(l)
		return
	}
	r.addVirtual(&l)
}

// addVirtual adds a bond or a VLAN. Its file comes before those of interfaces: it may have
// the MAC address of one, and networkd takes the first file that fits.
func (r *reader) addVirtual(l *Link) {
	const before = 5
	l.Priority = max(l.Priority-before, 0)
	r.out.Links = append(r.out.Links, l)
}

// bondNames are what a language calls the values of a bond.
type bondNames struct{ mode, hash, lacp, primary, monitor, up, down string }

// bond reads the values from an object, and the members from a list of n.
func (r *reader) bond(n, values *doc.Node, members string, names bondNames) *Bond {
	b := &Bond{Mode: r.text(values, names.mode), Members: r.texts(get(n, members)),
		HashPolicy: r.text(values, names.hash), LACPRate: r.text(values, names.lacp), Primary: r.text(values, names.primary),
		Monitor: r.number(values, names.monitor), UpDelay: r.number(values, names.up), DownDelay: r.number(values, names.down)}
	b.Mode = cmp.Or(b.Mode, bondModes[0]) // as the kernel
	if len(b.Mode) == 1 && b.Mode[0] >= '0' && int(b.Mode[0]-'0') < len(bondModes) {
		b.Mode = bondModes[b.Mode[0]-'0']
	}
	return b
}

func (r *reader) openStackNetwork(n *doc.Node) {
	l := r.out.find(r.text(n, "link"))
	if l == nil {
		r.note(n, "a network on the link %q, which is not there, is passed over", r.text(n, "link"))
		return
	}
	switch kind := r.text(n, "type"); kind {
	case "ipv4", "ipv6":
		r.static(l, n, "ip_address", "netmask", "gateway")
	case "ipv4_dhcp", "dhcp4":
		l.DHCP4 = true
	case "ipv6_dhcp", "dhcp6", "ipv6_dhcpv6-stateful", "ipv6_dhcpv6-stateless":
		l.DHCP6 = true
	case "ipv6_slaac":
		l.RouterAdvertisements = true
	default:
		r.note(n, "a network of the type %q is passed over", kind)
	}
	r.routes(l, n, "network", "netmask", "gateway")
	l.DNS = appendNew(l.DNS, r.addresses(get(n, "dns_nameservers"))...)
	for _, s := range r.objects(n, "services") {
		if strings.EqualFold(r.text(s, "type"), "dns") {
			l.DNS = appendNew(l.DNS, r.addresses(get(s, "address"))...)
		}
	}
}

// static adds an address, and the default route by a gateway.
func (r *reader) static(l *Link, n *doc.Node, address, mask, gateway string) {
	if p, ok := r.prefix(get(n, address), get(n, mask)); ok {
		l.Addresses = appendNew(l.Addresses, p)
	} else if get(n, address) == nil {
		r.fail(n, "a static network needs an address: %s", address)
	}
	if via, ok := r.address(get(n, gateway)); ok {
		l.Routes = appendNew(l.Routes, Route{To: defaultRoute(via), Via: via})
	}
}

// routes adds those of a list.
func (r *reader) routes(l *Link, n *doc.Node, to, mask, via string) {
	for _, item := range r.objects(n, "routes") {
		if route, ok := r.route(item, to, mask, via); ok {
			l.Routes = appendNew(l.Routes, route)
		}
	}
}
