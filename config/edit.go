package config

// WithAuthority is c with the i-th certificate authority coming from another
// source, which holds the plain bytes. The hash stays.
func (c *Config) WithAuthority(i int, source string) *Config {
	old := c.Ignition.Security.TLS.CertificateAuthorities[i].node
	changed := *old
	changed.members = nil
	for _, m := range old.members {
		switch m.name {
		case "compression", "httpHeaders":
		case "source":
			value := *m.value
			value.text = source
			changed.set("source", &value)
		default:
			changed.set(m.name, m.value)
		}
	}
	root := copyWay(c.node, []string{"ignition", "security", "tls"}, func(tls *node) {
		list := *tls.member("certificateAuthorities")
		list.items = append([]*node(nil), list.items...)
		list.items[i] = &changed
		tls.set("certificateAuthorities", &list)
	})
	return fromTree(root)
}

// copyWay copies the objects on a way down from n, and changes the last.
func copyWay(n *node, way []string, change func(*node)) *node {
	out := *n
	out.members = append([]member(nil), n.members...)
	if len(way) == 0 {
		change(&out)
	} else {
		out.set(way[0], copyWay(n.member(way[0]), way[1:], change))
	}
	return &out
}
