package files

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// resolvers are the two ways of opening a directory in a root. They must agree.
var resolvers = []struct {
	name string
	in   func(*root, string) (int, error)
}{
	{"openat2", openat2},
	{"walk", openByWalk},
}

func open(t *testing.T, path string) *root {
	t.Helper()
	r, err := openRoot(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	return r
}

// real is the path of an open directory as the kernel sees it.
func real(t *testing.T, fd int) string {
	t.Helper()
	name, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func TestDirectoriesResolveAsInAChroot(t *testing.T) {
	w := newFixture(t)
	w.mkdir("var/home/core")
	w.mkdir("x")
	w.write("file", "")
	w.symlink("var/home", "home")
	w.symlink("/var", "abs")
	w.symlink("/b", "a") // a -> /b -> /x: the second link must not be the outer one
	w.symlink("/x", "b")
	w.symlink("../../../../x", "var/up")
	w.symlink("..", "var/dot")
	w.symlink("/", "slash")
	w.symlink("loop2", "loop1")
	w.symlink("loop1", "loop2")
	w.symlink(w.outside, "out")
	w.symlink("/proc/self/root", "magic")
	w.symlink("/file", "tofile")
	w.symlink("l40", "l41")
	w.symlink("x", "l1")
	for i := 2; i <= 40; i++ {
		w.symlink(fmt.Sprintf("l%d", i-1), fmt.Sprintf("l%d", i))
	}
	for _, c := range []struct {
		path, want string
		err        error
	}{
		{path: "/", want: ""},
		{path: "..", want: ""},
		{path: "/../../x", want: "/x"},
		{path: "/home/core", want: "/var/home/core"},
		{path: "/abs/home", want: "/var/home"},
		{path: "/a", want: "/x"},
		{path: "/var/up", want: "/x"},
		{path: "/var/dot/x", want: "/x"},
		{path: "/slash/slash/x/", want: "/x"},
		{path: "/l40", want: "/x"},
		{path: "/l41", err: unix.ELOOP},
		{path: "/loop1/x", err: unix.ELOOP},
		{path: "/out", err: unix.ENOENT},
		{path: "/magic", err: unix.ENOENT},
		{path: "/none/x", err: unix.ENOENT},
		{path: "/file", err: unix.ENOTDIR},
		{path: "/tofile", err: unix.ENOTDIR},
		{path: "/file/x", err: unix.ENOTDIR},
		{path: "/file/..", err: unix.ENOTDIR},
	} {
		for _, by := range resolvers {
			r := open(t, w.Root)
			r.open = by.in
			d, err := r.openDir(c.path)
			if !errors.Is(err, c.err) {
				t.Errorf("%s of %s: %v, want %v", by.name, c.path, err, c.err)
			}
			if err != nil {
				continue
			}
			if got := real(t, d.fd); got != w.Root+c.want {
				t.Errorf("%s of %s is %s, want %s", by.name, c.path, got, w.Root+c.want)
			}
			d.close()
		}
	}
}

func TestFollowTakesMissingComponentsAsTheyStand(t *testing.T) {
	w := newFixture(t)
	w.mkdir("var")
	w.write("etc/passwd", "")
	w.symlink("/nowhere/deep", "dangling")
	w.symlink("/var/home", "home")
	w.symlink("../etc/passwd", "var/p")
	r := open(t, w.Root)
	for path, want := range map[string]string{
		"/home/core/x":    "/var/home/core/x",
		"/dangling/y":     "/nowhere/deep/y",
		"/none/../var/p":  "/etc/passwd",
		"/none/../../etc": "/etc",
		"/etc/passwd":     "/etc/passwd",
	} {
		if got, err := r.resolve(path); got != want || err != nil {
			t.Errorf("%s is %s (%v), want %s", path, got, err, want)
		}
	}
	if _, err := r.resolve("/etc/passwd/x"); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("a path below a file: %v", err)
	}
}

func TestMakeDirsStaysInside(t *testing.T) {
	for _, by := range resolvers {
		t.Run(by.name, func(t *testing.T) {
			w := newFixture(t)
			w.symlink(w.outside, "out")
			w.symlink("/var/home", "home")
			w.mkdir("var/home")
			r := open(t, w.Root)
			r.open = by.in
			d, err := r.makeDirs("/home/core/deep")
			if err != nil {
				t.Fatal(err)
			}
			defer d.close()
			if got := real(t, d.fd); got != w.path("var/home/core/deep") {
				t.Errorf("made %s", got)
			}
			w.wantMode("var/home/core/deep", 0o755)
			// What a link leads to outside is made inside.
			d, err = r.makeDirs("/out/x")
			if err != nil {
				t.Fatal(err)
			}
			defer d.close()
			if got := real(t, d.fd); got != w.Root+w.outside+"/x" {
				t.Errorf("made %s", got)
			}
		})
	}
}

func TestNamedPipesAreNotReadFrom(t *testing.T) {
	w := newFixture(t)
	if err := unix.Mkfifo(w.path("etc/passwd"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := open(t, w.Root).readFile("/etc/passwd")
	if err == nil || !strings.Contains(err.Error(), w.path("etc/passwd")+": there is a named pipe") {
		t.Error(err)
	}
}

func TestRemoveTakesWholeTreesAndFollowsNothing(t *testing.T) {
	w := newFixture(t)
	keep := filepath.Join(filepath.Dir(w.outside), "kept")
	if err := os.WriteFile(keep, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	w.write("tree/a/b/c", "")
	w.symlink(keep, "tree/a/file")
	w.symlink(filepath.Dir(w.outside), "tree/a/dir")
	d, err := open(t, w.Root).openDir("/")
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	for _, name := range []string{"tree", "tree", "never"} {
		if err := d.remove(name); err != nil {
			t.Error(err)
		}
	}
	if w.exists("tree") {
		t.Error("the tree is still there")
	}
	if _, err := os.Stat(keep); err != nil {
		t.Errorf("a link was followed: %v", err)
	}
}

func TestCommitDoesNotReplaceWhatCameMeanwhile(t *testing.T) {
	w := newFixture(t)
	w.write("there", "old")
	d, err := open(t, w.Root).openDir("/")
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	err = d.writeFile("there", ownership{-1, -1}, 0o644, false, func(*os.File) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "did not exist when the stage looked, but does now") || !errors.Is(err, unix.EEXIST) {
		t.Error(err)
	}
	if err := d.writeLink("there", "x", ownership{-1, -1}, false); err == nil {
		t.Error("a link replaced a file")
	}
	w.wantText("there", "old")
}

// While directories on the way are swapped for links that lead outside, writes
// go inside or nowhere.
func TestSwappedDirectoriesDoNotLeadOutside(t *testing.T) {
	for _, by := range resolvers {
		t.Run(by.name, func(t *testing.T) {
			w := newFixture(t)
			w.mkdir("d/e")
			w.symlink(w.outside, "l")
			done := make(chan struct{})
			var swapping sync.WaitGroup
			swapping.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
						unix.Renameat2(unix.AT_FDCWD, w.path("d"), unix.AT_FDCWD, w.path("l"), unix.RENAME_EXCHANGE)
					}
				}
			})
			r := open(t, w.Root)
			r.open = by.in
			wrote := 0
			for i := range 2000 {
				d, err := r.makeDirs("/d/e")
				if err != nil {
					continue
				}
				name := fmt.Sprint("f", i%10)
				if err := d.writeFile(name, ownership{-1, -1}, 0o644, true, func(f *os.File) error { return nil }); err == nil {
					wrote++
				}
				d.close()
			}
			close(done)
			swapping.Wait()
			if wrote == 0 {
				t.Error("nothing was written at all")
			}
		})
	}
}

