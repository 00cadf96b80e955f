//go:build linux

package system

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// A Labeller gives what is below a root the SELinux labels that the root's own
// policy has for it. The kernel in the initramfs has no policy loaded, so that
// what is created there has no labels.
type Labeller struct {
	Root string // where the root is mounted
	Tree ResolvedTree
	Run  Runner
	Warn func(text string, fields ...string)
}

// A ResolvedTree reads what is below the root. Links lead to where they will in the
// new system, never out of the root.
type ResolvedTree interface {
	// ReadFile returns the contents of a file, nil if there is none.
	ReadFile(name string) ([]byte, error)
	// Resolve returns the path below the root that a path leads to.
	Resolve(name string) (string, error)
}

// Policy returns the name of the policy that the root is configured for, "" if
// it has none.
func (l Labeller) Policy() (string, error) {
	text, err := l.Tree.ReadFile("/etc/selinux/config")
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

// Label labels paths, which begin with the root, and what is below them, by a
// policy of a name. Where the initramfs lacks the program for it that is a
// warning, not an error.
func (l Labeller) Label(ctx context.Context, policy string, paths []string) error {
	root := filepath.Join("/", l.Root)
	// For setfiles itself links would lead to where they do in the initramfs.
	contexts, err := l.Tree.Resolve(filepath.Join("/etc/selinux", policy, "contexts/files/file_contexts"))
	if err != nil {
		return fmt.Errorf("looking for the SELinux policy %s: %w", policy, err)
	}
	_, err = l.Run.Run(ctx, Command{
		Name:  "setfiles",
		Args:  []string{"-vF0", "-r", root, filepath.Join(root, contexts), "-f", "-"},
		Stdin: []byte(strings.Join(paths, "\x00") + "\x00"),
	})
	if errors.Is(err, exec.ErrNotFound) {
		l.Warn("there is no program setfiles in this initramfs: what was written has no SELinux labels, and the system may refuse to use it")
		return nil
	}
	return err
}
