package files

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/firstlight-os/firstlight/config"
)

// cleanUp takes away what an interrupted run has left half done: temporary
// files, and new accounts, which are made again.
func (p *planner) cleanUp(r *root) error {
	last, err := r.readLedger()
	if err != nil || last == nil {
		return err
	}
	for _, name := range last.TempDirs {
		if err := r.removeMatching(name, isTempName); err != nil {
			return err
		}
	}
	if err := p.removeTempFilesInHomes(r); err != nil {
		return err
	}
	if err := r.removeMatching("/etc", isAccountLeftover); err != nil {
		return err
	}
	if p.earlier == nil || last.Accounts == nil {
		return nil
	}
	for _, home := range last.Homes {
		if err := r.remove(home); err != nil {
			return err
		}
	}
	return r.restoreAccounts(last.Accounts)
}

// removeTempFilesInHomes removes temporary files from where SSH keys are written.
func (p *planner) removeTempFilesInHomes(r *root) error {
	known, err := r.accounts()
	if err != nil {
		return err
	}
	for _, name := range p.usersWithKeys {
		u, exists := known.users[name]
		if !exists {
			continue
		}
		for _, in := range [...]string{"", ".ssh", ".ssh/authorized_keys.d"} {
			if err := r.removeMatching(path.Join(u.home, in), isTempName); err != nil {
				return err
			}
		}
	}
	return nil
}

// sweep removes the nodes of a directory that have such names.
func (r *root) removeMatching(name string, such func(string) bool) error {
	names, err := r.list(name)
	if err != nil {
		return err
	}
	for _, n := range names {
		if such(n) {
			if err := r.remove(path.Join(name, n)); err != nil {
				return err
			}
		}
	}
	return nil
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

// saveAccounts keeps the databases as they are, and notes which homes of new
// users are not there.
func (p *planner) saveAccounts() error {
	if p.earlier.interrupted() || len(p.cfg.Passwd.Users)+len(p.cfg.Passwd.Groups) == 0 {
		return nil
	}
	p.ledger.Accounts, p.ledger.Homes = map[string]savedFile{}, nil
	for _, name := range accountDatabases {
		text, err := p.root.readFile("/etc/" + name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		at, err := p.root.resolve("/etc/" + name)
		if err != nil {
			return err
		}
		st, err := p.root.lstat(at)
		if err != nil || st == nil {
			return err
		}
		p.ledger.Accounts[name] = savedFile{base64.StdEncoding.EncodeToString(text), st.Mode & 0o7777, int(st.Uid), int(st.Gid)}
	}
	for _, u := range p.cfg.Passwd.Users {
		if _, exists := p.initial.users[u.Name]; exists || config.NonZero(u.NoCreateHome) {
			continue
		}
		home := config.ValueOr(u.HomeDir, path.Join(p.root.homeBase(), u.Name))
		at, err := p.root.resolve(home)
		if err != nil {
			continue // useradd will have something to say about it
		}
		if st, err := p.root.lstat(at); err == nil && st == nil && at != "/" {
			p.ledger.Homes = append(p.ledger.Homes, at)
		}
	}
	return nil
}

// homes is where useradd makes homes, see useradd(8).
func (r *root) homeBase() string {
	text, err := r.readFile("/etc/default/useradd")
	if err != nil {
		return "/home"
	}
	dir := "/home"
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "HOME="); ok && path.IsAbs(value) {
			dir = value
		}
	}
	return dir
}

// restoreAccounts puts the databases back.
func (r *root) restoreAccounts(accounts map[string]savedFile) error {
	for _, name := range accountDatabases {
		at, err := r.resolve("/etc/" + name)
		if err != nil {
			return err
		}
		old, was := accounts[name]
		if !was {
			if err := r.remove(at); err != nil {
				return err
			}
			continue
		}
		text, err := base64.StdEncoding.DecodeString(old.Text)
		if err != nil {
			return fmt.Errorf("reading /etc/%s: %w", ledgerFile, err)
		}
		d, base, err := r.parent(at)
		if err != nil {
			return err
		}
		err = d.rewriteFile(base, ownership{old.UID, old.GID}, old.Mode, func(f *os.File) error {
			_, err := f.Write(text)
			return err
		})
		d.close()
		if err != nil {
			return err
		}
	}
	return nil
}

// initialAccounts are the users and groups without those of an interrupted run.
func (p *planner) initialAccounts() (*accounts, error) {
	if !p.earlier.interrupted() || p.earlier.Accounts == nil {
		return p.root.accounts()
	}
	return readAccounts(func(name string) ([]byte, error) {
		base, ours := strings.CutPrefix(name, "/etc/")
		if !ours {
			return p.root.readFile(name)
		}
		old, was := p.earlier.Accounts[base]
		if !was {
			return nil, fs.ErrNotExist
		}
		return base64.StdEncoding.DecodeString(old.Text)
	})
}
