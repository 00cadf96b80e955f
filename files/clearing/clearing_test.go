package clearing

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// A tree is a root that a test makes.
type tree struct {
	testing.TB
	dir string
}

// newTree makes a root of nodes in a directory: "etc/passwd=text" is a file, "home/" a
// directory, "bin->usr/bin" a link, "b==a" a hard link.
func newTree(t testing.TB, dir string, nodes ...string) tree {
	t.Helper()
	for _, n := range nodes {
		name, target, isLink := strings.Cut(n, "->")
		first, second, isHard := strings.Cut(n, "==")
		file, text, _ := strings.Cut(n, "=")
		switch at := filepath.Join(dir, name); {
		case isLink:
			testkit.NoError(t, os.MkdirAll(filepath.Dir(at), 0o755))
			testkit.NoError(t, os.Symlink(target, at))
		case isHard:
			testkit.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, first)), 0o755))
			testkit.NoError(t, os.Link(filepath.Join(dir, second), filepath.Join(dir, first)))
		case strings.HasSuffix(n, "/"):
			testkit.NoError(t, os.MkdirAll(at, 0o755))
		default:
			testkit.WriteFile(t, filepath.Join(dir, file), text)
		}
	}
	return tree{t, dir}
}

// nodes are all that there are, without directories that have something in them.
func (t tree) nodes() []string {
	t.Helper()
	var all []string
	var list func(name string)
	list = func(name string) {
		entries, err := os.ReadDir(filepath.Join(t.dir, name))
		testkit.NoError(t, err)
		if len(entries) == 0 {
			all = append(all, name+"/")
		}
		for _, e := range entries {
			at := filepath.Join(name, e.Name())
			switch {
			case e.IsDir():
				list(at)
			case e.Type() == os.ModeSymlink:
				target, err := os.Readlink(filepath.Join(t.dir, at))
				testkit.NoError(t, err)
				all = append(all, at+"->"+target)
			case e.Type().IsRegular():
				all = append(all, at+"="+testkit.ReadFile(t, filepath.Join(t.dir, at)))
			default:
				all = append(all, at)
			}
		}
	}
	list("")
	slices.Sort(all)
	return all
}

func settings(t testing.TB, text string) distribution.Settings {
	t.Helper()
	s, err := distribution.Parse(text, "distribution.conf")
	testkit.NoError(t, err)
	return s
}

func (t tree) look(r Request) (*Plan, error) {
	t.Helper()
	root, err := rootfs.Open(t.dir)
	testkit.NoError(t, err)
	t.Cleanup(root.Close)
	return Look(t.Context(), root, r)
}

func run(t testing.TB, p *Plan) error {
	t.Helper()
	runner := &report.Runner{Log: report.NewFuncLogger(func(report.Level, string, map[string]string) {}), Workers: 1}
	return runner.Run(t.Context(), p.Operations(func() error { return nil }))
}

func (t tree) clear(r Request) *Plan {
	t.Helper()
	p, err := t.look(r)
	testkit.NoError(t, err)
	testkit.NoError(t, run(t, p))
	return p
}

var deployment = []string{"sysroot/ostree/deploy/os/deploy/1/", "sysroot/ostree/repo/objects/a=object", "usr/etc/passwd=root", "usr/etc/ssh/sshd_config=default", "usr/bin/sh=sh", "boot/vmlinuz=kernel", "var/", "etc/"}

func TestAnOSTreeDeployment(t *testing.T) {
	tr := newTree(t, t.TempDir(), append(deployment, "var/lib/data/a=1", "var/lib/data/sub/b=2", "var/lib/other=x", "var/home/u/f=old", "var/log/l->../lib/data",
		"etc/passwd=changed", "etc/ssh/key=secret", "etc/ssh/sshd_config=mine", "etc/machine-id=0123", "etc/new=x")...)
	p := tr.clear(Request{Keep: []string{"/var/lib/data", "/etc/ssh/key"}, MachineID: "0123"})
	testkit.Equal(t, "layout", p.Layout, "OSTree deployment")
	testkit.Equal(t, "source of /etc", p.EtcFrom, "/usr/etc")
	testkit.Equal(t, "stays", fmt.Sprint(p.Stays), "[{/etc/machine-id 1 4 the machine keeps its ID 0} {/etc/ssh/key 1 6 it is kept 0} {/var/lib/data 2 2 it is kept 0}]")
	testkit.Equal(t, "goes", fmt.Sprint(p.Goes), "[{/etc 3 12  0} {/var/home 1 3  2} {/var/lib 1 1  0} {/var/log 1 0  1}]")
	want := []string{"boot/vmlinuz=kernel", "etc/machine-id=0123", "etc/passwd=root", "etc/ssh/key=secret", "etc/ssh/sshd_config=default", "sysroot/ostree/deploy/os/deploy/1/",
		"sysroot/ostree/repo/objects/a=object", "usr/bin/sh=sh", "usr/etc/passwd=root", "usr/etc/ssh/sshd_config=default", "var/lib/data/a=1", "var/lib/data/sub/b=2"}
	testkit.Equal(t, "nodes", tr.nodes(), want)
}

