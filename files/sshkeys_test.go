package files

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/report"
)

const annsKeys = `"passwd": {"users": [{"name": "ann", "sshAuthorizedKeys": ["ssh-ed25519 AAA ann@a", "ssh-rsa BBB"]}]}`

// withHome has a user ann, who may be the one that runs the test, and her home.
func withHome(t *testing.T) (w *fixture, uid, gid int) {
	w = newFixture(t)
	uid, gid = testOwner()
	w.write("etc/passwd", fmt.Sprintf("ann:x:%d:%d::/home/ann:/bin/sh\n", uid, gid))
	w.mkdir("home/ann")
	w.own("home/ann", uid, gid)
	return w, uid, gid
}

func (w *fixture) own(name string, uid, gid int) {
	w.Helper()
	if err := os.Lchown(w.path(name), uid, gid); err != nil {
		w.Fatal(err)
	}
}

func TestSSHKeys(t *testing.T) {
	for fragments, file := range map[bool]string{true: ".ssh/authorized_keys.d/ignition", false: ".ssh/authorized_keys"} {
		w, uid, gid := withHome(t)
		w.KeyFragments = fragments
		for range 2 { // the second run finds everything and writes the same
			w.mustApply(annsKeys)
			w.wantText("home/ann/"+file, "ssh-ed25519 AAA ann@a\nssh-rsa BBB\n")
			w.wantMode("home/ann/"+file, 0o600)
			for name := file; name != "."; name = filepath.Dir(name) {
				w.wantOwner("home/ann/"+name, uid, gid)
				if name != file {
					w.wantMode("home/ann/"+name, 0o700)
				}
			}
		}
	}
}

func TestSSHKeysReplaceOldOnesAndKeepTheDirectory(t *testing.T) {
	w, uid, gid := withHome(t)
	w.KeyFragments = false
	w.write("home/ann/.ssh/authorized_keys", "old and much longer than what comes, so that a remainder would show itself")
	w.write("home/ann/.ssh/config", "mine")
	w.own("home/ann/.ssh", uid, gid)
	os.Chmod(w.path("home/ann/.ssh"), 0o750)
	w.mustApply(annsKeys)
	w.wantText("home/ann/.ssh/authorized_keys", "ssh-ed25519 AAA ann@a\nssh-rsa BBB\n")
	w.wantText("home/ann/.ssh/config", "mine")
	w.wantMode("home/ann/.ssh", 0o750)
}

func TestSSHKeysAreReportedToTheJournal(t *testing.T) {
	w, _, _ := withHome(t)
	w.symlink("/home", "var/home")
	var fields []string
	w.Tree.Log = recordFields(&fields)
	w.mustApply(annsKeys)
	want := "wrote ssh authorized keys file for user: ann IGNITION_PATH=" +
		w.path("home/ann/.ssh/authorized_keys.d/ignition") + " IGNITION_USER_NAME=ann MESSAGE_ID=225067b87bbd4a0cb6ab151f82fa364b"
	if !strings.Contains(strings.Join(fields, "\n"), want) {
		t.Errorf("logged\n%s\nwant\n%s", strings.Join(fields, "\n"), want)
	}
}

