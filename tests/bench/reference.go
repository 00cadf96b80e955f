package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Where Debian's package has its programs.
const (
	packageName      = "ignition"
	referenceStage   = "usr/lib/dracut/modules.d/30ignition/ignition"
	referenceDesktop = "usr/bin/ignition-validate"
)

// downloadLimit is for a mirror that does not answer; the package has 5 MB.
const downloadLimit = 2 * time.Minute

// reference finds the packaged reference in the cache, or puts it there, and
// gives it with its version. An error is one line.
func reference(ctx context.Context) (tool, string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return tool{}, "", err
	}
	tree := filepath.Join(cache, "firstlight", "reference")
	if _, err := os.Stat(tree); err != nil {
		if err := download(ctx, tree); err != nil {
			return tool{}, "", err
		}
	}
	program := filepath.Join(tree, referenceStage)
	version, err := command(ctx, "", program, "-version")
	if err != nil {
		return tool{}, "", fmt.Errorf("it does not run here: %w", err)
	}
	return tool{[]string{program}, []string{filepath.Join(tree, referenceDesktop)}}, version, nil
}

// download unpacks the package as a tree. A tree that is there is a whole one.
func download(ctx context.Context, tree string) error {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return errors.New("it is a package of Debian, and there is no apt-get here")
	}
	ctx, cancel := context.WithTimeout(ctx, downloadLimit)
	defer cancel()
	if err := os.MkdirAll(filepath.Dir(tree), 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Dir(tree), "reference-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if _, err := command(ctx, dir, "apt-get", "download", packageName); err != nil {
		return fmt.Errorf("%w (apt-get update may help)", err)
	}
	packages, _ := filepath.Glob(filepath.Join(dir, packageName+"_*.deb"))
	if len(packages) != 1 {
		return fmt.Errorf("apt-get download %s: it left %d packages, not one", packageName, len(packages))
	}
	unpacked := filepath.Join(dir, "tree")
	if _, err := command(ctx, dir, "dpkg-deb", "-x", packages[0], unpacked); err != nil {
		return err
	}
	return os.Rename(unpacked, tree)
}

// command gives the first line that a program prints; of one that fails, the
// last line that it has to say.
func command(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err == nil {
		first, _, _ := strings.Cut(string(out), "\n")
		return first, nil
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		lines := strings.Split(strings.TrimSpace(string(exit.Stderr)), "\n")
		err = fmt.Errorf("%w: %s", err, lines[len(lines)-1])
	}
	return "", fmt.Errorf("%s: %w", strings.Join(append([]string{filepath.Base(name)}, args...), " "), err)
}

// journalDir is where a host that has a journal takes messages for it.
const journalDir = "/run/systemd/journal"

// hideJournal keeps from the tools the journal of the host, to which the
// reference would tell of each config that it got. The few milliseconds that
// this costs are added to both tools, and only where there is a journal.
func (b *bencher) hideJournal(ctx context.Context, dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "socket")); err != nil {
		return nil
	}
	prefix := []string{"unshare", "--map-root-user", "--mount", "sh", "-c", `mount -t tmpfs none "$0" && exec "$@"`, dir}
	if _, err := command(ctx, "", prefix[0], append(prefix[1:], "true")...); err != nil {
		return fmt.Errorf("each fetch stage of the reference leaves a line in the journal: it cannot be hidden: %w", err)
	}
	b.prefix = prefix
	return nil
}
