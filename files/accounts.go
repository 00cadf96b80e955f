package files

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/files/rootfs"
)

// An account is a line of passwd(5).
type account struct {
	name     string
	uid, gid int
	home     string
}

// accounts are the users and groups that a root knows.
type accounts struct {
	users  map[string]account
	groups map[string]int
}

func noAccounts() *accounts { return &accounts{map[string]account{}, map[string]int{}} }

// The databases, in the order of nsswitch.conf where there is more than one:
// "files", then "altfiles" (systems whose image brings its own users, such as
// those of OSTree).
var (
	userDatabases  = [...]string{"/etc/passwd", "/usr/lib/passwd"}
	groupDatabases = [...]string{"/etc/group", "/usr/lib/group"}
)

// readAccounts reads the databases; nil is one that does not exist. Nothing of
// the root is executed or loaded, as it would be with the C library's lookups in
// a chroot.
func readAccounts(read func(name string) ([]byte, error)) (*accounts, error) {
	a := noAccounts()
	add := func(names []string, line func(fields []string)) error {
		for _, name := range names {
			text, err := read(name)
			if err != nil {
				return err
			}
			eachLine(string(text), line)
		}
		return nil
	}
	return a, errors.Join(add(userDatabases[:], a.addUser), add(groupDatabases[:], a.addGroup))
}

// eachLine calls add with the fields of each line of a text.
func eachLine(text string, add func(fields []string)) {
	for line := range strings.Lines(text) {
		add(strings.Split(strings.TrimRight(line, "\n"), ":"))
	}
}

// addUser takes a line of passwd(5). As in the C library the first of a name
// counts, and lines that are none (comments, "+" of NIS) do not.
func (a *accounts) addUser(f []string) {
	if len(f) != 7 || f[0] == "" || strings.ContainsAny(f[0][:1], "+-#") {
		return
	}
	uid, ok1 := parseUID(f[2])
	gid, ok2 := parseUID(f[3])
	if _, known := a.users[f[0]]; ok1 && ok2 && !known {
		a.users[f[0]] = account{f[0], uid, gid, f[5]}
	}
}

// addGroup takes a line of group(5).
func (a *accounts) addGroup(f []string) {
	if len(f) != 4 || f[0] == "" || strings.ContainsAny(f[0][:1], "+-#") {
		return
	}
	gid, ok := parseUID(f[2])
	if _, known := a.groups[f[0]]; ok && !known {
		a.groups[f[0]] = gid
	}
}

func parseUID(text string) (int, bool) {
	id, err := strconv.ParseUint(text, 10, 32)
	return int(id), err == nil && validID(int(id))
}

// validID excludes what chown(2) takes for "leave it".
func validID(id int) bool { return id >= 0 && id < 1<<32-1 }

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
	return lookUp(a.users, "user", name, userDatabases[:])
}

func (c *accountCache) group(name string) (int, error) {
	a, err := c.get()
	if err != nil {
		return 0, err
	}
	return lookUp(a.groups, "group", name, groupDatabases[:])
}

func lookUp[T any](known map[string]T, kind, name string, databases []string) (T, error) {
	found, exists := known[name]
	if !exists {
		return found, fmt.Errorf("there is no %s %q in %s", kind, name, strings.Join(databases, " or "))
	}
	return found, nil
}
