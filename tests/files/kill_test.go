package files_test

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/files/ledger"
	"github.com/firstlight-os/firstlight/tests/sandbox"
)

// The files stage and its helper programs are killed at their system calls that write.
// All calls of the process tree are counted as one sequence, so that its n points are
// all the states which a kill can leave.
var (
	kills = flag.Int("files.kills", 8, "kill at so many system calls of each config, chosen at random; at each one if it is 0")
	twice = flag.Int("files.twice", 1, "kill the next run, too, at so many pairs of calls of each config, chosen at random")
	seed  = flag.Uint64("files.seed", 0, "seed of these choices; 0 chooses one")
)

// A killCase is a config and the image that it is applied to.
type killCase struct {
	config func(url string) string
	// mounts are the directories of the image that are filesystems of their own.
	mounts []string
	image  func(m *machine)
	env    []string
	state  map[string]any // members that earlier stages leave in the state file
	points []string       // directories that the mount stage has made, for what is mounted there
}

const (
	someDay = 1_000_000_000 // in seconds since 1970, when all of the image was made
	label   = "security.selinux"
)

var killCases = map[string]killCase{
	"new users": {config: func(string) string {
		return sections(`"passwd": {"groups": [{"name": "ops", "gid": 3000, "passwordHash": "$6$g"}, {"name": "sys", "system": true}], "users": [
			{"name": "ann", "uid": 2000, "groups": ["wheel", "ops"], "passwordHash": "$6$x", "sshAuthorizedKeys": ["k"], "shell": "/bin/sh", "gecos": "Ann"},
			{"name": "bob", "noUserGroup": true, "primaryGroup": "ops"}, {"name": "eve", "system": true, "homeDir": "/var/lib/eve"}, {"name": "joe", "noCreateHome": true}]}`)
	}},
	"parents of homes": {config: func(url string) string {
		return sections(`"passwd": {"users": [{"name": "ann", "homeDir": "/srv/people/a/ann", "sshAuthorizedKeys": ["k"]}, {"name": "bob"}]},
			"storage": {"files": [{"path": "/srv/people/a/ann/note", "user": {"name": "ann"}, "contents": {"source": "` + url + `/x"}}, {"path": "/var/home/bob/.rc", "append": [{"source": "data:,x"}]}]}`)
	}, image: func(m *machine) { m.write("root/etc/default/useradd", "HOME=/var/home\n") }},
	"deleted users and groups": {config: func(url string) string {
		return sections(`"passwd": {"groups": [{"name": "old", "shouldExist": false}, {"name": "dusk", "shouldExist": false}], "users": [
			{"name": "dusk", "shouldExist": false}, {"name": "core", "shouldExist": false}, {"name": "dawn", "homeDir": "/home/dusk"}]},
			"storage": {"files": [{"path": "/home/core/note", "contents": {"source": "` + url + `/x"}}, {"path": "/home/core/dir/a", "contents": {"source": "data:,y"}}, {"path": "/home/dusk/.note", "contents": {"source": "data:,y"}}]}`)
	}},
	"changed accounts": {config: func(string) string {
		return sections(`"passwd": {"groups": [{"name": "staff", "gid": 5000}, {"name": "core", "gid": 5001}], "users": [
			{"name": "core", "uid": 5000, "primaryGroup": "staff", "groups": ["wheel"], "shell": "/bin/bash", "passwordHash": "$6$x", "sshAuthorizedKeys": ["k", "l"]}, {"name": "dusk", "groups": ["old"], "passwordHash": ""}]}`)
	}},
	"many nodes":                        {config: manyNodes},
	"moved home":                        {config: movedHome},
	"moved home, other owner":           {config: movedHomeOfOther},
	"moved home, filesystems":           {config: movedHome, mounts: []string{"/srv"}},
	"moved home, filesystems and owner": {config: movedHomeOfOther, mounts: []string{"/srv", "/home"}},
	"homes behind links": {config: func(url string) string {
		return sections(`"passwd": {"users": [{"name": "core", "homeDir": "/home/new", "sshAuthorizedKeys": ["k"]}, {"name": "dusk", "shouldExist": false}, {"name": "ann"}]},
			"storage": {"files": [{"path": "/home/new/x", "contents": {"source": "` + url + `/x"}}, {"path": "/home/ann/y", "contents": {"source": "data:,y"}}], "links": [{"path": "/home/core", "target": "new"}]}`)
	}, image: func(m *machine) {
		// As those of OSTree are.
		if err := os.Rename(m.path("root/home"), m.path("root/var/home")); err != nil {
			m.Fatal(err)
		}
		m.link("home", "var/home")
	}},
	"homes that follow": {config: func(url string) string {
		return sections(`"passwd": {"groups": [{"name": "dusk"}], "users": [{"name": "core", "homeDir": "/home/dusk", "uid": 901}, {"name": "dusk", "shouldExist": false}, {"name": "dawn", "homeDir": "/home/dusk/dawn"}, {"name": "eve", "homeDir": "/home/core"}]},
			"storage": {"files": [{"path": "/home/dusk/x", "contents": {"source": "` + url + `/x"}}, {"path": "/home/core/note", "contents": {"source": "data:,y"}}]}`)
	}},
	"nodes": {config: func(url string) string {
		return sections(`"storage": {"directories": [{"path": "/data/new", "mode": 488, "user": {"name": "core"}}, {"path": "/opt/old", "overwrite": true}, {"path": "/etc/skel", "mode": 448}],
			"files": [{"path": "/data/a", "contents": {"source": "data:,a"}}, {"path": "/data/deep/down/b", "mode": 2541, "user": {"id": 500}, "contents": {"source": "` + url + `/b"}},
				{"path": "/opt/file", "overwrite": true, "contents": {"source": "` + url + `/c"}}, {"path": "/opt/tree", "overwrite": true, "contents": {"source": "data:,d"}},
				{"path": "/etc/motd", "append": [{"source": "data:,%2B"}, {"source": "` + url + `/e"}]}, {"path": "/data/appended", "append": [{"source": "` + url + `/f"}, {"source": "data:,g"}]}, {"path": "/opt/kept"}],
			"links": [{"path": "/data/s", "target": "/data/a"}, {"path": "/data/h", "target": "/data/a", "hard": true}, {"path": "/opt/link", "target": "/data/deep/down/b", "hard": true, "overwrite": true}, {"path": "/opt/soft", "target": "x", "overwrite": true}]}`)
	}},
	"absent paths and archives": {config: func(url string) string {
		return strings.Replace(sections(`"passwd": {"users": [{"name": "ann", "uid": 2000}]}, "storage": {"absent": ["/etc/motd", "/opt/soft", "/opt/never"],
			"archives": [{"path": "/opt/new", "format": "tar.gz", "contents": {"source": "`+url+`/a.tar.gz"}}, {"path": "/opt", "format": "tar.gz", "contents": {"source": "`+url+`/b.tar.gz"}, "overwrite": true},
				{"path": "/home/ann/app", "format": "tar.gz", "user": {"name": "ann"}, "group": {"name": "ann"}, "contents": {"source": "`+url+`/c.tar.gz"}},
				{"path": "/opt/inline", "format": "tar.gz", "contents": {"source": "data:;base64,`+base64.StdEncoding.EncodeToString(archive())+`"}}],
			"files": [{"path": "/opt/etc/mine", "contents": {"source": "`+url+`/x"}}, {"path": "/opt/new/deep/er/x", "contents": {"source": "data:,mine"}}], "directories": [{"path": "/opt/deep", "mode": 448}]}`), "3.6.0", "3.6.0+firstlight.1", 1)
	}, image: func(m *machine) {
		m.write("root/opt/etc/app.conf", "of the image")
	}},
	"units": {config: func(string) string {
		return sections(`"systemd": {"units": [{"name": "a.service", "enabled": true, "contents": "[Install]\nWantedBy=multi-user.target\n"}, {"name": "b.service", "enabled": false},
			{"name": "c.service", "mask": true}, {"name": "d.service", "dropins": [{"name": "x.conf", "contents": "[Service]\n"}]}, {"name": "e@1.service", "enabled": true}, {"name": "f.service", "mask": false}]}`)
	}, image: func(m *machine) {
		for _, name := range []string{"b", "c", "d", "e@"} {
			m.write("root/usr/lib/systemd/system/"+name+".service", "[Install]\nWantedBy=multi-user.target\nAlias=alias-"+name+".service\n")
		}
		m.write("root/etc/systemd/system-preset/20-ignition.preset", "disable x.service\n")
		for link, target := range map[string]string{"multi-user.target.wants/b.service": "/usr/lib/systemd/system/b.service", "alias-b.service": "/usr/lib/systemd/system/b.service", "f.service": "/dev/null"} {
			m.link("etc/systemd/system/"+link, target)
		}
	}},
	"mount points in homes": {config: func(url string) string {
		return sections(`"passwd": {"users": [{"name": "ann", "sshAuthorizedKeys": ["k"]}, {"name": "core", "uid": 5000}]}, "storage": {"files": [{"path": "/home/ann/data/x", "contents": {"source": "` + url + `/x"}}]}`)
	}, mounts: []string{"/home/ann/data", "/home/core/data"}, points: []string{"/home/ann", "/home/ann/data", "/home/core/data"}},
	"keys in a file": {config: keysOf, env: []string{"IGNITION_WRITE_AUTHORIZED_KEYS_FRAGMENT=false"}, image: func(m *machine) {
		m.link("home/dusk/.ssh", "/home/dusk/keys")
		m.write("root/home/dusk/keys/authorized_keys", "old\n")
		m.own("home/dusk", 900)
	}},
	"keys in fragments": {config: keysOf, image: func(m *machine) {
		m.write("root/home/dusk/.ssh/authorized_keys.d/ignition", "old\n")
		m.own("home/dusk", 900)
	}},
	"volumes": {config: func(string) string {
		return sections(`"storage": {"luks": [{"name": "data", "device": "/dev/x"}, {"name": "more", "device": "/dev/y"}]}`)
	}, state: map[string]any{"luksPersistKeyFiles": map[string]string{"data": "data:,one", "more": "data:,two"}},
		image: func(m *machine) { m.write("root/etc/crypttab", "old UUID=1 none luks\n") }},
	"few databases": {config: func(string) string {
		return sections(`"passwd": {"groups": [{"name": "ops"}], "users": [{"name": "ann", "groups": ["ops"]}, {"name": "dusk", "shouldExist": false}]}`)
	}, image: func(m *machine) {
		for _, name := range []string{"gshadow", "subuid", "subgid", ".pwd.lock"} {
			os.Remove(m.path("root/etc/" + name))
		}
	}},
	"everything": {config: func(url string) string {
		return sections(`"passwd": {"groups": [{"name": "ops"}, {"name": "old", "shouldExist": false}], "users": [{"name": "ann", "groups": ["ops"], "passwordHash": "$6$x", "sshAuthorizedKeys": ["k"]},
				{"name": "core", "homeDir": "/srv/core", "sshAuthorizedKeys": ["k"]}, {"name": "dusk", "shouldExist": false}]},
			"storage": {"files": [{"path": "/home/ann/a", "user": {"name": "ann"}, "contents": {"source": "` + url + `/a"}}, {"path": "/srv/core/b", "contents": {"source": "` + url + `/b"}}, {"path": "/home/dusk/c", "contents": {"source": "` + url + `/c"}}, {"path": "/etc/motd", "append": [{"source": "data:,x"}]}],
				"links": [{"path": "/home/ann/l", "target": "a", "user": {"name": "ann"}}]},
			"systemd": {"units": [{"name": "a.service", "enabled": true, "contents": "[Install]\nWantedBy=multi-user.target\n"}, {"name": "c.service", "mask": true}]}`)
	}, image: func(m *machine) {
		m.write("root/etc/.ignition-result.json", `{"provisioningBootID": "1", "provisioningDate": "2020-01-01T00:00:00Z"}`)
	}},
}

