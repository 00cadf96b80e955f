package files

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/system"
)

// needsLabel records that a path, and what is below it, gets an SELinux label:
// from the first component on that does not exist yet.
func (p *planner) needsLabel(name string) {
	at, err := p.resolve(name)
	// A path that leads nowhere has been reported where it is about to be
	// written.
	if err == nil {
		p.needsLabelAt(at.path, at.missing)
	}
}

// needsLabelAt records a resolved path, and the first part of it that does not exist.
func (p *planner) needsLabelAt(at, missing string) {
	if at == "/" {
		return // that would be everything
	}
	p.labelPaths = append(p.labelPaths, cmp.Or(missing, at))
	if missing == "" {
		return
	}
	if p.unlabelled == nil {
		p.unlabelled = map[string]bool{}
		for _, earlier := range p.ledger.Unlabelled {
			p.unlabelled[earlier] = true
		}
	}
	if !p.unlabelled[missing] {
		p.unlabelled[missing] = true
		p.ledger.Unlabelled = append(p.ledger.Unlabelled, missing)
	}
}

// planLabels plans the labels of all that was written. A root without a policy
// needs none.
func (p *planner) planLabels() {
	if !p.Relabel {
		return
	}
	var err error
	if p.policy, err = p.labeller().Policy(); err != nil {
		p.conflicts = append(p.conflicts, err)
	}
	if p.policy == "" {
		return
	}
	p.add(config.Origin{}, fmt.Sprintf("labelling for SELinux (policy %s)", p.policy), func(ctx context.Context) error {
		late, err := p.lateLabelPaths()
		if err != nil {
			return err
		}
		nodes, err := p.existing(slices.Concat(late, p.labelPaths, p.ledger.Unlabelled))
		if err != nil || len(nodes) == 0 {
			return err
		}
		return p.label(ctx, outermost(nodes))
	})
}

func (p *planner) labeller() system.Labeller {
	return system.Labeller{Root: p.Root, Tree: p.root, Run: p.Run, Warn: p.Log.Warn}
}

// label labels paths below the root, if there is a policy.
func (p *planner) label(ctx context.Context, names []string) error {
	if p.policy == "" {
		return nil
	}
	paths := make([]string, len(names))
	for i, n := range names {
		paths[i] = path.Join(p.Root, n)
	}
	return p.labeller().Label(ctx, p.policy, paths)
}

// lateLabelPaths are those that are known only when the users exist: the
// databases of accounts and the homes.
func (p *planner) lateLabelPaths() ([]string, error) {
	if !p.accountsChange {
		return nil, nil
	}
	var paths []string
	inEtc, err := p.root.ReadDir("/etc")
	if err != nil {
		return nil, err
	}
	for _, name := range inEtc {
		if isAccountFile(name) {
			paths = append(paths, "/etc/"+name)
		}
	}
	for _, u := range p.cfg.Passwd.Users {
		inside := ".ssh"
		switch {
		case !config.ValueOr(u.ShouldExist, true):
			continue
		case !config.NonZero(u.NoCreateHome):
			inside = ""
		case !hasKeys(u):
			continue
		}
		account, err := p.accounts.user(u.Name)
		if err != nil {
			return nil, err
		}
		at, err := p.root.Resolve(path.Join(account.home, inside))
		if err != nil {
			return nil, err
		}
		if at != "/" { // that would be everything
			paths = append(paths, at)
		}
	}
	return paths, nil
}

// A labelNode is a path to be labelled, and the filesystem that it is on.
type labelNode struct {
	path   string
	device uint64
}

// existing returns the paths at which there is something.
func (p *planner) existing(paths []string) ([]labelNode, error) {
	var found []labelNode
	for _, name := range paths {
		st, err := p.root.Lstat(name)
		if err != nil {
			return nil, err
		}
		if st != nil {
			found = append(found, labelNode{name, st.Dev})
		}
	}
	return found, nil
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

// outermost returns sorted paths, without those that setfiles descends to from another
// one: it does not leave the filesystem.
func outermost(nodes []labelNode) (paths []string) {
	// With "/" before all else a directory comes right before what is below it.
	key := func(n labelNode) string { return strings.ReplaceAll(n.path, "/", "\x00") }
	nodes = slices.Clone(nodes)
	sort.SliceStable(nodes, func(i, j int) bool { return key(nodes[i]) < key(nodes[j]) })
	var around []labelNode // those kept that the path is below
	for _, n := range nodes {
		for len(around) > 0 && !rootfs.Within(n.path, around[len(around)-1].path) {
			around = around[:len(around)-1]
		}
		if len(around) == 0 || around[len(around)-1].device != n.device {
			around = append(around, n)
			paths = append(paths, n.path)
		}
	}
	return paths
}
