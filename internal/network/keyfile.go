package network

import (
	"fmt"
	"net/netip"
	"strings"
)

const (
	// keyfileMode is the only one that NetworkManager accepts.
	keyfileMode = 0o600
	// mostPriority is the autoconnect-priority of files of the priority 0. It is above that
	// of connections that NetworkManager makes itself.
	mostPriority = 999
)

// Keyfiles renders a config for NetworkManager: nm-settings-keyfile(5). Links that nobody
// should manage have none: profiles cannot say so.
func (c *Config) Keyfiles() []File {
	var files []File
	for _, l := range c.Links {
		if !l.Unmanaged {
			files = append(files, File{l.key() + ".nmconnection", keyfileMode, c.keyfile(l)})
		}
	}
	return files
}

func (c *Config) keyfile(l *Link) string {
	kind := "ethernet"
	switch {
	case l.Bond != nil:
		kind = "bond"
	case l.VLAN != nil:
		kind = "vlan"
	}
	s := &sections{}
	s.section("connection")
	s.set("id", l.key())
	s.set("type", kind)
	if l.MAC == "" || kind != "ethernet" {
		s.set("interface-name", l.Name)
	}
	s.set("autoconnect", "true")
	s.set("autoconnect-priority", fmt.Sprint(mostPriority-l.Priority))
	master := c.bondOf(l)
	if master != nil {
		s.set("master", master.Name)
		s.set("slave-type", "bond")
	}
	c.deviceSections(s, l, kind)
	if master == nil { // else the bond has the addresses
		s.family("ipv4", l, l.DHCP4, netip.Addr.Is4)
		s.family("ipv6", l, l.DHCP6 || l.RouterAdvertisements, netip.Addr.Is6)
	}
	return s.String()
}

// deviceSections write what is not about addresses.
func (c *Config) deviceSections(s *sections, l *Link, kind string) {
	address := "mac-address" // that the interface has
	if kind != "ethernet" {
		address = "cloned-mac-address" // that it gets
	}
	parent := ""
	if l.VLAN != nil {
		p := c.find(l.VLAN.Parent)
		if parent = p.Name; parent == "" {
			parent, address = "", "mac-address" // the parent is known by nothing else
			l = &Link{MAC: p.MAC, MTU: l.MTU, VLAN: l.VLAN}
		}
	}
	if l.MAC != "" || l.MTU != 0 {
		s.section("ethernet")
		s.set(address, l.MAC)
		s.set("mtu", number(l.MTU))
	}
	switch {
	case l.Bond != nil:
		s.section("bond")
		s.set("mode", l.Bond.Mode)
		s.set("miimon", number(l.Bond.Monitor))
		s.set("updelay", number(l.Bond.UpDelay))
		s.set("downdelay", number(l.Bond.DownDelay))
		s.set("xmit_hash_policy", l.Bond.HashPolicy)
		s.set("lacp_rate", l.Bond.LACPRate)
		s.set("primary", c.nameOf(l.Bond.Primary))
	case l.VLAN != nil:
		s.section("vlan")
		s.set("id", fmt.Sprint(l.VLAN.Tag))
		s.set("parent", parent)
	}
}

// family writes the section of an IP version.
func (s *sections) family(name string, l *Link, automatic bool, of func(netip.Addr) bool) {
	addresses := only(l.Addresses, func(p netip.Prefix) bool { return of(p.Addr()) })
	s.section(name)
	switch {
	case automatic:
		s.set("method", "auto")
	case len(addresses) == 0:
		s.set("method", "disabled")
		return
	default:
		s.set("method", "manual")
		s.static(l, addresses, of)
	}
	if dns := only(l.DNS, of); len(dns) > 0 {
		s.set("dns", join(dns, ";")+";")
	}
	if len(l.Search) > 0 {
		s.set("dns-search", strings.Join(l.Search, ";")+";")
	}
}

// static writes addresses and routes. The first default route is the gateway.
func (s *sections) static(l *Link, addresses []netip.Prefix, of func(netip.Addr) bool) {
	for i, a := range addresses {
		s.set(fmt.Sprintf("address%d", i+1), a.String())
	}
	hasGateway, n := false, 0
	for _, r := range l.Routes {
		switch {
		case !of(r.Via):
		case r.isDefault() && !hasGateway:
			hasGateway = true
			s.set("gateway", r.Via.String())
			s.set("route-metric", number(r.Metric))
		default:
			n++
			s.set(fmt.Sprintf("route%d", n), fmt.Sprintf("%s,%s,%d", r.To.Masked(), r.Via, r.Metric))
			if r.OnLink {
				s.set(fmt.Sprintf("route%d_options", n), "onlink=true")
			}
		}
	}
}

// only returns the items of a list that are of a kind.
func only[T any](list []T, is func(T) bool) []T {
	var all []T
	for _, item := range list {
		if is(item) {
			all = append(all, item)
		}
	}
	return all
}