func movedHome(url string) string {
	return sections(`"passwd": {"users": [{"name": "core", "homeDir": "/srv/new/core", "sshAuthorizedKeys": ["k"]}]}, "storage": {"directories": [{"path": "/home/core/dir"}],
		"files": [{"path": "/srv/new/core/x", "contents": {"source": "` + url + `/x"}}, {"path": "/srv/new/core/note", "append": [{"source": "data:,y"}]}, {"path": "/home/core/note", "contents": {"source": "` + url + `/z"}}]}`)
}

func movedHomeOfOther(string) string {
	return sections(`"passwd": {"groups": [{"name": "ops", "gid": 3000}], "users": [{"name": "core", "homeDir": "/srv/core", "uid": 2000, "primaryGroup": "ops", "passwordHash": "$6$x"}]}, "storage": {"links": [{"path": "/home/core", "target": "/srv/core"}]}`)
}

func keysOf(string) string {
	return sections(`"passwd": {"users": [{"name": "core", "sshAuthorizedKeys": ["k", "l"]}, {"name": "dusk", "sshAuthorizedKeys": ["m"]}, {"name": "ann", "sshAuthorizedKeys": ["n"]}]}`)
}

func (m *machine) link(name, target string) {
	m.Helper()
	at := m.path("root/" + name)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		m.Fatal(err)
	}
	if err := os.Symlink(target, at); err != nil {
		m.Fatal(err)
	}
}

