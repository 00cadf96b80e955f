package files

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/system"
)

const selinuxConfig = "/etc/selinux/config"

// needsLabel notes that a path, and what is below it, gets an SELinux label:
// from the first component on that does not exist yet.
func (p *planner) needsLabel(name string) {
	at, err := p.resolve(name)
	// A path that leads nowhere has been reported where it is about to be
	// written. The root itself would be everything.
	if err != nil || at.path == "/" {
		return
	}
	p.labelPaths = append(p.labelPaths, cmp.Or(at.missing, at.path))
	if at.missing != "" && !slices.Contains(p.ledger.Unlabelled, at.missing) {
		p.ledger.Unlabelled = append(p.ledger.Unlabelled, at.missing)
	}
}

// planLabels plans the labels of all that was written. The kernel in the initramfs
// has no policy loaded, so that new nodes have none. A root without a policy
// needs none.
func (p *planner) planLabels() {
	if !p.Relabel {
		return
	}
	policy, err := p.selinuxPolicy()
	if err != nil {
		p.ioConflict(config.Origin{}, "finding out the SELinux policy of "+p.Root, err)
	}
	if policy == "" {
		return
	}
	p.policy = policy
	names := outermost(append(p.labelPaths, p.ledger.Unlabelled...))
	p.add(config.Origin{}, fmt.Sprintf("labelling for SELinux (policy %s)", policy), func(ctx context.Context) error {
		paths, err := p.existingLabelPaths(names)
		if err != nil || len(paths) == 0 {
			return err
		}
		return p.setfiles(ctx, paths)
	})
}

// selinuxPolicy is the name of the policy that a root is configured for, "" if
// it has none.
func (p *planner) selinuxPolicy() (string, error) {
	text, err := p.root.ReadFile(selinuxConfig)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "SELINUXTYPE="); ok {
			return strings.TrimSpace(value), nil
		}
	}
	return "", nil
}

// existingLabelPaths are those that exist, once each. Which files the programs for
// accounts have written, and where homes are, is known only now.
func (p *planner) existingLabelPaths(names []string) ([]string, error) {
	candidates := slices.Clone(names)
	homes := func(users []string, inside string) error {
		for _, name := range users {
			u, err := p.accounts.user(name)
			if err != nil {
				return err
			}
			at, err := p.root.Resolve(path.Join(u.home, inside))
			if err != nil {
				return err
			}
			// A home that is "/" would be everything.
			if at != "/" {
				candidates = append(candidates, at)
			}
		}
		return nil
	}
	if err := errors.Join(homes(p.usersWithHomes, ""), homes(p.usersWithKeys, ".ssh")); err != nil {
		return nil, err
	}
	if p.accountsChange {
		etc, err := p.root.ReadDir("/etc")
		if err != nil {
			return nil, err
		}
		for _, name := range etc {
			if isAccountFile(name) {
				candidates = append(candidates, "/etc/"+name)
			}
		}
	}
	var found []string
	for _, name := range candidates {
		st, err := p.root.Lstat(name)
		if err != nil {
			return nil, err
		}
		if st != nil {
			found = append(found, name)
		}
	}
	return outermost(found), nil
}

// isAccountFile reports whether a file in /etc is one of shadow-utils: a database,
// its backup ("passwd-") or its lock.
func isAccountFile(name string) bool {
	for _, database := range accountDatabases {
		if strings.HasPrefix(name, database) {
			return true
		}
	}
	return name == ".pwd.lock"
}

// outermost sorts paths and drops those that lie below another of them: setfiles
// descends.
func outermost(names []string) []string {
	var kept []string
	// With "/" before all else a directory comes right before what is below it.
	slashFirst := func(a, b string) int {
		return strings.Compare(strings.ReplaceAll(a, "/", "\x00"), strings.ReplaceAll(b, "/", "\x00"))
	}
	for _, n := range slices.SortedFunc(slices.Values(names), slashFirst) {
		if len(kept) == 0 || !rootfs.Within(n, kept[len(kept)-1]) {
			kept = append(kept, n)
		}
	}
	return kept
}

func (p *planner) setfiles(ctx context.Context, names []string) error {
	var list strings.Builder
	for _, n := range names {
		list.WriteString(path.Join(p.Root, n) + "\x00")
	}
	contexts := path.Join(p.Root, "etc/selinux", p.policy, "contexts/files/file_contexts")
	_, err := p.Run.Run(ctx, system.Command{
		Name:  "setfiles",
		Args:  []string{"-vF0", "-r", p.Root, contexts, "-f", "-"},
		Stdin: []byte(list.String()),
	})
	if errors.Is(err, exec.ErrNotFound) {
		p.Log.Warn("there is no program setfiles in this initramfs: " +
			"what was written has no SELinux labels, and the system may refuse to use it")
		return nil
	}
	return err
}
