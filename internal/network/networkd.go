package network

import "fmt"

// fileMode is that of files without anything secret.
const fileMode = 0o644

// Networkd renders a config for systemd-networkd: systemd.network(5), systemd.netdev(5).
func (c *Config) Networkd() []File {
	var files []File
	for _, l := range c.Links {
		name := fmt.Sprintf("%02d-%s", l.Priority, l.key())
		files = append(files, File{name + ".network", fileMode, c.networkFile(l)})
		if l.Bond != nil || l.VLAN != nil {
			files = append(files, File{name + ".netdev", fileMode, netdevFile(l)})
		}
	}
	return files
}

// dhcp are the values of DHCP=, by whether there is one of IPv4 and of IPv6.
var dhcp = map[[2]bool]string{{true, true}: "yes", {true, false}: "ipv4", {false, true}: "ipv6"}

func (c *Config) networkFile(l *Link) string {
	s := &sections{}
	s.section("Match")
	s.set("Name", l.Name)
	if l.Bond == nil && l.VLAN == nil { // else it is one of several with that address
		s.set("MACAddress", l.MAC)
	}
	s.set("Path", l.Path)
	s.section("Network")
	s.set("DHCP", dhcp[[2]bool{l.DHCP4, l.DHCP6}])
	if l.RouterAdvertisements {
		s.set("IPv6AcceptRA", "yes")
	}
	for _, a := range l.DNS {
		s.set("DNS", a.String())
	}
	for _, domain := range l.Search {
		s.set("Domains", domain)
	}
	if b := c.bondOf(l); b != nil {
		s.set("Bond", b.Name)
		if b.Bond.Primary == l.ID {
			s.set("PrimarySlave", "yes")
		}
	}
	for _, v := range c.vlansOn(l) {
		s.set("VLAN", v.Name)
	}
	if l.Unmanaged || l.Required != "" || l.MTU != 0 {
		s.section("Link")
		if l.Unmanaged {
			s.set("Unmanaged", "yes")
		}
		s.set("RequiredForOnline", l.Required)
		s.set("MTUBytes", number(l.MTU))
	}
	for _, a := range l.Addresses {
		s.section("Address")
		s.set("Address", a.String())
	}
	for _, r := range l.Routes {
		s.section("Route")
		s.set("Destination", r.To.String())
		s.set("Gateway", r.Via.String())
		s.set("Metric", number(r.Metric))
		if r.OnLink {
			s.set("GatewayOnLink", "yes")
		}
	}
	return s.String()
}

func netdevFile(l *Link) string {
	s := &sections{}
	s.section("NetDev")
	s.set("Name", l.Name)
	if l.VLAN != nil {
		s.set("Kind", "vlan")
		s.set("MACAddress", l.MAC)
		s.section("VLAN")
		s.set("Id", fmt.Sprint(l.VLAN.Tag))
		return s.String()
	}
	s.set("Kind", "bond")
	s.set("MACAddress", l.MAC)
	s.section("Bond")
	s.set("TransmitHashPolicy", l.Bond.HashPolicy)
	s.set("MIIMonitorSec", seconds(l.Bond.Monitor))
	s.set("UpDelaySec", seconds(l.Bond.UpDelay))
	s.set("DownDelaySec", seconds(l.Bond.DownDelay))
	s.set("Mode", l.Bond.Mode)
	s.set("LACPTransmitRate", l.Bond.LACPRate)
	return s.String()
}
