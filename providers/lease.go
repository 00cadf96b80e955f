package providers

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// leaseFiles are where DHCP clients write what they were given: networkd,
// NetworkManager, and dhclient by itself, below NetworkManager and in dracut.
var leaseFiles = []string{
	"/run/systemd/netif/leases/*",
	"/run/NetworkManager/*.lease",
	"/var/lib/NetworkManager/*.lease",
	"/var/lib/dhclient/*.lease*",
	"/var/lib/dhcp/*.lease*",
	"/tmp/dhclient.*.lease*",
}

// maxLease bounds a lease file, in bytes. dhclient appends to its own for ever.
const maxLease = 1 << 20

// leaseServers are the addresses of the DHCP servers that have given this
// machine its own.
func leaseServers(top string) []string {
	var servers []string
	for _, pattern := range leaseFiles {
		names, _ := filepath.Glob(filepath.Join(top, pattern)) // the patterns are well-formed
		for _, name := range names {
			info, err := os.Stat(name)
			if err != nil || !info.Mode().IsRegular() || info.Size() > maxLease {
				continue
			}
			text, err := os.ReadFile(name)
			if server := leaseServer(string(text)); err == nil && server != "" && !slices.Contains(servers, server) {
				servers = append(servers, server)
			}
		}
	}
	return servers
}

// leaseServer finds who gave a lease, or "". The last one in a file counts.
func leaseServer(text string) string {
	server := ""
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		for _, key := range []string{"SERVER_ADDRESS=", "dhcp_server_identifier=", "option dhcp-server-identifier "} {
			value, ok := strings.CutPrefix(line, key)
			if addr, err := netip.ParseAddr(strings.TrimRight(value, ";")); ok && err == nil && addr.Zone() == "" {
				server = addr.String()
			}
		}
	}
	return server
}