// mount mounts a filesystem of its own, which the test's end unmounts.
func mount(t testing.TB, source, at, kind string, flags uintptr) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("mounting takes root")
	}
	testkit.NoError(t, os.MkdirAll(at, 0o755))
	testkit.NoError(t, unix.Mount(source, at, kind, flags, ""))
	t.Cleanup(func() { testkit.NoError(t, unix.Unmount(at, unix.MNT_DETACH)) })
}

func TestAnOwnUsr(t *testing.T) {
	dir := t.TempDir()
	mount(t, "none", filepath.Join(dir, "usr"), "tmpfs", 0)
	newTree(t, dir, "usr/lib/os-release=ID=x", "usr/share/etc/passwd=root", "bin->usr/bin", "lib->/usr/lib", "srv->data", "boot/kernel=k", "etc/passwd=changed", "etc/x=y",
		"root/f=x", "home/u/data/f=kept", "home/u/.profile=p", "data/f=x", "proc/", "tmp/t=x", "var/lib/x/y=z", "f=x")
	testkit.NoError(t, unix.Mount("", filepath.Join(dir, "usr"), "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	mount(t, "none", filepath.Join(dir, "data/deep/mounted"), "tmpfs", 0)
	testkit.WriteFile(t, filepath.Join(dir, "data/deep/mounted/f"), "other")
	tr := tree{t, dir}
	_, err := tr.look(Request{Keep: []string{"/none"}})
	wantConflict(t, err, `the path "/none" cannot be kept: it does not exist`)
	p := tr.clear(Request{Keep: []string{"/home/u/data"}, MachineID: "0123", Settings: settings(t, "RESET_ETC=/usr/share/etc")})
	testkit.Equal(t, "layout", p.Layout, "/usr on a filesystem of its own")
	testkit.Equal(t, "source of /etc", p.EtcFrom, "/usr/share/etc")
	var stays []string
	for _, part := range p.Stays {
		stays = append(stays, part.Path+": "+string(part.Reason))
	}
	testkit.Equal(t, "stays", stays, []string{"/bin: it belongs to the image", "/boot: it belongs to the image", "/data/deep/mounted: a filesystem is mounted there",
		"/home/u/data: it is kept", "/lib: it belongs to the image", "/usr: a filesystem is mounted there"})
	want := []string{"bin->usr/bin", "boot/kernel=k", "data/deep/mounted/f=other", "etc/machine-id=0123\n", "etc/passwd=root", "home/u/data/f=kept", "lib->/usr/lib", "proc/", "root/",
		"tmp/", "usr/lib/os-release=ID=x", "usr/share/etc/passwd=root", "var/"}
	testkit.Equal(t, "nodes", tr.nodes(), want)
}

func TestWhatTheDistributionNames(t *testing.T) {
	tr := newTree(t, t.TempDir(), "usr/bin/sh=sh", "opt/vendor/a=1", "opt/other=2", "etc/passwd=root", "home/u/f=1", "home/u/g==home/u/f", "x=y", "opt/l->other", "boot->usr/boot")
	tr.clear(Request{Keep: []string{"/home/u/g"}, Settings: settings(t, "RESET_KEEP=/usr /opt/vendor /etc /not/there /opt/l")})
	testkit.Equal(t, "nodes", tr.nodes(), []string{"boot->usr/boot", "etc/passwd=root", "home/u/g=1", "opt/l->other", "opt/vendor/a=1", "usr/bin/sh=sh"})
}
