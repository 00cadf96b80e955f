package fetch

import (
	"net"
	"strings"
)

// A link is the state of a network interface.
type link struct {
	name      string
	up        bool // switched on
	carrier   bool // there is another device at the other end
	addresses int  // that other machines can be reached from
}

// links returns those of this machine, without the one to itself.
func links() []link {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil
	}
	var found []link
	for _, i := range interfaces {
		if i.Flags&net.FlagLoopback != 0 {
			continue
		}
		l := link{name: i.Name, up: i.Flags&net.FlagUp != 0, carrier: i.Flags&net.FlagRunning != 0}
		addresses, _ := i.Addrs() // one that vanishes has none
		for _, a := range addresses {
			if ip, ok := a.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() {
				l.addresses++
			}
		}
		found = append(found, l)
	}
	return found
}

const noInterface = "no link: this machine has no network interface; its driver may be missing in the initramfs"

// networkProblem returns what is missing for a network with these links, or "".
func networkProblem(links []link) string {
	var down, dead, bare []string
	for _, l := range links {
		switch {
		case l.addresses > 0 && l.carrier:
			return ""
		case !l.up:
			down = append(down, l.name)
		case !l.carrier:
			dead = append(dead, l.name)
		default:
			bare = append(bare, l.name)
		}
	}
	switch {
	case len(bare) > 0:
		return "no address: " + several(bare, "has", "have") + " a carrier, but no address yet"
	case len(dead) > 0:
		return "no carrier: " + several(dead, "sees", "see") + " nobody at the other end of the cable"
	case len(down) > 0:
		return "no link: " + several(down, "is", "are") + " not switched on yet"
	}
	return noInterface
}

// several returns a subject and the form of its verb.
func several(names []string, one, more string) string {
	if len(names) > 1 {
		one = more
	}
	return strings.Join(names, ", ") + " " + one
}
