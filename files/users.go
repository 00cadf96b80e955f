package files

import (
	"context"
	"fmt"
	"slices"
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

// runShadow runs a program of shadow-utils for an account. The hash of a password
// is kept out of the logs.
func (p *planner) runShadow(ctx context.Context, program, account, hash string, options ...string) error {
	c := system.Command{Name: program, Args: slices.Concat([]string{"--root", p.Root}, options, []string{account})}
	if hash != "" && hash != noPassword {
		c.Secrets = []string{hash}
	}
	_, err := p.Run.Run(ctx, c)
	p.accounts.invalidate()
	return err
}

func flag(set bool, flag string) []string {
	if !set {
		return nil
	}
	return []string{flag}
}

// option is an option with its value, nothing if that is empty.
func option(flag, value string) []string {
	if value == "" {
		return nil
	}
	return []string{flag, value}
}

func numberOption(flag string, value *int) []string {
	if value == nil {
		return nil
	}
	return []string{flag, strconv.Itoa(*value)}
}

func (p *planner) planGroup(g config.Group) {
	_, exists := p.initial.groups[g.Name]
	shouldExist := config.ValueOr(g.ShouldExist, true)
	hash := config.ValueOr(g.PasswordHash, "")
	options := slices.Concat(numberOption("--gid", g.GID), option("--password", hash))
	doing, program := "changing", "groupmod"
	switch {
	case !shouldExist && !exists:
		return
	case !shouldExist:
		doing, program, options = "deleting", "groupdel", nil
	case !exists:
		doing, program, options = "creating", "groupadd", append(options, flag(config.NonZero(g.System), "--system")...)
	}
	p.add(g.Origin("name"), fmt.Sprintf("%s group %q", doing, g.Name), func(ctx context.Context) error {
		return p.runShadow(ctx, program, g.Name, hash, options...)
	})
}

func (p *planner) planUser(u config.User) {
	_, exists := p.initial.users[u.Name]
	shouldExist := config.ValueOr(u.ShouldExist, true)
	doing, program, options := "creating", "useradd", useraddOptions(u)
	switch {
	case !shouldExist && !exists:
		return
	case !shouldExist:
		p.add(u.Origin("name"), fmt.Sprintf("deleting user %q", u.Name), func(ctx context.Context) error {
			return p.runShadow(ctx, "userdel", u.Name, "", "--remove")
		})
		return
	case exists:
		doing, program, options = "changing", "usermod", usermodOptions(u)
	}
	p.add(u.Origin("name"), fmt.Sprintf("%s user %q", doing, u.Name), func(ctx context.Context) error {
		hash := password(u)
		if err := p.runShadow(ctx, program, u.Name, hash, options...); err != nil {
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
		return p.runShadow(ctx, "usermod", u.Name, hash, "--password", hash)
	})
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

// useraddOptions are those of useradd(8).
func useraddOptions(u config.User) []string {
	noHome := config.NonZero(u.NoCreateHome)
	return slices.Concat(
		option("--home-dir", config.ValueOr(u.HomeDir, "")),
		flag(!noHome, "--create-home"),
		flag(noHome, "--no-create-home"),
		flag(config.NonZero(u.NoUserGroup), "--no-user-group"),
		flag(config.NonZero(u.System), "--system"),
		flag(config.NonZero(u.NoLogInit), "--no-log-init"),
		option("--password", password(u)),
		commonOptions(u))
}

// usermodOptions are those of usermod(8). Unlike useradd's its option for the home
// has the long name --home.
func usermodOptions(u config.User) []string {
	var options []string
	if config.NonZero(u.HomeDir) {
		options = append(options, "--home", *u.HomeDir, "--move-home")
	}
	if u.PasswordHash != nil {
		options = append(options, "--password", password(u))
	}
	return append(options, commonOptions(u)...)
}

func commonOptions(u config.User) []string {
	return slices.Concat(
		numberOption("--uid", u.UID),
		option("--comment", config.ValueOr(u.Gecos, "")),
		option("--gid", config.ValueOr(u.PrimaryGroup, "")),
		option("--groups", strings.Join(u.Groups, ",")),
		option("--shell", config.ValueOr(u.Shell, "")))
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
