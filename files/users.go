package files

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path"
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

// planAccounts plans accounts and keys: first the users that go, as a group that is
// somebody's primary group cannot, then groups, then the other users.
func (p *planner) planAccounts() error {
	for _, u := range p.cfg.Passwd.Users {
		if !config.ValueOr(u.ShouldExist, true) {
			p.planDeletion(u)
		}
	}
	for _, g := range p.cfg.Passwd.Groups {
		p.planGroup(g)
	}
	for _, u := range p.cfg.Passwd.Users {
		if !config.ValueOr(u.ShouldExist, true) {
			continue
		}
		if err := p.planUser(u); err != nil {
			return err
		}
	}
	p.accountsChange = len(p.plan) > 0
	return nil
}

// runShadow runs a program of shadow-utils for an account.
func (p *planner) runShadow(ctx context.Context, program, account string, options ...string) error {
	return p.runShadowCommand(ctx, system.Command{Name: program, Args: slices.Concat([]string{"--root", p.Root}, options, []string{account})})
}

func (p *planner) runShadowCommand(ctx context.Context, c system.Command) error {
	_, err := p.Run.Run(ctx, c)
	p.accounts.invalidate()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		err = p.root.CheckRoom(err, "/etc", p.shadow.homes)
	}
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
	found, exists := p.will.groups[g.Name]
	if !config.ValueOr(g.ShouldExist, true) {
		if exists {
			p.planGroupDeletion(g, found)
		}
		return
	}
	doing, programs := "changing", []string{"groupmod"}
	if !exists {
		doing, programs, found.gid = "creating", []string{"groupadd"}, unknownID
	}
	p.checkGroup(g)
	found.gid = config.ValueOr(g.GID, found.gid)
	p.will.groups[g.Name] = found
	hash := config.ValueOr(g.PasswordHash, "")
	if isSecret(hash) {
		programs = append(programs, groupHash.neededFor(hash))
	}
	p.add(g.Origin("name"), fmt.Sprintf("%s group %q", doing, g.Name), func(ctx context.Context) error {
		program, options := "groupmod", slices.Concat(numberOption("--gid", g.GID), option("--password", withoutSecret(hash, "")))
		if _, err := p.accounts.group(g.Name); err != nil { // userdel may have taken it
			program, options = "groupadd", append(options, flag(config.NonZero(g.System), "--system")...)
		}
		if err := p.runShadow(ctx, program, g.Name, options...); err != nil || !isSecret(hash) {
			return err
		}
		return p.setHash(ctx, groupHash, g.Name, hash)
	}, programs...)
}

func (p *planner) planGroupDeletion(g config.Group, found group) {
	if user := p.will.primaryUserOf(found.gid); user != "" {
		p.conflict(g.Origin("name"), "delete the user as well, or keep the group",
			"group %q cannot be deleted: it is the primary group of user %q", g.Name, user)
	}
	delete(p.will.groups, g.Name)
	p.add(g.Origin("name"), fmt.Sprintf("deleting group %q", g.Name), func(ctx context.Context) error {
		if _, err := p.accounts.group(g.Name); err != nil {
			return nil // it has gone with its user
		}
		return p.runShadow(ctx, "groupdel", g.Name)
	}, "groupdel")
}

func (p *planner) planDeletion(u config.User) {
	found, exists := p.will.users[u.Name]
	if !exists {
		return
	}
	options := flag(!p.onlyDatabases, "--remove")
	if !p.onlyDatabases {
		p.checkHome(u, found)
	}
	p.willDelete(found)
	p.add(u.Origin("name"), fmt.Sprintf("deleting user %q", u.Name), func(ctx context.Context) error {
		return p.runShadow(ctx, "userdel", u.Name, options...)
	}, "userdel")
}

func (p *planner) planUser(u config.User) error {
	found, exists := p.will.users[u.Name]
	doing, program, options, tell := "changing", "usermod", p.usermodOptions(u, found), p.willChange
	if !exists {
		doing, program, options, tell = "creating", "useradd", p.useraddOptions(u), p.willCreate
		p.checkNewUser(u)
	}
	p.checkUser(u)
	if err := tell(u, found); err != nil {
		return err
	}
	home := p.will.users[u.Name].home
	makesHome := home != found.home && (exists || !config.NonZero(u.NoCreateHome)) && !p.onlyDatabases
	if makesHome {
		p.checkSealed(u.Origin("name"), fmt.Sprintf("%s user %q with the home %s", doing, u.Name, home), path.Dir(home))
	}
	programs := []string{program}
	switch {
	case u.PasswordHashFrom.Source != nil:
		programs = append(programs, userHash.name) // a secret is no argument
	case u.PasswordHash != nil:
		programs = append(programs, userHash.neededFor(password(u)))
	}
	p.add(u.Origin("name"), fmt.Sprintf("%s user %q", doing, u.Name), func(ctx context.Context) error {
		if makesHome {
			p.makeHomeParents(home)
		}
		if err := p.changeUser(ctx, program, u.Name, options); err != nil {
			return err
		}
		if !config.NonZero(u.NoCreateHome) {
			if err := p.chownMountPoints(u.Name); err != nil {
				return err
			}
		}
		switch {
		case u.PasswordHashFrom.Source != nil:
			return p.setHashFrom(ctx, u)
		case u.PasswordHash == nil:
			return nil
		}
		// Also if it was among the options, as the reference does: whatever became
		// of it there, this command is about the password only.
		return p.setHash(ctx, userHash, u.Name, password(u))
	}, programs...)
	if !hasKeys(u) || p.onlyDatabases {
		return nil
	}
	p.checkSealed(keysOrigin(u), fmt.Sprintf("writing the SSH keys of user %q", u.Name), path.Join(home, path.Dir(p.keyFile())))
	if err := p.checkKeys(keysOrigin(u), found, p.will.users[u.Name]); err != nil {
		return err
	}
	p.planKeys(u)
	return p.willWriteKeys(p.will.users[u.Name])
}

