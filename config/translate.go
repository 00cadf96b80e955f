package config

import "strconv"

// translate makes a clean, valid tree of an older version into one of the
// newest. With one set of types little is left to do: what did not exist is
// absent, and what is absent means the same in all versions. What an old
// version allows, though it means nothing, and the newest does not, is dropped,
// so that Check does not refuse it.
func translate(root *node, from Version) {
	if from < V3_6 {
		dropSpecialModes(root)
	}
	if from == V3_0 {
		dropHashOfNothing(root)
	}
	if from < V3_3 {
		dropEmptyPins(root)
	}
	ignition := root.member("ignition")
	v := *ignition.member("version")
	v.text = Newest.String()
	ignition.set("version", &v)
}

// dropSpecialModes clears setuid, setgid and sticky bits, which had no effect
// before version 3.6.0.
func dropSpecialModes(root *node) {
	storage := root.member("storage")
	for _, list := range []string{"files", "directories"} {
		nodes := storage.member(list)
		if nodes == nil {
			continue
		}
		for _, n := range nodes.items {
			if mode := n.member("mode"); mode != nil {
				value, _ := strconv.Atoi(mode.text)
				mode.text = strconv.Itoa(value & 0o777)
			}
		}
	}
}

// dropHashOfNothing drops the hash of a replacing config without source, which
// version 3.0.0 allowed.
func dropHashOfNothing(root *node) {
	replace := root.member("ignition").member("config").member("replace")
	if replace != nil && replace.member("source") == nil {
		replace.drop("verification")
	}
}

// dropEmptyPins drops custom clevis pins that say nothing but that they need
// the network, which version 3.2.0 allowed.
func dropEmptyPins(root *node) {
	volumes := root.member("storage").member("luks")
	if volumes == nil {
		return
	}
	for _, l := range volumes.items {
		clevis := l.member("clevis")
		if isEmpty(clevis.member("custom").member("pin")) {
			clevis.drop("custom")
		}
	}
}

func isEmpty(n *node) bool { return n == nil || n.text == "" }
