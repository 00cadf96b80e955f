package config

import (
	"strconv"

	"github.com/firstlight-os/firstlight/config/internal/tree"
)

// translate makes a clean, valid tree of an older version into one of the
// newest. With one set of types little is left to do: what did not exist is
// absent, and what is absent means the same in all versions. What an old
// version allows, though it means nothing, and the newest does not, is dropped,
// so that Check does not refuse it.
func translate(root *tree.Node, from Version) {
	if from < V3_6 {
		dropSpecialModes(root)
	}
	if from == V3_0 {
		dropHashOfNothing(root)
	}
	if from < V3_3 {
		dropEmptyPins(root)
	}
	ignition := root.Member("ignition")
	v := *ignition.Member("version")
	v.Text = Newest.String()
	ignition.Set("version", &v)
}

// dropSpecialModes clears setuid, setgid and sticky bits, which had no effect
// before version 3.6.0.
func dropSpecialModes(root *tree.Node) {
	storage := root.Member("storage")
	for _, list := range []string{"files", "directories"} {
		nodes := storage.Member(list)
		if nodes == nil {
			continue
		}
		for _, n := range nodes.Items {
			if mode := n.Member("mode"); mode != nil {
				value, _ := strconv.Atoi(mode.Text)
				mode.Text = strconv.Itoa(value & 0o777)
			}
		}
	}
}

// dropHashOfNothing drops the hash of a replacing config without source, which
// version 3.0.0 allowed.
func dropHashOfNothing(root *tree.Node) {
	replace := root.Member("ignition").Member("config").Member("replace")
	if replace != nil && replace.Member("source") == nil {
		replace.Drop("verification")
	}
}

// dropEmptyPins drops custom clevis pins that say nothing but that they need
// the network, which version 3.2.0 allowed.
func dropEmptyPins(root *tree.Node) {
	volumes := root.Member("storage").Member("luks")
	if volumes == nil {
		return
	}
	for _, l := range volumes.Items {
		clevis := l.Member("clevis")
		if isEmpty(clevis.Member("custom").Member("pin")) {
			clevis.Drop("custom")
		}
	}
}

func isEmpty(n *tree.Node) bool { return n == nil || n.Text == "" }
