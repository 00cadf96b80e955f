package files

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/config"
)

// What the programs of shadow-utils would refuse, and can be known before.

func (p *planner) checkGroup(g config.Group) {
	if g.GID == nil {
		return
	}
	if other := p.will.groupOf(*g.GID, g.Name); other != "" {
		p.conflict(g.Origin("gid"), "choose another one, or leave it out", "group %q: the gid %d is that of group %q", g.Name, *g.GID, other)
	}
}

// checkNewUser reports what useradd refuses and usermod does not.
func (p *planner) checkNewUser(u config.User) {
	title := "user " + strconv.Quote(u.Name)
	if config.NonZero(u.HomeDir) && (*u.HomeDir)[0] != '/' {
		p.conflict(u.Origin("homeDir"), "begin it with /", "%s: the home %q is not an absolute path", title, *u.HomeDir)
	}
	if config.NonZero(u.Shell) && (*u.Shell)[0] != '/' {
		p.conflict(u.Origin("shell"), "begin it with /", "%s: the shell %q is not an absolute path", title, *u.Shell)
	}
	_, taken := p.will.groups[u.Name]
	if taken && p.shadow.userGroups && !config.NonZero(u.PrimaryGroup) && !config.NonZero(u.NoUserGroup) {
		p.conflict(u.Origin("name"), "set "+u.Key("primaryGroup")+" to "+strconv.Quote(u.Name)+", or "+u.Key("noUserGroup"),
			"%s: there is a group of this name, and on this system each new user gets one of her name", title)
	}
}

// checkUser reports what both refuse.
func (p *planner) checkUser(u config.User) {
	title := "user " + strconv.Quote(u.Name)
	if u.UID != nil {
		if other := p.will.userOf(*u.UID, u.Name); other != "" {
			p.conflict(u.Origin("uid"), "choose another one, or leave it out", "%s: the uid %d is that of user %q", title, *u.UID, other)
		}
	}
	if config.NonZero(u.PrimaryGroup) {
		p.checkMembership(u.Origin("primaryGroup"), title+": the primary group", *u.PrimaryGroup)
	}
	if strings.Join(u.Groups, ",") == "" {
		return
	}
	for i, list := range u.Groups {
		for name := range strings.SplitSeq(list, ",") {
			p.checkMembership(u.Origin("groups", i), title+": the group", name)
		}
	}
}

// checkHome reports a home that userdel cannot remove, and one that it leaves, and
// fails for: another user's. Root's is left to it.
func (p *planner) checkHome(u config.User, found account) {
	at, home, err := p.tree.Locate(found.home)
	if err == nil && home.IsDir() && int(home.Uid) == found.uid && at != "/" {
		p.checkPinned(u.Origin("name"), fmt.Sprintf("user %q should be deleted with the home %s", u.Name, at), at, true)
		p.checkSealed(u.Origin("name"), fmt.Sprintf("user %q should be deleted with the home %s", u.Name, at), path.Dir(at))
	}
	if err != nil || !home.IsDir() || home.Uid == 0 || int(home.Uid) == found.uid {
		return
	}
	p.conflict(u.Origin("name"), "keep the user, or give her the home before: userdel removes only what belongs to its user",
		"user %q cannot be deleted: the home %s belongs to uid %d", u.Name, at, home.Uid)
}

// checkMembership reports a group that will not be there when a user is made.
func (p *planner) checkMembership(origin config.Origin, title, name string) {
	if _, exists := p.will.findGroup(name); exists {
		return
	}
	hint := "add it to passwd.groups, or correct the name"
	if slices.ContainsFunc(p.cfg.Passwd.Users, func(u config.User) bool { return u.Name == name }) {
		hint = "it is that of a user who comes later, or has none: list that user before, or add the group to passwd.groups"
	}
	p.conflict(origin, hint, "%s %q is none that this system has, or that the config makes before", title, name)
}
