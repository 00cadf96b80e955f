package storage

import (
	"errors"
	"os"
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

// Links lead to where they will in the new system, also where the kernel does not
// resolve them itself.
func TestAPolicyThatIsALinkStaysInTheRoot(t *testing.T) {
	b, x := newFakeTools(t)
	b.write("root/usr/share/selinux/x/config", "SELINUXTYPE=targeted\n")
	for name, target := range map[string]string{"etc/selinux/config": "/usr/share/selinux/x/config", "etc/selinux/targeted": "../../usr/share/selinux/x"} {
		if err := errors.Join(os.MkdirAll(b.path("root/etc/selinux"), 0o755), os.Symlink(target, b.path("root/"+name))); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.m.label(t.Context(), b.path("root/var/new")); err != nil {
		t.Fatal(err)
	}
	if got, want := x.lines(), "setfiles -vF0 -r DIR/root DIR/root/usr/share/selinux/x/contexts/files/file_contexts -f -"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
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
		if err := b.m.labelNew(t.Context(), fs.Mounts()[0]); err != nil || x.labelled() != c.want {
			t.Errorf("%s: %v, labelled %q", c.name, err, x.labelled())
		}
	}
	if _, err := os.Stat("/sys/fs/selinux/enforce"); err != nil && labellable("/proc") {
		t.Error("labels could be written to what has none")
	}
}

func TestSubvolumesWithinOthersAreNew(t *testing.T) {
	for _, c := range []struct {
		name   string
		mount  int // of the filesystem
		inside []string
		want   string
	}{
		{"the default, with others in it", 0, []string{"lib/images/"}, "DIR/root/top"},
		{"another one, with those in it", 1, []string{"var/lib/images/"}, "DIR/root/a"},
		{"with a file beside", 1, []string{"var/lib/images/", "var/file"}, ""},
		{"with a file in the innermost", 1, []string{"var/lib/images/file"}, ""},
		{"of which none is in it", 2, []string{"var/"}, ""},
	} {
		b, x := newFakeTools(t)
		b.write("root/etc/selinux/config", "SELINUXTYPE=targeted\n")
		cfg := b.extended(`"filesystems": [{"device": "/dev/a", "format": "btrfs", "path": "/top", "subvolumes": [
			{"name": "@", "path": "/a"}, {"name": "@/var", "default": true}, {"name": "@/var/lib/images"}, {"name": "home", "path": "/home"}]}]`)
		mount := cfg.Storage.Filesystems[0].Mounts()[c.mount]
		for _, name := range c.inside {
			at := b.path("root" + mount.Path + "/" + name)
			if err := os.MkdirAll(at, 0o755); err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(name, "/") {
				if err := errors.Join(os.Remove(at), os.WriteFile(at, nil, 0o644)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := b.m.labelNew(t.Context(), mount); err != nil || x.labelled() != c.want {
			t.Errorf("%s: %v, labelled %q, want %q", c.name, err, x.labelled(), c.want)
		}
	}
}

// A mount that fails comes after the labels of the directories made for it.
func TestMountPointsAreLabelledFromTheOutermostNewDirectory(t *testing.T) {
	b, x := newFakeTools(t)
	b.write("root/etc/selinux/config", "SELINUXTYPE=targeted\n")
	fs := &b.config(`"filesystems": [{"device": "no-such-tag", "format": "virtiofs", "path": "/var/lib/x"}]`).Storage.Filesystems[0]
	var refused *system.MountError
	for range 2 {
		if err := b.m.mount(t.Context(), fs.Mounts()[0]); !errors.As(err, &refused) {
			t.Errorf("got %v", err)
		}
	}
	if got := x.labelled(); got != "DIR/root/var" {
		t.Errorf("labelled %q", got)
	}
}
