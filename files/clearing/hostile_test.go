package clearing

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// deepTree makes directories in each other, deeper than any path can be.
func deepTree(t testing.TB, dir string, depth int) {
	t.Helper()
	fd, err := unix.Open(dir, unix.O_PATH, 0)
	testkit.NoError(t, err)
	name := strings.Repeat("d", 50)
	for range depth {
		testkit.NoError(t, unix.Mkdirat(fd, name, 0o755))
		sub, err := unix.Openat(fd, name, unix.O_PATH, 0)
		testkit.NoError(t, err)
		unix.Close(fd)
		fd = sub
	}
	file, err := unix.Openat(fd, "f", unix.O_CREAT|unix.O_WRONLY, 0o600)
	testkit.NoError(t, err)
	unix.Close(file)
	unix.Close(fd)
}

func openFiles(t testing.TB) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	testkit.NoError(t, err)
	return len(names)
}

func TestDeepTreesAndManyEntries(t *testing.T) {
	const depth, entries = 3000, 20000
	tr := newTree(t, t.TempDir(), "usr/", "etc/", "var/many/kept=k", "var/many/sub/f=x")
	deepTree(t, filepath.Join(tr.dir, "var"), depth)
	for i := range entries {
		testkit.NoError(t, unix.Mknod(filepath.Join(tr.dir, fmt.Sprintf("var/many/a-file-with-a-name-%d", i)), unix.S_IFREG|0o600, 0))
	}
	before, most := openFiles(t), 0
	p, err := tr.look(Request{Keep: []string{"/var/many/kept"}, Settings: settings(t, "RESET_KEEP=/usr /etc")})
	testkit.NoError(t, err)
	testkit.Equal(t, "number of files that go", p.Removed().Files, entries+2)
	steps := 0
	p.step = func() error {
		if steps++; steps%500 == 0 {
			most = max(most, openFiles(t)-before)
		}
		return nil
	}
	testkit.NoError(t, run(t, p))
	testkit.Equal(t, "nodes", tr.nodes(), []string{"etc/", "usr/", "var/many/kept=k"})
	if most > maxOpen+10 {
		t.Errorf("%d files were open at once", most)
	}
}

// Who swaps directories for links, or moves them, while they are cleared, has nothing removed that
// is outside of the root.
func TestNamesThatAreSwapped(t *testing.T) {
	for name, swap := range map[string]func(dir, outside string) error{
		"for a link": func(dir, outside string) error {
			return errors.Join(os.Rename(dir+"/var/b", dir+"/etc/away"), os.Symlink(outside, dir+"/var/b"))
		},
		"for a link above": func(dir, outside string) error {
			return errors.Join(os.Rename(dir+"/var", dir+"/etc/away"), os.Symlink(outside, dir+"/var"))
		},
		"for a directory": func(dir, _ string) error {
			return errors.Join(os.Rename(dir+"/var/b", dir+"/etc/away"), os.Mkdir(dir+"/var/b", 0o755))
		},
	} {
		t.Run(name, func(t *testing.T) {
			for at := range 8 {
				outside := t.TempDir()
				newTree(t, outside, "b/a=precious", "b/sub/a=precious", "a=precious")
				tr := newTree(t, t.TempDir(), "usr/", "etc/", "var/a=x", "var/b/a=x", "var/b/sub/a=x", "var/b/sub/b=x", "l->"+outside, "var/l->"+outside)
				p, err := tr.look(Request{Settings: settings(t, "RESET_KEEP=/usr /etc")})
				testkit.NoError(t, err)
				steps := 0
				p.step = func() error {
					if steps == at {
						swap(tr.dir, outside) // is not possible any more in the last steps
					}
					steps++
					return nil
				}
				_ = run(t, p) // may well fail
				testkit.Equal(t, "nodes outside", tree{t, outside}.nodes(), []string{"a=precious", "b/a=precious", "b/sub/a=precious"})
				if steps < at {
					t.Errorf("there were %d steps, want more than %d", steps, at)
				}
			}
		})
	}
}

