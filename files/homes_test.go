package files

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// withHomes has the real programs of shadow-utils, and users with homes: dusk (900),
// ann (901) and, below her home, bob (902). It is nil for an ordinary user, who cannot
// run these.
func withHomes(t *testing.T) *fixture {
	if os.Getuid() != 0 {
		return nil
	}
	w, _ := withStore(t)
	w.Config = "digest"
	w.Tree.Run = system.Exec{Log: w.Tree.Log}
	passwd, shadow, group := "root:x:0:0:root:/root:/bin/sh\neve:x:910:100::/home/ann:/bin/sh\n", "root:*:19000:0:99999:7:::\n", "root:x:0:\nstaff:x:50:\n"
	for i, home := range []string{"/home/dusk", "/home/ann", "/home/ann/bob"} {
		id, name := 900+i, filepath.Base(home)
		passwd += fmt.Sprintf("%s:x:%d:%d::%s:/bin/sh\n", name, id, id, home)
		shadow += name + ":*:19000:0:99999:7:::\n"
		group += fmt.Sprintf("%s:x:%d:\n", name, id)
		w.write(home[1:]+"/note", "old")
		w.symlink("note", home[1:]+"/link")
		for _, node := range []string{"", "/note", "/link"} {
			w.own(home[1:]+node, id, id)
		}
	}
	for name, text := range map[string]string{
		"etc/passwd": passwd, "etc/shadow": shadow, "etc/group": group, "etc/gshadow": "",
		"etc/login.defs":      "UID_MIN 1000\nUID_MAX 60000\nGID_MIN 1000\nGID_MAX 60000\n# a comment\nUSERGROUPS_ENAB yes\nMAIL_DIR /var/spool/mail\n",
		"etc/default/useradd": "HOME=/var/home\nSKEL=/etc/skel\nCREATE_MAIL_SPOOL=yes\n",
		"etc/skel/.rc":        "skeleton",
		"var/spool/mail/dusk": "mail", "var/home/here/f": "theirs", "srv/f": "",
	} {
		w.write(name, text)
	}
	w.own("var/spool/mail/dusk", 900, 900)
	w.symlink("x", "etc/skel/l")
	w.symlink("/etc/skel/.rc", "etc/skel/own")
	return w
}