// own gives all that is at a path to a user and her group.
func (m *machine) own(name string, id int) {
	m.Helper()
	m.walk(name, func(at string, _ fs.FileInfo) error { return os.Lchown(at, id, id) })
}

func (m *machine) walk(name string, do func(at string, info fs.FileInfo) error) {
	m.Helper()
	err := filepath.WalkDir(m.path("root/"+name), func(at string, e fs.DirEntry, err error) error {
		if at == m.path("root/proc") {
			return fs.SkipDir
		}
		var info fs.FileInfo
		if err == nil {
			info, err = e.Info()
		}
		if err != nil {
			return err
		}
		return do(at, info)
	})
	if err != nil {
		m.Fatal(err)
	}
}

// A killedMachine is one of a case, which is made anew for each kill.
type killedMachine struct {
	*machine
	of  killCase
	run []byte // the state file that the fetch stage has left
	// digest is that of the config.
	digest string
	log    *os.File
}

func newKilledMachine(t *testing.T, c killCase) *killedMachine {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	k := &killedMachine{machine: &machine{T: t, dir: dir}, of: c}
	k.setVariables()
	k.env = append(k.env, "PATH="+k.path("bin")+":"+os.Getenv("PATH"), "SOURCE_DATE_EPOCH=1700000000") // of shadow-utils: the day of a password
	k.env = append(k.env, c.env...)
	k.write("bin/cryptsetup", "#!/bin/sh\necho 5e5a8ee1-9c4b-4b0c-9f4e-0123456789ab\n")
	self, err := os.Executable()
	if err == nil {
		err = errors.Join(os.Chmod(k.path("bin/cryptsetup"), 0o755), os.Symlink(self, k.path("bin/setfiles")), os.Mkdir(k.path("root"), 0o755))
	}
	if err == nil {
		k.log, err = os.Create(k.path("log"))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.log.Close() })
	k.boot(c.config(server(t, 0)))
	var state map[string]any
	if err := json.Unmarshal([]byte(k.read("run/ignition/state")), &state); err != nil {
		t.Fatal(err)
	}
	k.digest, _ = state["configDigest"].(string)
	maps.Copy(state, c.state)
	if k.run, err = json.Marshal(state); err != nil {
		t.Fatal(err)
	}
	return k
}

