package network

import (
	"cmp"
	"errors"
	"net/netip"
	"slices"
	"sort"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
)

// A Config is what a platform wants of the network of a machine.
type Config struct {
	Links []*Link
	// Notes are what was passed over, for the log.
	Notes []string
}

// A Link is a network interface, a bond or a VLAN.
type Link struct {
	// ID is what other links call it by. It may be empty.
	ID string
	// Name is that of the interface. It may be empty if MAC or Path is not.
	Name string
	// MAC is in lower case, with colons.
	MAC string
	// Path is a pattern of udev's ID_PATH.
	Path string
	// Priority is the order of the files, 0 to 99.
	Priority int

	DHCP4, DHCP6 bool
	// RouterAdvertisements is set where the platform asks for addresses by them.
	RouterAdvertisements bool
	Addresses            []netip.Prefix
	Routes               []Route
	DNS                  []netip.Addr
	Search               []string
	MTU                  int // 0 is not set

	// Unmanaged links are left alone.
	Unmanaged bool
	// Required is what networkd waits for before the network is up; "" is its default.
	Required string

	Bond   *Bond
	VLAN   *VLAN
	Origin config.Origin
}

// A Route leads to a network by a gateway.
type Route struct {
	To     netip.Prefix
	Via    netip.Addr
	Metric int // 0 is not set
	// OnLink is set if the gateway is reached although no network of the link has it.
	OnLink bool
}

// A Bond makes one link of several.
type Bond struct {
	Mode    string
	Members []string // IDs of links
	// HashPolicy, LACPRate and Primary are "" if not set, and the others, in milliseconds, 0.
	HashPolicy, LACPRate, Primary string
	Monitor, UpDelay, DownDelay   int
}

// A VLAN is a part of the traffic on another link.
type VLAN struct {
	Parent string // ID of a link
	Tag    int
}

// bondModes are named by their numbers.
var bondModes = []string{"balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"}

// key is what files are named by.
func (l *Link) key() string { return cmp.Or(l.Name, l.MAC, l.Path) }

// find returns the link of an ID, nil if there is none.
func (c *Config) find(id string) *Link {
	for _, l := range c.Links {
		if id != "" && id == l.ID {
			return l
		}
	}
	return nil
}

// interfaceOf returns the link of an interface that was mentioned before, or a new one.
func (c *Config) interfaceOf(l Link) *Link {
	for _, old := range c.Links {
		if l.MAC != "" && l.MAC == old.MAC && old.Bond == nil && old.VLAN == nil && (l.Name == old.Name || l.Name == "" || old.Name == "") {
			old.Name, old.ID = cmp.Or(old.Name, l.Name), cmp.Or(old.ID, l.ID)
			return old
		}
	}
	c.Links = append(c.Links, &l)
	return &l
}

// bondOf returns the bond that a link is a member of, nil if it is of none.
func (c *Config) bondOf(l *Link) *Link {
	for _, b := range c.Links {
		if b.Bond != nil && l.ID != "" && slices.Contains(b.Bond.Members, l.ID) {
			return b
		}
	}
	return nil
}

// vlansOn returns those on a link.
func (c *Config) vlansOn(l *Link) []*Link {
	var all []*Link
	for _, v := range c.Links {
		if v.VLAN != nil && l.ID != "" && v.VLAN.Parent == l.ID {
			all = append(all, v)
		}
	}
	return all
}

// ByMAC returns a config that does not depend on how the kernel and udev name interfaces:
// those with a MAC address are known by nothing else.
func (c *Config) ByMAC() *Config {
	out := &Config{Notes: c.Notes}
	for _, l := range c.Links {
		link := *l
		if l.MAC != "" && l.Bond == nil && l.VLAN == nil {
			link.Name = ""
		}
		out.Links = append(out.Links, &link)
	}
	return out
}

// Named returns a config in which interfaces have the names that they have on a machine, by
// their MAC addresses; what is not there has none.
func (c *Config) Named(names map[string]string) *Config {
	out := c.ByMAC()
	for _, l := range out.Links {
		if l.Name == "" {
			l.Name = names[l.MAC]
		}
	}
	return out
}

// SortByName orders links by their names; those without one are last.
func (c *Config) SortByName() {
	sort.SliceStable(c.Links, func(i, j int) bool {
		a, b := c.Links[i].Name, c.Links[j].Name
		return a != "" && (b == "" || a < b)
	})
}

// IsEmpty reports whether there is nothing to configure.
func (c *Config) IsEmpty() bool { return c == nil || len(c.Links) == 0 }

const configHint = "correct it where this machine was defined: in the network settings that its platform was given"

