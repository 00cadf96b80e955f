package files

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// mountBelow mounts an empty filesystem in the root, and reports whether it may.
func (w *fixture) mountBelow(name string) bool {
	w.Helper()
	w.mkdir(name)
	if err := unix.Mount("tmpfs", w.path(name), "tmpfs", 0, "size=64k"); err != nil {
		w.Logf("a test without the right to mount: %v", err)
		return false
	}
	w.Cleanup(func() { unix.Unmount(w.path(name), unix.MNT_DETACH) })
	return true
}

// protect sets an attribute of chattr(1) until the test is done, and reports whether
// the filesystem has it.
func (w *fixture) protect(name string, attribute int) bool {
	w.Helper()
	set := func(flags int) error {
		f, err := os.Open(w.path(name))
		if err != nil {
			return err
		}
		defer f.Close()
		return unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, flags)
	}
	if err := set(attribute); err != nil {
		set(0) // some set it nevertheless
		w.Logf("a test without attributes of files: %v", err)
		return false
	}
	w.Cleanup(func() { testkit.NoError(w.T, set(0)) })
	return true
}

// Attributes of inodes, see FS_IOC_SETFLAGS.
const (
	immutable  = 0x10
	appendOnly = 0x20
)

func TestOverwriteOfADirectoryKnowsWhatCannotGo(t *testing.T) {
	const sections = `"storage": {"directories": [{"path": "/d", "overwrite": true}]}`
	for name, c := range map[string]struct {
		pin  func(*fixture) bool
		want string
	}{
		"a mount below":          {func(w *fixture) bool { return w.mountBelow("d/m/n") }, "/d/m/n cannot be removed: a filesystem is mounted there"},
		"a mount itself":         {func(w *fixture) bool { return w.mountBelow("d") }, "/d cannot be removed: a filesystem is mounted there"},
		"an immutable file":      {func(w *fixture) bool { return w.protect("d/sub/f", immutable) }, "/d/sub/f cannot be removed: it is immutable"},
		"an immutable one below": {func(w *fixture) bool { return w.protect("d/sub", immutable) }, "/d/sub cannot be removed: it is immutable"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t)
			w.write("d/a", "x")
			w.write("d/sub/f", "x")
			if c.pin(w) {
				w.wantConflicts(sections, "directory /d has overwrite set, but "+c.want)
			}
		})
	}
}

func TestWhatIsReplacedMayBeImmutable(t *testing.T) {
	for name, c := range map[string]struct{ node, sections, want string }{
		"file": {"f", `"storage": {"files": [{"path": "/f", "overwrite": true, "contents": {"source": "data:,x"}}]}`,
			"file /f has overwrite set, but /f cannot be removed: it is immutable"},
		"appended": {"f", `"storage": {"files": [{"path": "/f", "append": [{"source": "data:,x"}]}]}`,
			"file /f becomes another node, but /f cannot be removed: it is immutable"},
		"link": {"l", `"storage": {"links": [{"path": "/l", "overwrite": true, "target": "/x"}]}`,
			"link /l has overwrite set, but /l cannot be removed: it is immutable"},
		"hard link": {"l", `"storage": {"files": [{"path": "/x"}], "links": [{"path": "/l", "overwrite": true, "target": "/x", "hard": true}]}`,
			"hard link /l has overwrite set, but /l cannot be removed: it is immutable"},
		"unit": {"etc/systemd/system/u.service", `"systemd": {"units": [{"name": "u.service", "contents": "[Unit]\n"}]}`,
			"but /etc/systemd/system/u.service cannot be removed: it is immutable"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t)
			w.write(c.node, "old")
			if w.protect(c.node, immutable) {
				w.wantConflicts(c.sections, c.want)
			}
		})
	}
}

func TestHomesWithWhatCannotGo(t *testing.T) {
	passwd := func(t *testing.T) *fixture {
		w := newFixture(t)
		w.write("etc/passwd", "root:x:0:0::/root:/bin/sh\nann:x:900:900::/home/ann:/bin/sh\n")
		w.write("etc/group", "root:x:0:\nann:x:900:\n")
		w.write("home/ann/a", "x")
		return w
	}
	const deleted = `"passwd": {"users": [{"name": "ann", "shouldExist": false}]}`
	const moved = `"passwd": {"users": [{"name": "ann", "homeDir": "/srv/ann"}]}`
	t.Run("deleted, mount below", func(t *testing.T) {
		w := passwd(t)
		if w.mountBelow("home/ann/m") {
			w.own("home/ann", 900, 900)
			w.wantConflicts(deleted, `user "ann" should be deleted with the home /home/ann, but /home/ann/m cannot be removed: a filesystem is mounted there`)
		}
	})
	t.Run("moved, a mount itself", func(t *testing.T) {
		w := passwd(t)
		if w.mountBelow("home/ann") {
			w.wantConflicts(moved, `the home of user "ann" should move, but /home/ann cannot be removed: a filesystem is mounted there`)
		}
	})
	t.Run("moved, immutable", func(t *testing.T) {
		w := passwd(t)
		if w.protect("home/ann", immutable) {
			w.wantConflicts(moved, `the home of user "ann" should move, but /home/ann cannot be removed: it is immutable`)
		}
	})
	t.Run("moved, mount below", func(t *testing.T) {
		w := passwd(t)
		if w.mountBelow("home/ann/m") {
			w.mustApply(moved)
		}
	})
}

