package config

import (
	"slices"
	"strings"
)

// NeedsNetwork returns the origins of all values for which provisioning needs
// the network: remote sources, Tang servers that did not give their
// advertisement, custom clevis pins that say so.
func (c *Config) NeedsNetwork() []Origin {
	var needs []Origin
	resource := func(r Resource) {
		if IsRemote(ValueOr(r.Source, "")) {
			needs = append(needs, r.Origin("source"))
		}
	}
	resource(c.Ignition.Config.Replace)
	for _, r := range c.Ignition.Config.Merge {
		resource(r)
	}
	for _, r := range c.Ignition.Security.TLS.CertificateAuthorities {
		resource(r)
	}
	for _, f := range c.Storage.Files {
		resource(f.Contents)
		for _, r := range f.Append {
			resource(r)
		}
	}
	for _, l := range c.Storage.Luks {
		resource(l.KeyFile)
		for _, t := range l.Clevis.Tang {
			if ValueOr(t.Advertisement, "") == "" {
				needs = append(needs, t.Origin("url"))
			}
		}
		if ValueOr(l.Clevis.Custom.NeedsNetwork, false) {
			needs = append(needs, l.Clevis.Custom.Origin("needsNetwork"))
		}
	}
	return needs
}

// IsRemote reports whether fetching a source needs the network: it is neither
// empty nor a data URL, nor of a scheme that AllowScheme was called with.
func IsRemote(source string) bool {
	scheme, _, ok := strings.Cut(source, ":")
	return source != "" && !(ok && (strings.EqualFold(scheme, "data") || slices.Contains(localSchemes, scheme)))
}
