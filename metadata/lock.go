package metadata

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// lock keeps everybody on this machine from the metadata service, root too, until unlock or
// the next boot.
func lock(_ context.Context, m *Machine, _ string) error {
	return m.eachServiceAddress("locking", system.Prohibit)
}

func unlock(_ context.Context, m *Machine, _ string) error {
	return m.eachServiceAddress("unlocking", system.Permit)
}

func (m *Machine) eachServiceAddress(doing string, change func(netip.AddrPort) error) error {
	addresses, hasService := m.Env.Platform.ServiceAddresses()
	doing = fmt.Sprintf("%s the metadata service of %s", doing, m.Env.Platform.Name)
	switch {
	case !hasService:
		m.Log.Warn(m.Env.Platform.Name + " has no metadata service, so that there is nothing to lock")
		return nil
	case len(addresses) == 0:
		return &report.Error{Doing: doing, Err: errors.New("its address is not known, or is one of something else, too"), Hint: "keep programs from it by a firewall"}
	}
	for _, a := range addresses {
		if err := change(a); err != nil && (a.Addr().Is4() || system.Exists(ipv6Addresses)) {
			return &report.Error{Doing: doing, Err: err, Hint: "run this as root; the kernel has to be 4.17 or newer, with CONFIG_IP_MULTIPLE_TABLES, and CONFIG_IPV6_MULTIPLE_TABLES where it has IPv6"}
		}
		m.Log.Info(fmt.Sprintf("%s at %s", doing, a))
	}
	return nil
}

// ipv6Addresses is where the kernel has IPv6.
const ipv6Addresses = "/proc/net/if_inet6"
