package files

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// existing are the kinds of nodes that may be in the way, by what a message
// calls them.
func (w *fixture) existing(kind string) {
	w.Helper()
	switch kind {
	case "nothing":
	case "a file of 3 bytes":
		w.write("n", "old")
	case "a directory":
		w.write("n/inside", "old")
	case "a symbolic link to /etc/x":
		w.symlink("/etc/x", "n")
	case "a named pipe":
		if err := unix.Mkfifo(w.path("n"), 0o600); err != nil {
			w.Fatal(err)
		}
	default:
		w.Fatalf("no such kind: %s", kind)
	}
}

const file, directory, symlink, pipe = "a file of 3 bytes", "a directory", "a symbolic link to /etc/x", "a named pipe"

func TestFileOnExistingNode(t *testing.T) {
	const (
		plain     = `{"path": "/n"}`
		appended  = `{"path": "/n", "append": [{"source": "data:,+1"}, {"source": "data:,+2"}]}`
		contents  = `{"path": "/n", "contents": {"source": "data:,new"}}`
		empty     = `{"path": "/n", "contents": {"source": ""}}`
		both      = `{"path": "/n", "contents": {"source": "data:,new"}, "append": [{"source": "data:,+"}]}`
		overwrite = `{"path": "/n", "contents": {"source": "data:,new"}, "overwrite": true, "append": [{"source": "data:,+"}]}`
		emptied   = `{"path": "/n", "contents": {"source": ""}, "overwrite": true}`
	)
	const inTheWay = "file /n: the config gives it contents, but there already is "
	const notRegular = "file /n: it should be a regular file, but there already is "
	for _, c := range []struct{ there, file, want, conflict string }{
		{there: "nothing", file: plain, want: ""},
		{there: "nothing", file: appended, want: "+1+2"},
		{there: "nothing", file: contents, want: "new"},
		{there: "nothing", file: empty, want: ""},
		{there: "nothing", file: both, want: "new+"},
		{there: "nothing", file: overwrite, want: "new+"},
		{there: file, file: plain, want: "old"},
		{there: file, file: appended, want: "old+1+2"},
		{there: file, file: contents, conflict: inTheWay + file},
		{there: file, file: empty, conflict: inTheWay + file},
		{there: file, file: overwrite, want: "new+"},
		{there: file, file: emptied, want: ""},
		{there: directory, file: plain, conflict: notRegular + directory},
		{there: directory, file: appended, conflict: notRegular + directory},
		{there: directory, file: contents, conflict: inTheWay + directory},
		{there: directory, file: overwrite, want: "new+"},
		{there: symlink, file: plain, conflict: notRegular + symlink},
		{there: symlink, file: contents, conflict: inTheWay + symlink},
		{there: symlink, file: overwrite, want: "new+"},
		{there: pipe, file: plain, conflict: notRegular + pipe},
		{there: pipe, file: contents, conflict: inTheWay + pipe},
		{there: pipe, file: overwrite, want: "new+"},
	} {
		t.Run(c.there+c.file, func(t *testing.T) {
			w := newFixture(t)
			w.existing(c.there)
			sections := `"storage": {"files": [` + c.file + `]}`
			if c.conflict != "" {
				w.wantConflicts(sections, c.conflict+" and overwrite is not set")
				return
			}
			w.mustApply(sections)
			w.wantText("n", c.want)
			w.wantMode("n", 0o644)
			if !w.node("n").IsRegular() {
				t.Error("it is no regular file")
			}
			if w.exists("etc/x") {
				t.Error("the link was followed")
			}
		})
	}
}

func (w *fixture) node(name string) *rootfs.Stat { return &rootfs.Stat{Stat_t: w.stat(name)} }

