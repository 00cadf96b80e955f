package files

import (
	"cmp"
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/ledger"
	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// Plan looks at the tree and decides what to do to it. The operations are meant
// to run one after another in the order of the plan. The error joins a
// *report.Error for each conflict; then there is no plan. Close the tree
// afterwards.
func (t *Tree) Plan(_ context.Context, cfg *config.Config) (report.Plan, error) {
	r, err := rootfs.Open(t.Root)
	if err != nil {
		return nil, err
	}
	t.Close()
	t.KeyDir, t.ResultFile = cmp.Or(t.KeyDir, defaultKeyDir), cmp.Or(t.ResultFile, resultFile)
	r.KeepDirs()
	t.root, t.prefetch = r, newPrefetcher(t)
	p := &planner{Tree: t, Run: treeChanger{t.Run, r}, cfg: cfg, shadow: readShadowSettings(r), accounts: &accountCache{root: r}, tree: r.View(), parents: map[string]resolvedDir{}, sealed: map[string]*rootfs.Pin{}, unsealed: map[string]bool{}, changedDirs: map[string]bool{}, movedHomes: map[string]string{}}
	if p.checkShadowFiles(); len(p.conflicts) > 0 { // they cannot be read either
		return nil, errors.Join(p.conflicts...)
	}
	if err := p.look(); err != nil {
		return nil, err
	}
	if err := p.planAccounts(); err != nil {
		return nil, &report.Error{Doing: "finding out what users and groups leave in " + p.Root, Err: err}
	}
	p.planEntries()
	p.planUnits()
	p.planCrypttab()
	p.planOutputs()
	changes := len(p.plan) > 0
	if changes {
		p.planNotes()
	}
	p.planResult()
	p.planLabels()
	if changes {
		p.planSync()
	}
	if changes || p.last.Interrupted() {
		p.planLedgerEnd()
		p.planStart()
	}
	if len(p.conflicts) > 0 {
		return nil, errors.Join(p.conflicts...)
	}
	return p.plan, nil
}

// A planner collects the operations and the conflicts of one plan.
type planner struct {
	*Tree
	// Run is the Tree's, of which the root knows.
	Run treeChanger
	cfg *config.Config

	plan      report.Plan
	conflicts []error
	// synced reports whether the plan writes all through to the disks.
	synced bool

	shadow shadowSettings
	// will are the users and groups that there will be, as far as the plan has come,
	// and accounts those that there are while it runs.
	will     *accounts
	accounts *accountCache
	// tree is the root as it will be when users and groups are done. In emptied the
	// directories that the config replaces are gone, too.
	tree, emptied *rootfs.View

	parents map[string]resolvedDir // by path; see resolve
	sealed  map[string]*rootfs.Pin // by path; see checkSealed
	// unsealed are directories, by paths that need not be resolved, in which nodes can be
	// made; see changes.
	unsealed map[string]bool
	entries  []*entry          // in the order in which they are planned
	byPath   map[string]*entry // the same by resolved path
	archives []*archive
	// absent are resolved paths at which nothing is to be.
	absent map[string]config.Origin

	changedDirs map[string]bool // directories in which something changes
	policy      string          // of SELinux, "" if nothing gets a label
	labelPaths  []string        // paths that get a label
	unlabelled  map[string]bool // those in the ledger's Unlabelled, nil if it was not changed
	// accountsChange reports whether programs of shadow-utils will run.
	accountsChange bool

	// last is the ledger as it is found, and earlier the same if it is about this
	// config; nil if there is none. This run's is never nil.
	last, earlier, ledger *ledger.Ledger
	// madeHomes are the changes of homes that an interrupted run has made and that
	// cannot be undone. While users are planned that it was done with before the last of
	// them, onlyDatabases is set: what they have below the root is as it should be.
	// movedHomes is where the homes of others move, by user.
	madeHomes     []ledger.HomeChange
	onlyDatabases bool
	movedHomes    map[string]string
}

// A treeChanger runs programs that may change the tree: the root resolves paths anew.
type treeChanger struct {
	system.Runner
	root *rootfs.Root
}

func (c treeChanger) Run(ctx context.Context, command system.Command) ([]byte, error) {
	defer c.root.Forget()
	return c.Runner.Run(ctx, command)
}

// look reads what earlier runs have done, and the users and groups. What will be
// undone of an interrupted run counts as undone.
func (p *planner) look() error {
	err := p.loadLedger()
	if err == nil {
		p.madeHomes, err = p.earlier.UndoHomes(p.tree)
	}
	if err != nil {
		return &report.Error{Doing: "looking for what earlier runs have done to " + p.Root, Err: err}
	}
	p.onlyDatabases = len(p.madeHomes) > 0
	if p.will, err = p.initialAccounts(); err == nil {
		err = p.saveAccounts()
	}
	if err != nil {
		return &report.Error{Doing: "reading the users and groups of " + p.Root, Err: err}
	}
	return nil
}

// add plans an operation, with the programs that it cannot do without.
func (p *planner) add(origin config.Origin, name string, do func(context.Context) error, programs ...string) {
	p.plan = append(p.plan, &report.Operation{Name: name, Origin: origin, Programs: programs, Do: func(ctx context.Context) error {
		err := do(ctx)
		if isFull(err) && p.prefetch.makeRoom(ctx) {
			err = do(ctx)
		}
		return withHint(err)
	}})
}

// conflict reports why the config cannot be applied.
func (p *planner) conflict(origin config.Origin, hint, format string, args ...any) {
	p.conflicts = append(p.conflicts, report.Conflict(origin, hint, format, args...))
}

// ioConflict is a conflict with the machine: it could not be looked at.
func (p *planner) ioConflict(origin config.Origin, doing string, err error) {
	p.conflicts = append(p.conflicts, &report.Error{Doing: doing, Origin: origin, Err: err})
}

// withHint adds what can be done about errors of the system that are not about
// the config.
func withHint(err error) error {
	hints := []struct {
		errno unix.Errno
		hint  string
	}{
		{unix.ENOSPC, "make the filesystem larger, or write less to it; a file needs room beside what it replaces"},
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
	var full *rootfs.FullError
	if errors.As(err, &full) && full.NoInodes() {
		return &report.Error{Err: err, Hint: "it is out of inodes: make the filesystem with more of them, or write fewer nodes to it; a file needs one beside that of what it replaces"}
	}
	for _, h := range hints {
		if errors.Is(err, h.errno) {
			return &report.Error{Err: err, Hint: h.hint}
		}
	}
	return err
}
