package clearing

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

func tool(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// mountNew makes a filesystem in a file and mounts it.
func mountNew(t testing.TB, kind string, options ...string) (dir string) {
	t.Helper()
	asRoot(t)
	scratch := t.TempDir()
	image, dir := filepath.Join(scratch, "image"), filepath.Join(scratch, "mounted")
	testkit.NoError(t, os.WriteFile(image, nil, 0o600))
	testkit.NoError(t, os.Truncate(image, 400<<20))
	tool(t, "mkfs."+kind, append(options, "-q", image)...)
	testkit.NoError(t, os.Mkdir(dir, 0o755))
	tool(t, "mount", "-t", kind, "-o", "loop", image, dir)
	t.Cleanup(func() { testkit.NoError(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return dir
}

func TestRandomTreesOnFilesystems(t *testing.T) {
	for _, kind := range []string{"ext4", "xfs", "btrfs"} {
		t.Run(kind, func(t *testing.T) {
			dir := mountNew(t, kind)
			for seed := range int64(8) {
				at := filepath.Join(dir, string(rune('a'+seed)))
				testkit.NoError(t, os.Mkdir(at, 0o755))
				clearRandom(t, at, 1000+seed)
			}
		})
	}
}

// Subvolumes go as directories do, nested and read-only ones too; one in which something is kept
// stays as it is but for the rest.
func TestBtrfsSubvolumes(t *testing.T) {
	dir := mountNew(t, "btrfs")
	subvolume := func(name string) { tool(t, "btrfs", "subvolume", "create", filepath.Join(dir, name)) }
	readOnly := func(name string) {
		tool(t, "btrfs", "property", "set", filepath.Join(dir, name), "ro", "true")
	}
	newTree(t, dir, "usr/bin/sh=sh", "etc/passwd=root", "var/lib/f=x", "srv/")
	for _, s := range []string{"home", "var/lib/machines", "var/lib/machines/a", "var/lib/machines/a/b", "snapshots", "srv/kept", "srv/around"} {
		subvolume(s)
	}
	newTree(t, dir, "home/u/f=x", "var/lib/machines/a/f=x", "var/lib/machines/a/b/f=x", "srv/kept/f=kept", "srv/around/deep/kept=y", "srv/around/deep/goes=y", "srv/around/goes/f=y")
	tool(t, "btrfs", "subvolume", "snapshot", "-r", filepath.Join(dir, "home"), filepath.Join(dir, "snapshots/1"))
	for _, s := range []string{"var/lib/machines/a/b", "var/lib/machines/a", "srv/kept", "srv/around"} {
		readOnly(s)
	}
	var before, after unix.Stat_t
	testkit.NoError(t, unix.Lstat(filepath.Join(dir, "srv/around"), &before))
	tr := tree{t, dir}
	tr.clear(Request{Keep: []string{"/srv/kept", "/srv/around/deep/kept"}, Settings: settings(t, "RESET_KEEP=/usr /etc")})
	testkit.Equal(t, "nodes", tr.nodes(), []string{"etc/passwd=root", "home/", "srv/around/deep/kept=y", "srv/kept/f=kept", "usr/bin/sh=sh", "var/"})
	testkit.NoError(t, unix.Lstat(filepath.Join(dir, "srv/around"), &after))
	testkit.Equal(t, "device of the subvolume around", after.Dev, before.Dev)
	for _, s := range []string{"srv/kept/new", "srv/around/new"} {
		if err := os.Mkdir(filepath.Join(dir, s), 0o755); !errors.Is(err, unix.EROFS) {
			t.Errorf("%s: got %v, want %v", s, err, unix.EROFS)
		}
	}
	out, err := exec.Command("btrfs", "subvolume", "list", dir).Output()
	testkit.NoError(t, err)
	testkit.Equal(t, "number of subvolumes that are left", strings.Count(string(out), "\n"), 3)
}

// Before Linux 5.8 the kernel tells the mount of a node only in /proc.
func TestMountsAreToldApartByProc(t *testing.T) {
	asRoot(t)
	dir := t.TempDir()
	newTree(t, dir, "a/f=x", "b/f=x")
	mount(t, filepath.Join(dir, "a"), filepath.Join(dir, "bound"), "", unix.MS_BIND)
	fd, err := unix.Open(dir, unix.O_PATH, 0)
	testkit.NoError(t, err)
	defer unix.Close(fd)
	for name, same := range map[string]bool{"a": true, "b/f": true, "bound": false, "bound/f": false} {
		top, err := mountOf(fd, "")
		testkit.NoError(t, err)
		got, err := mountOf(fd, name)
		testkit.NoError(t, err)
		is, err := stat(fd, name)
		testkit.NoError(t, err)
		testkit.Equal(t, name+" is in the mount of the directory", got == top, same)
		testkit.Equal(t, "mount of "+name, got, is.mount)
	}
}

// The size of a directory entry is what readEntries takes it for.
func TestDirectoryEntries(t *testing.T) {
	var e unix.Dirent
	testkit.Equal(t, "offset of the length", unsafe.Offsetof(e.Reclen), 16)
	testkit.Equal(t, "offset of the kind", unsafe.Offsetof(e.Type), 18)
	testkit.Equal(t, "offset of the name", unsafe.Offsetof(e.Name), 19)
}
