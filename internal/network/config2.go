package network

import (
	"cmp"
	"net/netip"
	"strings"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// bond2 is what version 2 calls the values of a bond.
var bond2 = bondNames{"mode", "transmit-hash-policy", "lacp-rate", "primary", "mii-monitor-interval", "up-delay", "down-delay"}

// devices2 are the objects of version 2, with those that links refer to before them.
var devices2 = []string{"ethernets", "bonds", "vlans"}

func (r *reader) version2(root *doc.Node, priority int) {
	for _, kind := range devices2 {
		for _, m := range members(r.object(root, kind)) {
			if n := r.ofKind(m.Value, doc.Map); n != nil {
				r.device2(kind, m.Name, n, priority)
			}
		}
	}
	for _, m := range root.Members {
		switch m.Name {
		case "version", "renderer", "ethernets", "bonds", "vlans", "nameservers":
		default:
			r.note(m.Value, "%s are passed over", m.Name)
		}
	}
	r.nameservers2(root, &r.dns, &r.search)
}

func members(n *doc.Node) []doc.Member {
	if n == nil {
		return nil
	}
	return n.Members
}

func (r *reader) device2(kind, id string, n *doc.Node, priority int) {
	l := &Link{ID: id, Name: id, MAC: r.mac(n, "macaddress"), MTU: r.number(n, "mtu"), Priority: priority, Origin: n.Origin()}
	switch kind {
	case "ethernets":
		r.match2(l, n)
		l = r.out.interfaceOf(*l)
	case "bonds":
		l.Bond = r.bond(n, cmp.Or(r.object(n, "parameters"), new(doc.Node)), "interfaces", bond2)
		r.addVirtual(l)
	case "vlans":
		l.VLAN = &VLAN{r.text(n, "link"), r.number(n, "id")}
		r.addVirtual(l)
	}
	l.DHCP4, l.DHCP6 = l.DHCP4 || r.is(n, "dhcp4"), l.DHCP6 || r.is(n, "dhcp6")
	l.RouterAdvertisements = l.RouterAdvertisements || r.is(n, "accept-ra")
	for _, a := range r.items(n, "addresses") {
		if a.Kind == doc.Map && len(a.Members) == 1 { // an address with options
			a = &doc.Node{Kind: doc.String, Text: a.Members[0].Name, Source: a.Source, Line: a.Line, Column: a.Column, Parent: a.Parent, Index: a.Index}
		}
		if p, ok := r.prefix(a, nil); ok {
			l.Addresses = appendNew(l.Addresses, p)
		}
	}
	for _, name := range []string{"gateway4", "gateway6"} {
		if via, ok := r.address(get(n, name)); ok {
			l.Routes = appendNew(l.Routes, Route{To: defaultRoute(via), Via: via})
		}
	}
	r.routes(l, n, "to", "", "via")
	r.nameservers2(n, &l.DNS, &l.Search)
}

// match2 reads what an interface is known by. With an object "match" the key is only what
// others call it by; one that looks like the kernel's name is it nevertheless, since
// hypervisors write it so.
func (r *reader) match2(l *Link, n *doc.Node) {
	match := r.object(n, "match")
	if match == nil {
		return
	}
	l.MAC = cmp.Or(r.mac(match, "macaddress"), l.MAC)
	name := r.text(match, "name")
	switch {
	case name != "" && !strings.ContainsAny(name, "*?["):
		l.Name = name
	case l.MAC != "" && !strings.HasPrefix(l.ID, "eth"):
		l.Name = ""
	case l.MAC == "" && name != "":
		r.fail(match, "an interface is known by its name or its MAC address here; %q is a pattern of names", name)
	}
}

// nameservers2 reads servers and search domains.
func (r *reader) nameservers2(n *doc.Node, servers *[]netip.Addr, search *[]string) {
	if names := r.object(n, "nameservers"); names != nil {
		*servers = appendNew(*servers, r.addresses(get(names, "addresses"))...)
		*search = appendNew(*search, r.texts(get(names, "search"))...)
	}
}
