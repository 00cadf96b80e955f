package files

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestLinkOnExistingNode(t *testing.T) {
	uid, gid := testOwner()
	me, my := os.Getuid(), os.Getgid()
	ids := fmt.Sprintf(`, "user": {"id": %d}, "group": {"id": %d}`, uid, gid)
	const wanted = "link /n: it should lead to /etc/x, but there already is "
	for _, c := range []struct {
		there, more, target, conflict string
		uid, gid                      int
	}{
		{there: "nothing", uid: me, gid: my},
		{there: "nothing", more: ids, uid: uid, gid: gid},
		{there: symlink, uid: me, gid: my},
		{there: symlink, target: "/etc/../etc//x", uid: me, gid: my},
		{there: symlink, more: ids, uid: uid, gid: gid},
		{there: symlink, more: `, "overwrite": true`, target: "/other", uid: me, gid: my},
		{there: symlink, target: "/other", conflict: "link /n: it should lead to /other, but there already is " + symlink},
		{there: file, conflict: wanted + file},
		{there: directory, conflict: wanted + directory},
		{there: file, more: `, "overwrite": true`, uid: me, gid: my},
		{there: directory, more: `, "overwrite": true` + ids, uid: uid, gid: gid},
	} {
		t.Run(c.there+c.more+c.target, func(t *testing.T) {
			w := newFixture(t)
			w.existing(c.there)
			target := c.target
			if target == "" {
				target = "/etc/x"
			}
			sections := `"storage": {"links": [{"path": "/n", "target": ` + quoted(target) + c.more + `}]}`
			if c.conflict != "" {
				w.wantConflicts(sections, c.conflict+" and overwrite is not set")
				return
			}
			before := w.exists("n")
			w.mustApply(sections)
			if before && c.there == symlink && c.target != "/other" {
				target = "/etc/x" // an equal target stays as it is written
			}
			w.wantLink("n", target)
			w.wantOwner("n", c.uid, c.gid)
			w.mustApply(strings.Replace(sections, `"overwrite": true`, `"overwrite": false`, 1))
			w.wantLink("n", target)
		})
	}
}

// The reference gives a link the owner of its target.
func TestLinkDoesNotTakeTheOwnerOfItsTarget(t *testing.T) {
	uid, gid := testOwner()
	w := newFixture(t)
	w.mustApply(fmt.Sprintf(`"storage": {
		"files": [{"path": "/f", "user": {"id": %d}, "group": {"id": %d}}],
		"links": [{"path": "/l", "target": "/f"}, {"path": "/real", "target": %q}]}`, uid, gid, w.path("f")))
	w.wantOwner("l", os.Getuid(), os.Getgid())
	w.wantOwner("real", os.Getuid(), os.Getgid())
}

func TestLinkTargetsAreTakenVerbatim(t *testing.T) {
	w := newFixture(t)
	w.mustApply(`"storage": {"links": [{"path": "/a", "target": "../..//x/./y/"}]}`)
	w.wantLink("a", "../..//x/./y/")
}

func TestHardLinks(t *testing.T) {
	for name, c := range map[string]struct {
		prepare  func(*fixture)
		storage  string
		same     string // the file that /h must be
		conflict string
	}{
		"to a file of the image": {
			prepare: func(w *fixture) { w.write("f", "x") },
			storage: `"links": [{"path": "/h", "target": "/f", "hard": true}]`, same: "f"},
		"to a file of the config": {
			storage: `"links": [{"path": "/h", "target": "/f", "hard": true}], "files": [{"path": "/f"}]`, same: "f"},
		"to a symbolic link itself": {
			storage: `"links": [{"path": "/h", "target": "/s", "hard": true}, {"path": "/s", "target": "nowhere"}]`, same: "s"},
		"through a symbolic link of the config": {
			prepare: func(w *fixture) { w.write("d/f", "x") },
			storage: `"links": [{"path": "/h", "target": "/s/f", "hard": true}, {"path": "/s", "target": "/d"}]`, same: "d/f"},
		"to another hard link": {
			prepare: func(w *fixture) { w.write("f", "x") },
			storage: `"links": [{"path": "/g", "target": "/f", "hard": true}, {"path": "/h", "target": "/g", "hard": true}]`, same: "f"},
		"to a relative path": {
			prepare: func(w *fixture) { w.write("f", "x") },
			storage: `"links": [{"path": "/h", "target": "f", "hard": true}]`, same: "f"},
		"that exists already": {
			prepare: func(w *fixture) { w.write("f", "x"); os.Link(w.path("f"), w.path("h")) },
			storage: `"links": [{"path": "/h", "target": "/f", "hard": true}]`, same: "f"},
		"that exists already, overwrite": {
			prepare: func(w *fixture) { w.write("f", "x"); os.Link(w.path("f"), w.path("h")) },
			storage: `"links": [{"path": "/h", "target": "/f", "hard": true, "overwrite": true}]`, same: "f"},
		"instead of a directory": {
			prepare: func(w *fixture) { w.write("f", "x"); w.mkdir("h/i") },
			storage: `"links": [{"path": "/h", "target": "/f", "hard": true, "overwrite": true}]`, same: "f"},
		"where another file is": {
			prepare:  func(w *fixture) { w.write("f", "x"); w.write("h", "y") },
			storage:  `"links": [{"path": "/h", "target": "/f", "hard": true}]`,
			conflict: "hard link /h: it should be the same file as /f, but there already is a file of 1 bytes"},
		"to a file that will be another": {
			prepare:  func(w *fixture) { w.write("f", "x"); os.Link(w.path("f"), w.path("h")) },
			storage:  `"links": [{"path": "/h", "target": "/f", "hard": true}], "files": [{"path": "/f", "contents": {"source": ""}, "overwrite": true}]`,
			conflict: "hard link /h: it should be the same file as /f, but there already is a file of 1 bytes"},
		"to nothing": {
			storage:  `"links": [{"path": "/h", "target": "/f", "hard": true}]`,
			conflict: "hard link /h leads to /f, which does not exist and is not in the config"},
		"to a directory": {
			storage:  `"links": [{"path": "/h", "target": "/etc", "hard": true}]`,
			conflict: "hard link /h leads to /etc, which is a directory"},
		"to a directory of the config": {
			prepare:  func(w *fixture) { w.symlink("/", "x") },
			storage:  `"links": [{"path": "/h", "target": "/x/d", "hard": true}], "directories": [{"path": "/d"}]`,
			conflict: "hard link /h leads to /d, which is a directory"},
		"to itself": {
			storage:  `"links": [{"path": "/h", "target": "/h", "hard": true}]`,
			conflict: "hard link /h leads to itself"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t)
			if c.prepare != nil {
				c.prepare(w)
			}
			sections := `"storage": {` + c.storage + `}`
			if c.conflict != "" {
				w.wantConflicts(sections, c.conflict)
				return
			}
			for range 2 { // a second run finds it as it should be
				w.mustApply(sections)
				if a, b := w.stat("h"), w.stat(c.same); a.Ino != b.Ino {
					t.Errorf("/h is not %s", c.same)
				}
			}
		})
	}
}

func TestLinkWithoutTargetConflicts(t *testing.T) {
	w := newFixture(t)
	cfg := parse(t, `"storage": {"links": [{"path": "/s", "target": "x"}, {"path": "/h", "target": "x", "hard": true}]}`)
	cfg.Storage.Links[0].Target, cfg.Storage.Links[1].Target = nil, nil // as a config of an old version can have it
	_, err := w.Plan(t.Context(), cfg)
	for _, want := range []string{"link /s has no target", "hard link /h has no target"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}