// What the config puts where users have been, or will be, is planned on what their
// programs leave. A path with its wanted node, "" for none.
func TestPlanIsMadeOnTheTreeThatUsersLeave(t *testing.T) {
	const dawn, noDusk, ann = `"passwd": {"users": [{"name": "dawn"}]}, `, `"passwd": {"users": [{"name": "dusk", "shouldExist": false}]}, `, `"passwd": {"users": [{"name": "ann", "homeDir": "/srv/ann"}]}, `
	storage := func(kind, nodes string) string { return `"storage": {"` + kind + `": [` + nodes + `]}` }
	file := func(name, more string) string {
		return storage("files", `{"path": "`+name+`", "contents": {"source": "data:,new"}`+more+`}`)
	}
	link := func(name, target string) string {
		return storage("links", `{"path": "`+name+`", "target": "`+target+`"}`)
	}
	for name, c := range map[string]struct {
		config string
		want   map[string]string
	}{
		"file in the home of a user who goes":           {noDusk + file("/home/dusk/note", ""), map[string]string{"home/dusk/note": "new 0:0 0644", "home/dusk/link": ""}},
		"remote file there":                             {noDusk + storage("files", `{"path": "/home/dusk/note", "contents": {"source": "https://host/x"}}`), map[string]string{"home/dusk/note": "/x 0:0 0644"}},
		"her home as a directory":                       {noDusk + storage("directories", `{"path": "/home/dusk"}`), map[string]string{"home/dusk": "directory 0:0 0755", "home/dusk/note": ""}},
		"a link there, which is right but goes":         {noDusk + link("/home/dusk/link", "note"), map[string]string{"home/dusk/link": "-> note 0:0", "home/dusk/note": ""}},
		"an append there":                               {noDusk + storage("files", `{"path": "/home/dusk/note", "append": [{"source": "data:,+"}]}`), map[string]string{"home/dusk/note": "+ 0:0 0644"}},
		"her mail":                                      {noDusk + file("/var/spool/mail/dusk", ""), map[string]string{"var/spool/mail/dusk": "new 0:0 0644"}},
		"a directory in a home with another user's":     {`"passwd": {"users": [{"name": "ann", "shouldExist": false}]}, ` + file("/home/ann/bob/note", ""), map[string]string{"home/ann/bob/note": "new 0:0 0644", "home/ann/note": ""}},
		"her name again":                                {`"passwd": {"users": [{"name": "dusk", "shouldExist": false}, {"name": "dawn", "homeDir": "/home/dusk", "uid": 900}]}, ` + file("/home/dusk/note", ""), map[string]string{"home/dusk/note": "new 0:0 0644", "home/dusk/.rc": "skeleton 900:1000 0644", "home/dusk/link": ""}},
		"the same link as in the skeleton":              {dawn + link("/var/home/dawn/l", "x"), map[string]string{"var/home/dawn/l": "-> x 1000:1000"}},
		"a link that useradd writes anew":               {dawn + link("/var/home/dawn/own", "/var/home/dawn/.rc"), map[string]string{"var/home/dawn/own": "-> /var/home/dawn/.rc 1000:1000"}},
		"a file of the skeleton, to append to":          {dawn + storage("files", `{"path": "/var/home/dawn/.rc", "append": [{"source": "data:,+"}]}`), map[string]string{"var/home/dawn/.rc": "skeleton+ 1000:1000 0644"}},
		"a file of the skeleton, overwritten":           {dawn + file("/var/home/dawn/.rc", `, "overwrite": true`), map[string]string{"var/home/dawn/.rc": "new 0:0 0644"}},
		"a hard link to it":                             {dawn + storage("links", `{"path": "/var/home/dawn/hard", "target": "/var/home/dawn/.rc", "hard": true}`), map[string]string{"var/home/dawn/hard": "skeleton 1000:1000 0644"}},
		"a new home itself":                             {dawn + storage("directories", `{"path": "/var/home/dawn", "mode": 488}`), map[string]string{"var/home/dawn": "directory 1000:1000 0750"}},
		"no home":                                       {`"passwd": {"users": [{"name": "dawn", "noCreateHome": true}]}, ` + link("/var/home/dawn/l", "y"), map[string]string{"var/home/dawn/l": "-> y 0:0"}},
		"a home that exists gets no skeleton":           {`"passwd": {"users": [{"name": "here"}]}, ` + link("/var/home/here/l", "y"), map[string]string{"var/home/here/l": "-> y 0:0", "var/home/here/f": "theirs 0:0 0644"}},
		"a system user has a home":                      {`"passwd": {"users": [{"name": "dawn", "system": true}]}, ` + link("/var/home/dawn/l", "x") + "", map[string]string{"var/home/dawn/l": "-> x", "var/spool/mail/dawn": ""}},
		"two users of one home":                         {`"passwd": {"users": [{"name": "a", "homeDir": "/srv/both"}, {"name": "b", "homeDir": "/srv/both"}]}, ` + link("/srv/both/l", "x"), map[string]string{"srv/both/l": "-> x 1000:1000"}},
		"the old home after a move":                     {ann + file("/home/ann/note", ""), map[string]string{"home/ann/note": "new 0:0 0644", "srv/ann/note": "old 901:901 0644", "home/ann/bob": ""}},
		"a remote file in the new one":                  {ann + storage("files", `{"path": "/srv/ann/r", "contents": {"source": "https://host/x"}}`), map[string]string{"srv/ann/r": "/x 0:0 0644", "home/ann": ""}},
		"what has moved, to append to":                  {ann + storage("files", `{"path": "/srv/ann/note", "append": [{"source": "data:,+"}]}`), map[string]string{"srv/ann/note": "old+ 901:901 0644"}},
		"what has moved, as a link":                     {ann + link("/srv/ann/link", "note"), map[string]string{"srv/ann/link": "-> note 901:901"}},
		"what has moved, linked to":                     {ann + storage("links", `{"path": "/srv/hard", "target": "/srv/ann/note", "hard": true}`), map[string]string{"srv/hard": "old 901:901 0644"}},
		"into the home of one who goes":                 {`"passwd": {"users": [{"name": "ann", "homeDir": "/home/dusk"}, {"name": "dusk", "shouldExist": false}]}, ` + storage("files", `{"path": "/home/dusk/note", "mode": 256}`), map[string]string{"home/dusk/note": "old 901:901 0400"}},
		"the directory of the keys":                     {`"passwd": {"users": [{"name": "dawn", "sshAuthorizedKeys": ["k"]}]}, ` + storage("directories", `{"path": "/var/home/dawn/.ssh", "mode": 457}`), map[string]string{"var/home/dawn/.ssh": "directory 1000:1000 0711", "var/home/dawn/.ssh/authorized_keys.d/ignition": "k\n 1000:1000 0600"}},
		"a remote file beside the keys of one who goes": {noDusk + storage("files", `{"path": "/home/dusk/.ssh/k", "contents": {"source": "https://host/x"}}`), map[string]string{"home/dusk/.ssh/k": "/x 0:0 0644"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := withHomes(t)
			if w == nil {
				return
			}
			w.mustApply(c.config)
			w.wantNodes(c.want)
		})
	}
}

