package storage

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/system"
)

// label gives a directory below the root, and what is in it, the SELinux labels
// that the root's policy has for it.
func (m *Machine) label(ctx context.Context, dir string) error {
	root, err := rootfs.Open(filepath.Join("/", m.Root))
	if err != nil {
		return err
	}
	defer root.Close()
	l := system.Labeller{Root: m.Root, Tree: root, Run: m.Run, Warn: m.Log.Warn}
	policy, err := l.Policy()
	if err != nil || policy == "" {
		return err
	}
	return l.Label(ctx, policy, []string{dir})
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
