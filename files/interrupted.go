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
	for _, name := range last.Dirs {
		if err := r.sweep(name, isTemporary); err != nil {
			return err
		}
	}
	if err := p.sweepHomes(r); err != nil {
		return err
	}
	if err := r.sweep("/etc", accountLeftover); err != nil {
		return err
	}
	if p.earlier == nil || last.Accounts == nil {
		return nil
	}
	for _, home := range last.Homes {
		if err := r.unlink(home); err != nil {
			return err
		}
	}
	return r.restoreAccounts(last.Accounts)
}

// sweepHomes removes temporary files from where SSH keys are written.
func (p *planner) sweepHomes(r *root) error {
	known, err := r.accounts()
	if err != nil {
		return err
	}
	for _, name := range p.keyed {
		u, exists := known.users[name]
		if !exists {
			continue
		}
		for _, in := range [...]string{"", ".ssh", ".ssh/authorized_keys.d"} {
			if err := r.sweep(path.Join(u.home, in), isTemporary); err != nil {
				return err
			}
		}
	}
	return nil
}

// sweep removes the nodes of a directory that have such names.
func (r *root) sweep(name string, such func(string) bool) error {
	names, err := r.list(name)
	if err != nil {
		return err
	}
	for _, n := range names {
		if such(n) {
			if err := r.unlink(path.Join(name, n)); err != nil {
				return err
			}
		}
	}
	return nil
}

// accountDatabases are what the programs of shadow-utils write.
var accountDatabases = [...]string{"passwd", "shadow", "group", "gshadow", "subuid", "subgid"}

// accountLeftover tells whether a file in /etc is one that a program of
// shadow-utils removes before it ends: a lock, or a database half written.
func accountLeftover(name string) bool {
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
	p.ledger.Accounts, p.ledger.Homes = map[string]saved{}, nil
	for _, name := range accountDatabases {
		text, err := p.root.readFile("/etc/" + name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		at, err := p.root.follow("/etc/" + name)
		if err != nil {
			return err
		}
		st, err := p.root.lstat(at)
		if err != nil || st == nil {
			return err
		}
		p.ledger.Accounts[name] = saved{base64.StdEncoding.EncodeToString(text), st.Mode & 0o7777, int(st.Uid), int(st.Gid)}
	}
	for _, u := range p.cfg.Passwd.Users {
		if _, exists := p.known.users[u.Name]; exists || config.NonZero(u.NoCreateHome) {
			continue
		}
		home := config.ValueOr(u.HomeDir, path.Join(p.root.homes(), u.Name))
		at, err := p.root.follow(home)
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
func (r *root) homes() string {
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
func (r *root) restoreAccounts(accounts map[string]saved) error {
	for _, name := range accountDatabases {
		at, err := r.follow("/etc/" + name)
		if err != nil {
			return err
		}
		old, was := accounts[name]
		if !was {
			if err := r.unlink(at); err != nil {
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

// accountsBefore are the users and groups without those of an interrupted run.
func (p *planner) accountsBefore() (*accounts, error) {
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
