package files

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
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

// accounts reads the databases. Nothing of the root is executed or loaded, as
// it would be with the C library's lookups in a chroot.
func (r *root) accounts() (*accounts, error) { return readAccounts(r.readFile) }

func readAccounts(read func(name string) ([]byte, error)) (*accounts, error) {
	a := noAccounts()
	for _, name := range userDatabases {
		if err := database(read, name, a.addUser); err != nil {
			return nil, err
		}
	}
	for _, name := range groupDatabases {
		if err := database(read, name, a.addGroup); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// database gives the fields of each line of a file to add. One that does not
// exist has none.
func database(read func(string) ([]byte, error), name string, add func(fields []string)) error {
	text, err := read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	lines(string(text), add)
	return nil
}

// lines gives the fields of each line of a text to add.
func lines(text string, add func(fields []string)) {
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

// A lookup is asked for accounts while the plan runs. They change with each
// command of shadow-utils, and are read anew only then. Operations must not use
// one at the same time.
type accountCache struct{ cached *accounts }

func (l *accountCache) invalidate() { l.cached = nil }

func (l *accountCache) get(r *root) (*accounts, error) {
	if l.cached == nil {
		known, err := r.accounts()
		if err != nil {
			return nil, err
		}
		l.cached = known
	}
	return l.cached, nil
}

func (l *accountCache) user(r *root, name string) (account, error) {
	a, err := l.get(r)
	if err != nil {
		return account{}, err
	}
	u, ok := a.users[name]
	if !ok {
		return account{}, fmt.Errorf("there is no user %q in %s", name, databases(userDatabases[:]))
	}
	return u, nil
}

func (l *accountCache) group(r *root, name string) (int, error) {
	a, err := l.get(r)
	if err != nil {
		return 0, err
	}
	gid, ok := a.groups[name]
	if !ok {
		return 0, fmt.Errorf("there is no group %q in %s", name, databases(groupDatabases[:]))
	}
	return gid, nil
}

func databases(names []string) string { return strings.Join(names, " or ") }
