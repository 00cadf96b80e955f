package files

import (
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/ledger"
	"github.com/firstlight-os/firstlight/files/rootfs"
)

// What the programs of shadow-utils do to the tree. It is told to planner.tree, so
// that all that comes after them is planned on what they will leave.

// skeletons are the directories whose contents useradd(8) puts into a new home; the
// second one is that of systems with a read-only /usr.
var skeletons = [...]string{"/etc/skel", "/usr/etc/skel"}

// shadowSettings are those settings of shadow-utils that decide about nodes and
// groups.
type shadowSettings struct {
	homes     string // where homes are
	skeletons []string
	mailDir   string
	mailbox   bool // new users get one
	// userGroups reports whether each user has a group of her own.
	userGroups bool
}

// readShadowSettings reads useradd's defaults and login.defs(5). As for the programs
// themselves, a file that cannot be read is none.
func readShadowSettings(r *rootfs.Root) shadowSettings {
	useradd := readSettings(r, "=", "/etc/default/useradd", "/usr/etc/default/useradd")
	login := readSettings(r, " \t", "/etc/login.defs", "/usr/etc/login.defs")
	s := shadowSettings{homes: "/home", skeletons: skeletons[:], mailDir: "/var/mail",
		mailbox: strings.EqualFold(useradd["CREATE_MAIL_SPOOL"], "yes"), userGroups: strings.EqualFold(login["USERGROUPS_ENAB"], "yes")}
	if path.IsAbs(useradd["HOME"]) {
		s.homes = useradd["HOME"]
	}
	if path.IsAbs(useradd["SKEL"]) {
		s.skeletons = []string{useradd["SKEL"], skeletons[1]}
	}
	if path.IsAbs(login["MAIL_DIR"]) {
		s.mailDir = login["MAIL_DIR"]
	}
	return s
}

// readSettings reads the first of these files that exists: lines of a key and a
// value with a separator between them.
func readSettings(r *rootfs.Root, separators string, names ...string) map[string]string {
	settings := map[string]string{}
	for _, name := range names {
		text, _ := r.ReadFile(name)
		if text == nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSpace(line)
			if i := strings.IndexAny(line, separators); i > 0 && line[0] != '#' {
				settings[line[:i]] = strings.Trim(line[i:], separators+"\"")
			}
		}
		break
	}
	return settings
}

// willDelete tells what userdel --remove does.
func (p *planner) willDelete(u account) {
	// It leaves what belongs to somebody else, and fails if that is the home.
	if at, found, err := p.tree.Locate(u.home); err == nil && found.IsDir() && int(found.Uid) == u.uid && at != "/" && !p.onlyDatabases {
		p.tree.Remove(at)
		p.ledger.ChangeHome(ledger.HomeChange{From: at})
	}
	if at, found, err := p.tree.Locate(path.Join(p.shadow.mailDir, u.name)); err == nil && found != nil && int(found.Uid) == u.uid {
		p.tree.Remove(at)
	}
	delete(p.will.users, u.name)
	for name, g := range p.will.groups {
		g.members = slices.DeleteFunc(slices.Clone(g.members), func(m string) bool { return m == u.name })
		p.will.groups[name] = g
	}
	own, exists := p.will.groups[u.name]
	if exists && p.shadow.userGroups && own.gid == u.gid && len(own.members) == 0 && p.will.primaryUserOf(own.gid) == "" {
		delete(p.will.groups, u.name)
	}
}

// willCreateHome tells what useradd --create-home does: a home that does not exist is
// made, and filled with a copy of the skeleton.
func (p *planner) willCreateHome(u account) error {
	at, found, err := p.tree.Locate(u.home)
	if err != nil || found != nil || at == "/" {
		return nil // useradd leaves it, or will report what is wrong
	}
	p.ledger.ChangeHome(ledger.HomeChange{To: at})
	if err := p.willMakeParents(at); err != nil {
		return err
	}
	if err := p.tree.Make(at, unix.S_IFDIR); err != nil {
		return err
	}
	for _, skeleton := range p.shadow.skeletons {
		names, err := p.root.ReadDir(skeleton)
		if err != nil {
			return err
		}
		for _, name := range names {
			to := path.Join(at, name)
			if there, err := p.tree.Lstat(to); err != nil || there != nil {
				continue
			}
			from, err := p.root.Resolve(skeleton)
			if err != nil {
				return err
			}
			p.tree.Copy(path.Join(from, name), to, skeleton, u.home)
		}
	}
	return nil
}