// restart leaves of /run what the fetch stage makes of it.
func (k *killedMachine) restart() {
	k.Helper()
	k.write("run/ignition/state", string(k.run))
}

// install makes the root as it is in the image.
func (k *killedMachine) install() {
	k.Helper()
	for i, at := range append([]string{""}, k.of.mounts...) {
		if i == 0 {
			unix.Unmount(k.path("root"), unix.MNT_DETACH) // with all that is mounted in it
		}
		err := os.MkdirAll(k.path("root"+at), 0o755)
		if err == nil {
			err = unix.Mount("tmpfs", k.path("root"+at), "tmpfs", 0, "mode=755")
		}
		if err != nil {
			k.Fatal(err)
		}
	}
	if len(k.of.mounts) > 0 {
		// With the C library of some systems usermod needs it to copy a home. Without it
		// useradd stops at the first directory of the skeleton.
		if err := errors.Join(os.Mkdir(k.path("root/proc"), 0o755), unix.Mount("proc", k.path("root/proc"), "proc", 0, "")); err != nil {
			k.Fatal(err)
		}
	}
	k.writeImage()
	for name, text := range map[string]string{
		"etc/passwd":  "root:x:0:0:root:/root:/bin/sh\ncore:x:500:500::/home/core:/bin/sh\ndusk:x:900:900::/home/dusk:/bin/sh\n",
		"etc/shadow":  "root:*:19000:0:99999:7:::\ncore:!:19000:0:99999:7:::\ndusk:!:19000:0:99999:7:::\n",
		"etc/group":   "root:x:0:\nwheel:x:10:\ncore:x:500:\ndusk:x:900:\nstaff:x:50:core,dusk\nold:x:950:dusk\n",
		"etc/gshadow": "root:*::\nwheel:!::\ncore:!::\ndusk:!::\nstaff:!::core,dusk\nold:!::dusk\n",
		"etc/subuid":  "core:100000:65536\n", "etc/subgid": "core:100000:65536\n", "etc/default/useradd": "CREATE_MAIL_SPOOL=yes\n",
		"etc/selinux/config": "SELINUX=enforcing\nSELINUXTYPE=targeted\n", "etc/skel/dir/.more": "skeleton",
		"home/core/.rc": "core's", "home/core/note": "old", "home/core/dir/a": "a", "home/core/dir/deep/b": strings.Repeat("b", 10000),
		"home/dusk/.note": "dusk's", "home/dusk/sub/x": "x", "var/mail/core": "mail", "var/mail/dusk": "mail",
		"opt/old/in/side": "x", "opt/file": "before", "opt/tree/a/b": "x", "opt/link": "before", "opt/soft": "before", "opt/kept": "kept",
	} {
		k.write("root/"+name, text)
	}
	k.link("home/core/link", "/home/core/note")
	if err := os.Link(k.path("root/home/core/dir/a"), k.path("root/home/core/dir/c")); err != nil {
		k.Fatal(err)
	}
	k.own("home/core", 500)
	k.own("home/dusk", 900)
	k.own("var/mail/core", 500)
	k.own("var/mail/dusk", 900)
	if k.of.image != nil {
		k.of.image(k.machine)
	}
	for _, point := range k.of.points {
		if err := ledger.RecordDirectories(k.path("root"), k.digest, []string{point}); err != nil {
			k.Fatal(err)
		}
	}
	k.settle()
}

