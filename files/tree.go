// Package files provisions the tree below a root: users and groups, files,
// directories and links, units of systemd, the result file and the labels.
//
// A Tree is looked at as it is; what the config asks and what is there make a
// plan, or all the conflicts between the two. Only the operations of the plan
// change anything, each whole or not at all: nodes are made under a temporary
// name and renamed. Whatever symbolic links the tree holds, nothing outside the
// root is read or written (see root.go).
package files

import (
	"context"
	"errors"
	"io"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// A Fetcher writes the verified, decompressed bytes of a resource to w. After
// an error what was written does not count.
type Fetcher interface {
	Fetch(ctx context.Context, r config.Resource, w io.Writer) error
}

// A Tree is the root that is being provisioned.
type Tree struct {
	// Root is the directory that will be "/", an absolute path.
	Root  string
	Run   system.Runner
	Log   *report.Logger
	Fetch Fetcher
	// RecordedDirectories are the directories that the mount stage has made, as paths
	// below the root. Those in a user's home become the user's.
	RecordedDirectories []string
	// KeyFragments puts SSH keys into ~/.ssh/authorized_keys.d/ignition, else
	// they become ~/.ssh/authorized_keys.
	KeyFragments bool
	// Keys are the keys of LUKS volumes by their names, and VolumeKeys files of
	// zkey by theirs, as data URLs; the disks stage made them.
	Keys, VolumeKeys map[string]string
	// Result is what the result file will say. Without anything there is none.
	Result Result
	// Relabel sets SELinux labels if the root has a policy.
	Relabel bool
	// Config is the digest of the config. With it the root gets a ledger, so
	// that a run that was interrupted can be repeated.
	Config string
	// Outputs are files that the platform wants to be on the machine.
	Outputs []Output

	root     *root // from the plan to the end of its operations
	prefetch *prefetcher
}

// Close ends what may still run after a plan that failed, and takes away its
// temporary files. Until then the root cannot be unmounted.
func (t *Tree) Close() {
	if t.prefetch != nil {
		t.prefetch.close()
		t.prefetch = nil
	}
	if t.root != nil {
		t.root.close()
		t.root = nil
	}
}

// Plan looks at the tree and decides what to do to it. The operations are meant
// to run one after another in the order of the plan. The error joins a
// *report.Error for each conflict; then there is no plan. Close the tree
// afterwards.
func (t *Tree) Plan(_ context.Context, cfg *config.Config) (report.Plan, error) {
	r, err := openRoot(t.Root)
	if err != nil {
		return nil, err
	}
	t.Close()
	t.root = r
	p := &planner{Tree: t, cfg: cfg, root: r, accounts: new(accountCache), parents: map[string]resolvedParent{}}
	t.prefetch = newPrefetcher(t)
	if err := p.loadLedger(); err != nil {
		return nil, &report.Error{Doing: "looking for what earlier runs have done to " + t.Root, Err: err}
	}
	if p.initial, err = p.initialAccounts(); err != nil {
		return nil, &report.Error{Doing: "reading the users and groups of " + t.Root, Err: err}
	}
	if err := p.saveAccounts(); err != nil {
		return nil, &report.Error{Doing: "reading the users and groups of " + t.Root, Err: err}
	}
	p.planAccounts()
	p.planNodes()
	p.planUnits()
	p.planCrypttab()
	p.planOutputs()
	changes := len(p.plan) > 0
	if changes {
		p.planSync()
	}
	p.planResult()
	p.planLabels()
	if changes || p.interrupted {
		p.planLedgerEnd()
		p.planLedgerStart()
	}
	if len(p.conflicts) > 0 {
		return nil, errors.Join(p.conflicts...)
	}
	return p.plan, nil
}

// A planner collects the operations and the conflicts of one plan.
type planner struct {
	*Tree
	cfg      *config.Config
	root     *root         // as it is found
	initial  *accounts     // as they are found
	accounts *accountCache // at the time that the plan runs

	plan      report.Plan
	conflicts []error

	parents        map[string]resolvedParent // by path; see place
	ignored        map[string]bool           // paths of directories that will be replaced
	byPath         map[string]*entry         // entries by resolved path
	written        []string                  // directories that get new entries
	policy         string                    // of SELinux, "" if nothing gets a label
	labelPaths     []string                  // paths that get one
	usersWithHomes []string                  // users whose homes get labels
	usersWithKeys  []string                  // users who get SSH keys
	// accountsChange reports whether programs of shadow-utils will run.
	accountsChange bool

	// earlier is the ledger of a run with this config, nil if there was none.
	// This run's is never nil.
	earlier, ledger *ledger
	// broken reports whether a run, with whatever config, was interrupted.
	interrupted bool
}

// add plans an operation on the root.
func (p *planner) add(origin config.Origin, name string, do func(context.Context, *root) error) {
	r := p.root
	p.plan = append(p.plan, &report.Operation{Name: name, Origin: origin, Do: func(ctx context.Context) error {
		return withHint(do(ctx, r))
	}})
}

func (p *planner) conflict(origin config.Origin, hint, format string, args ...any) {
	p.conflicts = append(p.conflicts, report.Conflict(origin, hint, format, args...))
}

// trouble is a conflict with the machine: it could not be looked at.
func (p *planner) ioConflict(origin config.Origin, doing string, err error) {
	p.conflicts = append(p.conflicts, &report.Error{Doing: doing, Origin: origin, Err: err})
}

// explain adds what can be done about errors of the system that are not about
// the config.
func withHint(err error) error {
	hints := []struct {
		errno unix.Errno
		hint  string
	}{
		{unix.ENOSPC, "make the filesystem larger, or write less to it (it may also be out of inodes)"},
		{unix.EDQUOT, "raise the quota of this filesystem, or write less to it"},
		{unix.EROFS, "the filesystem is mounted read-only: check the kernel argument rw and the log of the kernel for errors of the disk"},
		{unix.EIO, "the disk could not be read or written: look at the log of the kernel"},
		{unix.EBUSY, "a filesystem is mounted there; an entry with overwrite cannot replace it"},
		{unix.ELOOP, "symbolic links lead in a circle there"},
	}
	var known *report.Error
	if errors.As(err, &known) && known.Hint != "" {
		return err
	}
	for _, h := range hints {
		if errors.Is(err, h.errno) {
			return &report.Error{Err: err, Hint: h.hint}
		}
	}
	return err
}

// durable plans that what was written survives a power cut. Once for all: a
// sync per file would make thousands of files slow.
func (p *planner) planSync() {
	p.add(config.Origin{}, "writing everything through to the disks", func(_ context.Context, r *root) error { return p.sync(r) })
}

// sync writes back the filesystems of all that the plan writes.
func (p *planner) sync(r *root) error {
	written := append([]string{"/etc"}, p.written...)
	for _, u := range p.cfg.Passwd.Users {
		if home, err := p.accounts.user(r, u.Name); err == nil {
			written = append(written, home.home)
		}
	}
	slices.Sort(written)
	done := map[uint64]bool{} // by device
	for _, name := range slices.Compact(written) {
		if err := r.sync(name, done); err != nil {
			return err
		}
	}
	return nil
}

// sync writes back the filesystem that a directory is on.
func (r *root) sync(name string, done map[uint64]bool) error {
	d, err := r.openDir(name)
	// The home of a user need not exist, nor be a directory.
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return nil
	}
	if err != nil {
		return err
	}
	defer d.close()
	f, st, err := d.open(".", unix.S_IFDIR) // O_PATH will not do
	if err != nil {
		return err
	}
	defer f.Close()
	if done[st.Dev] {
		return nil
	}
	done[st.Dev] = true
	if err := unix.Syncfs(int(f.Fd())); err != nil {
		return r.pathError("writing back the filesystem of", name, err)
	}
	return nil
}
