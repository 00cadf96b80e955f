package config

import "strconv"

// translate makes a clean, valid tree of an older version into one of the
// newest. With one set of types little is left to do: what did not exist is
// absent, and what is absent means the same in all versions.
func translate(root *node, from Version) {
	if from < V3_6 {
		dropSpecialModes(root)
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
