package config

import "slices"

// translate makes a valid config of an older version into one of the newest.
// With one set of types little is left to do: what did not exist is absent, and
// what is absent means the same in all versions. What an old version allows,
// though it means nothing, and the newest does not, is dropped, so that Validate
// does not refuse it.
func translate(c *Config, from Version) *Config {
	c.Node().Member("ignition").Member("version").Text = Newest.String()
	c.Ignition.Version = Newest.String()
	dropped := false
	if from < V3_6 {
		dropped = dropSpecialModes(&c.Storage)
	}
	if from == V3_0 {
		dropped = dropEmptyReferences(&c.Ignition.Config) || dropped
	}
	if from < V3_3 {
		dropped = dropEmptyPins(c.Storage.Luks) || dropped
	}
	if dropped {
		return c.synced()
	}
	return c
}

// dropSpecialModes clears setuid, setgid and sticky bits, which had no effect
// before version 3.6.0.
func dropSpecialModes(s *Storage) (dropped bool) {
	const permissions = 0o777
	drop := func(mode *int) {
		if ValueOr(mode, 0) > permissions {
			*mode &= permissions
			dropped = true
		}
	}
	for i := range s.Files {
		drop(s.Files[i].Mode)
	}
	for i := range s.Directories {
		drop(s.Directories[i].Mode)
	}
	return dropped
}

// dropEmptyReferences drops references to configs that lead nowhere, and the
// hash of a replacing config without source. Version 3.0.0 allowed both.
func dropEmptyReferences(r *ConfigReferences) (dropped bool) {
	before := len(r.Merge)
	r.Merge = slices.DeleteFunc(r.Merge, func(m Resource) bool { return !NonZero(m.Source) })
	if r.Replace.Source == nil && r.Replace.Verification.IsPresent() {
		r.Replace.Verification = Verification{}
		return true
	}
	return len(r.Merge) < before
}

// dropEmptyPins drops custom clevis pins that say nothing but that they need
// the network, which version 3.2.0 allowed.
func dropEmptyPins(volumes []Luks) (dropped bool) {
	for i := range volumes {
		if custom := &volumes[i].Clevis.Custom; custom.IsPresent() && !NonZero(custom.Pin) {
			*custom = ClevisCustom{}
			dropped = true
		}
	}
	return dropped
}