// settle gives all nodes labels, those of the home another attribute, too, and the time
// when they were made.
func (k *killedMachine) settle() {
	k.Helper()
	for name, mode := range map[string]os.FileMode{"etc/shadow": 0o600, "etc/gshadow": 0o600, "home/core": 0o710, "home/core/note": 0o640} {
		if err := os.Chmod(k.path("root/"+name), mode); err != nil && !errors.Is(err, fs.ErrNotExist) {
			k.Fatal(err)
		}
	}
	then := unix.NsecToTimespec(someDay * int64(time.Second))
	k.walk("", func(at string, info fs.FileInfo) error {
		err := unix.Lsetxattr(at, label, []byte("of the image"), 0)
		if err == nil && strings.Contains(at, "/home/core") && info.Mode()&fs.ModeSymlink == 0 {
			err = unix.Lsetxattr(at, "user.kind", []byte("home"), 0)
		}
		return err
	})
	k.walk("", func(at string, info fs.FileInfo) error {
		return unix.UtimesNanoAt(unix.AT_FDCWD, at, []unix.Timespec{then, then}, unix.AT_SYMLINK_NOFOLLOW)
	})
}

// kill runs the files stage up to a cut.
func (k *killedMachine) kill(at cut) []madeCall {
	k.Helper()
	k.restart()
	if err := k.log.Truncate(0); err != nil {
		k.Fatal(err)
	}
	k.log.Seek(0, io.SeekStart)
	c := k.stage("files")
	calls, status := traced(k.T, at, c.Args, c.Environ(), k.log)
	if at.n == 0 && status.ExitStatus() != 0 {
		k.Fatalf("files: status %d\n%s", status.ExitStatus(), k.read("log"))
	}
	return calls
}

