package network

import (
	"errors"
	"fmt"
	"math/bits"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/firstlight-os/firstlight/internal/doc"
	"github.com/firstlight-os/firstlight/internal/report"
)

// A reader takes values out of a document, and notes what is wrong with them. What is not
// there is the zero value.
type reader struct {
	out      Config
	problems []error
	// dns and search are for all links.
	dns    []netip.Addr
	search []string
}

// finish checks what was read. There is a config only without problems.
func (r *reader) finish() (*Config, error) {
	for _, l := range r.out.Links {
		if r.out.bondOf(l) == nil { // else the bond has them
			l.DNS, l.Search = appendNew(l.DNS, r.dns...), appendNew(l.Search, r.search...)
		}
	}
	if len(r.problems) == 0 {
		if err := r.out.check(); err != nil {
			return nil, err
		}
		return &r.out, nil
	}
	return nil, errors.Join(r.problems...)
}

func (r *reader) fail(n *doc.Node, format string, args ...any) {
	r.problems = append(r.problems, report.Conflict(n.Origin(), configHint, format, args...))
}

func (r *reader) note(n *doc.Node, format string, args ...any) {
	r.out.Notes = append(r.out.Notes, fmt.Sprintf("%s: %s", n.Origin(), fmt.Sprintf(format, args...)))
}

// get returns a member, nil if it is not there or null.
func get(n *doc.Node, name string) *doc.Node {
	if m := n.Member(name); m != nil && m.Kind != doc.Null {
		return m
	}
	return nil
}

// object returns a member that is one, nil if there is none.
func (r *reader) object(n *doc.Node, name string) *doc.Node {
	return r.ofKind(get(n, name), doc.Map)
}

func (r *reader) ofKind(n *doc.Node, kind doc.Kind) *doc.Node {
	if m := get(n, "<<"); m != nil {
		r.fail(m, "what is behind << is not merged here: write it out")
	}
	if n != nil && n.Kind != kind {
		r.fail(n, "this should be %s", map[doc.Kind]string{doc.Map: "an object", doc.List: "a list"}[kind])
		return nil
	}
	return n
}

// items returns those of a list.
func (r *reader) items(n *doc.Node, name string) []*doc.Node {
	if list := r.ofKind(get(n, name), doc.List); list != nil {
		return list.Items
	}
	return nil
}

// objects returns the items of a list of objects.
func (r *reader) objects(n *doc.Node, name string) []*doc.Node {
	var all []*doc.Node
	for _, item := range r.items(n, name) {
		if item = r.ofKind(item, doc.Map); item != nil {
			all = append(all, item)
		}
	}
	return all
}

// oneOrMore returns the items of a list, or what is in the place of one.
func oneOrMore(n *doc.Node) []*doc.Node {
	switch {
	case n == nil:
		return nil
	case n.Kind == doc.List:
		return n.Items
	}
	return []*doc.Node{n}
}

// text returns a member that is a scalar.
func (r *reader) text(n *doc.Node, name string) string { return r.scalar(get(n, name)) }

func (r *reader) scalar(n *doc.Node) string {
	switch {
	case n == nil || n.Kind == doc.Null:
		return ""
	case n.Kind == doc.Map || n.Kind == doc.List:
		r.fail(n, "this should be a text")
		return ""
	case strings.ContainsFunc(n.Text, unicode.IsControl):
		r.fail(n, "control characters are no part of a name, number or address")
		return ""
	}
	return strings.TrimSpace(n.Text)
}

// texts returns the items of a list of scalars.
func (r *reader) texts(n *doc.Node) []string {
	var all []string
	for _, item := range oneOrMore(n) {
		if text := r.scalar(item); text != "" {
			all = append(all, text)
		}
	}
	return all
}

// number returns a member that is a whole number.
func (r *reader) number(n *doc.Node, name string) int {
	text := r.text(n, name)
	if text == "" {
		return 0
	}
	number, err := strconv.Atoi(text)
	if err != nil || number < 0 {
		r.fail(get(n, name), "%q is no number", text)
	}
	return number
}

