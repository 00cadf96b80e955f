package files

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/system"
)

// An account is a line of passwd(5).
type account struct {
	name     string
	uid, gid int // unknownID for what useradd will choose
	home     string
}

// A group is a line of group(5).
type group struct {
	gid     int // unknownID for what groupadd and useradd will choose
	members []string
}

// unknownID is the id of an account that does not exist yet and whose id the config
// leaves to the programs that make it.
const unknownID = -1

// accounts are the users and groups that a root knows, by their names.
type accounts struct {
	users  map[string]account
	groups map[string]group
}

func noAccounts() *accounts { return &accounts{map[string]account{}, map[string]group{}} }

// userOf and groupOf find the other account of an id, "" if there is none.
func (a *accounts) userOf(uid int, but string) string {
	for _, name := range slices.Sorted(maps.Keys(a.users)) {
		if name != but && a.users[name].uid == uid {
			return name
		}
	}
	return ""
}

func (a *accounts) groupOf(gid int, but string) string {
	for _, name := range slices.Sorted(maps.Keys(a.groups)) {
		if name != but && a.groups[name].gid == gid {
			return name
		}
	}
	return ""
}

// primaryUserOf finds a user whose primary group this is, "" if there is none.
func (a *accounts) primaryUserOf(gid int) string {
	for _, name := range slices.Sorted(maps.Keys(a.users)) {
		if gid != unknownID && a.users[name].gid == gid {
			return name
		}
	}
	return ""
}

// findGroup finds a group as useradd(8) does: by its number if that is what it is
// given, which may be one that groupadd will choose, else by its name.
func (a *accounts) findGroup(nameOrID string) (gid int, exists bool) {
	if id, err := strconv.Atoi(nameOrID); err == nil {
		return id, a.groupOf(id, "") != "" || a.groupOf(unknownID, "") != ""
	}
	g, exists := a.groups[nameOrID]
	return g.gid, exists
}

// readAccounts reads the databases; nil is one that does not exist. Nothing of
// the root is executed or loaded, as it would be with the C library's lookups in
// a chroot.
func readAccounts(read func(name string) ([]byte, error)) (*accounts, error) {
	a := noAccounts()
	add := func(names []string, each func(text string)) error {
		for _, name := range names {
			text, err := read(name)
			if err != nil {
				return err
			}
			each(string(text))
		}
		return nil
	}
	return a, errors.Join(
		add(system.UserDatabases, func(text string) { system.EachUser(text, a.addUser) }),
		add(system.GroupDatabases, func(text string) { system.EachGroup(text, a.addGroup) }))
}

// A KnownUser is a user of a root, and a KnownGroup a group, with numbers only.
type (
	KnownUser struct {
		Name     string
		UID, GID int
	}
	KnownGroup struct {
		Name string
		GID  int
	}
)

// KnownAccounts reads the users and groups of a root, sorted by name, from its databases.
// Read returns nil for a file that does not exist.
func KnownAccounts(read func(name string) ([]byte, error)) (users []KnownUser, groups []KnownGroup, err error) {
	a, err := readAccounts(read)
	for _, name := range slices.Sorted(maps.Keys(a.users)) {
		users = append(users, KnownUser{name, a.users[name].uid, a.users[name].gid})
	}
	for _, name := range slices.Sorted(maps.Keys(a.groups)) {
		groups = append(groups, KnownGroup{name, a.groups[name].gid})
	}
	return users, groups, err
}

// addUser takes a line of passwd(5). As in the C library the first of a name counts.
func (a *accounts) addUser(u system.User) {
	if _, known := a.users[u.Name]; !known {
		a.users[u.Name] = account{u.Name, u.UID, u.GID, u.Home}
	}
}

// addGroup takes a line of group(5).
func (a *accounts) addGroup(g system.Group) {
	if _, known := a.groups[g.Name]; !known {
		a.groups[g.Name] = group{g.GID, g.Members}
	}
}

// An accountCache answers questions about accounts while the plan runs. They
// change with each command of shadow-utils, and are read anew only then.
// Operations must not use it at the same time.
type accountCache struct {
	root   *rootfs.Root
	cached *accounts
}

func (c *accountCache) invalidate() { c.cached = nil }

func (c *accountCache) get() (*accounts, error) {
	if c.cached == nil {
		read, err := readAccounts(c.root.ReadFile)
		if err != nil {
			return nil, err
		}
		c.cached = read
	}
	return c.cached, nil
}

func (c *accountCache) user(name string) (account, error) {
	a, err := c.get()
	if err != nil {
		return account{}, err
	}
	return lookUp(a.users, "user", name, system.UserDatabases)
}

func (c *accountCache) group(name string) (int, error) {
	a, err := c.get()
	if err != nil {
		return 0, err
	}
	g, err := lookUp(a.groups, "group", name, system.GroupDatabases)
	return g.gid, err
}

func lookUp[T any](known map[string]T, kind, name string, databases []string) (T, error) {
	found, exists := known[name]
	if !exists {
		return found, fmt.Errorf("there is no %s %q in %s", kind, name, strings.Join(databases, " or "))
	}
	return found, nil
}
