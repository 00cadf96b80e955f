package system

import (
	"iter"
	"strconv"
	"strings"
)

// UserDatabases and GroupDatabases are where accounts are, in the order of nsswitch.conf
// where there is more than one: "files", then "altfiles" and "usrfiles" (systems whose
// image brings its own users, those of OSTree and Container Linux).
var (
	UserDatabases  = []string{"/etc/passwd", "/usr/lib/passwd", "/usr/share/baselayout/passwd"}
	GroupDatabases = []string{"/etc/group", "/usr/lib/group", "/usr/share/baselayout/group"}
)

// A User is a line of passwd(5), and a Group one of group(5).
type (
	User struct {
		Name     string
		UID, GID int
		Home     string
	}
	Group struct {
		Name    string
		GID     int
		Members []string
	}
)

// EachUser visits the users of a text in the form of passwd(5). Lines that are none are
// passed over, as by the C library: comments, the "+" of NIS, numbers that no user can have.
func EachUser(text string, visit func(User)) {
	for f := range accountLines(text, 7) {
		uid, ok1 := parseAccountID(f[2])
		gid, ok2 := parseAccountID(f[3])
		if ok1 && ok2 {
			visit(User{f[0], uid, gid, f[5]})
		}
	}
}

// EachGroup visits the groups of a text in the form of group(5).
func EachGroup(text string, visit func(Group)) {
	for f := range accountLines(text, 4) {
		if gid, ok := parseAccountID(f[2]); ok {
			visit(Group{f[0], gid, strings.FieldsFunc(f[3], func(r rune) bool { return r == ',' })})
		}
	}
}

// accountLines are the lines with a name and so many fields.
func accountLines(text string, fields int) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		for line := range strings.Lines(text) {
			f := strings.Split(strings.TrimRight(line, "\n"), ":")
			if len(f) == fields && f[0] != "" && !strings.ContainsAny(f[0][:1], "+-#") && !yield(f) {
				return
			}
		}
	}
}

// parseAccountID excludes what chown(2) takes for "leave it".
func parseAccountID(text string) (int, bool) {
	id, err := strconv.ParseUint(text, 10, 32)
	return int(id), err == nil && id < 1<<32-1
}
