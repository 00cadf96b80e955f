package clearing

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// Conflicts are told all at once, with what was found and what to do, and nothing is changed.
func TestConflicts(t *testing.T) {
	const split = "RESET_KEEP=/usr /etc"
	ostree := []string{"sysroot/ostree/deploy/", "usr/etc/f=x", "etc/f=y", "var/f=x"}
	for name, c := range map[string]struct {
		nodes    []string
		settings string
		keep     []string
		want     []string
	}{
		"a root of which nothing is known": {nodes: []string{"usr/bin/sh=sh", "etc/f=x"}, want: []string{
			"what of the root belongs to the image is not known: it is no OSTree deployment: there is no directory ", "/sysroot/ostree/deploy; ",
			"RESET_KEEP: it is not set in /usr/lib/ignition/distribution.conf; ", "/usr is on the root filesystem", "provision this machine from a new image, or have the distribution say in RESET_KEEP"}},
		"a kept path that does not exist": {settings: split, nodes: []string{"usr/", "etc/"}, keep: []string{"/srv/none/x"}, want: []string{
			`the path "/srv/none/x" cannot be kept: it does not exist`, "leave it out, or name what exists; see --keep of firstlightctl reset"}},
		"links on the way and at the end": {settings: split, nodes: []string{"usr/", "etc/", "data/x/f=1", "home->data", "data/l->x"}, keep: []string{"/home/x/f", "/data/l"}, want: []string{
			`the path "/home/x/f" cannot be kept: "/home" is a symbolic link`, `name what it leads to, "/data/x/f"; `, `the path "/data/l" cannot be kept: "/data/l" is a symbolic link`, `"/data/x"; `}},
		"a file on the way": {settings: split, nodes: []string{"usr/", "etc/", "data=1"}, keep: []string{"/data/x"}, want: []string{`the path "/data/x" cannot be kept: "/data" is no directory`}},
		"what is no path": {settings: split, nodes: []string{"usr/", "etc/"}, keep: []string{"/", "a", "/a/../b"}, want: []string{
			`the path "/" cannot be kept: it is the root itself`, `the path "a" cannot be kept: it is not absolute`, `the path "/a/../b" cannot be kept: its shortest form is /b`}},
		"names that steer a terminal": {settings: split, nodes: []string{"usr/", "etc/", "a\x1b[31m\nb->x"}, keep: []string{"/a\x1b[31m\nb"}, want: []string{`the path "/a\x1b[31m\nb" cannot be kept: "/a\x1b[31m\nb" is a symbolic link`}},
		"nothing that makes /etc":     {settings: "RESET_KEEP=/usr", nodes: []string{"usr/", "etc/"}, want: []string{"nothing says where /etc comes from: the distribution sets RESET_KEEP without it", "set RESET_ETC, or add /etc to RESET_KEEP"}},
		"a source of /etc that is not there": {settings: "RESET_KEEP=/usr\nRESET_ETC=/usr/none", nodes: []string{"usr/", "etc/"}, want: []string{
			"there is no directory ", "/usr/none, from which /etc is to be made anew", "see RESET_ETC in distribution.conf"}},
		"a source of /etc that goes": {settings: "RESET_KEEP=/usr\nRESET_ETC=/srv/etc", nodes: []string{"usr/", "etc/", "srv/etc/"}, want: []string{"/srv/etc, from which /etc is to be made anew, goes itself"}},
		"settings that name a link":  {settings: split + " /lib/x", nodes: []string{"usr/", "etc/", "lib->usr", "usr/x=y"}, want: []string{`the path "/lib/x" cannot be kept: "/lib" is a symbolic link`, "the distribution has it in RESET_KEEP of distribution.conf"}},
		"an OSTree path by its link": {nodes: append(ostree, "home->var/home", "var/home/u/f=x"), keep: []string{"/home/u"}, want: []string{`"/home" is a symbolic link`, `name what it leads to, "/var/home/u"; `}},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTree(t, t.TempDir(), c.nodes...)
			before := tr.nodes()
			_, err := tr.look(Request{Keep: c.keep, Settings: settings(t, c.settings)})
			wantConflict(t, err, c.want...)
			testkit.Equal(t, "nodes", tr.nodes(), before)
		})
	}
}

