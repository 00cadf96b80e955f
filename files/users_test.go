package files

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/system"
)

// shadowLines are the commands of a run without the root's path.
func (w *fixture) shadowLines() []string {
	var lines []string
	for _, l := range w.run.Lines() {
		lines = append(lines, strings.ReplaceAll(l, w.Root, "R"))
	}
	return slices.DeleteFunc(lines, func(l string) bool { return l == "is-live-image" })
}

func (w *fixture) wantCommands(want ...string) {
	w.Helper()
	if got := w.shadowLines(); !slices.Equal(got, want) {
		w.Errorf("ran\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// withAccounts has root, ann and bob, and some groups.
func withAccounts(t *testing.T) *fixture {
	w := newFixture(t)
	uid, gid := os.Getuid(), os.Getgid()
	w.write("etc/passwd", fmt.Sprintf("root:x:0:0:root:/root:/bin/sh\nann:x:%d:%d::/home/ann:/bin/sh\n", uid, gid))
	w.write("usr/lib/passwd", fmt.Sprintf("ann:x:77:77::/wrong:/bin/sh\nbob:x:%d:%d::/home/bob:/bin/sh\n", uid, gid))
	w.write("etc/group", "root:x:0:\na:x:31:\nb:x:32:\np:x:33:\n")
	w.write("usr/lib/group", "wheel:x:10:\n")
	return w
}

func TestGroupCommands(t *testing.T) {
	for group, want := range map[string][]string{
		`{"name": "new"}`: {"groupadd --root R new"},
		`{"name": "new", "gid": 7, "passwordHash": "$h", "system": true}`: {
			"groupadd --root R --gid 7 --system new", "chgpasswd --root R --encrypted"},
		`{"name": "new", "gid": 9, "passwordHash": "", "system": false}`: {"groupadd --root R --gid 9 new"},
		`{"name": "new", "passwordHash": "*"}`:                           {"groupadd --root R --password * new"},
		`{"name": "root"}`:                                               {"groupmod --root R root"},
		`{"name": "wheel", "gid": 7, "passwordHash": "$h", "system": true}`: {
			"groupmod --root R --gid 7 wheel", "chgpasswd --root R --encrypted"},
		`{"name": "wheel", "shouldExist": false}`: {"groupdel --root R wheel"},
		`{"name": "new", "shouldExist": false}`:   nil,
	} {
		w := withAccounts(t)
		w.mustApply(`"passwd": {"groups": [` + group + `]}`)
		w.wantCommands(want...)
	}
}

func TestUserCommands(t *testing.T) {
	const all = `"gecos": "G", "groups": ["a", "b"], "homeDir": "/h", "primaryGroup": "p", "shell": "/s", "uid": 7`
	const flags = `"noCreateHome": true, "noUserGroup": true, "system": true, "noLogInit": true`
	const none = `"gecos": "", "homeDir": "", "primaryGroup": "", "shell": "", "groups": [], "noCreateHome": false`
	for user, want := range map[string][]string{
		`{"name": "new"}`:               {"useradd --root R --create-home --password * new"},
		`{"name": "new", ` + none + `}`: {"useradd --root R --create-home --password * new"},
		`{"name": "new", "passwordHash": "$h", ` + all + `}`: {
			"useradd --root R --home-dir /h --create-home --password * --uid 7 --comment G --gid p --groups a,b --shell /s new",
			"chpasswd --root R --encrypted"},
		`{"name": "new", "passwordHash": "", ` + flags + `}`: {
			"useradd --root R --no-create-home --no-user-group --system --no-log-init --password * new",
			"usermod --root R --password * new"},
		`{"name": "ann"}`:                {"usermod --root R ann"},
		`{"name": "bob", ` + flags + `}`: {"usermod --root R bob"},
		`{"name": "ann", "passwordHash": "$h", ` + all + `}`: {
			"usermod --root R --home /h --move-home --uid 7 --comment G --gid p --groups a,b --shell /s ann",
			"chpasswd --root R --encrypted"},
		`{"name": "ann", "passwordHash": "!!"}`: {
			"usermod --root R --password !! ann", "usermod --root R --password !! ann"},
		`{"name": "ann", "passwordHash": ""}`: {
			"usermod --root R --password * ann", "usermod --root R --password * ann"},
		`{"name": "ann", "shouldExist": false, ` + all + `}`:                {"userdel --root R --remove ann"},
		`{"name": "new", "shouldExist": false, "sshAuthorizedKeys": ["k"]}`: nil,
	} {
		w := withAccounts(t)
		w.mustApply(`"passwd": {"users": [` + user + `]}`)
		w.wantCommands(want...)
	}
}

func TestGroupsComeBeforeUsersInTheOrderOfTheConfig(t *testing.T) {
	w := withAccounts(t)
	w.mustApply(`"passwd": {"users": [{"name": "z"}, {"name": "a"}], "groups": [{"name": "y"}, {"name": "c"}]}`)
	w.wantCommands("groupadd --root R y", "groupadd --root R c",
		"useradd --root R --create-home --password * z", "useradd --root R --create-home --password * a")
}

// keeper records whole commands. Those of some programs fail.
type keeper struct {
	fails    map[string]error
	commands []system.Command
}

func (k *keeper) Run(_ context.Context, c system.Command) ([]byte, error) {
	k.commands = append(k.commands, c)
	if err := k.fails[c.Name]; err != nil {
		return nil, &system.CommandError{Command: c, Err: err, Output: "no"}
	}
	return nil, nil
}

// hashed are configs with password hashes, and which program gets them.
var hashed = map[string]string{
	`"passwd": {"users": [{"name": "new", "passwordHash": "$6$secret"}]}`:    "chpasswd",
	`"passwd": {"users": [{"name": "ann", "passwordHash": "!$6$secret"}]}`:   "chpasswd",
	`"passwd": {"groups": [{"name": "new", "passwordHash": "$6$secret"}]}`:   "chgpasswd",
	`"passwd": {"groups": [{"name": "wheel", "passwordHash": "oldsecret"}]}`: "chgpasswd",
}

func TestPasswordHashesAreNoArguments(t *testing.T) {
	for sections, program := range hashed {
		w, k := withAccounts(t), &keeper{fails: map[string]error{program: errors.New("exit status 1")}}
		w.Tree.Run = k
		err := w.apply(sections)
		var failed *system.CommandError
		if !errors.As(err, &failed) || strings.Contains(err.Error()+failed.Detail(), "secret") {
			t.Errorf("%s: the error is: %v", sections, err)
		}
		if strings.Contains(w.log.String(), "secret") {
			t.Errorf("the log is\n%s", w.log)
		}
		for _, c := range k.commands {
			if strings.Contains(strings.Join(c.Args, " "), "secret") {
				t.Errorf("%s has it as an argument: %q", c.Name, c.Args)
			}
		}
		if last := k.commands[len(k.commands)-1]; last.Name != program || !strings.HasSuffix(string(last.Stdin), "secret\n") {
			t.Errorf("%s got %q, want %s", last.Name, last.Stdin, program)
		}
	}
}

// An initramfs that was made for the reference does not have the programs.
func TestPasswordHashesWithoutTheirPrograms(t *testing.T) {
	for sections, program := range hashed {
		w, k := withAccounts(t), &keeper{fails: map[string]error{program: exec.ErrNotFound}}
		w.Tree.Run = k
		w.mustApply(sections)
		last := k.commands[len(k.commands)-1]
		if !strings.Contains(strings.Join(last.Args, " "), "secret") || strings.Contains(last.String(), "secret") {
			t.Errorf("ran %q, shown as %s", last.Args, last)
		}
		if log := w.log.String(); !strings.Contains(log, program+" is not in this initramfs") || strings.Contains(log, "secret") {
			t.Errorf("the log is\n%s", log)
		}
	}
}

func TestOperationsNameTheProgramsTheyNeed(t *testing.T) {
	for sections, want := range map[string]string{
		`"passwd": {"users": [{"name": "new"}]}`:                                                          "useradd",
		`"passwd": {"users": [{"name": "ann"}]}`:                                                          "usermod",
		`"passwd": {"users": [{"name": "new", "passwordHash": "secret"}]}`:                                "useradd chpasswd|usermod",
		`"passwd": {"users": [{"name": "new", "passwordHash": ""}]}`:                                      "useradd usermod",
		`"passwd": {"users": [{"name": "ann", "shouldExist": false}]}`:                                    "userdel",
		`"passwd": {"users": [{"name": "none", "shouldExist": false}]}`:                                   "",
		`"passwd": {"groups": [{"name": "new", "passwordHash": "secret"}]}`:                               "groupadd chgpasswd|groupmod",
		`"passwd": {"groups": [{"name": "wheel"}]}`:                                                       "groupmod",
		`"passwd": {"groups": [{"name": "wheel", "shouldExist": false}]}`:                                 "groupdel",
		`"systemd": {"units": [{"name": "a.service", "enabled": false, "contents": "[Unit]\nA=B\n"}]}`:    "",
		`"storage": {"luks": [{"name": "a", "device": "/dev/a", "keyFile": {"source": "data:,secret"}}]}`: "cryptsetup",
	} {
		w := withAccounts(t)
		w.Keys = map[string]string{"a": "data:,k"}
		plan, err := w.Plan(context.Background(), parse(t, sections))
		if err != nil {
			t.Errorf("%s: %v", sections, err)
		}
		var got []string
		for _, o := range plan {
			got = append(got, o.Programs...)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, want %s", sections, got, want)
		}
	}
}

func TestMountPointsInAHomeBecomeTheUsers(t *testing.T) {
	uid, gid := testOwner()
	me, my := os.Getuid(), os.Getgid()
	w := newFixture(t)
	w.write("etc/passwd", fmt.Sprintf("ann:x:%d:%d::/home/ann:/bin/sh\nnoh:x:%d:%d::/srv:/bin/sh\nslash:x:%d:%d::/:/bin/sh\n", uid, gid, uid, gid, uid, gid))
	w.symlink("var/home", "home")
	for _, dir := range []string{"var/home/ann/data/deep", "var/home/annette", "srv/x"} {
		w.mkdir(dir)
	}
	w.RecordedDirectories = []string{"/var/home/ann", "/var/home/ann/data", "/var/home/annette", "/srv/x", "/gone"}
	w.mustApply(`"passwd": {"users": [{"name": "ann"}, {"name": "noh", "noCreateHome": true}, {"name": "slash"}]}`)
	for _, name := range []string{"var/home/ann", "var/home/ann/data"} {
		w.wantOwner(name, uid, gid)
		w.wantMode(name, 0o700)
	}
	for _, name := range []string{"var/home/ann/data/deep", "var/home/annette", "srv/x"} {
		w.wantOwner(name, me, my)
		w.wantMode(name, 0o755)
	}
}

func TestOwnersMayBeCreatedByTheConfig(t *testing.T) {
	uid, gid := testOwner()
	w := withAccounts(t)
	w.Tree.Run = programFunc(func(program string) {
		switch program {
		case "useradd":
			w.write("etc/passwd", fmt.Sprintf("eve:x:%d:%d::/home/eve:/bin/sh\n", uid, gid))
			w.write("etc/group", fmt.Sprintf("eve:x:%d:\nstaff:x:%d:\n", gid, gid))
		}
	})
	w.mustApply(`"passwd": {"users": [{"name": "eve"}], "groups": [{"name": "staff"}]}, "storage": {
		"files": [{"path": "/f", "user": {"name": "eve"}, "group": {"name": "staff"}}],
		"directories": [{"path": "/d", "user": {"name": "eve"}, "group": {"name": "eve"}}],
		"links": [{"path": "/l", "target": "x", "user": {"name": "eve"}, "group": {"name": "eve"}}]}`)
	for _, name := range []string{"f", "d", "l"} {
		w.wantOwner(name, uid, gid)
	}
}

func TestOwnersThatTheConfigDeletesConflict(t *testing.T) {
	w := withAccounts(t)
	w.wantConflicts(`"passwd": {"users": [{"name": "ann", "shouldExist": false}, {"name": "x", "noUserGroup": true}], "groups": [{"name": "wheel", "shouldExist": false}]},
		"storage": {"files": [{"path": "/a", "user": {"name": "ann"}}, {"path": "/b", "group": {"name": "wheel"}}, {"path": "/c", "group": {"name": "x"}}]}`,
		`file /a should belong to user "ann", which neither this system has`,
		`file /b should belong to group "wheel", which neither this system has`,
		`file /c should belong to group "x", which neither this system has`)
}

func TestOwnerThatNoCommandCreated(t *testing.T) {
	w := withAccounts(t)
	err := w.apply(`"passwd": {"users": [{"name": "eve", "noCreateHome": true}]}, "storage": {"files": [{"path": "/f", "user": {"name": "eve"}}]}`)
	if err == nil || !strings.Contains(err.Error(), `writing file /f: there is no user "eve" in /etc/passwd or /usr/lib/passwd or /usr/share`) {
		t.Error(err)
	}
}

func TestAccountsAreReadLikeTheCLibraryDoes(t *testing.T) {
	w := newFixture(t)
	w.write("etc/passwd", "# comment\n\na:x:1:2:g:/h:/s\na:x:3:4:g:/h:/s\n+nis:x:5:5::/:\nshort:x:6\nword:x:six:6::/:\nhuge:x:4294967295:6::/:\nneg:x:-1:6::/:\n:x:7:7::/:\nlast:x:8:9::/l:/s")
	w.write("usr/lib/passwd", "a:x:10:10::/:\nalt:x:11:12::/alt:\n")
	w.write("etc/group", "g:x:1:\ng:x:2:a\n-bad:x:3:\nfive:x:5:a:b\n")
	w.symlink("/real", "usr/lib/group")
	w.write("real", "g:x:9:\nalt:x:13:a,b\n")
	root, err := rootfs.Open(w.Root)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	a, err := readAccounts(root.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]account{"a": {"a", 1, 2, "/h"}, "last": {"last", 8, 9, "/l"}, "alt": {"alt", 11, 12, "/alt"}}
	if fmt.Sprint(a.users) != fmt.Sprint(want) {
		t.Errorf("users are %v", a.users)
	}
	if fmt.Sprint(a.groups) != fmt.Sprint(map[string]group{"g": {1, nil}, "alt": {13, []string{"a", "b"}}}) {
		t.Errorf("groups are %v", a.groups)
	}
}

func TestUnreadableAccountsStopThePlan(t *testing.T) {
	w := newFixture(t)
	w.mkdir("etc/passwd")
	_, err := w.Plan(t.Context(), parse(t, ""))
	if err == nil || !strings.Contains(err.Error(), "reading the users and groups of "+w.Root) || !strings.Contains(err.Error(), "there is a directory") {
		t.Error(err)
	}
}
