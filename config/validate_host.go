package config

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// checkHost says what is wrong with the server in a URL: what no name server, no
// interface and no socket can have. Names that are not ASCII are left to IDNA.
func checkHost(u *url.URL) *fault {
	host := u.Hostname()
	if host == "" {
		return newFault(RuleURLHost, "the URL names no host; it should look like %s://HOST/PATH", u.Scheme)
	}
	if port := u.Port(); port != "" {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return newFault(RuleURLHost, "the port %s of this URL is not possible; ports are from 0 to 65535", quote(port))
		}
	}
	if strings.Contains(host, ":") {
		return checkIPv6(host)
	}
	return checkHostName(host)
}

// checkIPv6 is for addresses, with or without a zone (RFC 4007), which is the name of a
// network interface.
func checkIPv6(host string) *fault {
	const maxInterface = 15 // bytes, IFNAMSIZ without the NUL
	address, zone, zoned := strings.Cut(host, "%")
	ip, err := netip.ParseAddr(address)
	switch {
	case err != nil: // url.Parse has looked at it, too
		return newFault(RuleURLHost, "%s is not an address of IPv6", quote(address))
	case zoned && (len(zone) > maxInterface || strings.ContainsAny(zone, "/: \t\n\v\f\r") || hasControl(zone)):
		return newFault(RuleURLHost, "%s, which follows the address %s, cannot be the name of a network interface", quote(zone), ip)
	case !zoned && ip.Is6() && ip.IsLinkLocalUnicast():
		return newFault(RuleURLHost, "the address %s is one of each network of this machine; write the interface after it, as in [%s%%25eth0]", ip, ip)
	}
	return nil
}

// checkHostName checks a name by the limits of DNS (RFC 1035, section 2.3.4).
// Underscores are in use.
func checkHostName(host string) *fault {
	const maxName, maxLabel = 253, 63 // bytes
	name := strings.TrimSuffix(host, ".")
	if strings.ContainsFunc(name, func(c rune) bool { return c >= 0x80 }) {
		return nil
	}
	if len(name) > maxName {
		return newFault(RuleURLHost, "the host's name is %d bytes long, at most %d are possible", len(name), maxName)
	}
	for label := range strings.SplitSeq(name, ".") {
		switch {
		case label == "":
			return newFault(RuleURLHost, "%s is not the name of a host: there is nothing between two dots, or before the first", quote(host))
		case len(label) > maxLabel:
			return newFault(RuleURLHost, "the part %s of the host's name is %d bytes long, at most %d are possible", quote(label), len(label), maxLabel)
		case strings.ContainsFunc(label, isNoHostCharacter):
			return newFault(RuleURLHost, "%s is not the name of a host: it has letters, digits, dots, - and _ only", quote(host))
		}
	}
	return nil
}

func isNoHostCharacter(c rune) bool {
	return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_')
}