// is returns a member that is a switch.
func (r *reader) is(n *doc.Node, name string) bool {
	switch text := strings.ToLower(r.text(n, name)); text {
	case "true", "yes", "on", "1":
		return true
	case "", "false", "no", "off", "0":
	default:
		r.fail(get(n, name), "%q is neither true nor false", text)
	}
	return false
}

// mac returns a member that is a MAC address, as the kernel writes it.
func (r *reader) mac(n *doc.Node, name string) string {
	text := r.text(n, name)
	if text == "" {
		return ""
	}
	mac, err := net.ParseMAC(text)
	if err != nil {
		r.fail(get(n, name), "%q is no MAC address", text)
		return ""
	}
	return mac.String()
}

// address reads one without a prefix.
func (r *reader) address(n *doc.Node) (netip.Addr, bool) {
	text := r.scalar(n)
	if n == nil || text == "" {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		r.fail(n, "%q is no IP address", text)
		return netip.Addr{}, false
	}
	return a.Unmap(), true
}

// addresses reads a list of them, or one.
func (r *reader) addresses(n *doc.Node) []netip.Addr {
	var all []netip.Addr
	for _, item := range oneOrMore(n) {
		if a, ok := r.address(item); ok {
			all = append(all, a)
		}
	}
	return all
}

// prefix reads an address with the length of its network: behind a slash, or in mask, as a
// number or an address. Without either it is that of one machine.
func (r *reader) prefix(n, mask *doc.Node) (netip.Prefix, bool) {
	text := r.scalar(n)
	if n == nil || text == "" {
		return netip.Prefix{}, false
	}
	plain, length, hasLength := strings.Cut(text, "/")
	a, err := netip.ParseAddr(plain)
	if err != nil || a.Zone() != "" {
		r.fail(n, "%q is no IP address", text)
		return netip.Prefix{}, false
	}
	a = a.Unmap()
	at := n
	if maskText := r.scalar(mask); !hasLength && maskText != "" {
		length, hasLength, at = maskText, true, mask
	}
	if !hasLength {
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	size, ok := maskLength(length, a)
	if !ok {
		r.fail(at, "%q is no netmask for %s", length, a)
	}
	return netip.PrefixFrom(a, size), ok
}

// maskLength is the length of the network that a mask stands for.
func maskLength(text string, a netip.Addr) (size int, ok bool) {
	if size, err := strconv.Atoi(text); err == nil {
		return size, size >= 0 && size <= a.BitLen()
	}
	mask, err := netip.ParseAddr(text)
	if err != nil || mask.Is4() != a.Is4() {
		return 0, false
	}
	ended := false
	for _, b := range mask.AsSlice() {
		ones := bits.LeadingZeros8(^b)
		if ended && b != 0 || b<<ones != 0 {
			return 0, false // a one after a zero
		}
		size += ones
		ended = ended || ones < 8
	}
	return size, true
}

// route reads one from members of these names.
func (r *reader) route(n *doc.Node, to, mask, via string) (Route, bool) {
	gateway, hasGateway := r.address(get(n, via))
	if !hasGateway {
		if get(n, via) == nil {
			r.note(n, "a route without a gateway is passed over")
		}
		return Route{}, false
	}
	route := Route{Via: gateway, Metric: r.number(n, "metric"), OnLink: r.is(n, "on-link")}
	switch text := r.text(n, to); text {
	case "default":
		route.To = defaultRoute(gateway)
		return route, true
	case "":
		r.fail(n, "this route does not say where it leads")
		return route, false
	}
	prefix, ok := r.prefix(get(n, to), get(n, mask))
	route.To = prefix
	return route, ok
}

// appendNew appends what a list does not have yet.
func appendNew[T comparable](list []T, items ...T) []T {
	for _, item := range items {
		if !slices.Contains(list, item) {
			list = append(list, item)
		}
	}
	return list
}