func TestSSHKeysGoOnlyWhereTheUserCould(t *testing.T) {
	if os.Getuid() != 0 {
		return // only root can make directories of others, so there is nothing to refuse
	}
	for name, c := range map[string]struct {
		prepare func(w *fixture, uid, gid int)
		want    string
	}{
		"link out of the home": {func(w *fixture, uid, gid int) {
			w.mkdir("etc/ssh")
			w.symlink("/etc/ssh", "home/ann/.ssh")
		}, "home/ann/.ssh/authorized_keys.d leads to /etc/ssh/authorized_keys.d: "},
		"link out of the root": {func(w *fixture, uid, gid int) {
			w.symlink(w.outside, "home/ann/.ssh")
		}, "root belongs to uid 0 and has mode 0755: user \"ann\" (uid 1234) may not make tmp there"},
		"link to a sibling with the same prefix": {func(w *fixture, uid, gid int) {
			w.mkdir("home/annette")
			w.symlink("../annette", "home/ann/.ssh")
		}, "home/annette belongs to uid 0 and has mode 0755: user \"ann\" (uid 1234) may not make authorized_keys.d there"},
		"fragments out of the home": {func(w *fixture, uid, gid int) {
			w.mkdir("home/ann/.ssh")
			w.own("home/ann/.ssh", uid, gid)
			w.symlink("/etc", "home/ann/.ssh/authorized_keys.d")
		}, "authorized_keys.d leads to /etc: "},
		"directory of somebody else": {func(w *fixture, uid, gid int) {
			w.mkdir("home/ann/.ssh")
		}, "home/ann/.ssh belongs to uid 0 and has mode 0755: user \"ann\" (uid 1234) may not make authorized_keys.d there"},
		"file instead of a directory": {func(w *fixture, uid, gid int) {
			w.write("home/ann/.ssh", "")
		}, "home/ann/.ssh/authorized_keys.d: not a directory"},
		"directory instead of a file": {func(w *fixture, uid, gid int) {
			w.mkdir("home/ann/.ssh/authorized_keys.d/ignition")
			w.own("home/ann/.ssh", uid, gid)
			w.own("home/ann/.ssh/authorized_keys.d", uid, gid)
		}, "home/ann/.ssh/authorized_keys.d/ignition there is a directory"},
		"no home": {func(w *fixture, uid, gid int) {
			os.Remove(w.path("home/ann"))
		}, `root/home belongs to uid 0 and has mode 0755: user "ann" (uid 1234) may not make ann there`},
	} {
		t.Run(name, func(t *testing.T) {
			w, uid, gid := withHome(t)
			c.prepare(w, uid, gid)
			before := listing(t, w.Root)
			_, err := w.Plan(t.Context(), parse(t, annsKeys))
			if err == nil || !strings.Contains(err.Error(), `writing the SSH keys of user "ann": `) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\nwant %s", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "AAA") {
				t.Error("the keys are in the error")
			}
			if after := listing(t, w.Root); after != before {
				t.Errorf("the root has become\n%s", after)
			}
		})
	}
}

