package files

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/firstlight-os/firstlight/files/ledger"
)

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

// saveAccounts records the databases as they are.
func (p *planner) saveAccounts() error {
	if p.earlier.Interrupted() || len(p.cfg.Passwd.Users)+len(p.cfg.Passwd.Groups) == 0 {
		return nil
	}
	p.ledger.Accounts = map[string]ledger.SavedFile{}
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
	return nil
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
