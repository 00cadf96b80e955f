package rootfs

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// A tree is a directory to open as a root, beside another one that must stay
// empty.
type tree struct {
	testing.TB
	root, outside string
}

func newTree(t testing.TB) tree {
	t.Helper()
	base := t.TempDir()
	w := tree{t, filepath.Join(base, "root"), filepath.Join(base, "outside")}
	testkit.NoError(t, os.MkdirAll(w.path("etc"), 0o755))
	testkit.NoError(t, os.Mkdir(w.outside, 0o755))
	t.Cleanup(func() {
		if left, err := os.ReadDir(w.outside); err != nil || len(left) > 0 {
			t.Errorf("something was written outside of the root: %v (%v)", left, err)
		}
	})
	return w
}

func (w tree) path(name string) string { return filepath.Join(w.root, name) }

func (w tree) mkdir(name string) {
	w.Helper()
	testkit.NoError(w.TB, os.MkdirAll(w.path(name), 0o755))
}

func (w tree) write(name, text string) {
	w.Helper()
	testkit.WriteFile(w.TB, w.path(name), text)
}

func (w tree) symlink(target, name string) {
	w.Helper()
	w.mkdir(filepath.Dir(name))
	testkit.NoError(w.TB, os.Symlink(target, w.path(name)))
}

func (w tree) exists(name string) bool {
	_, err := os.Lstat(w.path(name))
	return err == nil
}

func (w tree) wantText(name, text string) {
	w.Helper()
	testkit.Equal(w.TB, name, testkit.ReadFile(w.TB, w.path(name)), text)
}

// wantMode checks a node's permissions.
func (w tree) wantMode(name string, mode os.FileMode) {
	w.Helper()
	info, err := os.Lstat(w.path(name))
	testkit.NoError(w.TB, err)
	testkit.Equal(w.TB, "mode of "+name, info.Mode().Perm(), mode)
}

// A resolver opens a directory below a root.
type resolver struct {
	name string
	open func(*Root, string) (int, error)
}

// resolvers are the two ways to do that, which must agree; where the kernel has no
// openat2, or a sandbox forbids it, there is one.
var resolvers = func() []resolver {
	all := []resolver{{"walk", openByWalk}}
	if kernelResolves() {
		all = append(all, resolver{"openat2", openat2})
	}
	return all
}()

func open(t *testing.T, path string) *Root {
	t.Helper()
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
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
	w := newTree(t)
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
			r := open(t, w.root)
			r.open = by.open
			d, err := r.OpenDir(c.path)
			if !errors.Is(err, c.err) {
				t.Errorf("%s of %s: %v, want %v", by.name, c.path, err, c.err)
			}
			if err != nil {
				continue
			}
			if got := real(t, d.fd); got != w.root+c.want {
				t.Errorf("%s of %s is %s, want %s", by.name, c.path, got, w.root+c.want)
			}
			d.Close()
		}
	}
}

func TestFollowTakesMissingComponentsAsTheyStand(t *testing.T) {
	w := newTree(t)
	w.mkdir("var")
	w.write("etc/passwd", "")
	w.symlink("/nowhere/deep", "dangling")
	w.symlink("/var/home", "home")
	w.symlink("../etc/passwd", "var/p")
	r := open(t, w.root)
	for path, want := range map[string]string{
		"/home/core/x":    "/var/home/core/x",
		"/dangling/y":     "/nowhere/deep/y",
		"/none/../var/p":  "/etc/passwd",
		"/none/../../etc": "/etc",
		"/etc/passwd":     "/etc/passwd",
	} {
		if got, err := r.Resolve(path); got != want || err != nil {
			t.Errorf("%s is %s (%v), want %s", path, got, err, want)
		}
	}
	if _, err := r.Resolve("/etc/passwd/x"); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("a path below a file: %v", err)
	}
}

