package rootfs

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// keeping opens a root that keeps directories open.
func keeping(t *testing.T, path string) *Root {
	t.Helper()
	r := open(t, path)
	r.KeepDirs()
	t.Cleanup(r.Forget)
	return r
}

// inode is that of the directory that a path leads to.
func inode(t *testing.T, r *Root, name string) uint64 {
	t.Helper()
	d, err := r.OpenDir(name)
	testkit.NoError(t, err)
	defer d.Close()
	st, err := d.Stat()
	testkit.NoError(t, err)
	return st.Ino
}

func TestKeptDirectoryIsOpenedOnce(t *testing.T) {
	w := newTree(t)
	w.mkdir("a/b")
	before := descriptors(t)
	r := keeping(t, w.root)
	opened := 0
	resolve := r.open
	r.open = func(r *Root, name string) (int, error) { opened++; return resolve(r, name) }
	for _, name := range []string{"/a/b", "a/b", "/a//b/", "/a/b"} {
		inode(t, r, name)
	}
	testkit.Equal(t, "paths that were resolved", opened, 1)
	testkit.Equal(t, "descriptors", descriptors(t), before+2) // the root, and a/b
	r.Forget()
	testkit.Equal(t, "descriptors after that", descriptors(t), before+1)
}

// A path that leads elsewhere is resolved anew, whoever of us has changed it.
func TestKeptDirectoryIsForgottenWhenItsPathLeadsElsewhere(t *testing.T) {
	for name, change := range map[string]func(w tree, r *Root) error{
		"a link was replaced": func(_ tree, r *Root) error {
			return r.InParent("/l", func(d *Dir, base string) error { return d.WriteLink(base, "b", Options{Replace: true}) })
		},
		"a link was removed": func(_ tree, r *Root) error {
			if err := r.Remove("/l"); err != nil {
				return err
			}
			return r.InParent("/l", func(d *Dir, base string) error { return d.WriteLink(base, "b", Options{}) })
		},
		"a directory was replaced by an empty one": func(_ tree, r *Root) error {
			return r.InParent("/a", func(d *Dir, base string) error { return d.WriteDir(base, Options{Mode: 0o755, Replace: true}) })
		},
		"a directory was moved": func(_ tree, r *Root) error {
			if err := r.Move("/a", "/c"); err != nil {
				return err
			}
			return r.Move("/b", "/a")
		},
		"a program has changed it": func(w tree, r *Root) error {
			defer r.Forget()
			return unix.Renameat2(unix.AT_FDCWD, w.path("a"), unix.AT_FDCWD, w.path("b"), unix.RENAME_EXCHANGE)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTree(t)
			w.mkdir("a")
			w.mkdir("b")
			w.symlink("a", "l")
			r := keeping(t, w.root)
			before := inode(t, r, "/l")
			held, err := r.OpenDir("/l")
			testkit.NoError(t, err)
			testkit.NoError(t, change(w, r))
			if now := inode(t, r, "/l"); now == before {
				t.Error("the path leads to the directory of before")
			}
			// Who has it open keeps it.
			st, err := fstat(held.fd)
			testkit.NoError(t, err)
			testkit.Equal(t, "inode of the open directory", st.Ino, before)
			held.Close()
		})
	}
}

func TestWhatIsCreatedIsLookedAtOnceInADirectory(t *testing.T) {
	w := newTree(t)
	w.mkdir("etc/shared")
	gid := os.Getgid()
	if os.Getuid() == 0 { // who may give it away
		gid = 12345
	}
	testkit.NoError(t, os.Chown(w.path("etc/shared"), -1, gid))
	testkit.NoError(t, os.Chmod(w.path("etc/shared"), 0o755|os.ModeSetgid))
	r := keeping(t, w.root)
	group := func(name string) uint32 {
		t.Helper()
		var st unix.Stat_t
		testkit.NoError(t, unix.Lstat(w.path(name), &st))
		return st.Gid
	}
	write := func(name string, mode uint32) {
		t.Helper()
		testkit.NoError(t, r.WriteFile(name, []byte(name), Options{Mode: mode}))
		w.wantText(name, name)
		w.wantMode(name, os.FileMode(mode))
	}
	for i := range 3 {
		write(fmt.Sprint("etc/shared/f", i), 0o640)
		write(fmt.Sprint("etc/f", i), 0o600)
	}
	testkit.NoError(t, r.InParent("/etc/shared/l", func(d *Dir, base string) error { return d.WriteLink(base, "f1", Options{}) }))
	testkit.Equal(t, "group of a file in a directory with the setgid bit", group("etc/shared/f2"), uint32(gid))
	testkit.Equal(t, "group of a link there", group("etc/shared/l"), uint32(os.Getegid()))
	etc, err := r.OpenDir("/etc")
	testkit.NoError(t, err)
	defer etc.Close()
	testkit.NoError(t, etc.SetDirOwnerMode("shared", Owner{}, 0o755))
	write("etc/shared/later", 0o644)
	testkit.Equal(t, "group of a file there without the bit", group("etc/shared/later"), uint32(os.Getegid()))
	uid := os.Getuid()
	testkit.NoError(t, r.WriteFile("etc/shared/owned", nil, Options{Mode: 0o644, Owner: OwnedBy(uid, os.Getgid())}))
	testkit.Equal(t, "its group if that was asked for", group("etc/shared/owned"), uint32(os.Getgid()))
}

func TestFewDirectoriesAreKept(t *testing.T) {
	w := newTree(t)
	var old unix.Rlimit
	testkit.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &old))
	testkit.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 64, Max: old.Max}))
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &old)
	before := descriptors(t)
	r := keeping(t, w.root)
	for i := range 200 {
		testkit.NoError(t, r.WriteFile(fmt.Sprintf("d%d/f", i), nil, Options{Mode: 0o644}))
		if n := descriptors(t) - before; n > 64/keptShare+1 {
			t.Fatalf("%d directories are open", n)
		}
	}
}

// Downloads are written while operations change the tree.
func TestKeptDirectoriesAreForgottenWhileOthersUseThem(t *testing.T) {
	w := newTree(t)
	r := keeping(t, w.root)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for n := range 200 {
				name := fmt.Sprintf("/d%d/f%d", n%7, i)
				f := r.PendingFile("/etc", "f")
				if _, err := io.WriteString(f, "text"); err != nil {
					t.Error(err)
				}
				if err := r.WriteFile(name, []byte(name), Options{Mode: 0o644, Replace: true}); err != nil {
					t.Error(err)
				}
				f.Discard()
			}
		})
	}
	all.Wait()
	for i := range 4 {
		w.wantText(fmt.Sprintf("d0/f%d", i), fmt.Sprintf("/d0/f%d", i))
	}
}

func TestTempFileOfAnotherFile(t *testing.T) {
	w := newTree(t)
	text := strings.Repeat("text ", 100_000)
	w.write("etc/from", text)
	r := open(t, w.root)
	d, err := r.OpenDir("/etc")
	testkit.NoError(t, err)
	defer d.Close()
	from, err := os.Open(w.path("etc/from"))
	testkit.NoError(t, err)
	defer from.Close()
	testkit.NoError(t, d.WriteFrom("to", Options{Mode: 0o644}, func(to io.Writer) error {
		_, err := io.WriteString(to, "head ")
		if err == nil {
			_, err = io.Copy(to, from)
		}
		if err == nil {
			_, err = io.Copy(to, io.LimitReader(strings.NewReader("tail and more"), 4))
		}
		return err
	}))
	w.wantText("etc/to", "head "+text+"tail")
}
