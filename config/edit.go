package config

import "github.com/firstlight-os/firstlight/internal/doc"

// WithAuthority is c with the i-th certificate authority coming from another
// source, which holds the plain bytes. The hash stays.
func (c *Config) WithAuthority(i int, source string) *Config {
	old := c.Ignition.Security.TLS.CertificateAuthorities[i].Node()
	changed := *old
	changed.Members = nil
	for _, m := range old.Members {
		switch m.Name {
		case "compression", "httpHeaders":
		case "source":
			value := *m.Value
			value.Text = source
			changed.Set("source", &value)
		default:
			changed.Set(m.Name, m.Value)
		}
	}
	root := copyPath(c.Node(), []string{"ignition", "security", "tls"}, func(tls *doc.Node) {
		list := *tls.Member("certificateAuthorities")
		list.Items = append([]*doc.Node(nil), list.Items...)
		list.Items[i] = &changed
		tls.Set("certificateAuthorities", &list)
	})
	return fromTree(root)
}

// WithoutReferences is c without the configs that it refers to.
func (c *Config) WithoutReferences() *Config {
	if !c.Ignition.Config.IsPresent() {
		return c
	}
	return fromTree(copyPath(c.Node(), []string{"ignition"}, func(n *doc.Node) { n.Remove("config") }))
}

// copyPath copies the objects on a path down from n, and changes the last.
func copyPath(n *doc.Node, path []string, change func(*doc.Node)) *doc.Node {
	out := *n
	out.Members = append([]doc.Member(nil), n.Members...)
	if len(path) == 0 {
		change(&out)
	} else {
		out.Set(path[0], copyPath(n.Member(path[0]), path[1:], change))
	}
	return &out
}
