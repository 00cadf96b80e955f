package butane

import (
	"fmt"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// mountedSwap is a combination of values that only later versions know.
const mountedSwap = "with_mount_unit for swap"

// existsSince says which dialect is the first with something that spec has since a
// version. Keys are told by Dialect.elsewhere; this is for values.
func (t *translation) existsSince(what string, version config.Version) string {
	return fmt.Sprintf("%s exists since %s; raise the version, which is %s", what, t.since(version), t.Version)
}

// checkSince refuses something that spec has since a later version than this one.
func (t *translation) checkSince(at config.Origin, what string, version config.Version) {
	if version > t.Spec {
		t.error(config.RuleValueSince, at, "%s", t.existsSince(what, version))
	}
}

// formatSince is the first version of the spec with a format of filesystems, or the
// oldest one if there is none.
func formatSince(format string) config.Version {
	for _, v := range config.Versions() {
		if slices.Contains(config.FilesystemFormats(v), format) {
			return v
		}
	}
	return config.V3_0
}

// resourceSince are the beginnings of a resource's values that later versions know.
var resourceSince = []struct {
	member, prefix, what string
	since                config.Version
}{
	{"source", "gs:", "the scheme gs", config.V3_2},
	{"source", "arn:", "the scheme arn", config.V3_4},
	{"hash", "sha256-", "the hash function sha256", config.V3_1},
}

func (t *translation) checkResourceSince(n *doc.Node) {
	for _, s := range resourceSince {
		value := n.Member(s.member)
		if s.member == "hash" {
			value = n.Member("verification").Member("hash")
		}
		if value != nil && strings.HasPrefix(strings.ToLower(value.Text), s.prefix) {
			t.checkSince(value.Origin(), s.what, s.since)
		}
	}
}