// FuzzResolve makes trees of directories and links from bytes. Wherever their
// paths lead, it is inside, and both resolvers say the same.
func FuzzResolve(f *testing.F) {
	for seed := range uint64(40) {
		f.Add(seed, "a/b/c/d")
		f.Add(seed, "../d/../a/c/b")
	}
	f.Fuzz(func(t *testing.T, seed uint64, path string) {
		if strings.ContainsRune(path, 0) || len(path) > 200 {
			return
		}
		w := newFixture(t)
		randomTree(w.Root, w.outside, rand.New(rand.NewPCG(seed, 0)))
		agree(t, w.Root, path)
	})
}

// randomTree makes directories a to d, three deep, in which some entries are
// links to places inside and outside.
func randomTree(root, outside string, r *rand.Rand) {
	letters := []string{"a", "b", "c", "d"}
	targets := []string{"/", "..", ".", "../..", "/a", "/b/c", "a/b", "../../../../c", "/d/../a", outside, "../outside", "/../outside", "/proc/self/cwd", "none/../a"}
	var fill func(dir string, depth int)
	fill = func(dir string, depth int) {
		for _, l := range letters {
			name := filepath.Join(dir, l)
			switch n := r.IntN(8); {
			case n < 3 && depth < 3:
				os.Mkdir(name, 0o755)
				fill(name, depth+1)
			case n < 6:
				os.Symlink(targets[r.IntN(len(targets))], name)
			case n < 7:
				os.WriteFile(name, nil, 0o644)
			}
		}
	}
	fill(root, 0)
}

func agree(t *testing.T, path, name string) {
	r := open(t, path)
	var results []string
	for _, by := range resolvers {
		fd, err := by.in(r, name)
		if name == "" {
			continue // the kernel has no empty path
		}
		if err != nil {
			results = append(results, err.Error())
			continue
		}
		at := real(t, fd)
		unix.Close(fd)
		if !below(at, path) {
			t.Errorf("%s of %q leads to %s", by.name, name, at)
		}
		results = append(results, at)
	}
	if len(results) == 2 && results[0] != results[1] {
		t.Errorf("%q: openat2 says %s, the walk says %s", name, results[0], results[1])
	}
	at, err := r.resolve(name)
	if err == nil && !strings.HasPrefix(at, "/") {
		t.Errorf("%q resolves to %q", name, at)
	}
}
