package system

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
)

// A Labeller gives what is below a root the SELinux labels that the root's own
// policy has for it. The kernel in the initramfs has no policy loaded, so that
// what is created there has no labels.
type Labeller struct {
	Root string // where the root is mounted
	Run  Runner
	Warn func(text string, fields ...string)
}

// Policy returns the name of the policy that the root is configured for, "" if
// it has none.
func (l Labeller) Policy() (string, error) {
	text, err := l.readConfig()
	if errors.Is(err, unix.ENOENT) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("finding out the SELinux policy of %s: %w", l.Root, err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "SELINUXTYPE="); ok {
			return strings.TrimSpace(value), nil
		}
	}
	return "", nil
}

// readConfig reads the configuration of SELinux. Links lead to where they will
// in the new system.
func (l Labeller) readConfig() ([]byte, error) {
	root, err := unix.Open(filepath.Join("/", l.Root), unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(root)
	const name = "etc/selinux/config"
	fd, err := unix.Openat2(root, name, &unix.OpenHow{Flags: unix.O_RDONLY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT})
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) { // before Linux 5.6, or in a container
		fd, err = unix.Openat(root, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	return io.ReadAll(f)
}

// Label labels paths, which begin with the root, and what is below them, by a
// policy of a name. Where the initramfs lacks the program for it that is a
// warning, not an error.
func (l Labeller) Label(ctx context.Context, policy string, paths []string) error {
	root := filepath.Join("/", l.Root)
	contexts := filepath.Join(root, "etc/selinux", policy, "contexts/files/file_contexts")
	_, err := l.Run.Run(ctx, Command{
		Name:  "setfiles",
		Args:  []string{"-vF0", "-r", root, contexts, "-f", "-"},
		Stdin: []byte(strings.Join(paths, "\x00") + "\x00"),
	})
	if errors.Is(err, exec.ErrNotFound) {
		l.Warn("there is no program setfiles in this initramfs: what was written has no SELinux labels, and the system may refuse to use it")
		return nil
	}
	return err
}
