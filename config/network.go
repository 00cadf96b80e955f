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
	c.eachResource(func(r *Resource) {
		if IsRemote(ValueOr(r.Source, "")) {
			needs = append(needs, r.Origin("source"))
		}
	})
	for _, l := range c.Storage.Luks {
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

// eachResource visits all resources of a config, also those without a source.
func (c *Config) eachResource(visit func(*Resource)) {
	list := func(all []Resource) {
		for i := range all {
			visit(&all[i])
		}
	}
	visit(&c.Ignition.Config.Replace)
	list(c.Ignition.Config.Merge)
	list(c.Ignition.Security.TLS.CertificateAuthorities)
	for i := range c.Storage.Luks {
		visit(&c.Storage.Luks[i].KeyFile)
	}
	for i := range c.Passwd.Users {
		visit(&c.Passwd.Users[i].PasswordHashFrom)
		list(c.Passwd.Users[i].SSHAuthorizedKeysFrom)
	}
	for i := range c.Storage.Archives {
		visit(&c.Storage.Archives[i].Contents)
	}
	for i := range c.Storage.Files {
		visit(&c.Storage.Files[i].Contents)
		list(c.Storage.Files[i].Append)
	}
	for i := range c.Systemd.Units {
		u := &c.Systemd.Units[i]
		visit(&u.ContentsFrom)
		for n := range u.Dropins {
			visit(&u.Dropins[n].ContentsFrom)
		}
	}
}

// IsRemote reports whether fetching a source needs the network: it is neither
// empty nor a data URL, nor of a scheme that AllowScheme was called with, nor a secret
// that is on this machine.
func IsRemote(source string) bool {
	if s, rest := findSecretScheme(source); s != nil {
		return s.isRemote(rest)
	}
	scheme, _, ok := strings.Cut(source, ":")
	return source != "" && !(ok && (strings.EqualFold(scheme, "data") || slices.Contains(localSchemes, scheme)))
}
