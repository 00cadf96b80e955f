package config

import (
	"slices"
	"strconv"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// translate makes a valid config of an older version into one of the newest.
// With one set of types little is left to do: what did not exist is absent, and
// what is absent means the same in all versions. What an old version allows,
// though it means nothing, and the newest does not, is dropped, so that Validate
// does not refuse it.
func translate(c *Config, from Version) *Config {
	root, dropped := c.Node(), false
	if from < V3_6 {
		dropped = dropSpecialModes(root)
	}
	if from == V3_0 {
		dropped = dropHashOfNothing(root) || dropped
		dropped = dropEmptyReferences(root) || dropped
	}
	if from < V3_3 {
		dropped = dropEmptyPins(root) || dropped
	}
	ignition := root.Member("ignition")
	v := *ignition.Member("version")
	v.Text = Newest.String()
	ignition.Set("version", &v)
	if dropped {
		return fromTree(root)
	}
	c.Ignition.Version = v.Text
	return c
}

// dropSpecialModes clears setuid, setgid and sticky bits, which had no effect
// before version 3.6.0.
func dropSpecialModes(root *doc.Node) (dropped bool) {
	storage := root.Member("storage")
	for _, list := range []string{"files", "directories"} {
		nodes := storage.Member(list)
		if nodes == nil {
			continue
		}
		for _, n := range nodes.Items {
			mode := n.Member("mode")
			if mode == nil {
				continue
			}
			if value, _ := strconv.Atoi(mode.Text); value > 0o777 {
				mode.Text = strconv.Itoa(value & 0o777)
				dropped = true
			}
		}
	}
	return dropped
}

// dropHashOfNothing drops the hash of a replacing config without source, which
// version 3.0.0 allowed.
func dropHashOfNothing(root *doc.Node) (dropped bool) {
	replace := root.Member("ignition").Member("config").Member("replace")
	if replace == nil || replace.Member("source") != nil {
		return false
	}
	return replace.Remove("verification")
}

// dropEmptyReferences drops references to configs to be merged that lead
// nowhere, which version 3.0.0 allowed.
func dropEmptyReferences(root *doc.Node) (dropped bool) {
	merge := root.Member("ignition").Member("config").Member("merge")
	if merge == nil {
		return false
	}
	before := len(merge.Items)
	merge.Items = slices.DeleteFunc(merge.Items, func(r *doc.Node) bool { return isUnset(r.Member("source")) })
	return len(merge.Items) < before
}

// dropEmptyPins drops custom clevis pins that say nothing but that they need
// the network, which version 3.2.0 allowed.
func dropEmptyPins(root *doc.Node) (dropped bool) {
	volumes := root.Member("storage").Member("luks")
	if volumes == nil {
		return false
	}
	for _, l := range volumes.Items {
		clevis := l.Member("clevis")
		if isUnset(clevis.Member("custom").Member("pin")) {
			dropped = clevis.Remove("custom") || dropped
		}
	}
	return dropped
}

func isUnset(n *doc.Node) bool { return n == nil || n.Text == "" }