func TestMakeDirsStaysInside(t *testing.T) {
	for _, by := range resolvers {
		t.Run(by.name, func(t *testing.T) {
			w := newTree(t)
			w.symlink(w.outside, "out")
			w.symlink("/var/home", "home")
			w.mkdir("var/home")
			r := open(t, w.root)
			r.open = by.open
			d, err := r.MakeDirs("/home/core/deep", 0o755)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			if got := real(t, d.fd); got != w.path("var/home/core/deep") {
				t.Errorf("made %s", got)
			}
			w.wantMode("var/home/core/deep", 0o755)
			// What a link leads to outside is made inside.
			d, err = r.MakeDirs("/out/x", 0o755)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			if got := real(t, d.fd); got != w.root+w.outside+"/x" {
				t.Errorf("made %s", got)
			}
		})
	}
}

func TestNamedPipesAreNotReadFrom(t *testing.T) {
	w := newTree(t)
	if err := unix.Mkfifo(w.path("etc/passwd"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := open(t, w.root).ReadFile("/etc/passwd")
	if err == nil || !strings.Contains(err.Error(), w.path("etc/passwd")+": there is a named pipe") {
		t.Error(err)
	}
}

func TestRemoveDeletesTreesAndFollowsNoLinks(t *testing.T) {
	w := newTree(t)
	keep := filepath.Join(filepath.Dir(w.outside), "kept")
	if err := os.WriteFile(keep, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	w.write("tree/a/b/c", "")
	w.symlink(keep, "tree/a/file")
	w.symlink(filepath.Dir(w.outside), "tree/a/dir")
	d, err := open(t, w.root).OpenDir("/")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
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

func TestCommitDoesNotReplaceANodeThatAppearedMeanwhile(t *testing.T) {
	w := newTree(t)
	w.write("there", "old")
	d, err := open(t, w.root).OpenDir("/")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	err = d.WriteFile("there", nil, Options{Mode: 0o644})
	if err == nil || !strings.Contains(err.Error(), "did not exist when the stage looked, but does now") || !errors.Is(err, unix.EEXIST) {
		t.Error(err)
	}
	if err := d.WriteLink("there", "x", Options{}); err == nil {
		t.Error("a link replaced a file")
	}
	w.wantText("there", "old")
}

// While directories on the way are swapped for links that lead outside, writes
// go inside or nowhere.
func TestSwappedDirectoriesDoNotLeadOutside(t *testing.T) {
	for _, by := range resolvers {
		t.Run(by.name, func(t *testing.T) {
			w := newTree(t)
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
			r := open(t, w.root)
			r.open = by.open
			wrote := 0
			for i := range 2000 {
				d, err := r.MakeDirs("/d/e", 0o755)
				if err != nil {
					continue
				}
				name := fmt.Sprint("f", i%10)
				if err := d.WriteFile(name, nil, Options{Mode: 0o644, Replace: true}); err == nil {
					wrote++
				}
				d.Close()
			}
			close(done)
			swapping.Wait()
			if wrote == 0 {
				t.Error("nothing was written at all")
			}
		})
	}
}

func TestLongPathsNeedFewDescriptors(t *testing.T) {
	const depth = 200
	w := newTree(t)
	deep := strings.TrimSuffix(strings.Repeat("d/", depth), "/")
	w.mkdir(deep)
	w.symlink(strings.Repeat("../", depth-5)+"target", deep+"/up")
	r := open(t, w.root)
	at := walker{root: r}
	testkit.NoError(t, at.walk(deep))
	held := 0
	for _, fd := range at.fds {
		if fd >= 0 {
			held++
		}
	}
	at.close()
	if held > maxHeld+1 {
		t.Errorf("%d directories are held open", held)
	}
	before := descriptors(t)
	top := "/" + strings.Repeat("d/", 5)
	for path, want := range map[string]string{
		deep: "/" + deep, deep + "/up": top + "target", deep + strings.Repeat("/..", depth-5) + "/none/../x": top + "x",
		deep + strings.Repeat("/..", depth+3): "/", deep + "/.././d/x": "/" + deep + "/x",
	} {
		for name, resolve := range map[string]func(string) (string, error){"root": r.Resolve, "view": r.View().Resolve} {
			if got, err := resolve(path); err != nil || got != want {
				t.Errorf("%s: %.50s: got %s, %v, want %s", name, path, got, err, want)
			}
		}
	}
	if got := descriptors(t); got != before {
		t.Errorf("%d descriptors are open, want %d", got, before)
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
		w := newTree(t)
		randomTree(w.root, w.outside, rand.New(rand.NewPCG(seed, 0)))
		agree(t, w.root, path)
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
		fd, err := by.open(r, name)
		if name == "" {
			continue // the kernel has no empty path
		}
		if err != nil {
			results = append(results, err.Error())
			continue
		}
		at := real(t, fd)
		unix.Close(fd)
		if !Within(at, path) {
			t.Errorf("%s of %q leads to %s", by.name, name, at)
		}
		results = append(results, at)
	}
	if len(results) == 2 && results[0] != results[1] {
		t.Errorf("%q: the walk says %s, openat2 says %s", name, results[0], results[1])
	}
	at, err := r.Resolve(name)
	if err == nil && !strings.HasPrefix(at, "/") {
		t.Errorf("%q resolves to %q", name, at)
	}
}

func TestFilesAreReadWithALimit(t *testing.T) {
	w := newTree(t)
	w.write("etc/huge", "x")
	testkit.NoError(t, os.Truncate(w.path("etc/huge"), maxRead+1)) // it has holes
	r := open(t, w.root)
	etc, err := r.OpenDir("/etc")
	testkit.NoError(t, err)
	defer etc.Close()
	_, rootErr := r.ReadFile("/etc/huge")
	_, dirErr := etc.ReadFile("huge")
	for _, err := range []error{rootErr, dirErr} {
		if err == nil || !strings.Contains(err.Error(), "/etc/huge: it has 67108865 bytes, at most 67108864 are possible") {
			t.Errorf("got %v", err)
		}
	}
}

func TestTempFileIsMovedFromAnotherFilesystem(t *testing.T) {
	w := newTree(t)
	elsewhere, err := os.MkdirTemp("/dev/shm", "")
	testkit.NoError(t, err)
	defer os.RemoveAll(elsewhere)
	from, err := open(t, elsewhere).OpenDir("/")
	testkit.NoError(t, err)
	defer from.Close()
	to, err := open(t, w.root).OpenDir("/etc")
	testkit.NoError(t, err)
	defer to.Close()
	temp, err := from.CreateTemp("f")
	testkit.NoError(t, err)
	testkit.NoError(t, temp.Commit(to, "f", Options{Mode: 0o640}, func(f io.Writer) error { _, err := io.WriteString(f, "text"); return err }))
	w.wantText("etc/f", "text")
	w.wantMode("etc/f", 0o640)
	if left, err := os.ReadDir(elsewhere); err != nil || len(left) > 0 {
		t.Errorf("%v was left (%v)", left, err)
	}
	var st unix.Statfs_t
	if unix.Statfs(elsewhere, &st) != nil || st.Type != unix.TMPFS_MAGIC {
		t.Log("/dev/shm is no tmpfs here; nothing was moved between filesystems")
	}
}

func TestExistsFollowsLinksInsideTheRoot(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "etc/d"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"inside": "/etc/d", "above": "../../../../etc/d", "of-the-host": "/proc/self/exe", "loop": "loop", "of-links": "inside"} {
		if err := os.Symlink(target, filepath.Join(dir, "etc", name)); err != nil {
			t.Fatal(err)
		}
	}
	r := open(t, dir)
	for name, want := range map[string]bool{"/": true, "/etc/d": true, "etc/inside": true, "/etc/above": true, "/etc/of-links": true,
		"/etc/none": false, "/none/none": false, "/etc/of-the-host": false, "/etc/loop": false} {
		if got := r.Exists(name); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}