// finished reports whether a run has recorded that all is done.
func (k *killedMachine) finished() bool {
	text, err := os.ReadFile(k.path("root" + ledger.Path))
	return err == nil && strings.Contains(string(text), `"finished"`)
}

// ends reports why the next run does not end in the tree of one whole run, "" if it does.
// If all was done when this one was killed, the next one is a second run, which says so in
// the result file.
func (k *killedMachine) ends(one, two string) string {
	k.Helper()
	want := one
	if k.finished() {
		want = two
	}
	k.restart()
	if status, log, _ := k.files(); status != 0 {
		return fmt.Sprintf("the next run ends with status %d:\n%s", status, log)
	}
	if got := k.snapshot(); got != want {
		return "the next run ends in another tree:\n" + differences(got, want)
	}
	return ""
}

// backups are what the programs of shadow-utils leave of what was there before them.
var backups = []string{"passwd-", "shadow-", "group-", "gshadow-", "subuid-", "subgid-"}

// snapshot is all that the root holds: contents, modes, owners, attributes, and the
// times of what is as it was made.
func (k *killedMachine) snapshot() string {
	k.Helper()
	var b strings.Builder
	k.walk("", func(name string, info fs.FileInfo) error {
		at, _ := filepath.Rel(k.path("root"), name)
		if filepath.Dir(at) == "etc" && slices.Contains(backups, info.Name()) {
			return nil
		}
		st := info.Sys().(*syscall.Stat_t)
		fmt.Fprintf(&b, "%s %v %d:%d", at, info.Mode(), st.Uid, st.Gid)
		if st.Mtim.Sec == someDay && !info.IsDir() {
			b.WriteString(" old")
		}
		if !info.IsDir() {
			fmt.Fprintf(&b, " links %d", st.Nlink)
		}
		names := make([]byte, 1000)
		n, err := unix.Llistxattr(name, names)
		if err != nil {
			return err
		}
		for _, attribute := range slices.Sorted(strings.SplitSeq(string(names[:n]), "\x00")) {
			value := make([]byte, 1000)
			if n, err := unix.Lgetxattr(name, attribute, value); attribute != "" && err == nil {
				fmt.Fprintf(&b, " %s=%q", attribute, value[:n])
			}
		}
		if info.Mode().IsRegular() {
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %.600q", undated(at, text))
		}
		if target, err := os.Readlink(name); err == nil {
			fmt.Fprintf(&b, " -> %s", target)
		}
		b.WriteString("\n")
		return nil
	})
	return b.String()
}

// records have the times of all operations, and of each boot.
const records = "var/log/firstlight/"

// dates are the members of our own files that have times.
var dates = regexp.MustCompile(`"(provisioningDate|provisioningBootID|started|finished|modified)": ?("[^"]*"|[0-9]*)`)

