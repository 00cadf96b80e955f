package config

import (
	"path"
	"strings"
)

// homes warns of directories in a home that nobody lists, although what is in them is
// the user's: on the way to it they become root's, and she cannot write there. Whether
// the image has them is known at boot only.
func (v *validator) homes(c *Config) {
	if len(c.Storage.Files)+len(c.Storage.Directories)+len(c.Storage.Links) == 0 {
		return
	}
	h := &homes{v, map[string]string{}, map[string]bool{}}
	for i := range c.Passwd.Users {
		u := &c.Passwd.Users[i]
		h.of[u.Name] = ValueOr(u.HomeDir, "")
		if len(u.SSHAuthorizedKeys) > 0 {
			h.made[path.Join(h.home(u.Name), ".ssh")] = true
		}
	}
	for i := range c.Storage.Directories {
		h.made[c.Storage.Directories[i].Path] = true
	}
	for i := range c.Storage.Directories {
		d := &c.Storage.Directories[i]
		h.check(d.Path, &d.User, d.Object)
	}
	for i := range c.Storage.Files {
		f := &c.Storage.Files[i]
		h.check(f.Path, &f.User, f.Object)
	}
	for i := range c.Storage.Links {
		if l := &c.Storage.Links[i]; !ValueOr(l.Hard, false) {
			h.check(l.Path, &l.User, l.Object)
		}
	}
}

type homes struct {
	*validator
	of   map[string]string // homes that the config sets, by the name of the user
	made map[string]bool   // directories that get their owner, or that were warned of
}

// home is where a user's home is, if the image has no other idea.
func (h *homes) home(user string) string {
	if home := h.of[user]; home != "" {
		return path.Clean(home)
	}
	return path.Join("/home", user)
}

func (h *homes) check(name string, owner *Owner, o Object) {
	user := ValueOr(owner.Name, "")
	if user == "" || user == "root" || path.Clean(name) != name {
		return
	}
	home := h.home(user)
	if under, found := strings.CutPrefix(name, "/var"); found && strings.HasPrefix(under, home+"/") {
		home = "/var" + home // /home is a link there where the system is an OSTree
	}
	inside, found := strings.CutPrefix(name, home+"/")
	if !found {
		return
	}
	for at := home; ; {
		next, rest, more := strings.Cut(inside, "/")
		if !more {
			return
		}
		at, inside = path.Join(at, next), rest
		if !h.made[at] {
			h.made[at] = true
			h.warn(RuleHomeParent, o.Origin("path"), "if the image does not have the directory %s, it will be root's, and %s cannot write to it; list it in storage.directories with this user", quote(at), quote(user))
		}
	}
}
