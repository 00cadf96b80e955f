package fetch

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/firstlight-os/firstlight/internal/system"
)

// networkState describes the network of this machine, for failures that it may have caused:
// each link with its carrier, addresses and gateways, and the name servers.
func networkState() string {
	interfaces, err := net.Interfaces()
	if err != nil {
		return ""
	}
	ipv4, _ := system.ReadFile("/proc/net/route", system.KernelText) // without IPv4 or IPv6 it does not exist
	ipv6, _ := system.ReadFile("/proc/net/ipv6_route", system.KernelText)
	gateways := defaultGateways(string(ipv4), string(ipv6))
	var all []string
	for _, i := range interfaces {
		if i.Flags&net.FlagLoopback == 0 {
			addresses, _ := i.Addrs() // one that vanishes has none
			all = append(all, describeLink(i, addresses, gateways[i.Name]))
		}
	}
	if len(all) == 0 {
		all = append(all, "no network interface")
	}
	resolv, _ := system.ReadFile("/etc/resolv.conf", system.SettingsText) // without it there are no name servers
	return strings.Join(append(all, describeServers(string(resolv))), "; ")
}

// describeLink is as in "ens3: carrier, 192.0.2.10/24, gateway 192.0.2.1".
func describeLink(i net.Interface, addresses []net.Addr, gateways []string) string {
	words := []string{"carrier"}
	switch {
	case i.Flags&net.FlagUp == 0:
		words[0] = "switched off"
	case i.Flags&net.FlagRunning == 0:
		words[0] = "no carrier"
	}
	for _, a := range addresses {
		words = append(words, a.String())
	}
	if len(addresses) == 0 {
		words = append(words, "no address")
	}
	for _, g := range gateways {
		words = append(words, "gateway "+g)
	}
	if len(gateways) == 0 {
		words = append(words, "no gateway")
	}
	return i.Name + ": " + strings.Join(words, ", ")
}

func describeServers(resolv string) string {
	var servers []string
	for line := range strings.Lines(resolv) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == "nameserver" {
			servers = append(servers, words[1])
		}
	}
	if len(servers) == 0 {
		return "no name server"
	}
	return "name server " + strings.Join(servers, ", ")
}

// defaultGateways are those of default routes, by the names of interfaces. The texts are
// /proc/net/route and /proc/net/ipv6_route.
func defaultGateways(ipv4, ipv6 string) map[string][]string {
	all := map[string][]string{}
	for line := range strings.Lines(ipv4) {
		// Iface Destination Gateway Flags RefCnt Use Metric Mask: addresses are printed as
		// if they were numbers of this processor.
		f := strings.Fields(line)
		if len(f) < 8 || f[1] != "00000000" || f[7] != "00000000" {
			continue
		}
		if raw, err := hex.DecodeString(f[2]); err == nil && len(raw) == 4 {
			native := binary.NativeEndian.AppendUint32(nil, binary.BigEndian.Uint32(raw))
			all[f[0]] = append(all[f[0]], gateway(native))
		}
	}
	for line := range strings.Lines(ipv6) {
		// Destination length source length gateway metric references use flags interface
		f := strings.Fields(line)
		if len(f) < 10 || strings.Trim(f[0], "0") != "" || f[1] != "00" || f[9] == "lo" {
			continue
		}
		if raw, err := hex.DecodeString(f[4]); err == nil && len(raw) == 16 {
			all[f[9]] = append(all[f[9]], gateway(raw))
		}
	}
	return all
}

// gateway is an address, or that there is none but the link.
func gateway(raw []byte) string {
	a, ok := netip.AddrFromSlice(raw)
	if !ok || a.IsUnspecified() {
		return "none but the link"
	}
	return fmt.Sprint(a)
}
