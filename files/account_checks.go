package files

import (
	"slices"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/config"
)

// What the programs of shadow-utils would refuse, and can be known before.

// fieldSeparators cannot be in a field of passwd(5).
const fieldSeparators = ":\n"

// checkName reports a name that no version of useradd and groupadd takes.
func (p *planner) checkName(origin config.Origin, kind, name string) {
	isWrong := func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(":,/", r) }
	if name == "" || strings.ContainsAny(name[:1], "-+~") || strings.IndexFunc(name, isWrong) >= 0 {
		p.conflict(origin, "use lower-case letters, digits, _ and -", "%q cannot be the name of a %s", name, kind)
	}
}

// checkField reports a value that would be more than one field of a database.
func (p *planner) checkField(origin config.Origin, title, what, value string) bool {
	if !strings.ContainsAny(value, fieldSeparators) {
		return true
	}
	p.conflict(origin, "take them out", "%s: there is a colon or a line end in the %s", title, what)
	return false
}

func (p *planner) checkGroup(g config.Group) {
	title := "group " + strconv.Quote(g.Name)
	p.checkField(g.Origin("passwordHash"), title, "hash of the password", trimHash(g.PasswordHash))
	if g.GID == nil || !p.checkID(g.Origin("gid"), title, "gid", *g.GID) {
		return
	}
	if other := p.will.groupOf(*g.GID, g.Name); other != "" {
		p.conflict(g.Origin("gid"), "choose another one, or leave it out", "%s: the gid %d is that of group %q", title, *g.GID, other)
	}
}

// checkID reports an id that is none.
func (p *planner) checkID(origin config.Origin, title, what string, id int) bool {
	if !validID(id) {
		p.conflict(origin, "ids are from 0 to 4294967294", "%s: %d is not a %s", title, id, what)
	}
	return validID(id)
}

// checkNewUser reports what useradd refuses and usermod does not.
func (p *planner) checkNewUser(u config.User) {
	title := "user " + strconv.Quote(u.Name)
	p.checkName(u.Origin("name"), "user", u.Name)
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
	p.checkField(u.Origin("passwordHash"), title, "hash of the password", trimHash(u.PasswordHash))
	p.checkField(u.Origin("gecos"), title, "comment", config.ValueOr(u.Gecos, ""))
	p.checkField(u.Origin("homeDir"), title, "home", config.ValueOr(u.HomeDir, ""))
	p.checkField(u.Origin("shell"), title, "shell", config.ValueOr(u.Shell, ""))
	if u.UID != nil && p.checkID(u.Origin("uid"), title, "uid", *u.UID) {
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

// checkMembership reports a group that will not be there when a user is made.
func (p *planner) checkMembership(origin config.Origin, title, name string) {
	if _, exists := p.will.findGroup(name); exists {
		return
	}
	hint := "add it to passwd.groups, or correct the name"
	if slices.ContainsFunc(p.cfg.Passwd.Users, func(u config.User) bool { return u.Name == name }) {
		hint = "it is that of a user who comes later, or has none: list that user before, or add the group to passwd.groups"
	}
	p.conflict(origin, hint, "%s %q is not in %s of this system", title, name, strings.Join(groupDatabases[:], " or "))
}