func TestFileOwnerAndMode(t *testing.T) {
	uid, gid := testOwner()
	me, my := os.Getuid(), os.Getgid()
	ids := fmt.Sprintf(`"user": {"id": %d}, "group": {"id": %d}`, uid, gid)
	byName := `"user": {"name": "ann"}, "group": {"name": "staff"}`
	for name, c := range map[string]struct {
		there    bool // with mode 0640
		file     string
		uid, gid int
		mode     uint32
	}{
		"new, nothing said":          {file: `"contents": {"source": "data:,x"}`, uid: me, gid: my, mode: 0o644},
		"new, by id":                 {file: `"contents": {"source": "data:,x"}, "mode": 384, ` + ids, uid: uid, gid: gid, mode: 0o600},
		"new, by name":               {file: `"contents": {"source": "data:,x"}, ` + byName, uid: uid, gid: gid, mode: 0o644},
		"new, empty names":           {file: `"user": {"name": ""}, "group": {"name": ""}`, uid: me, gid: my, mode: 0o644},
		"setuid survives the chown":  {file: `"mode": 2541, ` + ids, uid: uid, gid: gid, mode: 0o4755},
		"setgid and sticky":          {file: `"mode": 2016, ` + ids, uid: uid, gid: gid, mode: 0o3740},
		"mode 0":                     {file: `"mode": 0`, uid: me, gid: my, mode: 0},
		"kept, nothing said":         {there: true, file: `"append": []`, uid: me, gid: my, mode: 0o640},
		"kept, owner only":           {there: true, file: ids, uid: uid, gid: gid, mode: 0o640},
		"kept, mode only":            {there: true, file: `"mode": 493`, uid: me, gid: my, mode: 0o755},
		"appended, nothing said":     {there: true, file: `"append": [{"source": "data:,x"}]`, uid: me, gid: my, mode: 0o640},
		"appended, owner and mode":   {there: true, file: `"append": [{"source": "data:,x"}], "mode": 292, ` + ids, uid: uid, gid: gid, mode: 0o444},
		"overwritten, mode is reset": {there: true, file: `"contents": {"source": "data:,x"}, "overwrite": true`, uid: me, gid: my, mode: 0o644},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t)
			w.write("usr/lib/passwd", fmt.Sprintf("ann:x:%d:%d::/home/ann:/bin/sh\n", uid, gid))
			w.write("etc/group", fmt.Sprintf("staff:x:%d:\n", gid))
			if c.there {
				w.write("f", "old")
				os.Chmod(w.path("f"), 0o640)
			}
			w.mustApply(`"storage": {"files": [{"path": "/f", ` + c.file + `}]}`)
			w.wantOwner("f", c.uid, c.gid)
			w.wantMode("f", c.mode)
		})
	}
}

// The old file keeps its owner when its contents are made anew by an append.
func TestAppendKeepsTheOwner(t *testing.T) {
	uid, gid := testOwner()
	w := newFixture(t)
	w.write("f", "old")
	if err := os.Chown(w.path("f"), uid, gid); err != nil {
		t.Fatal(err)
	}
	w.mustApply(`"storage": {"files": [{"path": "/f", "append": [{"source": "data:,+"}]}]}`)
	w.wantText("f", "old+")
	w.wantOwner("f", uid, gid)
}

func TestFetchThatBreaksLeavesTheOldFile(t *testing.T) {
	for _, file := range []string{
		`"contents": {"source": "https://cut"}, "overwrite": true`,
		`"append": [{"source": "data:,+"}, {"source": "https://cut"}]`,
	} {
		w := newFixture(t)
		w.write("f", "old")
		err := w.apply(`"storage": {"files": [{"path": "/f", ` + file + `}]}`)
		if err == nil || !strings.Contains(err.Error(), "file /f: the connection was cut") {
			t.Error(err)
		}
		w.wantText("f", "old")
	}
	w := newFixture(t)
	if err := w.apply(`"storage": {"files": [{"path": "/f", "contents": {"source": "https://cut"}}]}`); err == nil || w.exists("f") {
		t.Errorf("%v; is there a file: %v", err, w.exists("f"))
	}
}

func TestContentsAreNeverReadableByOthersOnTheWay(t *testing.T) {
	w := newFixture(t)
	w.Fetch = hookFetcher(func() {
		for _, n := range names(t, w.Root) {
			if strings.HasPrefix(n, ".firstlight-") {
				w.wantMode(n, 0o600)
				return
			}
		}
		t.Error("there is no temporary file beside the target")
	})
	w.mustApply(`"storage": {"files": [{"path": "/f", "contents": {"source": "data:,x"}}]}`)
	w.wantMode("f", 0o644)
}

