package files

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/system/systemtest"
)

// stdinKeeper records what setfiles is given.
type stdinKeeper struct {
	args  []string
	stdin string
}

func (k *stdinKeeper) Run(_ context.Context, c system.Command) ([]byte, error) {
	if c.Name == "setfiles" {
		k.args, k.stdin = c.Args, string(c.Stdin)
	}
	return nil, nil
}

func TestLabelsForWhatWasWritten(t *testing.T) {
	w, uid, gid := withHome(t)
	w.symlink("var/roothome", "root")
	w.mkdir("var/roothome")
	w.write("etc/passwd-", "")
	w.write("etc/shadow", "")
	w.write("etc/.pwd.lock", "")
	w.write("etc/passwd", w.read("etc/passwd")+"root:x:0:0::/root:/bin/sh\nd:x:1:1::/dev/null:/bin/false\nh:x:2:2::/:/bin/sh\n"+
		fmt.Sprintf("k:x:%d:%d::/srv/k:/bin/sh\n", uid, gid))
	w.mkdir("srv/k")
	w.own("srv/k", uid, gid)
	w.mkdir("existing/deep")
	w.write("old*", "")
	w.write("old-neighbour", "")
	w.mkdir("etc/systemd/system")
	w.write("etc/selinux/config", "# SELINUXTYPE=no\nSELINUX=enforcing\nSELINUXTYPE=targeted \n")
	k := new(stdinKeeper)
	w.Tree.Run, w.Relabel = k, true
	w.mustApply(`"passwd": {"users": [{"name": "ann"}, {"name": "root"}, {"name": "d", "noCreateHome": true}, {"name": "h"},
			{"name": "k", "noCreateHome": true, "sshAuthorizedKeys": ["k"]}]},
		"storage": {
			"files": [{"path": "/new/a/b"}, {"path": "/new/c"}, {"path": "/existing/f"}, {"path": "/old*"}],
			"directories": [{"path": "/existing/deep"}, {"path": "/"}],
			"links": [{"path": "/existing/l", "target": "x"}]},
		"systemd": {"units": [
			{"name": "u.service", "contents": "x", "enabled": true, "dropins": [{"name": "d.conf", "contents": ""}]},
			{"name": "m.service", "mask": true}]}`)
	want := []string{"/etc/.ignition-result.json", "/etc/.pwd.lock", "/etc/passwd", "/etc/passwd-", "/etc/shadow",
		"/etc/systemd/system/m.service", "/etc/systemd/system/u.service", "/etc/systemd/system/u.service.d", "/etc/systemd/system-preset",
		"/existing/deep", "/existing/f", "/existing/l", "/home/ann", "/new", "/old*", "/srv/k/.ssh", "/var/roothome"}
	var got []string
	for _, name := range strings.Split(strings.TrimSuffix(k.stdin, "\x00"), "\x00") {
		got = append(got, strings.TrimPrefix(name, w.Root))
	}
	if !slices.Equal(got, want) {
		t.Errorf("labelled\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if args := []string{"-vF0", "-r", w.Root, w.Root + "/etc/selinux/targeted/contexts/files/file_contexts", "-f", "-"}; !slices.Equal(k.args, args) {
		t.Errorf("setfiles got %q", k.args)
	}
	if !strings.HasSuffix(k.stdin, "\x00") {
		t.Error("the last path has no end")
	}
}

// Setfiles stays on a filesystem.
func TestLabelsBelowMountPointsAreAskedFor(t *testing.T) {
	nodes := []labelNode{{"/home/ann/data/b/c", 2}, {"/home/ann/new", 1}, {"/home/ann", 1}, {"/home/ann/data/b", 2}, {"/home/ann/data/x", 2},
		{"/home/ann/data/x/img/y", 3}, {"/home/ann/data/z/l", 2}, {"/home/ann/late", 1}, {"/home/anna", 1}, {"/home/ann", 1}}
	want := []string{"/home/ann", "/home/ann/data/b", "/home/ann/data/x", "/home/ann/data/x/img/y", "/home/ann/data/z/l", "/home/anna"}
	if got := outermost(nodes); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPolicyThatIsALinkStaysInTheRoot(t *testing.T) {
	for _, target := range []string{"/usr/share/selinux/targeted", "../../usr/share/selinux/targeted", "../../../../../usr/share/selinux/targeted"} {
		w := newFixture(t)
		w.Relabel = true
		w.write("etc/selinux/config", "SELINUXTYPE=targeted\n")
		w.symlink(target, "etc/selinux/targeted")
		w.write("usr/share/selinux/targeted/contexts/files/file_contexts", "")
		w.mustApply("")
		want := "setfiles -vF0 -r R R/usr/share/selinux/targeted/contexts/files/file_contexts -f -"
		if got := w.shadowLines(); !slices.Contains(got, want) {
			t.Errorf("ran %q, want %q", got, want)
		}
	}
}

// Keys that a link leads out of the home get labels where they are.
func TestKeysOutsideOfTheHomeAreLabelled(t *testing.T) {
	w, uid, gid := withHome(t)
	w.symlink("/srv/keys/ann", "home/ann/.ssh")
	w.mkdir("srv/keys")
	w.own("srv/keys", uid, gid)
	w.write("etc/selinux/config", "SELINUXTYPE=targeted\n")
	k := new(stdinKeeper)
	w.Tree.Run, w.Relabel = k, true
	w.mustApply(annsKeys)
	if !slices.Contains(strings.Split(k.stdin, "\x00"), w.path("srv/keys/ann")) {
		t.Errorf("labelled %q", k.stdin)
	}
}

func TestLabelsOnlyWithAPolicy(t *testing.T) {
	for name, c := range map[string]struct {
		config  string
		relabel bool
		want    bool
	}{
		"no SELinux":     {relabel: true},
		"no type":        {config: "SELINUX=disabled\n", relabel: true},
		"not asked":      {config: "SELINUXTYPE=targeted\n"},
		"with a policy":  {config: "SELINUXTYPE=mls\n", relabel: true, want: true},
		"no end of line": {config: "SELINUXTYPE=mls", relabel: true, want: true},
	} {
		w := newFixture(t)
		w.Relabel = c.relabel
		if c.config != "" {
			w.write("etc/selinux/config", c.config)
		}
		w.mustApply("")
		ran := slices.ContainsFunc(w.run.Lines(), func(l string) bool { return strings.HasPrefix(l, "setfiles ") })
		if ran != c.want {
			t.Errorf("%s: setfiles has run: %v", name, ran)
		}
	}
}

func TestMissingSetfilesIsAWarning(t *testing.T) {
	w := newFixture(t)
	w.Relabel = true
	w.write("etc/selinux/config", "SELINUXTYPE=targeted\n")
	w.run.Answers["setfiles"] = systemtest.Answer{Err: exec.ErrNotFound}
	w.mustApply("")
	if !strings.Contains(w.log.String(), "WARNING  : there is no program setfiles in this initramfs") {
		t.Errorf("the log is\n%s", w.log)
	}
}