// check returns all that is wrong with a config, joined, and marks the gateways that are
// reached on their link.
func (c *Config) check() error {
	var problems []error
	names := map[string]*Link{}
	for _, l := range c.Links {
		fail := func(format string, args ...any) {
			problems = append(problems, report.Conflict(l.Origin, configHint, format, args...))
		}
		l.check(fail)
		c.checkReferences(l, fail)
		if before := names[l.key()]; before != nil && l.key() != "" {
			fail("two interfaces are called %s; the other one is at %s", l.key(), before.Origin)
		}
		names[l.key()] = l
		l.findGateways()
	}
	return errors.Join(problems...)
}

// check reports what is wrong with a link itself.
func (l *Link) check(fail func(string, ...any)) {
	if l.key() == "" {
		fail("this interface has no name and no MAC address")
	}
	if l.Name != "" && !isInterfaceName(l.Name) {
		fail("%q is no name of a network interface: those have 1 to %d bytes, and no slash, colon or blank", l.Name, maxName)
	}
	if l.MTU != 0 && (l.MTU < minMTU || l.MTU > maxMTU) {
		fail("the MTU is %d, and should be %d to %d", l.MTU, minMTU, maxMTU)
	}
	for _, r := range l.Routes {
		if r.To.Addr().Is4() != r.Via.Is4() {
			fail("the route to %s has the gateway %s of the other IP version", r.To, r.Via)
		}
	}
	if l.VLAN != nil && (l.VLAN.Tag < 0 || l.VLAN.Tag > maxTag) {
		fail("the VLAN %d does not exist: they are 0 to %d", l.VLAN.Tag, maxTag)
	}
	for _, domain := range l.Search {
		if !isWord(domain) {
			fail("%q is no search domain", domain)
		}
	}
	if b := l.Bond; b != nil {
		if !slices.Contains(bondModes, b.Mode) {
			fail("%q is no mode of a bond; there are %s", b.Mode, strings.Join(bondModes, ", "))
		}
		for _, value := range []string{b.HashPolicy, b.LACPRate, b.Primary} {
			if value != "" && !isWord(value) {
				fail("%q is no value of a bond", value)
			}
		}
	}
}

// isWord reports whether a text is one in all languages that are rendered.
func isWord(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`,:;"\\`, r) })
}

// nameOf is what an interface is called that a link names by its ID.
func (c *Config) nameOf(id string) string {
	if l := c.find(id); l != nil {
		return l.Name
	}
	return id
}

// Limits of the kernel.
const (
	maxName = 15 // bytes
	minMTU  = 68
	maxMTU  = 65535
	maxTag  = 4094
)

func isInterfaceName(name string) bool {
	if name == "" || len(name) > maxName || name == "." || name == ".." {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`/:%\`, r) })
}

// checkReferences reports what is wrong with the links that a link is on.
func (c *Config) checkReferences(l *Link, fail func(string, ...any)) {
	if l.Bond != nil {
		for _, id := range l.Bond.Members {
			m := c.find(id)
			switch {
			case m == nil:
				fail("the bond %s has the member %q, which is not there", l.Name, id)
			case m == l || m.Bond != nil || m.VLAN != nil:
				fail("the bond %s has the member %q, which is no interface of the machine", l.Name, id)
			case c.bondOf(m) != l:
				fail("%q is a member of the bonds %s and %s", id, c.bondOf(m).Name, l.Name)
			}
		}
	}
	if l.VLAN != nil {
		switch parent := c.find(l.VLAN.Parent); {
		case parent == nil:
			fail("the VLAN %s is on %q, which is not there", l.Name, l.VLAN.Parent)
		case parent.VLAN != nil:
			fail("the VLAN %s is on %q, which is a VLAN itself", l.Name, l.VLAN.Parent)
		}
	}
}

// findGateways marks the gateways that no network of a link has. Those of a family that
// comes by DHCP or router advertisements may be in one that comes later.
func (l *Link) findGateways() {
	for i := range l.Routes {
		r := &l.Routes[i]
		dynamic := r.Via.Is4() && l.DHCP4 || r.Via.Is6() && (l.DHCP6 || l.RouterAdvertisements)
		reached := r.Via.IsLinkLocalUnicast() && r.Via.Is6() || slices.ContainsFunc(l.Addresses, func(p netip.Prefix) bool { return p.Masked().Contains(r.Via) })
		r.OnLink = r.OnLink || !dynamic && !reached
	}
}

// defaultRoute is that of a family.
func defaultRoute(via netip.Addr) netip.Prefix {
	if via.Is4() {
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
}

// isDefault reports whether a route leads everywhere.
func (r Route) isDefault() bool { return r.To.Bits() == 0 }
