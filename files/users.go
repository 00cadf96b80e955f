package files

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/system"
)

// noPassword is what the shadow database holds for an account that nobody can
// log in to with a password.
const noPassword = "*"

// planAccounts plans groups, then users, with their keys.
func (p *planner) planAccounts() {
	for _, g := range p.cfg.Passwd.Groups {
		p.planGroup(g)
	}
	for _, u := range p.cfg.Passwd.Users {
		p.planUser(u)
	}
	p.accountsChange = len(p.plan) > 0
}

// runShadow runs a program of shadow-utils on the root.
func (p *planner) runShadow(ctx context.Context, program string, a arguments) error {
	_, err := p.Run.Run(ctx, system.Command{Name: program, Args: a.list, Secrets: a.secrets})
	p.accounts.invalidate()
	return err
}

// arguments of a command that is put together step by step.
type arguments struct{ list, secrets []string }

// rootArguments begins the arguments of a program of shadow-utils.
func rootArguments(root string) arguments { return arguments{list: []string{"--root", root}} }

func (a *arguments) flag(when bool, flag string) {
	if when {
		a.list = append(a.list, flag)
	}
}

// option adds a flag and its value, unless that is empty.
func (a *arguments) option(flag, value string) {
	if value != "" {
		a.list = append(a.list, flag, value)
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

func (p *planner) planGroup(g config.Group) {
	_, exists := p.initial.groups[g.Name]
	origin := g.Origin("name")
	if !config.ValueOr(g.ShouldExist, true) {
		if exists {
			p.add(origin, fmt.Sprintf("deleting group %q", g.Name), func(ctx context.Context) error {
				return p.runShadow(ctx, "groupdel", arguments{list: []string{"--root", p.Root, g.Name}})
			})
		}
		return
	}
	a := rootArguments(p.Root)
	a.number("--gid", g.GID)
	a.password(config.ValueOr(g.PasswordHash, ""))
	doing, program := "changing", "groupmod"
	if !exists {
		doing, program = "creating", "groupadd"
		a.flag(config.NonZero(g.System), "--system")
	}
	a.list = append(a.list, g.Name)
	p.add(origin, fmt.Sprintf("%s group %q", doing, g.Name), func(ctx context.Context) error {
		return p.runShadow(ctx, program, a)
	})
}

func (p *planner) planUser(u config.User) {
	_, exists := p.initial.users[u.Name]
	origin := u.Origin("name")
	if !config.ValueOr(u.ShouldExist, true) {
		if exists {
			p.add(origin, fmt.Sprintf("deleting user %q", u.Name), func(ctx context.Context) error {
				return p.runShadow(ctx, "userdel", arguments{list: []string{"--remove", "--root", p.Root, u.Name}})
			})
		}
		return
	}
	doing, program, a := "creating", "useradd", useraddArguments(p.Root, u)
	if exists {
		doing, program, a = "changing", "usermod", usermodArguments(p.Root, u)
	}
	p.add(origin, fmt.Sprintf("%s user %q", doing, u.Name), func(ctx context.Context) error {
		if err := p.runShadow(ctx, program, a); err != nil {
			return err
		}
		if !config.NonZero(u.NoCreateHome) {
			if err := p.chownMountPoints(u.Name); err != nil {
				return err
			}
		}
		if u.PasswordHash == nil {
			return nil
		}
		// Once more, as the reference does: whatever became of it in the
		// command before, this one is about the password only.
		again := rootArguments(p.Root)
		again.password(password(u))
		again.list = append(again.list, u.Name)
		return p.runShadow(ctx, "usermod", again)
	})
	if !config.NonZero(u.NoCreateHome) {
		p.usersWithHomes = append(p.usersWithHomes, u.Name)
	}
	p.planKeys(u)
}

// password is the hash that an account gets. An empty one would let everybody
// in.
func password(u config.User) string {
	if config.NonZero(u.PasswordHash) {
		return *u.PasswordHash
	}
	return noPassword
}

// useraddArguments are the arguments of useradd(8).
func useraddArguments(root string, u config.User) arguments {
	a := rootArguments(root)
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

// usermodArguments are the arguments of usermod(8). Unlike useradd's its option for
// the home has the long name --home.
func usermodArguments(root string, u config.User) arguments {
	a := rootArguments(root)
	if config.NonZero(u.HomeDir) {
		a.list = append(a.list, "--home", *u.HomeDir, "--move-home")
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
	a.list = append(a.list, u.Name)
}

// chownMountPoints makes a user the owner of those directories of her home that
// were created for filesystems that are mounted in it.
func (p *planner) chownMountPoints(user string) error {
	if len(p.RecordedDirectories) == 0 {
		return nil
	}
	u, err := p.accounts.user(user)
	if err != nil {
		return err
	}
	home, err := p.root.Resolve(u.home)
	if err != nil || home == "/" {
		return err
	}
	for _, dir := range p.RecordedDirectories {
		at, err := p.root.Resolve(dir)
		if err != nil {
			return err
		}
		st, err := p.root.Lstat(at)
		if err != nil {
			return err
		}
		if st == nil || !rootfs.Within(at, home) {
			continue
		}
		err = p.root.InParent(at, func(d *rootfs.Dir, base string) error {
			return d.SetDirOwnerMode(base, rootfs.OwnedBy(u.uid, u.gid), 0o700)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// planKeys plans the SSH keys of a user.
func (p *planner) planKeys(u config.User) {
	if len(u.SSHAuthorizedKeys) == 0 {
		return
	}
	text := strings.Join(u.SSHAuthorizedKeys, "\n") + "\n"
	p.usersWithKeys = append(p.usersWithKeys, u.Name)
	p.add(u.Origin("sshAuthorizedKeys"), fmt.Sprintf("writing the SSH keys of user %q", u.Name), func(context.Context) error {
		owner, err := p.accounts.user(u.Name)
		if err != nil {
			return err
		}
		at, err := p.writeKeys(owner, text)
		if err == nil {
			p.logKeys(u.Name, at)
		}
		return err
	})
}
