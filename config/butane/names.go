package butane

import (
	"path"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// isFileName reports whether a name is that of a file in a directory: it leads to
// nothing outside of it. The directory may have sub-directories.
func isFileName(name string) bool {
	below := "/" + name
	return name != "" && below == path.Clean(below) && !strings.Contains(name, "\x00")
}

// checkFileName checks that the name of n is one of a file in a directory.
func (t *translation) checkFileName(n *doc.Node, what, directory string) bool {
	name := text(n, "name")
	switch {
	case isFileName(name):
		return true
	case name == "":
		t.error(config.RuleNameMissing, originOf(n, "name"), "the name of the %s is missing; it is that of its file in %s", what, directory)
	default:
		t.error(config.RuleFileName, originOf(n, "name"), "the name %q of the %s is not that of a file in %s: it should have no \"..\", no NUL, and no slashes that are too many", name, what, directory)
	}
	return false
}

// checkMountUnitText checks what is written into a mount unit as it is.
func (t *translation) checkMountUnitText(n *doc.Node) {
	for _, member := range []string{"device", "path"} {
		if value := n.Member(member); value != nil && hasLineBreak(value.Text) {
			t.error(config.RuleMountUnitLineEnd, value.Origin(), "%q has a line break in it, which the mount unit cannot", value.Text)
		}
	}
}

func hasLineBreak(s string) bool { return strings.ContainsAny(s, "\r\n\x00") }
