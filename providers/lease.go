package providers

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/internal/report"
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

// awaitLease waits for what read finds in the leases of this machine.
func (a *Asker) awaitLease(what string, limit time.Duration, read func(root string) []string) (string, error) {
	var values []string
	err := a.env.wait(what+" of a DHCP lease", "net", limit).Until(a.ctx, func() (string, bool, error) {
		values = read(a.env.Root)
		return "", len(values) > 0, nil
	})
	if err != nil {
		return "", &report.Error{Err: err, Hint: "check that the network is configured by DHCP before this runs, by systemd-networkd, NetworkManager or dhclient"}
	}
	return values[0], nil
}

// leaseServers returns the addresses of the DHCP servers of this machine's leases.
func leaseServers(root string) []string { return leaseValues(root, leaseServer) }

// leaseValues returns what read finds in the leases, each value once.
func leaseValues(root string, read func(text string) string) []string {
	var values []string
	for _, pattern := range leaseFiles {
		names, _ := filepath.Glob(filepath.Join(root, pattern)) // the patterns are well-formed
		for _, name := range names {
			text, err := system.ReadFile(name, maxLease)
			if value := read(string(text)); err == nil && value != "" && !slices.Contains(values, value) {
				values = append(values, value)
			}
		}
	}
	return values
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