// wantNodes checks nodes as one would write them down: what is in them, the owner and,
// but for a link, the mode. "" is none.
func (w *fixture) wantNodes(want map[string]string) {
	w.Helper()
	for name, node := range want {
		got := ""
		if w.exists(name) {
			st := w.stat(name)
			what := "directory"
			if target, err := os.Readlink(w.path(name)); err == nil {
				what = "-> " + target
			} else if info, _ := os.Lstat(w.path(name)); info.Mode().IsRegular() {
				what = w.read(name)
			}
			got = fmt.Sprintf("%s %d:%d %04o", what, st.Uid, st.Gid, st.Mode&0o7777)
		}
		if (node == "") != (got == "") || !strings.HasPrefix(got, node) {
			w.Errorf("%s is %q, want %q", name, got, node)
		}
	}
}

func TestNodesThatUsersBringAreInTheWay(t *testing.T) {
	for name, c := range map[string]struct{ config, want string }{
		"a file of the skeleton": {`"passwd": {"users": [{"name": "dawn"}]}, "storage": {"files": [{"path": "/var/home/dawn/.rc", "contents": {"source": "data:,x"}}]}`,
			"file /var/home/dawn/.rc: the config gives it contents, but there already is a file of 8 bytes"},
		"a link of it": {`"passwd": {"users": [{"name": "dawn"}]}, "storage": {"links": [{"path": "/var/home/dawn/l", "target": "y"}]}`,
			"link /var/home/dawn/l: it should lead to y, but there already is a symbolic link to x"},
		"the home": {`"passwd": {"users": [{"name": "dawn"}]}, "storage": {"files": [{"path": "/var/home/dawn"}]}`,
			"file /var/home/dawn: it should be a regular file, but there already is a directory"},
		"the mailbox": {`"passwd": {"users": [{"name": "dawn"}]}, "storage": {"links": [{"path": "/var/spool/mail/dawn", "target": "y"}]}`,
			"link /var/spool/mail/dawn: it should lead to y, but there already is a file"},
		"the keys": {`"passwd": {"users": [{"name": "dawn", "sshAuthorizedKeys": ["k"]}]}, "storage": {"files": [{"path": "/var/home/dawn/.ssh/authorized_keys.d/ignition", "contents": {"source": "data:,x"}}]}`,
			"file /var/home/dawn/.ssh/authorized_keys.d/ignition: the config gives it contents, but there already is a file"},
		"what moves along": {`"passwd": {"users": [{"name": "ann", "homeDir": "/srv/ann"}]}, "storage": {"files": [{"path": "/srv/ann/note", "contents": {"source": "data:,x"}}]}`,
			"file /srv/ann/note: the config gives it contents, but there already is a file of 3 bytes"},
		"where a home should move": {`"passwd": {"users": [{"name": "ann", "homeDir": "/srv/f"}]}`,
			`user "ann": the home should move from /home/ann to /srv/f, but there already is a file of 0 bytes`},
	} {
		t.Run(name, func(t *testing.T) {
			if w := withHomes(t); w != nil {
				w.wantConflicts(c.config, c.want)
			}
		})
	}
}