// Who is yet to get her numbers, other numbers or directories may own what is there.
func TestSSHKeysAreRefusedOnlyIfItIsSure(t *testing.T) {
	if os.Getuid() != 0 {
		return // only root can make directories of others
	}
	const other = 4321
	for name, c := range map[string]struct {
		user    string
		prepare func(w *fixture, uid, gid int)
		want    string // "" if it is not refused
	}{
		"new, a home of root's": {`"name": "new"`, func(w *fixture, _, _ int) { w.mkdir("home/new") }, `root/home/new belongs to uid 0 and has mode 0755: user "new" may not make .ssh there`},
		"new, somebody's home": {`"name": "new"`, func(w *fixture, _, _ int) {
			w.mkdir("home/new")
			w.own("home/new", other, other)
		}, ""},
		"new, no home":            {`"name": "new"`, func(*fixture, int, int) {}, ""},
		"new, none will be made":  {`"name": "new", "noCreateHome": true`, func(*fixture, int, int) {}, `root/home belongs to uid 0 and has mode 0755: user "new" may not make new there`},
		"other numbers, her home": {`"name": "ann", "uid": 4321`, func(w *fixture, uid, gid int) { w.own("home/ann", uid, gid) }, ""},
		"other numbers, root's home": {`"name": "ann", "uid": 4321`, func(w *fixture, _, _ int) { w.own("home/ann", 0, 0) },
			`root/home/ann belongs to uid 0 and has mode 0755: user "ann" (uid 4321) may not make .ssh there`},
		"a mount point": {`"name": "ann"`, func(w *fixture, _, _ int) {
			w.mkdir("home/ann/.ssh")
			w.RecordedDirectories = []string{"/home/ann/.ssh"}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w, uid, gid := withHome(t)
			c.prepare(w, uid, gid)
			_, err := w.Plan(t.Context(), parse(t, `"passwd": {"users": [{`+c.user+`, "sshAuthorizedKeys": ["k"]}]}`))
			switch {
			case c.want == "" && err != nil:
				t.Errorf("it is refused: %v", err)
			case c.want != "" && (!errors.Is(err, report.ErrConfig) || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want a conflict: %s", err, c.want)
			}
		})
	}
}

// What the reference boots, boots: it writes as the user, wherever links lead. Ours
// lead inside of the root.
func TestSSHKeysThroughLinksOutOfTheHome(t *testing.T) {
	if os.Getuid() != 0 {
		return // only root can make directories of others
	}
	const keys = "ssh-ed25519 AAA ann@a\nssh-rsa BBB\n"
	for name, c := range map[string]struct {
		fragments bool
		prepare   func(w *fixture, uid, gid int)
		file      string
	}{
		".ssh, to a directory of hers": {true, func(w *fixture, uid, gid int) {
			w.symlink("/data/ann", "home/ann/.ssh")
			w.mkdir("data/ann")
			w.own("data/ann", uid, gid)
		}, "data/ann/authorized_keys.d/ignition"},
		".ssh, to nothing in a directory of hers": {true, func(w *fixture, uid, gid int) {
			w.symlink("../../data/ann/new", "home/ann/.ssh")
			w.mkdir("data/ann")
			w.own("data/ann", uid, gid)
		}, "data/ann/new/authorized_keys.d/ignition"},
		"authorized_keys.d": {true, func(w *fixture, uid, gid int) {
			w.symlink("/etc/ssh/ann.d", "home/ann/.ssh/authorized_keys.d")
			w.mkdir("etc/ssh/ann.d")
			w.own("etc/ssh/ann.d", uid, gid)
		}, "etc/ssh/ann.d/ignition"},
		"a directory of her group": {true, func(w *fixture, uid, gid int) {
			w.symlink("/srv/keys", "home/ann/.ssh/authorized_keys.d")
			w.mkdir("srv/keys")
			w.own("srv/keys", 0, gid)
			os.Chmod(w.path("srv/keys"), 0o775)
		}, "srv/keys/ignition"},
		"authorized_keys, to a file of hers": {false, func(w *fixture, uid, gid int) {
			w.symlink("/etc/ssh/keys/ann", "home/ann/.ssh/authorized_keys")
			w.write("etc/ssh/keys/ann", "old")
			w.own("etc/ssh/keys/ann", uid, gid)
		}, "etc/ssh/keys/ann"},
		"authorized_keys, to a file of root": {false, func(w *fixture, uid, gid int) {
			w.symlink("/etc/ssh/keys/ann", "home/ann/.ssh/authorized_keys")
			w.write("etc/ssh/keys/ann", "old")
			w.own("home/ann/.ssh", uid, gid)
		}, "home/ann/.ssh/authorized_keys"},
	} {
		t.Run(name, func(t *testing.T) {
			w, uid, gid := withHome(t)
			w.KeyFragments = c.fragments
			c.prepare(w, uid, gid)
			for range 2 {
				w.mustApply(annsKeys)
				w.wantText(c.file, keys)
				w.wantOwner(c.file, uid, gid)
				w.wantMode(c.file, 0o600)
			}
		})
	}
}

func TestKeysHaveOneLineEachHoweverTheyEnd(t *testing.T) {
	for keys, want := range map[string]string{
		`"a", "b"`:              "a\nb\n",
		`"a\n"`:                 "a\n",
		`"a\n", "b\n\n", "c"`:   "a\nb\nc\n",
		`"a\r\n", "b\r\nc\r\n"`: "a\nb\nc\n",
		`"", "a", " \n"`:        "a\n",
		`""`:                    "",
		`"a b  ", " # note"`:    "a b  \n # note\n",
	} {
		w, _, _ := withHome(t)
		w.mustApply(`"passwd": {"users": [{"name": "ann", "sshAuthorizedKeys": [` + keys + `]}]}`)
		w.wantText("home/ann/.ssh/authorized_keys.d/ignition", want)
	}
}

func TestSSHKeysThroughLinksThatStayInTheHome(t *testing.T) {
	w, uid, gid := withHome(t)
	w.mkdir("home/ann/.config/ssh")
	w.own("home/ann/.config/ssh", uid, gid)
	w.symlink(".config/ssh", "home/ann/.ssh")
	// The last component is replaced and not followed.
	w.mkdir("home/ann/.config/ssh/authorized_keys.d")
	w.own("home/ann/.config/ssh/authorized_keys.d", uid, gid)
	w.symlink("/etc/passwd", "home/ann/.config/ssh/authorized_keys.d/ignition")
	before := w.read("etc/passwd")
	w.mustApply(annsKeys)
	w.wantText("home/ann/.config/ssh/authorized_keys.d/ignition", "ssh-ed25519 AAA ann@a\nssh-rsa BBB\n")
	w.wantText("etc/passwd", before)
}

func TestHomeOfRootIsMade(t *testing.T) {
	w := newFixture(t)
	w.write("etc/passwd", "root:x:0:0::/root:/bin/sh\n")
	w.symlink("var/roothome", "root")
	if os.Getuid() != 0 {
		return // an ordinary user cannot give anything to root
	}
	w.mustApply(strings.ReplaceAll(annsKeys, `"ann"`, `"root"`))
	w.wantMode("var/roothome", 0o700)
	w.wantText("var/roothome/.ssh/authorized_keys.d/ignition", "ssh-ed25519 AAA ann@a\nssh-rsa BBB\n")
}
