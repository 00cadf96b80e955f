package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/ledger"
	"github.com/firstlight-os/firstlight/files/rootfs"
)

// loadLedger reads the ledger of earlier runs and begins that of this one.
func (p *planner) loadLedger() error {
	var err error
	if p.last, err = ledger.Read(p.root); err != nil {
		return err
	}
	p.ledger, p.earlier = p.last.Next(p.Config)
	if !p.earlier.Interrupted() {
		result, err := p.root.ReadFile(resultFile)
		if err != nil {
			return err
		}
		p.ledger.Result, p.ledger.Unlabelled = string(result), nil
	}
	for _, point := range p.ledger.MountPoints {
		if !slices.Contains(p.RecordedDirectories, point) {
			p.RecordedDirectories = append(p.RecordedDirectories, point)
		}
	}
	return nil
}

// planStart puts the ledger, the downloads and what is left to do for an
// interrupted run before all other operations.
func (p *planner) planStart() {
	rest := p.plan
	p.plan = nil
	if p.last.Interrupted() {
		p.add(config.Origin{}, "cleaning up after a run that was interrupted", func(context.Context) error { return p.cleanUp() })
	}
	if p.Config != "" {
		dirs := slices.Concat(p.ledger.TempDirs, p.changedDirs, p.prefetch.tempDirs(), []string{"/etc"})
		slices.Sort(dirs)
		p.ledger.TempDirs = slices.Compact(dirs)
		p.add(config.Origin{}, "noting in "+ledger.Path+" what is there already", func(context.Context) error { return p.ledger.Start(p.root) })
	}
	if n := len(p.prefetch.all); n > 0 {
		p.add(config.Origin{}, fmt.Sprintf("starting %d downloads", n), func(ctx context.Context) error { return p.prefetch.start(ctx, p.root) })
	}
	p.plan = append(p.plan, rest...)
}

// planLedgerEnd plans that the ledger says that all is done.
func (p *planner) planLedgerEnd() {
	if p.Config == "" {
		return
	}
	p.add(config.Origin{}, "noting that all is done", func(ctx context.Context) error {
		if err := p.sync(); err != nil { // the labels, too
			return err
		}
		if err := p.ledger.Finish(p.root); err != nil || p.policy == "" {
			return err
		}
		return p.setfiles(ctx, []string{ledger.Path})
	})
}

// cleanUp removes what an interrupted run has left half done: temp files, and new
// accounts, which are made again.
func (p *planner) cleanUp() error {
	dirs, err := p.keyDirs()
	if err != nil {
		return err
	}
	for _, dir := range append(dirs, p.last.TempDirs...) {
		if err := p.root.RemoveMatching(dir, rootfs.IsTempName); err != nil {
			return err
		}
	}
	if err := p.root.RemoveMatching("/etc", isAccountLeftover); err != nil {
		return err
	}
	if p.earlier == nil || p.earlier.Accounts == nil {
		return nil
	}
	for _, home := range p.earlier.Homes {
		if err := p.root.Remove(home); err != nil {
			return err
		}
	}
	return p.restoreAccounts()
}

// keyDirs are where the SSH keys of users are written who exist.
func (p *planner) keyDirs() ([]string, error) {
	known, err := readAccounts(p.root.ReadFile)
	if err != nil {
		return nil, err
	}
	var dirs []string
	for _, name := range p.usersWithKeys {
		if u, exists := known.users[name]; exists {
			dirs = append(dirs, u.home, path.Join(u.home, ".ssh"), path.Join(u.home, ".ssh/authorized_keys.d"))
		}
	}
	return dirs, nil
}

// accountDatabases are what the programs of shadow-utils write.
var accountDatabases = [...]string{"passwd", "shadow", "group", "gshadow", "subuid", "subgid"}

// isAccountLeftover reports whether a file in /etc is one that a program of
// shadow-utils removes before it ends: a lock, or a database half written.
func isAccountLeftover(name string) bool {
	for _, database := range accountDatabases {
		if rest, ok := strings.CutPrefix(name, database); ok && (rest == ".lock" || rest == "+" || strings.Trim(rest, ".0123456789") == "" && rest != "") {
			return true
		}
	}
	return false
}

// saveAccounts records the databases as they are, and which homes of new users do
// not exist.
func (p *planner) saveAccounts() error {
	if p.earlier.Interrupted() || len(p.cfg.Passwd.Users)+len(p.cfg.Passwd.Groups) == 0 {
		return nil
	}
	p.ledger.Accounts, p.ledger.Homes = map[string]ledger.SavedFile{}, nil
	for _, name := range accountDatabases {
		saved, err := ledger.Save(p.root, "/etc/"+name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		p.ledger.Accounts[name] = saved
	}
	homes := p.homeBase()
	for _, u := range p.cfg.Passwd.Users {
		if _, exists := p.initial.users[u.Name]; exists || config.NonZero(u.NoCreateHome) {
			continue
		}
		at, err := p.root.Resolve(config.ValueOr(u.HomeDir, path.Join(homes, u.Name)))
		if err != nil {
			continue // useradd will have something to say about it
		}
		if st, err := p.root.Lstat(at); err == nil && st == nil && at != "/" {
			p.ledger.Homes = append(p.ledger.Homes, at)
		}
	}
	return nil
}

// homeBase is where useradd makes homes, see useradd(8).
func (p *planner) homeBase() string {
	text, _ := p.root.ReadFile("/etc/default/useradd") // as useradd, which goes on without
	dir := "/home"
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "HOME="); ok && path.IsAbs(value) {
			dir = value
		}
	}
	return dir
}

// restoreAccounts puts the databases back.
func (p *planner) restoreAccounts() error {
	for _, name := range accountDatabases {
		saved, existed := p.earlier.Accounts[name]
		name = "/etc/" + name
		if existed {
			if err := saved.Restore(p.root, name); err != nil {
				return err
			}
			continue
		}
		at, err := p.root.Resolve(name)
		if err != nil {
			return err
		}
		if err := p.root.Remove(at); err != nil {
			return err
		}
	}
	return nil
}

// initialAccounts are the users and groups without those of an interrupted run.
func (p *planner) initialAccounts() (*accounts, error) {
	if !p.earlier.Interrupted() || p.earlier.Accounts == nil {
		return readAccounts(p.root.ReadFile)
	}
	return readAccounts(func(name string) ([]byte, error) {
		base, isSaved := strings.CutPrefix(name, "/etc/")
		if !isSaved {
			return p.root.ReadFile(name)
		}
		saved, existed := p.earlier.Accounts[base]
		if !existed {
			return nil, nil
		}
		return saved.Contents()
	})
}
