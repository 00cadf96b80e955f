package storage

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/system"
)

// labelled are the paths that setfiles got.
func (x *fakeTools) labelled() string {
	var all []string
	for _, c := range x.commands {
		if c.Name == "setfiles" {
			all = append(all, strings.ReplaceAll(strings.Trim(string(c.Stdin), "\x00"), x.b.dir, "DIR"))
		}
	}
	return strings.Join(all, " ")
}

func TestNewDirectoriesAreLabelledByTheRootsPolicy(t *testing.T) {
	b, x := newFakeTools(t)
	b.write("root/etc/selinux/config", "# comment\nSELINUX=enforcing\nSELINUXTYPE=targeted\n")
	if err := b.m.label(t.Context(), b.path("root/var/new")); err != nil {
		t.Fatal(err)
	}
	if got, want := x.lines(), "setfiles -vF0 -r DIR/root DIR/root/etc/selinux/targeted/contexts/files/file_contexts -f -"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := string(x.commands[0].Stdin); got != b.path("root/var/new")+"\x00" {
		t.Errorf("setfiles gets %q", got)
	}
}

func TestRootsWithoutAPolicyGetNoLabels(t *testing.T) {
	for name, text := range map[string]string{"none": "", "no type": "SELINUX=disabled\n"} {
		b, x := newFakeTools(t)
		b.write("root/x", "")
		if text != "" {
			b.write("root/etc/selinux/config", text)
		}
		if err := b.m.label(t.Context(), b.path("root/x")); err != nil || len(x.commands) > 0 {
			t.Errorf("%s: %v, %s", name, err, x.lines())
		}
	}
}

func TestThePolicyIsTheRootsWhereverLinksLead(t *testing.T) {
	b, x := newFakeTools(t)
	b.write("outside/selinux/config", "SELINUXTYPE=evil\n")
	b.write("root"+b.path("outside/selinux/config"), "SELINUXTYPE=good\n")
	if err := os.Symlink(b.path("outside"), b.path("root/etc")); err != nil {
		t.Fatal(err)
	}
	if err := b.m.label(t.Context(), b.path("root/x")); err != nil || !strings.Contains(x.lines(), "etc/selinux/good/") {
		t.Errorf("%v, %s", err, x.lines())
	}
}

func TestAPolicyThatCannotBeReadIsReported(t *testing.T) {
	b, x := newFakeTools(t)
	b.write("root/etc/selinux/config/x", "")
	err := b.m.label(t.Context(), b.path("root/x"))
	if err == nil || !strings.HasPrefix(err.Error(), "finding out the SELinux policy of "+b.path("root")+": ") || len(x.commands) > 0 {
		t.Errorf("%v, %s", err, x.lines())
	}
}

func TestAMissingSetfilesIsSaid(t *testing.T) {
	b, x := newFakeTools(t)
	b.write("root/etc/selinux/config", "SELINUXTYPE=targeted\n")
	x.fail = map[string]error{"setfiles": exec.ErrNotFound}
	if err := b.m.label(t.Context(), b.path("root/new")); err != nil || !strings.Contains(b.log.String(), "there is no program setfiles in this initramfs") {
		t.Errorf("%v, %s", err, &b.log)
	}
	x.fail = map[string]error{"setfiles": errors.New("exit status 1")}
	var e *system.CommandError
	if err := b.m.label(t.Context(), b.path("root/new")); !errors.As(err, &e) {
		t.Errorf("got %v", err)
	}
}

func TestOnlyEmptyFilesystemsAreLabelled(t *testing.T) {
	for _, c := range []struct {
		name   string
		inside []string
		want   string
	}{
		{"empty", nil, "DIR/root/var"},
		{"as mkfs makes it", []string{"lost+found/x"}, "DIR/root/var"},
		{"with something in it", []string{"lost+found/x", "file"}, ""},
	} {
		b, x := newFakeTools(t)
		b.write("root/etc/selinux/config", "SELINUXTYPE=targeted\n")
		if err := os.Mkdir(b.path("root/var"), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range c.inside {
			b.write("root/var/"+name, "")
		}
		fs := &b.config(`"filesystems": [{"device": "/dev/a", "format": "ext4", "path": "/var"}]`).Storage.Filesystems[0]
		if err := b.m.labelNew(t.Context(), fs); err != nil || x.labelled() != c.want {
			t.Errorf("%s: %v, labelled %q", c.name, err, x.labelled())
		}
	}
	if _, err := os.Stat("/sys/fs/selinux/enforce"); err != nil && labellable("/proc") {
		t.Error("labels could be written to what has none")
	}
}

// A mount that fails comes after the labels of the directories made for it.
func TestMountPointsAreLabelledFromTheOutermostNewDirectory(t *testing.T) {
	b, x := newFakeTools(t)
	b.write("root/etc/selinux/config", "SELINUXTYPE=targeted\n")
	fs := &b.config(`"filesystems": [{"device": "no-such-tag", "format": "virtiofs", "path": "/var/lib/x"}]`).Storage.Filesystems[0]
	var refused *system.MountError
	for range 2 {
		if err := b.m.mount(t.Context(), fs); !errors.As(err, &refused) {
			t.Errorf("got %v", err)
		}
	}
	if got := x.labelled(); got != "DIR/root/var" {
		t.Errorf("labelled %q", got)
	}
}
