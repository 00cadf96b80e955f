package files

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
)

// checkShadowFiles reports named pipes that the programs of shadow-utils would open and
// wait for.
func (p *planner) checkShadowFiles() {
	var origin config.Origin
	switch {
	case len(p.cfg.Passwd.Users) > 0:
		origin = p.cfg.Passwd.Users[0].Origin("name")
	case len(p.cfg.Passwd.Groups) > 0:
		origin = p.cfg.Passwd.Groups[0].Origin("name")
	default:
		return
	}
	names := strings.Fields("login.defs default/useradd nsswitch.conf .pwd.lock")
	for _, database := range accountDatabases {
		names = append(names, database, database+"-", database+"+", database+".lock")
	}
	for _, name := range names {
		at, err := p.root.Resolve("/etc/" + name)
		if err != nil {
			continue // the programs will report it
		}
		found, err := p.root.Lstat(at)
		if err == nil && found != nil && found.Mode&unix.S_IFMT == unix.S_IFIFO {
			p.conflict(origin, "make it a regular file in the image, or remove it",
				"users and groups cannot be made: %s should be a file, but there is %v", "/etc/"+name, found)
		}
	}
}
