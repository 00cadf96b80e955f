package ledger

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// An interrupted run can have made each of its changes, the last of them by half.
func TestUndoHomes(t *testing.T) {
	moved := HomeChange{From: "/home/a", To: "/srv/a", Nodes: 3}
	for name, c := range map[string]struct {
		nodes string // files that are there
		inode string // of the home that moves, where it is now
		homes []HomeChange
		want  string
		stay  int
	}{
		"new home and mailbox":                        {nodes: "home/a/x mail/a", homes: []HomeChange{{To: "/mail/a"}, {To: "/home/a"}}},
		"home that goes":                              {nodes: "home/a/x", homes: []HomeChange{{From: "/home/a"}}},
		"not moved":                                   {nodes: "home/a/x home/a/y", inode: "home/a", homes: []HomeChange{moved}, want: "home/a/x home/a/y"},
		"moved":                                       {nodes: "srv/a/x srv/a/y home/a/later", inode: "srv/a", homes: []HomeChange{moved}, want: "home/a/x home/a/y"},
		"copied by half":                              {nodes: "home/a/x home/a/y srv/a/x", inode: "home/a", homes: []HomeChange{moved}, want: "home/a/x home/a/y"},
		"copied, the original by half removed":        {nodes: "home/a/y srv/a/x srv/a/y", inode: "home/a", homes: []HomeChange{moved}, want: "srv/a/x srv/a/y", stay: 1},
		"copied, the original removed":                {nodes: "srv/a/x srv/a/y", homes: []HomeChange{moved}, want: "srv/a/x srv/a/y", stay: 1},
		"copied, and its place taken":                 {nodes: "srv/a/x srv/a/y home/a/z home/a/w", homes: []HomeChange{{From: "/home/a", To: "/srv/a", Nodes: 3, Copied: true}}, want: "srv/a/x srv/a/y", stay: 1},
		"new one in the place of one not moved yet":   {nodes: "home/a/x", homes: []HomeChange{{From: "/home/a", To: "/srv/a"}, {To: "/home/a"}}, want: "home/a/x"},
		"new one in the place of one that has moved":  {nodes: "home/a/.rc srv/a/x", inode: "srv/a", homes: []HomeChange{moved, {To: "/home/a"}}, want: "home/a/x"},
		"moved into a new one":                        {nodes: "srv/.rc srv/a/x", inode: "srv/a", homes: []HomeChange{{To: "/srv"}, moved}, want: "home/a/x"},
		"copied into a new one":                       {nodes: "srv/.rc srv/a/x", homes: []HomeChange{{To: "/srv"}, moved}, want: "srv/.rc srv/a/x", stay: 2},
		"copied to where one has gone":                {nodes: "srv/a/x", homes: []HomeChange{{From: "/srv/a"}, moved}, want: "srv/a/x", stay: 2},
		"copied, then a new one":                      {nodes: "srv/a/x home/b/x", homes: []HomeChange{moved, {To: "/home/b"}}, want: "srv/a/x", stay: 1},
		"to the place of another that is back in its": {nodes: "srv/a/x home/a/x home/a/y", inode: "srv/a", homes: []HomeChange{{From: "/srv/a", To: "/srv/b", Nodes: 2}, {From: "/home/a", To: "/srv/a", Nodes: 3}}, want: "home/a/x home/a/y srv/a/x"},
	} {
		t.Run(name, func(t *testing.T) {
			r, dir := openRoot(t)
			for _, d := range []string{"home", "srv", "mail"} {
				testkit.NoError(t, os.Mkdir(filepath.Join(dir, d), 0o755))
			}
			for node := range strings.FieldsSeq(c.nodes) {
				testkit.WriteFile(t, filepath.Join(dir, node), "")
			}
			l := &Ledger{Planned: true, Accounts: map[string]SavedFile{}, Homes: c.homes}
			if c.inode != "" {
				var st unix.Stat_t
				testkit.NoError(t, unix.Lstat(filepath.Join(dir, c.inode), &st))
				for i, h := range l.Homes { // the one of the path, or the only one
					if h.moves() && ("/"+c.inode == h.From || len(c.homes) < 3 && "/"+c.inode == h.To) {
						l.Homes[i].Inode = st.Ino
						break
					}
				}
			}
			view := r.View()
			stay, err := l.UndoHomes(view)
			testkit.NoError(t, err)
			testkit.Equal(t, "changes that stay for the plan", len(stay), c.stay)
			for node := range strings.FieldsSeq(c.want) {
				if there, err := view.Lstat("/" + node); err != nil || there == nil {
					t.Errorf("the plan has no %s (%v)", node, err)
				}
			}
			for range 2 { // it may be interrupted itself
				stay, err = l.UndoHomes(r)
				testkit.NoError(t, err)
				testkit.Equal(t, "changes that stay", len(stay), c.stay)
			}
			var got []string
			filepath.WalkDir(dir, func(name string, e fs.DirEntry, _ error) error {
				if !e.IsDir() {
					got = append(got, strings.TrimPrefix(name, dir+"/"))
				}
				return nil
			})
			testkit.Equal(t, "nodes", strings.Join(got, " "), c.want)
		})
	}
}

func TestMovesAreRecordedBeforeAndAfter(t *testing.T) {
	r, dir := openRoot(t)
	testkit.WriteFile(t, filepath.Join(dir, "home/a/x"), "")
	testkit.NoError(t, os.Symlink("x", filepath.Join(dir, "home/a/l")))
	testkit.NoError(t, os.Mkdir(filepath.Join(dir, "etc"), 0o755))
	st, err := r.Lstat("/home/a")
	testkit.NoError(t, err)
	l := &Ledger{Planned: true}
	for range 2 {
		l.ChangeHome(HomeChange{From: "/home/a", To: "/home/b", Inode: st.Ino})
	}
	want := func(what string, nodes int, copied bool) {
		t.Helper()
		read, err := Read(r)
		testkit.NoError(t, err)
		testkit.Equal(t, what, read.Homes, []HomeChange{{"/home/a", "/home/b", st.Ino, nodes, copied}})
	}
	testkit.NoError(t, l.StartMove(r, "/home/b"))
	want("before", 3, false)
	testkit.NoError(t, os.Rename(filepath.Join(dir, "home/a"), filepath.Join(dir, "home/b")))
	testkit.NoError(t, l.EndMove(r, "/home/b"))
	want("renamed", 3, false)
	testkit.NoError(t, os.Rename(filepath.Join(dir, "home/b"), filepath.Join(dir, "home/original")))
	testkit.NoError(t, os.Mkdir(filepath.Join(dir, "home/b"), 0o755))
	testkit.NoError(t, l.EndMove(r, "/home/b"))
	want("copied", 3, true)
}
