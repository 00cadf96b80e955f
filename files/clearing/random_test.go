package clearing

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// A shape is all that must not change of a node.
type shape struct {
	inode      uint64
	mode       uint32
	uid, gid   uint32
	modified   unix.Timespec
	contents   string // of a file, or the target of a link
	attributes string // extended, and those of chattr
	rdev       uint64
}

// snapshot returns the shapes of all nodes of a directory, by their paths in it.
func snapshot(t testing.TB, dir string) map[string]shape {
	t.Helper()
	all := map[string]shape{}
	testkit.NoError(t, filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		all["/"+strings.TrimPrefix(strings.TrimPrefix(name, dir), "/")] = shapeOf(t, name)
		return nil
	}))
	return all
}

func shapeOf(t testing.TB, name string) shape {
	t.Helper()
	var st unix.Stat_t
	testkit.NoError(t, unix.Lstat(name, &st))
	s := shape{inode: st.Ino, mode: st.Mode, uid: st.Uid, gid: st.Gid, modified: st.Mtim, rdev: st.Rdev}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		s.contents = testkit.ReadFile(t, name)
	case unix.S_IFLNK:
		s.contents, _ = os.Readlink(name)
	}
	is, err := stat(unix.AT_FDCWD, name)
	testkit.NoError(t, err)
	s.attributes = fmt.Sprint(is.sealed())
	for _, attribute := range []string{"user.x", "trusted.overlay.opaque"} {
		value := make([]byte, 100)
		if n, err := unix.Lgetxattr(name, attribute, value); err == nil {
			s.attributes += fmt.Sprintf(" %s=%s", attribute, value[:n])
		}
	}
	return s
}

// unsealAll lets the test's directory be removed.
func unsealAll(dir string) {
	filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err == nil && (e.IsDir() || e.Type().IsRegular()) {
			setFlags(name, 0)
		}
		return nil
	})
}

func setFlags(name string, flags int) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	others, err := unix.IoctlGetUint32(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	if err != nil {
		return err
	}
	return unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, int(others&^sealFlags)|flags)
}

// asRoot says that only root can do what a test does.
func asRoot(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("this takes root: mounts, owners and attributes of nodes")
	}
}

// A grower makes random trees.
type grower struct {
	testing.TB
	*rand.Rand
	dir   string
	paths []string // that can be kept
	files []string
	seals []func() error // to be called at the end
	kept  map[string]bool
}

var strangeNames = []string{"a", "b", "c", "etc", "new\nline", "\x1b[31mred", " ", "...", "-rf", "ä", strings.Repeat("n", 255), ".firstlight-x"}

func (g *grower) grow(dir string, depth int) {
	for range g.Intn(6) {
		name := strangeNames[g.Intn(len(strangeNames))]
		at := dir + "/" + name
		if _, err := os.Lstat(g.dir + at); err == nil {
			continue
		}
		g.node(at, depth)
	}
}

func (g *grower) node(at string, depth int) {
	host := g.dir + at
	kind := g.Intn(11)
	var err error
	switch {
	case kind < 4 && depth < 5:
		err = os.Mkdir(host, fs.FileMode(g.Intn(0o1000)))
		g.grow(at, depth+1)
	case kind == 5:
		target := []string{"/", "..", "/etc", "../../../../..", os.TempDir(), "nowhere"}[g.Intn(6)]
		testkit.NoError(g, os.Symlink(target, host))
		return // cannot be kept by itself
	case kind == 6:
		err = unix.Mkfifo(host, 0o600)
	case kind == 7:
		err = unix.Mknod(host, unix.S_IFCHR, 0) // a whiteout
	case kind == 8:
		err = unix.Mknod(host, unix.S_IFSOCK|0o600, 0)
	case kind == 9 && len(g.files) > 0:
		err = os.Link(g.dir+g.files[g.Intn(len(g.files))], host)
	default:
		err = os.WriteFile(host, []byte(at), fs.FileMode(g.Intn(0o1000)))
		g.files = append(g.files, at)
	}
	testkit.NoError(g, err)
	g.decorate(host)
	g.paths = append(g.paths, at)
}

func (g *grower) decorate(host string) {
	testkit.NoError(g, os.Lchown(host, g.Intn(3), g.Intn(3)))
	var st unix.Stat_t
	testkit.NoError(g, unix.Lstat(host, &st))
	isDir, isFile := st.Mode&unix.S_IFMT == unix.S_IFDIR, st.Mode&unix.S_IFMT == unix.S_IFREG
	if !isDir && !isFile {
		return
	}
	if g.Intn(4) == 0 {
		testkit.NoError(g, unix.Lsetxattr(host, "user.x", []byte("y"), 0))
		testkit.NoError(g, unix.Lsetxattr(host, "trusted.overlay.opaque", []byte("y"), 0))
	}
	if g.Intn(8) == 0 && st.Nlink <= 2 {
		flags := []int{0x10, 0x20, 0x30}[g.Intn(3)]
		g.seals = append(g.seals, func() error {
			return errors.Join(setFlags(host, 0), setFlags(host, flags)) // it may have another name
		})
	}
}

