package network

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Naming is what kernel arguments call interfaces.
type Naming int

const (
	// ByName uses names; what has only a MAC address gets a name by ifname=, of which dracut
	// makes a rule of udev. It says "static" as Afterburn does, which only NetworkManager
	// knows; the others say "none".
	ByName Naming = iota
	// ByIfname names all that have a MAC address by ifname=, so that it does not matter
	// what kernel and udev call them.
	ByIfname
	// ByAddress uses MAC addresses with dashes. NetworkManager knows them, but for what is
	// below a VLAN, and they work after udev has named the interfaces.
	ByAddress
)

// Kargs renders a config as kernel arguments: dracut.cmdline(7).
func (c *Config) Kargs(naming Naming) string {
	k := &kargs{config: c, names: map[*Link]string{}, static: "none"}
	if naming == ByName {
		k.static = "static"
	}
	for _, l := range c.Links {
		if !l.Unmanaged {
			k.name(l, naming)
		}
	}
	for _, l := range c.Links {
		if !l.Unmanaged {
			k.link(l)
		}
	}
	return strings.Join(append(append(k.devices, k.addresses...), c.nameservers()...), " ")
}

// nameservers are the arguments for them: neither dracut nor NetworkManager knows several
// in one.
func (c *Config) nameservers() []string {
	var all []string
	for _, l := range c.Links {
		for _, a := range l.DNS {
			all = appendNew(all, "nameserver="+bracket(a))
		}
	}
	return all
}

type kargs struct {
	config *Config
	names  map[*Link]string
	static string // what follows after the name of a link with an address
	// In this order: names, bonds and VLANs; addresses and routes.
	devices, addresses []string
}

// name finds what a link is called.
func (k *kargs) name(l *Link, naming Naming) {
	physical := l.Bond == nil && l.VLAN == nil
	switch {
	case l.VLAN != nil:
		k.names[l] = vlanName(l)
	case !physical || l.MAC == "" || naming == ByName && l.Name != "":
		k.names[l] = l.Name
	case naming == ByAddress && l.Name != "" && len(k.config.vlansOn(l)) > 0:
		k.names[l] = l.Name // NetworkManager wants it there
	case naming == ByAddress:
		k.names[l] = strings.ReplaceAll(l.MAC, ":", "-")
	default:
		// The kernel's own names would be taken when udev renames the interface.
		name := l.Name
		if name == "" || strings.HasPrefix(name, "eth") {
			name = fmt.Sprintf("net%d", len(k.names))
		}
		k.names[l] = name
		k.devices = append(k.devices, "ifname="+name+":"+l.MAC)
	}
}

// vlanName is the name of a VLAN, if that ends with its number: the argument has no other
// place for it.
func vlanName(l *Link) string {
	tag := strconv.Itoa(l.VLAN.Tag)
	digits := l.Name[len(strings.TrimRight(l.Name, "0123456789")):]
	if strings.TrimLeft(digits, "0") == strings.TrimLeft(tag, "0") && digits != "" {
		return l.Name
	}
	return "vlan" + tag
}

func (k *kargs) link(l *Link) {
	name := k.names[l]
	if name == "" {
		return
	}
	if l.Bond != nil {
		k.devices = append(k.devices, "bond="+name+":"+k.members(l.Bond)+":"+k.bondOptions(l.Bond)+mtu(l))
	}
	if l.VLAN != nil {
		k.devices = append(k.devices, "vlan="+name+":"+k.names[k.config.find(l.VLAN.Parent)])
	}
	if k.config.bondOf(l) != nil {
		return // the bond has the addresses
	}
	for _, p := range l.Addresses {
		k.addresses = append(k.addresses, fmt.Sprintf("ip=%s:::%s::%s:%s%s", bracket(p.Addr()), mask(p), name, k.static, mtu(l)))
	}
	if methods := automatic(l); methods != "" {
		k.addresses = append(k.addresses, "ip="+name+":"+methods+mtu(l))
	}
	for _, r := range l.Routes {
		route := fmt.Sprintf("rd.route=%s:%s", bracketPrefix(r.To.Masked()), bracket(r.Via))
		if !r.isDefault() || r.OnLink {
			route += ":" + name
		}
		k.addresses = append(k.addresses, route)
	}
}

func (k *kargs) members(b *Bond) string {
	var names []string
	for _, id := range b.Members {
		names = append(names, k.names[k.config.find(id)])
	}
	return strings.Join(names, ",")
}

func (k *kargs) bondOptions(b *Bond) string {
	options := "mode=" + b.Mode
	for _, o := range [...]struct{ name, value string }{{"miimon", number(b.Monitor)}, {"updelay", number(b.UpDelay)}, {"downdelay", number(b.DownDelay)},
		{"xmit_hash_policy", b.HashPolicy}, {"lacp_rate", b.LACPRate}, {"primary", k.names[k.config.find(b.Primary)]}} {
		if o.value != "" {
			options += "," + o.name + "=" + o.value
		}
	}
	return options
}

// automatic is how a link gets addresses from others.
func automatic(l *Link) string {
	var methods []string
	if l.DHCP4 {
		methods = append(methods, "dhcp")
	}
	switch {
	case l.DHCP6:
		methods = append(methods, "dhcp6")
	case l.RouterAdvertisements:
		methods = append(methods, "auto6")
	}
	return strings.Join(methods, ",")
}

func mtu(l *Link) string {
	if l.MTU == 0 {
		return ""
	}
	return ":" + number(l.MTU)
}

// mask is the netmask of IPv4, and the length of IPv6.
func mask(p netip.Prefix) string {
	if p.Addr().Is4() {
		return net.IP(net.CIDRMask(p.Bits(), p.Addr().BitLen())).String()
	}
	return fmt.Sprint(p.Bits())
}

// bracket is an address as it can be between colons.
func bracket(a netip.Addr) string {
	if a.Is6() {
		return "[" + a.String() + "]"
	}
	return a.String()
}

func bracketPrefix(p netip.Prefix) string {
	if p.Addr().Is6() {
		return "[" + p.String() + "]"
	}
	return p.String()
}

// ShortKargs are kernel arguments for the only interface of a machine, whatever its name:
// the first gateway of each family is part of the address.
func (c *Config) ShortKargs() string {
	var all []string
	for _, l := range c.Links {
		for _, p := range l.Addresses {
			all = append(all, fmt.Sprintf("ip=%s::%s:%s:::off", bracket(p.Addr()), l.gateway(p.Addr()), mask(p)))
		}
		if l.DHCP4 {
			all = append(all, "ip=dhcp")
		}
		if l.DHCP6 {
			all = append(all, "ip=dhcp6")
		}
		if l.RouterAdvertisements {
			all = append(all, "ip=auto6")
		}
	}
	return strings.Join(append(all, c.nameservers()...), " ")
}

// gateway is that of the first default route of the family of an address; "" for none.
func (l *Link) gateway(a netip.Addr) string {
	for _, r := range l.Routes {
		if r.isDefault() && r.Via.Is4() == a.Is4() {
			return bracket(r.Via)
		}
	}
	return ""
}
