package files

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/system"
)

// The programs of shadow-utils enter the root, so that this needs root's rights
// and the programs; without them the tests in a VM prove the same.
func TestRealAccounts(t *testing.T) {
	if _, err := exec.LookPath("useradd"); err != nil || os.Getuid() != 0 {
		t.Log("there is no useradd here, or no right to use it")
		return
	}
	w := newFixture(t)
	w.Tree.Run = system.Exec{Log: w.Tree.Log}
	for name, text := range map[string]string{
		"etc/passwd":     "root:x:0:0:root:/root:/bin/sh\nold:x:900:900::/home/old:/bin/sh\n",
		"etc/shadow":     "root:*:19000:0:99999:7:::\nold:*:19000:0:99999:7:::\n",
		"etc/group":      "root:x:0:\nold:x:900:\nwheel:x:10:\n",
		"etc/gshadow":    "root:*::\nold:!::\nwheel:!::\n",
		"etc/login.defs": "UID_MIN 1000\nUID_MAX 60000\nGID_MIN 1000\nGID_MAX 60000\nUSERGROUPS_ENAB yes\nCREATE_HOME no\n",
		"etc/skel/.rc":   "from the skeleton",
		"home/old/x":     "",
	} {
		w.write(name, text)
	}
	w.own("home/old", 900, 900)
	const sections = `"passwd": {
			"groups": [{"name": "staff", "gid": 777}],
			"users": [
				{"name": "core", "uid": 1500, "gecos": "Core User", "groups": ["wheel", "staff"], "shell": "/bin/bash",
					"passwordHash": "$6$salt$hash", "sshAuthorizedKeys": ["ssh-ed25519 AAA"]},
				{"name": "daemon", "system": true, "noCreateHome": true},
				{"name": "old", "shouldExist": false}]},
		"storage": {"files": [{"path": "/home/core/note", "user": {"name": "core"}, "group": {"name": "staff"}}]}`
	for range 2 { // the second run changes the accounts to what they are
		w.mustApply(sections)
		if !strings.Contains(w.read("etc/passwd"), "core:x:1500:1500:Core User:/home/core:/bin/bash\n") {
			t.Errorf("passwd is\n%s", w.read("etc/passwd"))
		}
		if !strings.Contains(w.read("etc/shadow"), "core:$6$salt$hash:") || !strings.Contains(w.read("etc/shadow"), "daemon:*:") {
			t.Errorf("shadow is\n%s", w.read("etc/shadow"))
		}
		if g := w.read("etc/group"); !strings.Contains(g, "wheel:x:10:core\n") || !strings.Contains(g, "staff:x:777:core\n") || !strings.Contains(g, "core:x:1500:\n") {
			t.Errorf("group is\n%s", g)
		}
		if strings.Contains(w.read("etc/passwd"), "old:") || w.exists("home/old") || w.exists("home/daemon") {
			t.Error("there is too much")
		}
		w.wantText("home/core/.rc", "from the skeleton")
		w.wantText("home/core/.ssh/authorized_keys.d/ignition", "ssh-ed25519 AAA\n")
		w.wantOwner("home/core/.ssh/authorized_keys.d/ignition", 1500, 1500)
		w.wantOwner("home/core/note", 1500, 777)
	}
	if strings.Contains(w.log.String(), "$6$") {
		t.Errorf("the log shows a password hash:\n%s", w.log)
	}
}

// With filesystems mounted below the root: they are not deleted, they are
// written back, and nothing keeps them from being unmounted afterwards.
func TestMountedFilesystems(t *testing.T) {
	w := newFixture(t)
	w.mkdir("a/mnt")
	if err := unix.Mount("tmpfs", w.path("a/mnt"), "tmpfs", 0, "size=64k"); err != nil {
		t.Logf("a test without the right to mount: %v", err)
		return
	}
	mounted := true
	t.Cleanup(func() {
		if mounted {
			unix.Unmount(w.path("a/mnt"), unix.MNT_DETACH)
		}
	})
	w.write("a/mnt/data", "x")
	err := w.apply(`"storage": {"directories": [{"path": "/a", "overwrite": true}]}`)
	if err == nil || !strings.Contains(err.Error(), "directory /a has overwrite set, but /a/mnt cannot be removed: a filesystem is mounted there") {
		t.Error(err)
	}
	w.wantText("a/mnt/data", "x")

	// A full filesystem: a clear error, nothing under the final name.
	err = w.apply(`"storage": {"files": [{"path": "/a/mnt/big", "contents": {"source": "data:,` + strings.Repeat("x", 100_000) + `"}}]}`)
	if err == nil || !strings.Contains(err.Error(), "writing file /a/mnt/big: write "+w.path("a/mnt/big")+": no space left on device") {
		t.Error(err)
	}
	if w.exists("a/mnt/big") {
		t.Error("there is half a file")
	}

	w.mustApply(`"storage": {"files": [{"path": "/a/mnt/small"}]}`)
	if err := unix.Unmount(w.path("a/mnt"), 0); err != nil {
		t.Errorf("the filesystem is held: %v", err)
	} else {
		mounted = false
	}
}

func TestReadOnlyFilesystem(t *testing.T) {
	w := newFixture(t)
	w.mkdir("mnt")
	if err := unix.Mount("tmpfs", w.path("mnt"), "tmpfs", unix.MS_RDONLY, ""); err != nil {
		t.Logf("a test without the right to mount: %v", err)
		return
	}
	defer unix.Unmount(w.path("mnt"), unix.MNT_DETACH)
	err := w.apply(`"storage": {"files": [{"path": "/mnt/f"}]}`)
	if err == nil || !strings.Contains(err.Error(), "writing file /mnt/f: creating a file in "+w.path("mnt")+": read-only file system") {
		t.Error(err)
	}
}