func undated(name string, text []byte) []byte {
	if strings.HasPrefix(name, records) {
		return nil
	}
	if name != "etc/.ignition-result.json" && name != "etc/.provisioning-ledger.json" {
		return text
	}
	return dates.ReplaceAll(text, []byte("$1"))
}

// setLabels is the program setfiles of these machines: it labels the paths of its
// standard input, which end in NULs, and what is below them.
func setLabels() error {
	paths, err := io.ReadAll(os.Stdin)
	for name := range strings.SplitSeq(strings.TrimRight(string(paths), "\x00"), "\x00") {
		err = errors.Join(err, filepath.WalkDir(name, func(at string, _ fs.DirEntry, err error) error {
			if err == nil {
				err = unix.Lsetxattr(at, label, []byte("of the image"), 0)
			}
			return err
		}))
	}
	return err
}

// However the agent or its helpers are killed, the next run ends in the tree of a run
// that nothing has disturbed. With -files.kills=0 this is tried at every system call.
func TestKilledAtAnySystemCallTheNextRunEndsInTheSameTree(t *testing.T) {
	for i, name := range slices.Sorted(maps.Keys(killCases)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			killEverywhere(t, newKilledMachine(t, killCases[name]), seeded(t, i))
		})
	}
}

var chosenSeed = sync.OnceValue(func() uint64 { return cmp.Or(*seed, rand.Uint64()) })

// seeded makes the nth sequence of choices.
func seeded(t *testing.T, n int) *rand.Rand {
	t.Logf("-files.seed=%d", chosenSeed())
	return rand.New(rand.NewPCG(chosenSeed(), uint64(n)))
}

func killEverywhere(t *testing.T, k *killedMachine, random *rand.Rand) {
	k.install()
	calls := k.kill(cut{})
	one := k.snapshot()
	k.restart()
	k.must()
	two := k.snapshot()
	cuts := cutsOf(calls)
	pairs := make([][2]cut, *twice)
	for i := range pairs {
		pairs[i] = [2]cut{cuts[random.IntN(len(cuts))], cuts[random.IntN(len(cuts))]}
	}
	tried := len(cuts)
	if *kills > 0 && *kills < len(cuts) {
		random.Shuffle(len(cuts), func(i, j int) { cuts[i], cuts[j] = cuts[j], cuts[i] })
		tried = *kills
	}
	wrong := 0
	for _, at := range cuts[:tried] {
		pairs = append(pairs, [2]cut{at})
	}
	kinds := map[string]bool{}
	for _, pair := range pairs {
		k.install()
		var where []string
		for _, at := range pair {
			if at.n > 0 && !k.finished() {
				made := k.kill(at)
				where = append(where, at.describe(made))
				if len(made) >= at.n {
					kinds[made[at.n-1].call] = true
				}
			}
		}
		if why := k.ends(one, two); why != "" {
			wrong++
			t.Errorf("killed %s: %s", strings.Join(where, ", then "), why)
		}
	}
	t.Logf("%d calls that write; %d kills at %s; %d runs killed twice; wrong: %d",
		len(calls), tried, strings.Join(slices.Sorted(maps.Keys(kinds)), " "), *twice, wrong)
}

// cutsOf are the agent and its helper killed at each call, and at each call of a helper
// that one alone.
func cutsOf(calls []madeCall) (cuts []cut) {
	agent := filepath.Base(sandbox.Agent())
	for i, c := range calls {
		cuts = append(cuts, cut{n: i + 1})
		if c.program != agent {
			cuts = append(cuts, cut{n: i + 1, one: true})
		}
	}
	return cuts
}

// describe says where a run was killed that has made these calls.
func (c cut) describe(made []madeCall) string {
	if len(made) < c.n {
		return fmt.Sprintf("nowhere, as there were only %d calls instead of %d", len(made), c.n)
	}
	who := "all"
	if c.one {
		who = "only this process"
	}
	return fmt.Sprintf("at %v (call %d, %s)", made[c.n-1], c.n, who)
}
