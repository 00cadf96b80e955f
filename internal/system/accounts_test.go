package system

import (
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

func users(text string) (all []User) {
	EachUser(text, func(u User) { all = append(all, u) })
	return all
}

func groups(text string) (all []Group) {
	EachGroup(text, func(g Group) { all = append(all, g) })
	return all
}

func TestLinesThatAreNoAccountsArePassedOver(t *testing.T) {
	testkit.Equal(t, "users", users("root:x:0:0:root:/root:/bin/sh\n#no:x:1:1::/:\n+\n+nis:x:1:1::/:\n-x:x:1:1::/:\n:x:1:1::/:\nshort:x:1:1::/\nbad:x:-1:7::/h:\nmost:x:4294967295:1::/:\nlast:x:4294967294:7::/h:"),
		[]User{{"root", 0, 0, "/root"}, {"last", 4294967294, 7, "/h"}})
	testkit.Equal(t, "groups", groups("wheel:x:10:root,me\n#no:x:1:\nlong:x:1::\nbad:x:x:\nnone:x:4294967295:\n"), []Group{{"wheel", 10, []string{"root", "me"}}})
}

func FuzzAccounts(f *testing.F) {
	f.Add("root:x:0:0:root:/root:/bin/sh\n", "wheel:x:10:root\n")
	f.Add("a:b:c:d:e:f:g\n::::::\n+\n", ":::\n\x00")
	f.Fuzz(func(t *testing.T, passwd, group string) {
		valid := func(id int) bool { return id >= 0 && id < 1<<32-1 }
		for _, u := range users(passwd) {
			if u.Name == "" || !valid(u.UID) || !valid(u.GID) || strings.ContainsAny(u.Name+u.Home, ":\n") {
				t.Errorf("%q became %+v", passwd, u)
			}
		}
		for _, g := range groups(group) {
			if g.Name == "" || !valid(g.GID) || strings.ContainsAny(g.Name+strings.Join(g.Members, ""), ":,\n") {
				t.Errorf("%q became %+v", group, g)
			}
		}
	})
}