// useradd stops at what it cannot copy, such as a directory where /proc is not mounted.
func TestSkeletonThatWasNotCopiedWhole(t *testing.T) {
	w := withHomes(t)
	if w == nil {
		return
	}
	run := w.Tree.Run
	w.Tree.Run = programFunc(func(string) {})
	w.mustApply(`"passwd": {"users": [{"name": "dawn"}]}, "storage": {"links": [{"path": "/var/home/dawn/l", "target": "x"}],
		"files": [{"path": "/var/home/dawn/.rc", "mode": 256}], "directories": [{"path": "/var/home/dawn/dir"}]}`)
	w.Tree.Run = run
	w.wantNodes(map[string]string{"var/home/dawn/l": "-> x 0:0", "var/home/dawn/.rc": " 0:0 0400", "var/home/dawn/dir": "directory 0:0 0755"})
}

// A power cut in useradd must not leave parents of a home without a mode, and usermod
// needs them.
func TestParentsOfHomesAreThereBeforeTheirPrograms(t *testing.T) {
	for config, want := range map[string]map[string]string{
		`{"name": "new", "homeDir": "/data/people/new"}`:                       {"data": "directory 0:0 0755", "data/people": "directory 0:0 0755", "data/people/new": ""},
		`{"name": "new", "homeDir": "/data/people/new", "noCreateHome": true}`: {"data": ""},
		`{"name": "ann", "homeDir": "/data/people/ann"}`:                       {"data/people": "directory 0:0 0755"},
		`{"name": "ann"}`: {"home": ""},
	} {
		w := withAccounts(t)
		w.write("etc/selinux/config", "SELINUXTYPE=targeted\n")
		w.Relabel = true
		ran := false
		w.Tree.Run = programFunc(func(program string) {
			if program == "useradd" || program == "usermod" {
				ran = true
				if os.Getuid() == 0 {
					w.wantNodes(want)
				}
			}
		})
		if err := w.apply(`"passwd": {"users": [` + config + `]}`); err != nil && !strings.Contains(err.Error(), "there is no user") || !ran {
			t.Errorf("%v; ran: %v", err, ran)
		}
	}
	if w := withHomes(t); w != nil {
		w.mustApply(`"passwd": {"users": [{"name": "ann", "homeDir": "/data/people/ann"}, {"name": "new", "homeDir": "/data/more/new"}]}`)
		w.wantNodes(map[string]string{"data/people/ann/note": "old 901:901", "data/more": "directory 0:0 0755", "data/more/new/.rc": "skeleton 1000:1000"})
	}
}

