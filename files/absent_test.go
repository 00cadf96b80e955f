package files

import (
	"os"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

func TestAbsentFilesAndLinksAreRemoved(t *testing.T) {
	w := newFixture(t)
	w.Config = "digest"
	w.write("etc/motd", "old")
	w.write("data/kept", "kept")
	w.symlink("/data/kept", "etc/link")
	w.symlink("/data", "etc/dirlink")
	w.symlink("/nowhere", "etc/dangling")
	w.symlink("/data", "alias")
	w.write("data/gone", "")
	w.write("file", "")
	const sections = `"storage": {"absent": ["/etc/motd", "/etc/link", "/etc/dirlink", "/etc/dangling", "/alias/gone", "/etc/never", "/no/such/directory", "/file/below"],
		"files": [{"path": "/etc/issue", "contents": {"source": "data:,new"}}]}`
	for range 2 { // the second run has nothing to remove
		w.mustApply(sections)
		for _, name := range []string{"etc/motd", "etc/link", "etc/dirlink", "etc/dangling", "data/gone", "etc/never"} {
			if w.exists(name) {
				t.Errorf("%s is still there", name)
			}
		}
		w.wantText("data/kept", "kept")
		w.wantText("file", "")
		w.wantText("etc/issue", "new")
	}
	testkit.Contains(t, "the log", w.log.String(), "removing /etc/motd", "removing /alias/gone")
}

// A link that goes leads nowhere for what comes after it.
func TestAbsentLinkIsGoneBeforeEntriesAreMade(t *testing.T) {
	w := newFixture(t)
	w.write("etc/old", "old")
	w.symlink("/etc/old", "etc/app")
	w.wantConflicts(`"storage": {"absent": ["/etc/app"], "links": [{"path": "/h", "target": "/etc/app", "hard": true}]}`,
		"hard link /h leads to /etc/app, which does not exist and is not in the config")
}

func TestAbsentConflicts(t *testing.T) {
	for name, c := range map[string]struct {
		prepare  func(*fixture)
		sections string
		want     string
	}{
		"a directory": {func(w *fixture) { w.mkdir("etc/dir") }, `"absent": ["/etc/dir"]`, "/etc/dir should be absent, but it is a directory"},
		"links in a circle": {func(w *fixture) { w.symlink("/b", "a"); w.symlink("/a", "b") }, `"absent": ["/a/x"]`,
			"/a/x should be absent, but symbolic links on the way to it lead in a circle"},
		"made by another name": {func(w *fixture) { w.symlink("/etc", "alias") }, `"absent": ["/alias/x"], "files": [{"path": "/etc/x"}]`,
			"file /etc/x is at, or below, /etc/x on this machine, which should be absent (test config, line 2, column"},
		"something below by another name": {func(w *fixture) { w.symlink("/etc", "alias"); w.write("etc/x", "") }, `"absent": ["/alias/x"], "files": [{"path": "/etc/x/y"}]`,
			"file /etc/x/y is at, or below, /etc/x on this machine, which should be absent"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t)
			c.prepare(w)
			w.wantConflicts(`"storage": {`+c.sections+`}`, c.want)
		})
	}
}

func TestAbsentKnowsWhatCannotGo(t *testing.T) {
	for name, c := range map[string]struct {
		protect string
		want    string
	}{
		"an immutable file":      {"d/f", "/d/f should be absent, but /d/f cannot be removed: it is immutable"},
		"an immutable directory": {"d", "/d/f is to be removed, but nothing can be made or replaced in /d: it is immutable"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t)
			w.write("d/f", "")
			if w.protect(c.protect, immutable) {
				w.wantConflicts(`"storage": {"absent": ["/d/f"]}`, c.want)
			}
		})
	}
}

func TestAbsentStaysBelowItsMount(t *testing.T) {
	w := newFixture(t)
	if !w.mountBelow("data") {
		return
	}
	w.write("data/old", "old")
	w.mustApply(`"storage": {"absent": ["/data/old"]}`)
	if w.exists("data/old") {
		t.Error("the file on the mounted filesystem is still there")
	}
	w.wantConflicts(`"storage": {"absent": ["/data"]}`, "/data should be absent, but it is a directory")
}

// What is absent can have been replaced by a directory meanwhile.
func TestAbsentRemovesNoDirectoryAtRunTime(t *testing.T) {
	w := newFixture(t)
	w.write("etc/motd", "old")
	plan, err := w.Plan(t.Context(), parse(t, `"storage": {"absent": ["/etc/motd"]}`))
	testkit.NoError(t, err)
	defer w.Close()
	testkit.NoError(t, os.Remove(w.path("etc/motd")))
	w.mkdir("etc/motd")
	testkit.ErrorContains(t, "removing", plan[0].Do(t.Context()), "removing", "/etc/motd: is a directory")
}