// keep chooses paths that can be kept, none in another one.
func (g *grower) keep() (names []string) {
	for range g.Intn(5) {
		name := g.paths[g.Intn(len(g.paths))]
		fits := !strings.HasPrefix(name, "/usr")
		for _, other := range names {
			fits = fits && !rootfs.Within(name, other) && !rootfs.Within(other, name)
		}
		if fits {
			names = append(names, name)
		}
	}
	return names
}

const randomSettings = "RESET_KEEP=/usr /srv/image\nRESET_ETC=/usr/factory"

// newGrower makes a random root, of which /usr belongs to the image.
func newGrower(t testing.TB, dir string, seed int64) *grower {
	g := &grower{TB: t, Rand: rand.New(rand.NewSource(seed)), dir: dir}
	t.Cleanup(func() { unsealAll(g.dir) })
	for _, top := range []string{"/usr", "/usr/factory", "/etc", "/home", "/var", "/srv", "/srv/image", "/data", "/boot"} {
		testkit.NoError(t, os.MkdirAll(dir+top, 0o755))
		seals := len(g.seals)
		if g.grow(top, 0); strings.HasPrefix(top, "/usr") {
			g.seals = g.seals[:seals] // would not be of a copy
		}
		g.paths = append(g.paths, top)
	}
	for _, seal := range g.seals {
		testkit.NoError(t, seal())
	}
	return g
}

// check compares what there is with what there was. It does not use the code under test.
func (g *grower) check(before map[string]shape, keep []string) {
	g.Helper()
	after := snapshot(g, g.dir)
	stays := append([]string{"/usr", "/srv/image", "/boot"}, keep...)
	want := map[string]shape{}
	around := map[string]bool{"/": true, "/etc": true, "/home": true, "/var": true, "/srv": true}
	for name, s := range before {
		for _, k := range stays {
			if rootfs.Within(name, k) {
				want[name] = s
			}
			if rootfs.Within(k, name) && k != name {
				around[name] = true
			}
		}
	}
	for name, s := range before {
		if inEtc, ok := strings.CutPrefix(name, "/usr/factory"); ok && (inEtc == "" || g.comes(before, inEtc, around)) {
			if _, kept := want["/etc"+inEtc]; !kept && !around["/etc"+inEtc] {
				s.inode = after["/etc"+inEtc].inode
				s.attributes = strings.Replace(s.attributes, "true", "false", 1) // those of chattr are not copied
				want["/etc"+inEtc] = s
			}
		}
	}
	for name := range around {
		if _, whole := want[name]; !whole && (before[name] != shape{}) {
			s := before[name]
			s.modified = after[name].modified
			if name == "/etc" && !keptIn(keep, "/etc") {
				s = before["/usr/factory"]
				s.inode = before["/etc"].inode
			}
			want[name] = s
		}
	}
	for name := range after {
		if _, wanted := want[name]; !wanted {
			g.Errorf("%q is still there", name)
		}
	}
	for name, w := range want {
		if a := after[name]; !reflect.DeepEqual(a, w) {
			g.Errorf("%.50q is %.150s, want %.150s", name, fmt.Sprintf("%+v", a), fmt.Sprintf("%+v", w))
		}
	}
}

// comes reports whether a node of the factory comes to /etc: it does not below a directory
// that is kept, or of a name that something else has because something in it is kept.
func (g *grower) comes(before map[string]shape, name string, around map[string]bool) bool {
	at := ""
	if g.kept["/etc"] {
		return false
	}
	for _, c := range components(name) {
		at += "/" + c
		isDir := before["/usr/factory"+at].mode&unix.S_IFMT == unix.S_IFDIR
		if around["/etc"+at] && !isDir {
			return false
		}
		if !around["/etc"+at] && g.kept["/etc"+at] {
			return false
		}
	}
	return true
}

func keptIn(keep []string, dir string) bool {
	for _, k := range keep {
		if rootfs.Within(k, dir) {
			return true
		}
	}
	return false
}

var errKilled = errors.New("killed")

// Whatever the tree is like and wherever runs are killed, the last one leaves what is kept and
// what belongs to the image, as it was, and nothing else.
func TestRandomTrees(t *testing.T) {
	asRoot(t)
	for seed := range int64(60) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			clearRandom(t, t.TempDir(), seed)
		})
	}
}

func clearRandom(t *testing.T, dir string, seed int64) {
	t.Helper()
	g := newGrower(t, dir, seed)
	keep := g.keep()
	g.kept = map[string]bool{}
	for _, k := range keep {
		g.kept[k] = true
	}
	before := snapshot(t, dir)
	tr := tree{t, dir}
	request := Request{Keep: keep, Settings: settings(t, randomSettings)}
	for kills := g.Intn(4); kills >= 0; kills-- {
		p, err := tr.look(request)
		testkit.NoError(t, err)
		left := g.Intn(40)
		if kills > 0 {
			p.step = func() error {
				if left--; left < 0 {
					return errKilled
				}
				return nil
			}
		}
		if err := run(t, p); err != nil && !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
	}
	g.check(before, keep)
	if t.Failed() {
		t.Logf("kept: %.300q", keep)
	}
}