// A run may end after each operation, the last of them with a helper killed in its
// middle.
func TestInterruptedRunsConvergeAroundHomes(t *testing.T) {
	for name, config := range map[string]string{
		"deleted": `"passwd": {"users": [{"name": "dusk", "shouldExist": false}]},
			"storage": {"files": [{"path": "/home/dusk/note", "contents": {"source": "https://host/x"}}, {"path": "/home/dusk/sub/y", "contents": {"source": "data:,y"}}]}`,
		"new": `"passwd": {"users": [{"name": "dawn", "sshAuthorizedKeys": ["k\n"]}]},
			"storage": {"files": [{"path": "/var/home/dawn/note", "contents": {"source": "https://host/x"}}, {"path": "/var/home/dawn/.rc", "append": [{"source": "data:,y"}]}]}`,
		"moved": `"passwd": {"users": [{"name": "ann", "homeDir": "/srv/ann", "sshAuthorizedKeys": ["k"]}]},
			"storage": {"files": [{"path": "/srv/ann/x", "contents": {"source": "https://host/x"}}, {"path": "/home/ann/note", "contents": {"source": "data:,y"}}, {"path": "/srv/ann/note", "append": [{"source": "data:,y"}]}]}`,
		"new where one moves away": `"passwd": {"users": [{"name": "ann", "homeDir": "/srv/ann"}, {"name": "dawn", "homeDir": "/home/ann"}]}, "storage": {"files": [{"path": "/home/ann/x", "contents": {"source": "data:,y"}}]}`,
		"moved into a new one":     `"passwd": {"users": [{"name": "dawn"}, {"name": "ann", "homeDir": "/var/home/dawn/ann"}]}, "storage": {"files": [{"path": "/var/home/dawn/ann/x", "contents": {"source": "data:,y"}}]}`,
		"moved to where one goes": `"passwd": {"users": [{"name": "ann", "homeDir": "/home/dusk"}, {"name": "dusk", "shouldExist": false}, {"name": "dawn", "homeDir": "/home/dusk/dawn"}], "groups": [{"name": "dusk"}]},
			"storage": {"files": [{"path": "/home/dusk/x", "contents": {"source": "https://host/x"}}, {"path": "/home/dusk/dawn/x", "contents": {"source": "data:,y"}}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			whole := withHomes(t)
			if whole == nil {
				return
			}
			cfg := parse(t, config)
			n, err := whole.runPart(cfg, -1)
			if err != nil {
				t.Fatal(err)
			}
			want := whole.snapshot()
			for k := range n {
				w := withHomes(t)
				for _, first := range []int{k, k / 2, -1} {
					if _, err := w.runPart(cfg, first); err != nil {
						t.Fatalf("after %d operations: %v", k, err)
					}
				}
				if got := w.snapshot(); got != want {
					t.Fatalf("after %d operations of %d the next runs do not lead to the same tree:\n%s", k, n, differences(got, want))
				}
			}
		})
	}
}

// To another filesystem usermod copies a home and then removes the original; it can be
// killed in both.
func TestHomesThatAreCopiedConverge(t *testing.T) {
	cfg := parse(t, `"passwd": {"users": [{"name": "dusk", "shouldExist": false}, {"name": "early", "homeDir": "/home/ann/bob"}, {"name": "ann", "homeDir": "/home/dusk", "uid": 1901, "sshAuthorizedKeys": ["k"]}]},
		"storage": {"files": [{"path": "/home/dusk/x", "contents": {"source": "data:,x"}}, {"path": "/home/ann/y", "contents": {"source": "data:,y"}}]}`)
	for name, c := range map[string]struct {
		lost   []string // of the original
		copied []string // nodes that the copy does not have yet
		after  int      // operations that follow
	}{
		"by half":              {copied: []string{"bob/note", "link"}},
		"whole":                {},
		"the original by half": {lost: []string{"bob"}},
		"the original removed": {lost: []string{"."}},
		"and more was done":    {lost: []string{"."}, after: 5},
	} {
		t.Run(name, func(t *testing.T) {
			whole := withHomes(t)
			if whole == nil {
				return
			}
			if _, err := whole.runPart(cfg, -1); err != nil {
				t.Fatal(err)
			}
			w := withHomes(t)
			run := w.Tree.Run
			w.Tree.Run = runnerFunc(func(ctx context.Context, command system.Command) ([]byte, error) {
				if command.Name != "usermod" {
					return run.Run(ctx, command)
				}
				w.copyHome(c.copied, c.lost)
				if c.after == 0 {
					return nil, errors.New("killed")
				}
				command.Args = slices.DeleteFunc(slices.Clone(command.Args), func(arg string) bool { return arg == "--move-home" })
				return run.Run(ctx, command)
			})
			if _, err := w.runPart(cfg, 4+c.after); (err == nil) != (c.after > 0) {
				t.Fatal(err)
			}
			w.Tree.Run = run
			for _, first := range []int{4, -1} {
				if _, err := w.runPart(cfg, first); err != nil {
					t.Fatal(err)
				}
			}
			if got, want := w.snapshot(), whole.snapshot(); got != want {
				t.Error(differences(got, want))
			}
		})
	}
}

// copyHome copies the home of ann to that of dusk for the user ID 1901, but for some
// nodes, and removes some of the original.
func (w *fixture) copyHome(but, lost []string) {
	w.Helper()
	if out, err := exec.Command("cp", "-a", w.path("home/ann"), w.path("home/dusk")).CombinedOutput(); err != nil {
		w.Fatalf("%v\n%s", err, out)
	}
	for _, node := range []string{"", "note", "link"} {
		w.own("home/dusk/"+node, 1901, 901)
	}
	for _, node := range but {
		testkit.NoError(w.T, os.RemoveAll(w.path("home/dusk/"+node)))
	}
	for _, node := range lost {
		testkit.NoError(w.T, os.RemoveAll(filepath.Clean(w.path("home/ann/"+node))))
	}
}

type runnerFunc func(context.Context, system.Command) ([]byte, error)

func (f runnerFunc) Run(ctx context.Context, c system.Command) ([]byte, error) { return f(ctx, c) }

// useradd makes a mailbox without a mode and an owner first.
func TestMailboxThatWasMadeByHalf(t *testing.T) {
	cfg := parse(t, `"passwd": {"users": [{"name": "dawn"}]}`)
	whole, w := withHomes(t), withHomes(t)
	if w == nil {
		return
	}
	_, err := whole.runPart(cfg, -1)
	testkit.NoError(t, err)
	_, err = w.runPart(cfg, 2)
	testkit.NoError(t, err)
	w.own("var/spool/mail/dawn", 0, 0)
	testkit.NoError(t, os.Chmod(w.path("var/spool/mail/dawn"), 0))
	_, err = w.runPart(cfg, -1)
	testkit.NoError(t, err)
	if got, want := w.snapshot(), whole.snapshot(); got != want {
		t.Error(differences(got, want))
	}
}

func TestUsersGoBeforeGroups(t *testing.T) {
	for name, c := range map[string]struct{ config, group string }{
		"both":                       {`"users": [{"name": "dusk", "shouldExist": false}], "groups": [{"name": "dusk", "shouldExist": false}]`, ""},
		"the group is kept":          {`"users": [{"name": "dusk", "shouldExist": false}], "groups": [{"name": "dusk", "gid": 905}]`, "dusk:x:905:"},
		"its id is given to another": {`"users": [{"name": "dusk", "shouldExist": false}, {"name": "new", "primaryGroup": "x"}], "groups": [{"name": "x", "gid": 900}]`, "x:x:900:"},
	} {
		t.Run(name, func(t *testing.T) {
			w := withHomes(t)
			if w == nil {
				return
			}
			w.mustApply(`"passwd": {` + c.config + `}`)
			groups := w.read("etc/group")
			if !strings.Contains(groups, c.group) || c.group == "" && strings.Contains(groups, "dusk") {
				t.Errorf("the groups are\n%s\nwant %q", groups, c.group)
			}
		})
	}
}

// What the programs would refuse is known before the first change, at its place and
// all at once.
func TestAccountsThatCannotBeAreConflicts(t *testing.T) {
	const groups, passwd = " none that this system has, or that the config makes before", "passwd."
	for config, want := range map[string][]string{
		`"users": [{"name": "x", "groups": ["staff", "nobody"]}]`:                                            {`users[0].groups[1] user "x": the group "nobody" is` + groups},
		`"users": [{"name": "x", "primaryGroup": "none"}, {"name": "ann", "groups": ["none"]}]`:              {`users[0].primaryGroup user "x": the primary group "none" is none that`, `users[1].groups[0] user "ann": the group "none" is none that`},
		`"users": [{"name": "x", "primaryGroup": "77", "groups": ["50"]}]`:                                   {`users[0].primaryGroup user "x": the primary group "77" is none that`},
		`"users": [{"name": "x", "groups": ["y"]}, {"name": "y"}]`:                                           {`users[0].groups[0] user "x": the group "y" is none that`},
		`"users": [{"name": "x", "groups": ["staff"]}], "groups": [{"name": "staff", "shouldExist": false}]`: {`users[0].groups[0] user "x": the group "staff" is none that`},
		`"users": [{"name": "x", "uid": 901}, {"name": "y", "uid": 2000}, {"name": "z", "uid": 2000}]`:       {`users[0].uid user "x": the uid 901 is that of user "ann"`, `users[2].uid user "z": the uid 2000 is that of user "y"`},
		`"users": [{"name": "ann", "uid": 900}]`:                                                             {`users[0].uid user "ann": the uid 900 is that of user "dusk"`},
		`"groups": [{"name": "x", "gid": 50}, {"name": "ann", "gid": 900}]`:                                  {`groups[0].gid group "x": the gid 50 is that of group "staff"`, `groups[1].gid group "ann": the gid 900 is that of group "dusk"`},
		`"groups": [{"name": "ann", "shouldExist": false}]`:                                                  {`groups[0].name group "ann" cannot be deleted: it is the primary group of user "ann"`},
		`"users": [{"name": "eve", "shouldExist": false}]`:                                                   {`users[0].name user "eve" cannot be deleted: the home /home/ann belongs to uid 901`},
		`"groups": [{"name": "x"}], "users": [{"name": "x"}]`:                                                {`users[0].name user "x": there is a group of this name`},
		`"users": [{"name": "x", "shell": "bash", "homeDir": "x"}]`:                                          {`users[0].shell user "x": the shell "bash" is not an absolute path`, `users[0].homeDir user "x": the home "x" is not`},
	} {
		t.Run(config, func(t *testing.T) {
			w := withHomes(t)
			if w == nil {
				return
			}
			texts := make([]string, len(want))
			for i, text := range want {
				place, message, _ := strings.Cut(text, " ")
				texts[i], want[i] = message, passwd+place
			}
			for _, err := range w.wantConflicts(`"passwd": {`+config+`}`, texts...) {
				found := false
				for i, text := range texts {
					found = found || strings.Contains(err.Error(), text) && strings.Contains(err.(*report.Error).Origin.String(), want[i])
				}
				if !found {
					t.Errorf("%v is at %v, want %v", err, err.(*report.Error).Origin, want)
				}
			}
		})
	}
}

func TestAccountsThatCanBe(t *testing.T) {
	w := withHomes(t)
	if w == nil {
		return
	}
	w.mustApply(`"passwd": {"groups": [{"name": "x", "gid": 2000, "passwordHash": "$6$a"}, {"name": "staff", "gid": 50}], "users": [
		{"name": "x", "primaryGroup": "x", "groups": ["50", "staff,ann"], "passwordHash": "$6$b"}, {"name": "y", "noUserGroup": true, "primaryGroup": "2000"}, {"name": "z", "groups": ["x"]},
		{"name": "v", "groups": ["z"], "gecos": "V, with a comma", "uid": 3000}, {"name": "ann", "uid": 901, "homeDir": "/home/ann/"}, {"name": "dusk", "homeDir": "/home/dusk"}]}`)
	for name, want := range map[string]string{"etc/passwd": "v:x:3000:3000:V, with a comma:/var/home/v:", "etc/shadow": "x:$6$b:", "etc/gshadow": "x:$6$a:", "etc/group": "z:x:1002:v\n"} {
		if !strings.Contains(w.read(name), want) {
			t.Errorf("%s holds\n%s\nwant %q", name, w.read(name), want)
		}
	}
}