// wantConflict checks that errors with their hints have these parts.
func wantConflict(t testing.TB, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("there is no conflict")
	}
	var all strings.Builder
	for _, leaf := range report.Leaves(err) {
		at := new(report.Error)
		if !errors.As(leaf, &at) || at.Hint == "" {
			t.Errorf("there is no hint for %v", leaf)
		}
		fmt.Fprintf(&all, "%v\n%s\n", at, at.Hint)
	}
	testkit.Equal(t, "number of conflicts", len(report.Leaves(err)), max(1, strings.Count(strings.Join(parts, ""), "cannot be kept")))
	testkit.Contains(t, "conflicts", all.String(), parts...)
}

func TestConflictsWithMounts(t *testing.T) {
	asRoot(t)
	const split = "RESET_KEEP=/usr /etc"
	for name, c := range map[string]struct {
		settings, keep string
		prepare        func(t testing.TB, dir string)
		want           []string
	}{
		"a kept path on another filesystem": {split, "/data/m/sub", func(t testing.TB, dir string) {
			mount(t, "none", filepath.Join(dir, "data/m"), "tmpfs", 0)
			newTree(t, dir, "data/m/sub/f=x")
		}, []string{`the path "/data/m/sub" cannot be kept: at "/data/m" another filesystem is mounted`, "other filesystems are kept anyway, unless the config wipes them (wipeFilesystem)"}},
		"a directory of the root that is mounted elsewhere on it": {split, "/bound", func(t testing.TB, dir string) {
			newTree(t, dir, "data/f=x")
			mount(t, filepath.Join(dir, "data"), filepath.Join(dir, "bound"), "", unix.MS_BIND)
		}, []string{`the path "/bound" cannot be kept: at "/bound" another filesystem is mounted`}},
		"a path of the image on another filesystem, and a kept one that is not there": {split + " /data/m", "/none", func(t testing.TB, dir string) {
			mount(t, "none", filepath.Join(dir, "data/m"), "tmpfs", 0)
		}, []string{`the path "/none" cannot be kept: it does not exist`}},
		"a /usr that can be written to": {"", "", func(t testing.TB, dir string) {
			mount(t, "none", filepath.Join(dir, "usr"), "tmpfs", 0)
		}, []string{"/usr is mounted, but not read-only"}},
		"a root with programs of its own": {"", "", func(t testing.TB, dir string) {
			newTree(t, dir, "bin/sh=sh")
			mount(t, "none", filepath.Join(dir, "usr"), "tmpfs", unix.MS_RDONLY)
		}, []string{"/bin is a directory, not a link to /usr"}},
		"a read-only root": {split, "", func(t testing.TB, dir string) {
			mount(t, "none", dir, "tmpfs", 0)
			newTree(t, dir, "usr/", "etc/")
			testkit.NoError(t, unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
		}, []string{"the filesystem at ", " is read-only", "mount it writable: the kernel argument rw"}},
		"an overlay at /etc": {"", "", func(t testing.TB, dir string) {
			mount(t, "none", filepath.Join(dir, "usr"), "tmpfs", unix.MS_RDONLY)
			for _, d := range []string{"etc", "lower", "work"} {
				testkit.NoError(t, os.MkdirAll(filepath.Join(dir, d), 0o755))
			}
			etc := filepath.Join(dir, "etc")
			testkit.NoError(t, unix.Mount("overlay", etc, "overlay", 0, fmt.Sprintf("lowerdir=%s/lower,upperdir=%s,workdir=%s/work", dir, etc, dir)))
			t.Cleanup(func() { unix.Unmount(etc, unix.MNT_DETACH) })
		}, []string{"/etc is an overlay that is mounted already: what is below it cannot be cleared", "provision this machine from a new image"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			newTree(t, dir, "usr/", "etc/")
			c.prepare(t, dir)
			var keep []string
			if c.keep != "" {
				keep = []string{c.keep}
			}
			_, err := tree{t, dir}.look(Request{Keep: keep, Settings: settings(t, c.settings)})
			wantConflict(t, err, c.want...)
		})
	}
}

// On OSTree a /var on a partition of its own is not the root's.
func TestAnOSTreeDeploymentWithAnOwnVar(t *testing.T) {
	asRoot(t)
	dir := t.TempDir()
	newTree(t, dir, append(deployment, "etc/x=y")...)
	mount(t, "none", filepath.Join(dir, "var"), "tmpfs", 0)
	tr := newTree(t, dir, "var/lib/f=x")
	p := tr.clear(Request{})
	testkit.Equal(t, "goes", fmt.Sprint(p.Goes), "[{/etc 1 1  0}]")
	testkit.Equal(t, "stays", fmt.Sprint(p.Stays), "[{/var 0 0 a filesystem is mounted there 0}]")
	testkit.Equal(t, "file of another filesystem", testkit.ReadFile(t, filepath.Join(dir, "var/lib/f")), "x")
	_, err := tr.look(Request{Keep: []string{"/var/lib"}})
	wantConflict(t, err, `the path "/var/lib" cannot be kept: at "/var" another filesystem is mounted`)
	mount(t, "none", filepath.Join(dir, "etc"), "tmpfs", 0)
	_, err = tr.look(Request{})
	wantConflict(t, err, "nothing of the root can be cleared: /var and /etc are on filesystems of their own")
}

// Where nothing has mounted the /var of the deployment, the one that is seen is none.
func TestAnOSTreeDeploymentWithoutItsVar(t *testing.T) {
	dir := t.TempDir()
	newTree(t, dir, append(deployment, "sysroot/ostree/deploy/os/var/lib/f=x", "sysroot/ostree/deploy/new/deploy/")...)
	want := []string{filepath.Join(dir, "var") + " is not that of the deployment, which is in " + filepath.Join(dir, "sysroot/ostree/deploy/os/var"), "mount it before the mount stage"}
	_, err := tree{t, dir}.look(Request{})
	wantConflict(t, err, want...)
	testkit.NoError(t, os.Remove(filepath.Join(dir, "var")))
	_, err = tree{t, dir}.look(Request{})
	wantConflict(t, err, want...)
}

// As ostree-prepare-root leaves them, /var and /etc are mounts of the root's filesystem.
func TestAnOSTreeDeploymentWithBindMounts(t *testing.T) {
	asRoot(t)
	dir := t.TempDir()
	for _, d := range deployment {
		newTree(t, dir, d)
	}
	newTree(t, dir, "sysroot/ostree/deploy/os/var/lib/a=kept", "sysroot/ostree/deploy/os/var/lib/b=x")
	mount(t, filepath.Join(dir, "sysroot/ostree/deploy/os/var"), filepath.Join(dir, "var"), "", unix.MS_BIND)
	mount(t, filepath.Join(dir, "etc"), filepath.Join(dir, "etc"), "", unix.MS_BIND)
	testkit.WriteFile(t, filepath.Join(dir, "etc/old"), "x")
	tr := tree{t, dir}
	p := tr.clear(Request{Keep: []string{"/var/lib/a"}})
	testkit.Equal(t, "goes", fmt.Sprint(p.Goes), "[{/etc 1 1  0} {/var/lib 1 1  0}]")
	testkit.Equal(t, "file", testkit.ReadFile(t, filepath.Join(dir, "sysroot/ostree/deploy/os/var/lib/a")), "kept")
	testkit.Equal(t, "file of the image", testkit.ReadFile(t, filepath.Join(dir, "etc/passwd")), "root")
	for _, gone := range []string{"etc/old", "var/lib/b"} {
		if _, err := os.Lstat(filepath.Join(dir, gone)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: got %v, want %v", gone, err, os.ErrNotExist)
		}
	}
}

// A way to mark a first boot that is a file of the root stays, so that what was interrupted
// goes on.
func TestTheMarkOfTheFirstBootStays(t *testing.T) {
	tr := newTree(t, t.TempDir(), append(deployment, "etc/ignition.firstboot=", "etc/machine-id=old")...)
	p := tr.clear(Request{MachineID: "new", Settings: settings(t, "FIRST_BOOT=root-file")})
	testkit.Equal(t, "stays", fmt.Sprint(p.Stays), "[{/etc/ignition.firstboot 1 0 it says that this is a first boot 0}]")
	testkit.Equal(t, "mark", testkit.ReadFile(t, filepath.Join(tr.dir, "etc/ignition.firstboot")), "")
	testkit.Equal(t, "ID", testkit.ReadFile(t, filepath.Join(tr.dir, "etc/machine-id")), "new\n")
}
