package network

import (
	"fmt"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/internal/doc"
	"github.com/firstlight-os/firstlight/internal/report"
)

// NetplanFile is the name of the file for netplan.
const NetplanFile = "50-afterburn.yaml"

// Netplan renders a config for netplan. Links without a name are passed over there: Notes
// has those of the result.
func (c *Config) Netplan() (files []File, notes []string) {
	devices := map[string]*doc.Node{}
	for _, l := range c.Links {
		switch kind, d := c.netplanDevice(l); {
		case l.Unmanaged:
		case !c.isNamed(l):
			notes = append(notes, fmt.Sprintf("%s: an interface without a name is passed over, as netplan needs one, and what is on it", l.Origin))
		default:
			if devices[kind] == nil {
				devices[kind] = object()
			}
			devices[kind].Members = append(devices[kind].Members, doc.Member{Name: l.Name, Value: d})
		}
	}
	network := object("version", text(doc.Number, "2"))
	for _, kind := range devices2 {
		if devices[kind] != nil {
			add(network, kind, devices[kind])
		}
	}
	return NetplanText(network), notes
}

// isNamed reports whether a link, and those that it is on, have names.
func (c *Config) isNamed(l *Link) bool {
	named := l.Name != "" && (l.VLAN == nil || c.isNamed(c.find(l.VLAN.Parent)))
	if l.Bond != nil {
		for _, id := range l.Bond.Members {
			named = named && c.isNamed(c.find(id))
		}
	}
	return named
}

// NetplanText is the file for what is below the key "network".
func NetplanText(network *doc.Node) []File {
	var b strings.Builder
	writeYAML(&b, object("network", network), "")
	return []File{{NetplanFile, fileMode, b.String()}}
}

// NetplanOf is the file for what stands below the key "network" of a document, as it is.
func NetplanOf(text []byte, name string) ([]File, error) {
	root, err := ReadDocument(text, name)
	if err != nil {
		return nil, err
	}
	network := get(root, "network")
	if network == nil || network.Kind != doc.Map {
		return nil, report.Conflict(root.Origin(), configHint, "there is no object \"network\"")
	}
	return NetplanText(network), nil
}

// netplanDevice is what netplan has of a link.
func (c *Config) netplanDevice(l *Link) (kind string, d *doc.Node) {
	kind, d = "ethernets", object()
	switch {
	case l.Bond != nil:
		kind = "bonds"
		var members []string
		for _, id := range l.Bond.Members {
			members = append(members, c.nameOf(id))
		}
		add(d, "interfaces", list(members))
		add(d, "parameters", object("mode", text(doc.String, l.Bond.Mode), "transmit-hash-policy", text(doc.String, l.Bond.HashPolicy),
			"lacp-rate", text(doc.String, l.Bond.LACPRate), "primary", text(doc.String, c.nameOf(l.Bond.Primary)),
			"mii-monitor-interval", text(doc.Number, number(l.Bond.Monitor)), "up-delay", text(doc.Number, number(l.Bond.UpDelay)), "down-delay", text(doc.Number, number(l.Bond.DownDelay))))
	case l.VLAN != nil:
		kind = "vlans"
		add(d, "id", text(doc.Number, fmt.Sprint(l.VLAN.Tag)))
		add(d, "link", text(doc.String, c.nameOf(l.VLAN.Parent)))
	}
	add(d, "dhcp4", truth(l.DHCP4))
	add(d, "dhcp6", truth(l.DHCP6))
	add(d, "accept-ra", truth(l.RouterAdvertisements))
	add(d, "addresses", list(strings.Fields(join(l.Addresses, " "))))
	routes := &doc.Node{Kind: doc.List}
	for _, r := range l.Routes {
		routes.Items = append(routes.Items, object("to", text(doc.String, r.To.String()), "via", text(doc.String, r.Via.String()),
			"metric", text(doc.Number, number(r.Metric)), "on-link", truth(r.OnLink)))
	}
	add(d, "routes", routes)
	add(d, "nameservers", object("addresses", list(strings.Fields(join(l.DNS, " "))), "search", list(l.Search)))
	add(d, "mtu", text(doc.Number, number(l.MTU)))
	return kind, d
}

// add adds a member, unless there is nothing in it.
func add(n *doc.Node, name string, value *doc.Node) {
	if value.Text != "" || len(value.Items)+len(value.Members) > 0 {
		n.Members = append(n.Members, doc.Member{Name: name, Value: value})
	}
}

// object makes one of names and nodes.
func object(members ...any) *doc.Node {
	n := &doc.Node{Kind: doc.Map}
	for i := 0; i+1 < len(members); i += 2 {
		add(n, members[i].(string), members[i+1].(*doc.Node))
	}
	return n
}

func text(kind doc.Kind, value string) *doc.Node { return &doc.Node{Kind: kind, Text: value} }

func truth(is bool) *doc.Node {
	if !is {
		return &doc.Node{}
	}
	return text(doc.Bool, "true")
}

func list(items []string) *doc.Node {
	n := &doc.Node{Kind: doc.List}
	for _, item := range items {
		n.Items = append(n.Items, text(doc.String, item))
	}
	return n
}

// writeYAML writes an object or list that is not empty, a line for each value.
func writeYAML(b *strings.Builder, n *doc.Node, indent string) {
	for _, m := range n.Members {
		b.WriteString(indent + yamlScalar(text(doc.String, m.Name)) + ":")
		writeYAMLValue(b, m.Value, indent)
	}
	for _, item := range n.Items {
		if item.Kind == doc.Map && len(item.Members) > 0 { // its first key is behind the dash
			var inner strings.Builder
			writeYAML(&inner, item, indent+"  ")
			b.WriteString(indent + "- " + strings.TrimPrefix(inner.String(), indent+"  "))
			continue
		}
		b.WriteString(indent + "-")
		writeYAMLValue(b, item, indent)
	}
}

func writeYAMLValue(b *strings.Builder, n *doc.Node, indent string) {
	switch {
	case len(n.Members)+len(n.Items) > 0:
		b.WriteString("\n")
		writeYAML(b, n, indent+"  ")
	case n.Kind == doc.Map:
		b.WriteString(" {}\n")
	case n.Kind == doc.List:
		b.WriteString(" []\n")
	default:
		b.WriteString(" " + yamlScalar(n) + "\n")
	}
}

// isPlainYAML reports whether a text means itself without quotes: names and keys. What
// could be read as a number, a time or a switch is quoted.
func isPlainYAML(text string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	return text != "" && strings.IndexByte(letters, text[0]) >= 0 && strings.Trim(text, letters+"0123456789_.-") == "" &&
		!slices.Contains(yamlWords, strings.ToLower(text))
}

// words that are switches or nothing in some version of YAML.
var yamlWords = []string{"true", "false", "yes", "no", "on", "off", "null", "y", "n"}

func yamlScalar(n *doc.Node) string {
	if n.Kind == doc.Null {
		return "null"
	}
	if n.Kind != doc.String || isPlainYAML(n.Text) {
		return n.Text
	}
	return string(n.AppendJSON(nil)) // which is YAML, too
}