// willMakeParents tells what makeHomeParents does.
func (p *planner) willMakeParents(home string) error {
	dir, missing, err := p.tree.LocateDir(path.Dir(home))
	if err == nil && missing != "" {
		p.needsLabelAt(dir, missing)
	}
	return err
}

// makeHomeParents makes the directories above a home. useradd makes them, too, but
// gives them their mode only later, and a power cut between these would leave them with
// none; usermod does not. What keeps us from it, they report.
func (p *planner) makeHomeParents(home string) {
	if d, err := p.root.MakeDirs(path.Dir(home), 0o755); err == nil {
		d.Close()
	}
}

// willCreateMailbox tells what useradd does for a user who is not a system's.
func (p *planner) willCreateMailbox(name string) error {
	if !p.shadow.mailbox {
		return nil
	}
	dir, err := p.tree.Resolve(p.shadow.mailDir)
	if err != nil {
		return err
	}
	there, err := p.tree.Lstat(dir)
	if err != nil || !there.IsDir() {
		return err
	}
	at := path.Join(dir, name)
	if there, err = p.tree.Lstat(at); err != nil || there != nil {
		return err
	}
	p.ledger.ChangeHome(ledger.HomeChange{To: at})
	return p.tree.Make(at, unix.S_IFREG)
}

// willMoveHome tells what usermod --move-home does.
func (p *planner) willMoveHome(u config.User, from string) error {
	to := *u.HomeDir
	newAt, there, err := p.tree.Locate(to)
	if err != nil {
		return nil // usermod will report it
	}
	if p.onlyDatabases {
		// The last change that stays is a move.
		p.onlyDatabases = newAt != p.madeHomes[len(p.madeHomes)-1].To
		return nil
	}
	if there != nil {
		p.conflict(u.Origin("homeDir"), "choose another "+u.Key("homeDir")+", or remove what is there from the image: usermod moves a home only to where nothing is",
			"user %q: the home should move from %s to %s, but there already is %v", u.Name, from, to, there)
		return nil
	}
	oldAt, there, err := p.tree.Locate(from)
	if err != nil || !there.IsDir() || oldAt == "/" || rootfs.Within(newAt, oldAt) {
		return nil // nothing to move, or usermod will report it
	}
	if err := p.willMakeParents(newAt); err != nil {
		return err
	}
	if err := p.checkMoveHome(u, oldAt, newAt, there); err != nil {
		return err
	}
	p.ledger.ChangeHome(ledger.HomeChange{From: oldAt, To: newAt, Inode: there.Ino})
	if p.Config != "" { // there is a ledger
		p.movedHomes[u.Name] = newAt
	}
	return p.tree.Move(oldAt, newAt)
}

// willWriteKeys tells what writing the SSH keys of a user does. A link that will be
// there instead of the file counts as followed.
func (p *planner) willWriteKeys(u account) error {
	at, err := p.tree.Resolve(path.Join(u.home, p.keyFile()))
	if err != nil {
		return nil // it will be reported when the keys are written
	}
	_, missing, err := p.tree.LocateDir(path.Dir(at))
	if err != nil {
		return nil
	}
	p.needsLabelAt(at, missing)
	if there, err := p.tree.Lstat(at); err != nil || there.IsDir() {
		return err
	}
	return p.tree.Make(at, unix.S_IFREG)
}

func addOnce[T comparable](list []T, item T) []T {
	if slices.Contains(list, item) {
		return list
	}
	return append(list, item)
}