func TestNothingIsMadeInASealedDirectory(t *testing.T) {
	for name, c := range map[string]struct{ dir, sections, want string }{
		"file": {"d", `"storage": {"files": [{"path": "/d/f"}]}`, "file /d/f is to be made, but nothing can be made or replaced in /d:"},
		"below": {"d", `"storage": {"files": [{"path": "/d/new/deep/f", "contents": {"source": "https://host/x"}}]}`,
			"file /d/new/deep/f is to be made, but nothing can be made or replaced in /d:"},
		"by a link":   {"d", `"storage": {"files": [{"path": "/to-d/f"}]}`, "file /to-d/f is to be made, but nothing can be made or replaced in /d:"},
		"replaced":    {"d", `"storage": {"files": [{"path": "/d/old", "overwrite": true, "contents": {"source": "data:,"}}]}`, "file /d/old is to be made, but"},
		"appended":    {"d", `"storage": {"files": [{"path": "/d/old", "append": [{"source": "data:,x"}]}]}`, "file /d/old is to be made, but"},
		"directory":   {"d", `"storage": {"directories": [{"path": "/d/d"}]}`, "directory /d/d is to be made, but"},
		"link":        {"d", `"storage": {"links": [{"path": "/d/l", "target": "/x"}]}`, "link /d/l is to be made, but"},
		"unit":        {"etc/systemd", `"systemd": {"units": [{"name": "u.service", "contents": "[Unit]\n"}]}`, "writing unit u.service, but nothing can be made or replaced in /etc/systemd:"},
		"mask":        {"etc/systemd", `"systemd": {"units": [{"name": "u.service", "mask": true}]}`, "masking unit u.service, but nothing can be made or replaced in /etc/systemd:"},
		"preset":      {"etc/systemd", `"systemd": {"units": [{"name": "u.service", "enabled": true}]}`, "writing presets of 1 unit to /etc/systemd/system-preset/20-ignition.preset, but nothing"},
		"home":        {"home", `"passwd": {"users": [{"name": "new"}]}`, `creating user "new" with the home /home/new, but nothing can be made or replaced in /home:`},
		"keys":        {"home/ann", `"passwd": {"users": [{"name": "ann", "sshAuthorizedKeys": ["k"]}]}`, `writing the SSH keys of user "ann", but nothing can be made or replaced in /home/ann:`},
		"moved":       {"home", `"passwd": {"users": [{"name": "ann", "homeDir": "/srv/ann"}]}`, `the home of user "ann" should move, but nothing can be made or replaced in /home:`},
		"our records": {"etc", `"storage": {"files": [{"path": "/f"}]}`, "this stage records what it does, but nothing can be made or replaced in /etc:"},
	} {
		for attribute, why := range map[int]string{immutable: " it is immutable", appendOnly: " it can only be appended to"} {
			t.Run(name+why, func(t *testing.T) {
				w := newFixture(t)
				w.write("etc/passwd", "root:x:0:0::/root:/bin/sh\nann:x:900:900::/home/ann:/bin/sh\n")
				w.write("etc/group", "root:x:0:\nann:x:900:\n")
				w.mkdir("etc/systemd")
				w.mkdir("home/ann")
				w.own("home/ann", 900, 900)
				w.write("d/old", "x")
				w.symlink("d", "to-d")
				if w.protect(c.dir, attribute) {
					w.wantConflicts(c.sections, c.want+map[bool]string{true: why}[c.want[len(c.want)-1] == ':'])
				}
			})
		}
	}
}

func TestWhatIsInASealedDirectoryCanStayThere(t *testing.T) {
	w := newFixture(t)
	w.write("d/f", "x")
	if w.protect("d", immutable) {
		w.mustApply(`"storage": {"files": [{"path": "/d/f", "mode": 384}], "directories": [{"path": "/d"}]}`)
		w.wantMode("d/f", 0o600)
	}
}
