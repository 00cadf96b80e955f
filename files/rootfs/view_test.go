package rootfs

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// A view is asked about paths and says "nothing", what is there, or that it cannot be.
func TestViewIsTheTreeAfterChanges(t *testing.T) {
	w := newTree(t)
	w.mkdir("home/ann/.ssh")
	w.write("home/ann/note", "12345")
	w.symlink("/home/ann/note", "home/ann/link")
	w.symlink("home", "h")
	w.write("etc/skel/rc", "123")
	w.symlink("/etc/skel/rc", "etc/skel/own")
	w.symlink("rc", "etc/skel/relative")
	w.mkdir("etc/skel/deep")
	w.write("etc/skel/deep/f", "1")
	for name, c := range map[string]struct {
		change func(v *View)
		want   map[string]string
	}{
		"nothing": {func(*View) {}, map[string]string{
			"/home/ann/note": "a file of 5 bytes", "/h/ann/link": "a symbolic link to /home/ann/note", "/home/bob": "nothing"}},
		"removed": {func(v *View) { v.Remove("/home/ann") }, map[string]string{
			"/home/ann": "nothing", "/home/ann/note": "nothing", "/h/ann/.ssh": "nothing", "/home": "a directory"}},
		"removed, made again": {func(v *View) { v.Remove("/home/ann"); v.Make("/home/ann", unix.S_IFDIR) }, map[string]string{
			"/home/ann": "a directory", "/home/ann/note": "nothing", "/home/ann/.ssh/x": "nothing", "/home/ann/../ann": "a directory"}},
		"made, with parents": {func(v *View) { v.Make("/srv/a/f", unix.S_IFREG) }, map[string]string{
			"/srv": "a directory", "/srv/a": "a directory", "/srv/a/f": "a file of 0 bytes", "/srv/a/f/x": "not a directory"}},
		"moved": {func(v *View) { v.Move("/home/ann", "/srv/ann") }, map[string]string{
			"/home/ann": "nothing", "/h/ann/note": "nothing", "/srv/ann/.ssh": "a directory", "/srv/ann/note": "a file of 5 bytes", "/srv/ann/none": "nothing"}},
		"moved and back": {func(v *View) { v.Move("/home/ann", "/x"); v.Move("/x", "/home/ann") }, map[string]string{
			"/home/ann/note": "a file of 5 bytes", "/x": "nothing"}},
		"moved with what was changed in it": {func(v *View) {
			v.Remove("/home/ann/note")
			v.Make("/home/ann/new/f", unix.S_IFREG)
			v.Move("/home/ann", "/x")
		}, map[string]string{"/x/note": "nothing", "/x/new/f": "a file of 0 bytes", "/x/.ssh": "a directory", "/home/ann/new": "nothing"}},
		"moved out of a directory that goes, and back when that is made again": {func(v *View) {
			v.Move("/home/ann/.ssh", "/x")
			v.Remove("/home/ann")
			v.Make("/home/ann", unix.S_IFDIR)
			v.Move("/x", "/home/ann/.ssh")
		}, map[string]string{"/home/ann/.ssh": "a directory", "/home/ann/.ssh/none": "nothing", "/home/ann/note": "nothing"}},
		"copied": {func(v *View) {
			v.Make("/home/bob", unix.S_IFDIR)
			for _, name := range []string{"rc", "own", "relative", "deep"} {
				v.Copy("/etc/skel/"+name, "/home/bob/"+name, "/etc/skel", "/home/bob")
			}
		}, map[string]string{
			"/home/bob/rc": "a file of 3 bytes", "/home/bob/own": "a symbolic link to /home/bob/rc", "/home/bob/relative": "a symbolic link to rc",
			"/h/bob/deep/f": "a file of 1 bytes", "/home/bob/deep/none": "nothing", "/home/bob/none": "nothing", "/etc/skel/rc": "a file of 3 bytes",
			"/home/bob/own/x": "not a directory"}},
	} {
		t.Run(name, func(t *testing.T) {
			v := open(t, w.root).View()
			c.change(v)
			for path, want := range c.want {
				_, st, err := v.Locate(path)
				got := "nothing"
				switch {
				case errors.Is(err, unix.ENOTDIR):
					got = "not a directory"
				case err != nil:
					t.Error(err)
				case st != nil:
					got = st.String()
				}
				testkit.Equal(t, path, got, want)
			}
		})
	}
}

func TestCopiesAreOtherNodes(t *testing.T) {
	w := newTree(t)
	w.write("etc/skel/rc", "")
	v := open(t, w.root).View()
	v.Copy("/etc/skel/rc", "/a", "/etc/skel", "/")
	v.Copy("/etc/skel/rc", "/b", "/etc/skel", "/")
	at := func(name string) *Stat {
		st, err := v.Lstat(name)
		testkit.NoError(t, err)
		return st
	}
	testkit.Equal(t, "a node is itself", at("/etc/skel/rc").SameNode(at("/etc/skel/rc")), true)
	for _, other := range []string{"/a", "/b"} {
		testkit.Equal(t, other+" is the original", at(other).SameNode(at("/etc/skel/rc")), false)
	}
	testkit.Equal(t, "/a is /b", at("/a").SameNode(at("/b")), false)
}

func TestUnchangedDirectoryIsThereNowAndThen(t *testing.T) {
	w := newTree(t)
	w.mkdir("home/ann/deep")
	w.write("file", "")
	v := open(t, w.root).View()
	v.Move("/home/ann", "/srv/x/ann")
	v.Remove("/srv/x/ann/deep")
	v.Make("/home/new/.ssh/keys", unix.S_IFREG)
	for name, want := range map[string]string{
		"/": "/", "/etc": "/etc", "/none/x": "/", "/file": "/", "/home": "/home",
		"/home/ann": "/home", "/home/ann/deep": "/home", "/srv/x/ann/deep/y": "/", "/home/new/.ssh/keys": "/home",
	} {
		got, err := v.Unchanged(name)
		testkit.NoError(t, err)
		testkit.Equal(t, name, got, want)
	}
}
