package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/system"
)

// noPassword is what the shadow database holds for an account that nobody can
// log in to with a password.
const noPassword = "*"

// passwd plans groups, then users, with their keys.
func (p *planner) passwd() {
	for _, g := range p.cfg.Passwd.Groups {
		p.group(g)
	}
	for _, u := range p.cfg.Passwd.Users {
		p.user(u)
	}
	p.accountsChange = len(p.plan) > 0
}

// shadow runs a program of shadow-utils on the root.
func (p *planner) shadow(ctx context.Context, program string, a arguments) error {
	_, err := p.Run.Run(ctx, system.Command{Name: program, Args: a.words, Secrets: a.secrets})
	p.names.forget()
	return err
}

// arguments of a command that is put together step by step.
type arguments struct{ words, secrets []string }

// under begins the arguments of a program of shadow-utils.
func under(root string) arguments { return arguments{words: []string{"--root", root}} }

func (a *arguments) flag(when bool, flag string) {
	if when {
		a.words = append(a.words, flag)
	}
}

// option adds a flag and its value, unless that is empty.
func (a *arguments) option(flag, value string) {
	if value != "" {
		a.words = append(a.words, flag, value)
	}
}

func (a *arguments) number(flag string, value *int) {
	if value != nil {
		a.option(flag, strconv.Itoa(*value))
	}
}

func (a *arguments) password(hash string) {
	a.option("--password", hash)
	if hash != noPassword {
		a.secrets = append(a.secrets, hash)
	}
}

func (p *planner) group(g config.Group) {
	_, exists := p.known.groups[g.Name]
	origin := g.Origin("name")
	if !config.ValueOr(g.ShouldExist, true) {
		if exists {
			p.add(origin, fmt.Sprintf("deleting group %q", g.Name), func(ctx context.Context, _ *root) error {
				return p.shadow(ctx, "groupdel", arguments{words: []string{"--root", p.Root, g.Name}})
			})
		}
		return
	}
	a := under(p.Root)
	a.number("--gid", g.GID)
	a.password(config.ValueOr(g.PasswordHash, ""))
	doing, program := "changing", "groupmod"
	if !exists {
		doing, program = "creating", "groupadd"
		a.flag(config.NonZero(g.System), "--system")
	}
	a.words = append(a.words, g.Name)
	p.add(origin, fmt.Sprintf("%s group %q", doing, g.Name), func(ctx context.Context, _ *root) error {
		return p.shadow(ctx, program, a)
	})
}

func (p *planner) user(u config.User) {
	_, exists := p.known.users[u.Name]
	origin := u.Origin("name")
	if !config.ValueOr(u.ShouldExist, true) {
		if exists {
			p.add(origin, fmt.Sprintf("deleting user %q", u.Name), func(ctx context.Context, _ *root) error {
				return p.shadow(ctx, "userdel", arguments{words: []string{"--remove", "--root", p.Root, u.Name}})
			})
		}
		return
	}
	doing, program, a := "creating", "useradd", newUser(p.Root, u)
	if exists {
		doing, program, a = "changing", "usermod", changedUser(p.Root, u)
	}
	p.add(origin, fmt.Sprintf("%s user %q", doing, u.Name), func(ctx context.Context, r *root) error {
		if err := p.shadow(ctx, program, a); err != nil {
			return err
		}
		if !config.NonZero(u.NoCreateHome) {
			if err := p.ownHome(r, u.Name); err != nil {
				return err
			}
		}
		if u.PasswordHash == nil {
			return nil
		}
		// Once more, as the reference does: whatever became of it in the
		// command before, this one is about the password only.
		again := under(p.Root)
		again.password(password(u))
		again.words = append(again.words, u.Name)
		return p.shadow(ctx, "usermod", again)
	})
	if !config.NonZero(u.NoCreateHome) {
		p.homes = append(p.homes, u.Name)
	}
	p.keys(u)
}

// password is the hash that an account gets. An empty one would let everybody
// in.
func password(u config.User) string {
	if config.NonZero(u.PasswordHash) {
		return *u.PasswordHash
	}
	return noPassword
}

// newUser are the arguments of useradd(8).
func newUser(root string, u config.User) arguments {
	a := under(root)
	a.option("--home-dir", config.ValueOr(u.HomeDir, ""))
	a.flag(!config.NonZero(u.NoCreateHome), "--create-home")
	a.flag(config.NonZero(u.NoCreateHome), "--no-create-home")
	a.flag(config.NonZero(u.NoUserGroup), "--no-user-group")
	a.flag(config.NonZero(u.System), "--system")
	a.flag(config.NonZero(u.NoLogInit), "--no-log-init")
	a.password(password(u))
	a.common(u)
	return a
}

// changedUser are the arguments of usermod(8). Unlike useradd's its option for
// the home has the long name --home.
func changedUser(root string, u config.User) arguments {
	a := under(root)
	if config.NonZero(u.HomeDir) {
		a.words = append(a.words, "--home", *u.HomeDir, "--move-home")
	}
	if u.PasswordHash != nil {
		a.password(password(u))
	}
	a.common(u)
	return a
}

func (a *arguments) common(u config.User) {
	a.number("--uid", u.UID)
	a.option("--comment", config.ValueOr(u.Gecos, ""))
	a.option("--gid", config.ValueOr(u.PrimaryGroup, ""))
	a.option("--groups", strings.Join(u.Groups, ","))
	a.option("--shell", config.ValueOr(u.Shell, ""))
	a.words = append(a.words, u.Name)
}

// ownHome gives a user those directories of her home that were made for
// filesystems that are mounted in it.
func (p *planner) ownHome(r *root, name string) error {
	if len(p.RecordedDirectories) == 0 {
		return nil
	}
	u, err := p.names.user(r, name)
	if err != nil {
		return err
	}
	home, err := r.follow(u.home)
	if err != nil || home == "/" {
		return err
	}
	for _, made := range p.RecordedDirectories {
		at, err := r.follow(made)
		if err != nil {
			return err
		}
		if !below(at, home) {
			continue
		}
		d, base, err := r.parent(at)
		if err != nil {
			return err
		}
		err = d.giveDir(base, ownership{u.uid, u.gid}, 0o700)
		d.close()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// keys plans the SSH keys of a user.
func (p *planner) keys(u config.User) {
	if len(u.SSHAuthorizedKeys) == 0 {
		return
	}
	text := strings.Join(u.SSHAuthorizedKeys, "\n") + "\n"
	p.keyed = append(p.keyed, u.Name)
	origin := u.Origin("sshAuthorizedKeys")
	p.add(origin, fmt.Sprintf("writing the SSH keys of user %q", u.Name), func(ctx context.Context, r *root) error {
		owner, err := p.names.user(r, u.Name)
		if err != nil {
			return err
		}
		at, err := r.writeKeys(owner, text, p.KeyFragments)
		if err != nil {
			return err
		}
		p.logKeys(u.Name, at)
		return nil
	})
}
