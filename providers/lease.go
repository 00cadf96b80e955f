package providers

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/internal/system"
)

// leaseFiles are the leases of DHCP clients: networkd, NetworkManager, and
// dhclient by itself, started by NetworkManager and by dracut.
var leaseFiles = []string{
	"/run/systemd/netif/leases/*",
	"/run/NetworkManager/*.lease",
	"/var/lib/NetworkManager/*.lease",
	"/var/lib/dhclient/*.lease*",
	"/var/lib/dhcp/*.lease*",
	"/tmp/dhclient.*.lease*",
}

// maxLease bounds a lease file, in bytes. dhclient appends to its own forever.
const maxLease = 1 << 20

// leaseServers returns the addresses of the DHCP servers of this machine's leases.
func leaseServers(root string) []string {
	var servers []string
	for _, pattern := range leaseFiles {
		names, _ := filepath.Glob(filepath.Join(root, pattern)) // the patterns are well-formed
		for _, name := range names {
			text, err := system.ReadFile(name, maxLease)
			if server := leaseServer(string(text)); err == nil && server != "" && !slices.Contains(servers, server) {
				servers = append(servers, server)
			}
		}
	}
	return servers
}

// leaseServer returns the server of the last lease in a file, or "".
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
