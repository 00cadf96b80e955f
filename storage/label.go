package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/system"
)

// The kernel has no SELinux policy in the initramfs, so that the directories and
// filesystems that are new have no labels. The policy is the root's.

// selinuxPolicy is the name of the policy that the root is configured for, "" if
// it has none.
func (m *Machine) selinuxPolicy() (string, error) {
	root, err := unix.Open(filepath.Join("/", m.Root), unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(root)
	// Links lead to where they will in the new system.
	fd, err := unix.Openat2(root, "etc/selinux/config", &unix.OpenHow{Flags: unix.O_RDONLY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT})
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) { // before Linux 5.6, or in a container
		fd, err = unix.Openat(root, "etc/selinux/config", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	}
	if errors.Is(err, unix.ENOENT) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	f := os.NewFile(uintptr(fd), "etc/selinux/config")
	defer f.Close()
	text, err := io.ReadAll(f)
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "SELINUXTYPE="); ok {
			return strings.TrimSpace(value), nil
		}
	}
	return "", err
}

// label gives a directory below the root, and what is in it, the labels that
// the root's policy has for it.
func (m *Machine) label(ctx context.Context, dir string) error {
	policy, err := m.selinuxPolicy()
	if err != nil {
		return fmt.Errorf("finding out the SELinux policy of %s: %w", m.Root, err)
	}
	if policy == "" {
		return nil
	}
	root := filepath.Join("/", m.Root)
	contexts := filepath.Join(root, "etc/selinux", policy, "contexts/files/file_contexts")
	_, err = m.Run.Run(ctx, system.Command{Name: "setfiles", Args: []string{"-vF0", "-r", root, contexts, "-f", "-"}, Stdin: []byte(dir + "\x00")})
	if errors.Is(err, exec.ErrNotFound) {
		m.Log.Warn(fmt.Sprintf("there is no program setfiles in this initramfs: %s has no SELinux label, and the system may refuse to use it", dir))
		return nil
	}
	return err
}

// labelNew labels the root of a filesystem that has just been mounted, if it is
// as mkfs makes it. What others have put there has their labels.
func (m *Machine) labelNew(ctx context.Context, fs *config.Filesystem) error {
	at := m.mountPoint(fs)
	entries, err := os.ReadDir(at)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != "lost+found" {
			return nil
		}
	}
	if !labellable(at) {
		return nil
	}
	return m.label(ctx, at)
}

// labellable reports whether labels can be written: vfat has none.
func labellable(at string) bool {
	var stat unix.Statfs_t
	if unix.Statfs(at, &stat) == nil && stat.Flags&unix.ST_RDONLY != 0 {
		return false
	}
	_, err := unix.Lgetxattr(at, "security.selinux", nil)
	return !errors.Is(err, unix.ENOTSUP)
}