func TestDirectoryOnExistingNode(t *testing.T) {
	uid, gid := testOwner()
	me, my := os.Getuid(), os.Getgid()
	ids := fmt.Sprintf(`"user": {"id": %d}, "group": {"id": %d}`, uid, gid)
	for _, c := range []struct {
		there, more, conflict string
		uid, gid              int
		mode                  uint32
		emptied               bool
	}{
		{there: "nothing", uid: me, gid: my, mode: 0o755},
		{there: "nothing", more: `, "mode": 448, ` + ids, uid: uid, gid: gid, mode: 0o700},
		{there: "nothing", more: `, "mode": 1023`, uid: me, gid: my, mode: 0o1777},
		{there: "nothing", more: `, "mode": 1533, ` + ids, uid: uid, gid: gid, mode: 0o2775},
		{there: directory, uid: me, gid: my, mode: 0o710},
		{there: directory, more: ", " + ids, uid: uid, gid: gid, mode: 0o710},
		{there: directory, more: `, "mode": 448`, uid: me, gid: my, mode: 0o700},
		{there: directory, more: `, "overwrite": true`, uid: me, gid: my, mode: 0o755, emptied: true},
		{there: file, more: `, "overwrite": true`, uid: me, gid: my, mode: 0o755, emptied: true},
		{there: symlink, more: `, "overwrite": true`, uid: me, gid: my, mode: 0o755, emptied: true},
		{there: file, conflict: file},
		{there: symlink, conflict: symlink},
		{there: pipe, conflict: pipe},
	} {
		t.Run(c.there+c.more, func(t *testing.T) {
			w := newFixture(t)
			w.existing(c.there)
			if c.there == directory {
				os.Chmod(w.path("n"), 0o710)
			}
			sections := `"storage": {"directories": [{"path": "/n"` + c.more + `}]}`
			if c.conflict != "" {
				w.wantConflicts(sections, "directory /n: it should be a directory, but there already is "+c.conflict+" and overwrite is not set")
				return
			}
			w.mustApply(sections)
			w.wantOwner("n", c.uid, c.gid)
			w.wantMode("n", c.mode)
			if w.exists("n/inside") != (c.there == directory && !c.emptied) {
				t.Errorf("what was in it is there: %v", w.exists("n/inside"))
			}
		})
	}
}

func TestMissingParentsArePlain(t *testing.T) {
	uid, gid := testOwner()
	w := newFixture(t)
	w.mustApply(fmt.Sprintf(`"storage": {"directories": [{"path": "/a/b/c", "mode": 448, "user": {"id": %d}, "group": {"id": %d}}],
		"files": [{"path": "/x/y/f", "mode": 384}], "links": [{"path": "/l/m/n", "target": "t"}]}`, uid, gid))
	for _, name := range []string{"a", "a/b", "x", "x/y", "l", "l/m"} {
		w.wantMode(name, 0o755)
		w.wantOwner(name, os.Getuid(), os.Getgid())
	}
	w.wantMode("a/b/c", 0o700)
	w.wantMode("x/y/f", 0o600)
	w.wantLink("l/m/n", "t")
}

func TestRootDirectoryCanBeChangedButNotReplaced(t *testing.T) {
	w := newFixture(t)
	w.mustApply(`"storage": {"directories": [{"path": "/", "mode": 360}]}`)
	w.wantMode("/", 0o550)
	os.Chmod(w.Root, 0o755)
	w.wantConflicts(`"storage": {"directories": [{"path": "/", "overwrite": true}]}`, "directory /: the root itself cannot be replaced")
	w.wantConflicts(`"storage": {"files": [{"path": "/"}]}`, "file /: the root itself cannot be replaced")
}