// changeUser runs useradd or usermod, and records in the ledger how far the home has
// moved, if it does.
func (p *planner) changeUser(ctx context.Context, program, name string, options []string) error {
	to, moves := p.movedHomes[name]
	if moves {
		if err := p.ledger.StartMove(p.root, to); err != nil {
			return err
		}
	}
	err := p.runShadow(ctx, program, name, options...)
	if err == nil && moves {
		err = p.ledger.EndMove(p.root, to)
	}
	return err
}

// willCreate tells what useradd does.
func (p *planner) willCreate(u config.User, _ account) error {
	created := account{u.Name, config.ValueOr(u.UID, unknownID), unknownID, path.Join(p.shadow.homes, u.Name)}
	if config.NonZero(u.HomeDir) {
		created.home = *u.HomeDir
	}
	switch {
	case config.NonZero(u.PrimaryGroup):
		created.gid, _ = p.will.findGroup(*u.PrimaryGroup)
	case !config.NonZero(u.NoUserGroup):
		p.will.groups[u.Name] = group{gid: unknownID}
	}
	p.will.users[u.Name] = created
	if !config.NonZero(u.System) {
		if err := p.willCreateMailbox(u.Name); err != nil {
			return err
		}
	}
	if config.NonZero(u.NoCreateHome) || p.onlyDatabases {
		return nil
	}
	return p.willCreateHome(created)
}

// willChange tells what usermod does.
func (p *planner) willChange(u config.User, found account) error {
	changed := found
	changed.uid = config.ValueOr(u.UID, found.uid)
	if config.NonZero(u.PrimaryGroup) {
		changed.gid, _ = p.will.findGroup(*u.PrimaryGroup)
	}
	if !movesHome(u, found) {
		p.will.users[u.Name] = changed
		return nil
	}
	changed.home = *u.HomeDir
	p.will.users[u.Name] = changed
	return p.willMoveHome(u, found.home)
}

// movesHome reports whether a user's home will be another one. To usermod "/home/core/"
// is not "/home/core", and cannot be moved there.
func movesHome(u config.User, found account) bool {
	return config.NonZero(u.HomeDir) && path.Clean(*u.HomeDir) != path.Clean(found.home)
}

// password is the hash that an account gets. An empty one would let everybody
// in.
func password(u config.User) string {
	return cmp.Or(config.ValueOr(u.PasswordHash, ""), noPassword)
}

// useraddOptions are those of useradd(8).
func (p *planner) useraddOptions(u config.User) []string {
	noHome := config.NonZero(u.NoCreateHome) || p.onlyDatabases
	return slices.Concat(
		option("--home-dir", config.ValueOr(u.HomeDir, "")),
		flag(!noHome, "--create-home"),
		flag(noHome, "--no-create-home"),
		flag(config.NonZero(u.NoUserGroup), "--no-user-group"),
		flag(config.NonZero(u.System), "--system"),
		flag(config.NonZero(u.NoLogInit), "--no-log-init"),
		option("--password", withoutSecret(password(u), noPassword)),
		commonOptions(u))
}

// usermodOptions are those of usermod(8). Unlike useradd's its option for the home
// has the long name --home.
func (p *planner) usermodOptions(u config.User, found account) []string {
	var options []string
	if movesHome(u, found) {
		options = append(option("--home", *u.HomeDir), flag(!p.onlyDatabases, "--move-home")...)
	}
	if u.PasswordHash != nil {
		options = append(options, option("--password", withoutSecret(password(u), ""))...)
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

// keysOrigin is where the config has the keys of a user.
func keysOrigin(u config.User) config.Origin {
	if len(u.SSHAuthorizedKeys) == 0 {
		return u.Origin("sshAuthorizedKeysFrom")
	}
	return u.Origin("sshAuthorizedKeys")
}

// planKeys plans the SSH keys of a user.
func (p *planner) planKeys(u config.User) {
	p.add(keysOrigin(u), fmt.Sprintf("writing the SSH keys of user %q", u.Name), func(ctx context.Context) error {
		owner, err := p.accounts.user(u.Name)
		if err != nil {
			return err
		}
		text, err := p.keysOf(ctx, u)
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

// keyLines are the lines of an authorized_keys file. A key that was read from a file
// ends in a line end, on Windows of two characters.
func keyLines(keys []string) string {
	var text strings.Builder
	for _, key := range keys {
		for line := range strings.Lines(key) {
			if strings.TrimSpace(line) != "" {
				text.WriteString(strings.TrimRight(line, "\r\n") + "\n")
			}
		}
	}
	return text.String()
}
