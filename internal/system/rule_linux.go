package system

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

const (
	// prohibit is FR_ACT_PROHIBIT of linux/fib_rules.h.
	prohibit = 8
	// rulePriority is before the rules that others have, and after that of the addresses
	// of this machine.
	rulePriority = 1
)

// Prohibit has the kernel refuse whatever is sent by TCP to an address and port from or
// through this machine: at the address may also be a name server. That is a rule and not a route, so that it holds on every interface, and one of
// the kernel's, as networkd removes all others that it does not know (networkd.conf(5)).
func Prohibit(to netip.AddrPort) error {
	return changeRule("prohibiting", unix.RTM_NEWRULE, unix.NLM_F_CREATE|unix.NLM_F_EXCL, to, unix.EEXIST)
}

// Permit takes that back.
func Permit(to netip.AddrPort) error {
	return changeRule("permitting", unix.RTM_DELRULE, 0, to, unix.ENOENT)
}

// changeRule makes a request of rtnetlink(7). Done is the error of one that has nothing to do.
func changeRule(doing string, kind, flags uint16, to netip.AddrPort, done error) error {
	err := askRouting(kind, flags, ruleMessage(to))
	if err != nil && !errors.Is(err, done) {
		return fmt.Errorf("%s what is sent to %s: %w", doing, to, err)
	}
	return nil
}

// ruleMessage is a struct fib_rule_hdr with its attributes.
func ruleMessage(to netip.AddrPort) []byte {
	address, family := to.Addr(), byte(unix.AF_INET)
	if address.Is6() {
		family = unix.AF_INET6
	}
	b := append([]byte{family, byte(address.BitLen()), 0, 0, 0, 0, 0, prohibit}, 0, 0, 0, 0)
	attribute := func(kind uint16, value []byte) {
		b = binary.NativeEndian.AppendUint16(b, uint16(unix.SizeofRtAttr+len(value)))
		b = binary.NativeEndian.AppendUint16(b, kind)
		b = append(append(b, value...), make([]byte, -len(value)&3)...)
	}
	attribute(unix.FRA_DST, address.AsSlice())
	attribute(unix.FRA_PRIORITY, binary.NativeEndian.AppendUint32(nil, rulePriority))
	attribute(unix.FRA_IP_PROTO, []byte{unix.IPPROTO_TCP})
	port := binary.NativeEndian.AppendUint16(nil, to.Port())
	attribute(unix.FRA_DPORT_RANGE, append(port, port...)) // the first and the last
	attribute(unix.FRA_PROTOCOL, []byte{unix.RTPROT_KERNEL})
	return b
}

// askRouting sends a message to the kernel's routing, and returns what it says.
func askRouting(kind, flags uint16, message []byte) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	b := binary.NativeEndian.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(message)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, unix.NLM_F_REQUEST|unix.NLM_F_ACK|flags)
	b = append(append(b, 0, 0, 0, 0, 0, 0, 0, 0), message...) // neither number nor port
	if _, err := unix.Write(fd, b); err != nil {              // to the kernel, without an address
		return err
	}
	answer := make([]byte, 4<<10)
	n, err := unix.Read(fd, answer)
	if err != nil {
		return err
	}
	if n < unix.SizeofNlMsghdr+4 || binary.NativeEndian.Uint16(answer[4:]) != unix.NLMSG_ERROR {
		return errors.New("the kernel's answer is none")
	}
	if code := int32(binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:])); code != 0 {
		return unix.Errno(-code)
	}
	return nil
}