func TestEntriesThatAreOneNodeBySymbolicLinksConflict(t *testing.T) {
	w := newFixture(t)
	w.mkdir("var/home")
	w.symlink("var/home", "home")
	leaves := w.wantConflicts(`"storage": {"files": [{"path": "/home/f"}, {"path": "/var/home/f"}]}`,
		"file /var/home/f and file /home/f (test config, line 2, column 32 (storage.files[0].path)) are both /var/home/f on this machine, because of symbolic links")
	if got := leaves[0].Error(); strings.Contains(got, w.Root) {
		t.Errorf("the paths are those of the config: %s", got)
	}
}

func TestEntryBelowWhatIsNoDirectoryConflicts(t *testing.T) {
	w := newFixture(t)
	w.write("file", "x")
	w.symlink("me", "me")
	w.symlink("/nowhere", "elsewhere")
	w.wantConflicts(`"storage": {"files": [{"path": "/a"}, {"path": "/a/b/c"}, {"path": "/file/d"}, {"path": "/me/e"}],
			"links": [{"path": "/nowhere", "target": "t"}],
			"directories": [{"path": "/elsewhere/x"}]}`,
		"file /a/b/c is below file /a (test config, line 2, column 32 (storage.files[0].path)), which is no directory",
		"file /file/d cannot be there: on the way there is /file, which is a file of 1 bytes",
		"file /me/e cannot be there: symbolic links lead in a circle",
		"directory /elsewhere/x is below link /nowhere (test config")
}

// What is in a directory that is replaced is gone, also for other entries.
func TestEntriesBelowAReplacedDirectory(t *testing.T) {
	w := newFixture(t)
	w.write("a/f", "old")
	w.symlink("/etc", "a/sub")
	w.write("b", "a file that becomes a directory")
	w.symlink("/etc", "c")
	w.mustApply(`"storage": {
		"directories": [{"path": "/a", "overwrite": true}, {"path": "/b", "overwrite": true}, {"path": "/c", "overwrite": true}],
		"files": [
			{"path": "/a/f", "contents": {"source": "data:,new"}}, {"path": "/a/sub/g"},
			{"path": "/b/f"}, {"path": "/c/f"}]}`)
	w.wantText("a/f", "new")
	if w.exists("etc/g") || w.exists("etc/f") || !w.exists("a/sub/g") || !w.exists("b/f") {
		t.Errorf("the tree is\n%s", listing(t, w.Root))
	}
	if st := w.node("c"); !st.IsDir() || !w.exists("c/f") {
		t.Errorf("the tree is\n%s", listing(t, w.Root))
	}
}

func TestOverwriteDoesNotTouchMountedFilesystems(t *testing.T) {
	w := newFixture(t)
	w.mkdir("var/lib/data")
	w.wantConflicts(`"storage": {
		"filesystems": [{"device": "/dev/vdb", "format": "ext4", "path": "/var/lib/data"}],
		"directories": [{"path": "/var/lib", "overwrite": true}]}`,
		"directory /var/lib has overwrite set, but the filesystem on /dev/vdb (test config, line 3, column 68 (storage.filesystems[0].path)) is mounted at /var/lib/data")
	w.wantConflicts(`"storage": {
		"filesystems": [{"device": "/dev/vdb", "format": "btrfs", "subvolumes": [{"name": "@", "path": "/var/lib/data"}]}],
		"directories": [{"path": "/var/lib", "overwrite": true}]}`,
		"directory /var/lib has overwrite set, but the filesystem on /dev/vdb (test config, line 3, column 98 (storage.filesystems[0].subvolumes[0].path)) is mounted at /var/lib/data")
}

func TestFilesOfARunWithoutALedgerAreConflicts(t *testing.T) {
	w := newFixture(t)
	const sections = `"storage": {"files": [{"path": "/f", "contents": {"source": "data:,x"}}, {"path": "/e"},
		{"path": "/o", "contents": {"source": "data:,x"}, "overwrite": true}, {"path": "/log", "append": [{"source": "data:,+"}]}]}`
	w.mustApply(sections)
	w.wantConflicts(sections, "file /f: the config gives it contents, but there already is a file of 1 bytes")
	// Without contents of its own that conflict the rest is run again.
	w.mustApply(strings.Replace(sections, `{"path": "/f", "contents": {"source": "data:,x"}},`, "", 1))
	w.wantText("o", "x")
	w.wantText("log", "++")
}

