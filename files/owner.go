package files

import (
	"github.com/firstlight-os/firstlight/config"
)

// checkOwners reports owners that do not exist and that the config does not
// create either.
func (p *planner) checkOwners(e *entry) bool {
	user := p.checkOwner(e, "user", e.user, databases(userDatabases[:]), p.userWillExist)
	group := p.checkOwner(e, "group", e.group, databases(groupDatabases[:]), p.groupWillExist)
	return user && group
}

func (p *planner) checkOwner(e *entry, what string, o config.Owner, where string, exists func(string) bool) bool {
	name := config.ValueOr(o.Name, "")
	switch {
	case o.ID != nil && !validID(*o.ID):
		p.conflict(e.object.Origin(what, "id"), "ids are from 0 to 4294967294", "%s: %d is not the id of a %s", e.title(), *o.ID, what)
	case o.ID == nil && name != "" && !exists(name):
		p.conflict(e.object.Origin(what, "name"), "add it to passwd."+what+"s, or set the id",
			"%s should belong to %s %q, which is not in %s of this system", e.title(), what, name, where)
	default:
		return true
	}
	return false
}

func (p *planner) userWillExist(name string) bool {
	for _, u := range p.cfg.Passwd.Users {
		if u.Name == name {
			return config.ValueOr(u.ShouldExist, true)
		}
	}
	_, exists := p.initial.users[name]
	return exists
}

// groupWillExist also counts the group that useradd makes for a new user.
func (p *planner) groupWillExist(name string) bool {
	for _, u := range p.cfg.Passwd.Users {
		if u.Name == name && config.ValueOr(u.ShouldExist, true) && !config.NonZero(u.NoUserGroup) {
			return true
		}
	}
	for _, g := range p.cfg.Passwd.Groups {
		if g.Name == name {
			return config.ValueOr(g.ShouldExist, true)
		}
	}
	_, exists := p.initial.groups[name]
	return exists
}

// ownership looks up who an entry shall belong to. What is not said is left:
// new nodes are root's, existing ones stay whose they are.
func (p *planner) ownership(r *root, user, group config.Owner) (ownership, error) {
	own := ownership{-1, -1}
	switch {
	case user.ID != nil:
		own.uid = *user.ID
	case config.NonZero(user.Name):
		u, err := p.accounts.user(r, *user.Name)
		if err != nil {
			return own, err
		}
		own.uid = u.uid
	}
	switch {
	case group.ID != nil:
		own.gid = *group.ID
	case config.NonZero(group.Name):
		gid, err := p.accounts.group(r, *group.Name)
		if err != nil {
			return own, err
		}
		own.gid = gid
	}
	return own, nil
}
