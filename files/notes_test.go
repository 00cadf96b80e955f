package files

import (
	"fmt"
	"strings"
	"testing"
)

// wantWarnings checks the warnings of a run, each by a part of it, in this order.
func (w *fixture) wantWarnings(want ...string) {
	w.Helper()
	var got []string
	for line := range strings.Lines(w.log.String()) {
		if _, text, found := strings.Cut(line, "WARNING  : "); found {
			got = append(got, text)
		}
	}
	ok := len(got) == len(want)
	for i := range min(len(got), len(want)) {
		ok = ok && strings.Contains(got[i], want[i])
	}
	if !ok {
		w.Errorf("warnings are\n%s\nwant\n%s", strings.Join(got, ""), strings.Join(want, "\n"))
	}
}

func TestParentsThatStayRootsAreWarnedOf(t *testing.T) {
	const users = `"passwd": {"users": [{"name": "ann"}]}, "storage": `
	for sections, want := range map[string][]string{
		`{"files": [{"path": "/home/ann/.config/x/y", "user": {"name": "ann"}}, {"path": "/home/ann/.config/x/z", "user": {"name": "ann"}}]}`: {
			`the directory /home/ann/.config will be root's, since it does not exist and the config does not list it: user "ann" cannot write to it, only to /home/ann/.config/x/y (test config)`,
			`the directory /home/ann/.config/x will be root's`},
		`{"files": [{"path": "/home/ann/.config/x/y", "user": {"id": UID}}], "directories": [{"path": "/home/ann/.config", "user": {"name": "ann"}}]}`:           {`the directory /home/ann/.config/x will`},
		`{"links": [{"path": "/home/ann/l/l", "target": "/etc", "user": {"name": "ann"}}], "directories": [{"path": "/home/ann/d/d", "user": {"name": "ann"}}]}`: {`/home/ann/d will`, `/home/ann/l will`},
		`{"files": [{"path": "/home/ann/there/y", "user": {"name": "ann"}}, {"path": "/home/ann/f", "user": {"name": "ann"}}]}`:                                  nil,
		`{"files": [{"path": "/srv/ann/y", "user": {"name": "ann"}}, {"path": "/home/ann/none/root"}, {"path": "/home/ann/zero/f", "user": {"id": 0}}]}`:         nil,
	} {
		w, uid, _ := withHome(t)
		w.mkdir("home/ann/there")
		w.mustApply(users + strings.ReplaceAll(sections, "UID", fmt.Sprint(uid)))
		w.wantWarnings(want...)
	}
}

func TestLinksAndShellsThatLeadNowhereAreWarnedOf(t *testing.T) {
	for sections, want := range map[string][]string{
		`"storage": {"links": [{"path": "/etc/localtime", "target": "\\usr\\share\\zoneinfo\\Etc\\UTC"}]}`: {`link /etc/localtime leads to /etc/\usr\share\zoneinfo\Etc\UTC, which does not exist (test config)`},
		`"storage": {"links": [{"path": "/a", "target": "/usr/none"}, {"path": "/usr/b", "target": "../usr/none/x"}, {"path": "/loop", "target": "loop"}]}`: {
			"link /a leads to /usr/none,", "link /loop leads to /loop,", "link /usr/b leads to /usr/none/x,"},
		`"storage": {"links": [{"path": "/a", "target": "/usr/there"}, {"path": "/usr/b", "target": "../../../../usr/there"}, {"path": "/c", "target": "/a"}, {"path": "/d", "target": "/e"}, {"path": "/usr/dir", "target": "."}],
			"files": [{"path": "/e"}]}`: nil,
		`"storage": {"links": [{"path": "/r", "target": "z/f"}, {"path": "/z/s", "target": "./f"}, {"path": "/z/t", "target": "../z"}, {"path": "/q", "target": "lnk/../z/f"}, {"path": "/z/u", "target": "g"}, {"path": "/z/g", "target": "f2"}],
			"files": [{"path": "/z/f"}], "directories": [{"path": "/z"}]}`: {"link /q leads to /usr/z/f,", "link /z/u leads to /z/f2,", "link /z/g leads to /z/f2,"},
		`"storage": {"links": [{"path": "/a", "target": "/run/none"}, {"path": "/b", "target": "/var/run/none"}, {"path": "/c", "target": "/proc/self/mounts"}, {"path": "/d", "target": "/dev/null"},
			{"path": "/f", "target": "/sys/x"}, {"path": "/g", "target": "/tmp/x"}, {"path": "/h", "target": "/empty/later"}]}`: nil,
		`"storage": {"links": [{"path": "/etc/systemd/system/x.wants/u.service", "target": "/etc/systemd/system/u.service"}]}, "systemd": {"units": [{"name": "u.service", "contents": "[Unit]\n"}]}`: nil,
		`"passwd": {"users": [{"name": "ann", "shell": "/usr/there"}, {"name": "bob", "shell": "/usr/bin/zsh"}, {"name": "eve", "shell": "/none", "shouldExist": false}]}`: {
			`user "bob" has the shell /usr/bin/zsh, which does not exist: nobody can log in with it (test config)`},
	} {
		w, uid, gid := withHome(t)
		w.write("etc/passwd", w.read("etc/passwd")+fmt.Sprintf("bob:x:%d:%d::/home/bob:/bin/sh\n", uid+1, gid))
		w.write("usr/there", "")
		w.mkdir("empty")
		w.mkdir("usr/sub")
		w.symlink("usr/sub", "lnk")
		w.symlink("../run", "var/run")
		w.mustApply(sections)
		w.wantWarnings(want...)
	}
}
