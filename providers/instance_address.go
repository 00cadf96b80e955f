package providers

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// servicePort is that of all metadata services with an address.
const servicePort = 80

// ServiceAddresses are where the metadata service is. One that is known by a name, or is at
// the address of something that differs from machine to machine, has none.
func (p Platform) ServiceAddresses() (addresses []netip.AddrPort, hasService bool) {
	add := func(host string) {
		if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil && !slices.Contains(addresses, netip.AddrPortFrom(a, servicePort)) {
			addresses = append(addresses, netip.AddrPortFrom(a, servicePort))
		}
	}
	for i := p.Instance; i != nil; i = i.otherwise {
		hasService = hasService || i.url != "" || i.find != nil
		hosts := []string{i.otherHost}
		urls := []string{i.url}
		if i.service != nil {
			urls = append(urls, i.service.request.URL)
			hosts = append(hosts, i.service.request.OtherHosts...)
		}
		for _, text := range urls {
			if u, err := url.Parse(text); err == nil {
				add(u.Host)
			}
		}
		for _, host := range hosts {
			add(host)
		}
	}
	return addresses, hasService
}