// A node that came after the look is not replaced, as one from before is not.
func TestFileThatAppearsBetweenPlanAndRun(t *testing.T) {
	w := newFixture(t)
	w.write("etc/passwd", "")
	w.Tree.Run = programFunc(func(program string) {
		w.write("home/ann/.bashrc", "from the skeleton")
		w.write("etc/passwd", fmt.Sprintf("ann:x:%d:%d::/home/ann:\n", os.Getuid(), os.Getgid()))
	})
	err := w.apply(`"passwd": {"users": [{"name": "ann"}]}, "storage": {
		"directories": [{"path": "/home/ann", "mode": 448}],
		"files": [{"path": "/home/ann/.bashrc", "contents": {"source": "data:,x"}}]}`)
	if err == nil || !strings.Contains(err.Error(), "writing file /home/ann/.bashrc: creating "+w.path("home/ann/.bashrc")+": it did not exist when the stage looked, but does now") {
		t.Error(err)
	}
	w.wantMode("home/ann", 0o700)
	w.wantText("home/ann/.bashrc", "from the skeleton")
}

// Neither a chain of links nor a link in the last place leads outside.
func TestHostileLinksDoNotLeadOutside(t *testing.T) {
	w := newFixture(t)
	w.symlink("/b", "a")
	w.symlink(w.outside, "b")
	w.symlink("../../../../../../../.."+w.outside, "c")
	w.symlink(w.outside+"/target", "last")
	w.mustApply(`"storage": {
		"files": [{"path": "/a/f", "contents": {"source": "data:,x"}}, {"path": "/last", "contents": {"source": "data:,x"}, "overwrite": true}],
		"directories": [{"path": "/c/d"}],
		"links": [{"path": "/b/l", "target": "t"}, {"path": "/a/h", "target": "/last", "hard": true}]}`)
	for _, name := range []string{"f", "d", "l", "h"} {
		if _, err := os.Lstat(w.Root + w.outside + "/" + name); err != nil {
			t.Errorf("%s is not where the links lead inside the root: %v", name, err)
		}
	}
}

// A link is root's wherever it is, as is promised. Files and directories get the group
// of a directory with the setgid bit, as the kernel and the reference have it, also
// those that were downloaded before their directory was there.
func TestNodesInDirectoriesWithTheSetgidBit(t *testing.T) {
	if os.Getuid() != 0 {
		return // the group is another one
	}
	w, _ := withStore(t)
	w.Tree.Run = programFunc(func(string) {})
	w.mkdir("g")
	w.own("g", 0, 55)
	testkit.NoError(t, unix.Chmod(w.path("g"), 0o2775))
	w.mkdir("plain")
	w.mustApply(`"storage": {
		"links": [{"path": "/g/l", "target": "x"}, {"path": "/g/new/l", "target": "x", "user": {"id": 7}}, {"path": "/g/hard", "target": "/plain/f", "hard": true}],
		"directories": [{"path": "/g/d"}, {"path": "/g/mode", "mode": 493}, {"path": "/made", "mode": 1533, "group": {"id": 66}}, {"path": "/g/own", "mode": 493, "group": {"id": 0}}],
		"files": [{"path": "/plain/f"}, {"path": "/g/f"}, {"path": "/g/mine", "group": {"id": 0}}, {"path": "/g/remote", "contents": {"source": "https://host/1"}},
			{"path": "/made/f"}, {"path": "/made/remote", "contents": {"source": "https://host/2"}}, {"path": "/g/own/remote", "contents": {"source": "https://host/3"}}]}`)
	w.wantNodes(map[string]string{
		"g/l": "-> x 0:0", "g/new": "directory 0:55 2755", "g/new/l": "-> x 7:0", "g/hard": " 0:0 0644",
		"g/d": "directory 0:55 2755", "g/mode": "directory 0:55 0755", "g/f": " 0:55 0644", "g/mine": " 0:0 0644", "g/remote": "/1 0:55 0644",
		"made/f": " 0:66 0644", "made/remote": "/2 0:66 0644", "g/own/remote": "/3 0:0 0644",
	})
}
