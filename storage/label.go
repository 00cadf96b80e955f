package storage

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

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
// as mkfs makes it, but for subvolumes. What others have put there has their labels.
func (m *Machine) labelNew(ctx context.Context, mt config.Mount) error {
	at := m.mountPoint(mt)
	isNew, err := isNew(at, subvolumesWithin(mt))
	if err != nil || !isNew || !labellable(at) {
		return err
	}
	return m.label(ctx, at)
}

// isNew reports whether there is nothing in a directory but what mkfs makes, and
// directories that lead to subvolumes or are some.
func isNew(dir string, subvolumes []string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		var within []string
		ours := e.Name() == "lost+found"
		for _, s := range subvolumes {
			first, rest, _ := strings.Cut(s, "/")
			if first == e.Name() {
				ours, within = true, append(within, rest)
			}
		}
		if !ours || !e.IsDir() {
			return false, nil
		}
		if len(within) == 0 {
			continue
		}
		if isNew, err := isNew(filepath.Join(dir, e.Name()), within); err != nil || !isNew {
			return false, err
		}
	}
	return true, nil
}

// subvolumesWithin are the config's subvolumes in what is mounted, by their paths there.
func subvolumesWithin(mt config.Mount) []string {
	top := ""
	for i := range mt.Filesystem.Subvolumes {
		if s := &mt.Filesystem.Subvolumes[i]; s == mt.Subvolume || mt.Subvolume == nil && config.ValueOr(s.Default, false) {
			top = s.Name + "/"
		}
	}
	var all []string
	for _, s := range mt.Filesystem.Subvolumes {
		if below, ok := strings.CutPrefix(s.Name, top); ok {
			all = append(all, below)
		}
	}
	return all
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