// A directory that was moved while the walker was deep in it does not lead it out of the root.
func TestADirectoryThatIsMovedAway(t *testing.T) {
	scratch := t.TempDir()
	root := filepath.Join(scratch, "root")
	tr := newTree(t, root, "usr/", "etc/", "var/deep/")
	newTree(t, scratch, "outside/precious=x")
	deepTree(t, filepath.Join(root, "var/deep"), 2*maxOpen)
	p, err := tr.look(Request{Settings: settings(t, "RESET_KEEP=/usr /etc")})
	testkit.NoError(t, err)
	first := strings.Repeat("d", 50)
	moved := false
	p.step = func() error {
		if !moved {
			moved = true
			return os.Rename(filepath.Join(root, "var/deep", first, first), filepath.Join(scratch, "outside/moved"))
		}
		return nil
	}
	err = run(t, p)
	testkit.ErrorContains(t, "clearing", err, "removing from", "going back from", "somebody has moved this directory meanwhile")
	testkit.Equal(t, "file outside", testkit.ReadFile(t, filepath.Join(scratch, "outside/precious")), "x")
}

func TestCancellation(t *testing.T) {
	tr := newTree(t, t.TempDir(), "usr/", "etc/", "var/a/b/c=x", "var/a/b/d=x")
	p, err := tr.look(Request{Settings: settings(t, "RESET_KEEP=/usr /etc")})
	testkit.NoError(t, err)
	ctx, cancel := context.WithCancelCause(t.Context())
	interrupted := errors.New("interrupted")
	p.step = func() error { cancel(interrupted); return nil }
	if err := p.clear(ctx); err != nil { // the directory that is being read is finished
		t.Logf("ended with %v", err)
	}
	if err := p.clear(ctx); !errors.Is(err, interrupted) {
		t.Errorf("got %v, want %v", err, interrupted)
	}
}

// What is removed is bounded by the kernel's work: with -v the figures are seen.
func BenchmarkClearing(b *testing.B) {
	const files, inOne = 100_000, 100
	for b.Loop() {
		b.StopTimer()
		dir := b.TempDir()
		newTree(b, dir, "usr/", "etc/")
		for i := range files / inOne {
			sub := filepath.Join(dir, fmt.Sprintf("var/%d/%d", i%10, i))
			testkit.NoError(b, os.MkdirAll(sub, 0o755))
			for j := range inOne {
				testkit.NoError(b, unix.Mknod(filepath.Join(sub, fmt.Sprint(j)), unix.S_IFREG|0o600, 0))
			}
		}
		tr := tree{b, dir}
		b.StartTimer()
		p, err := tr.look(Request{Settings: settings(b, "RESET_KEEP=/usr /etc")})
		testkit.NoError(b, err)
		testkit.NoError(b, p.clear(b.Context()))
	}
}

// What comes into being, or is another node, since the root was looked at ends the clearing, with
// what was found.
func TestChangesSinceTheRootWasLookedAt(t *testing.T) {
	for name, c := range map[string]struct {
		change func(dir string) error
		want   []string
	}{
		"a new file in a directory that was emptied": {func(dir string) error {
			if _, err := os.Lstat(dir + "/var/a/f"); err == nil {
				return nil
			}
			return os.WriteFile(dir+"/var/a/late", nil, 0o600)
		}, []string{"removing directory", "/var/a: all in it was removed before: something else uses the root meanwhile"}},
		"a file in place of the directory around a kept one": {func(dir string) error {
			os.Rename(dir+"/var/z\x1b\n", dir+"/etc/z")
			return os.WriteFile(dir+"/var/z\x1b\n", nil, 0o600)
		}, []string{"clearing", "/var/z??: it was a directory before: something else uses the root meanwhile"}},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTree(t, t.TempDir(), "usr/", "etc/", "var/a/f=x", "var/b=x", "var/z\x1b\n/kept/f=x", "home/f=x")
			p, err := tr.look(Request{Keep: []string{"/var/z\x1b\n/kept"}, Settings: settings(t, "RESET_KEEP=/usr /etc")})
			testkit.NoError(t, err)
			p.step = func() error { return c.change(tr.dir) }
			testkit.ErrorContains(t, "clearing", run(t, p), c.want...)
		})
	}
}
