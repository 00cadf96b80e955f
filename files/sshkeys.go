package files

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/report"
)

// sshKeysMessage is the MESSAGE_ID of the journal entry that says that keys
// were written. Distributions select by it.
const sshKeysMessage = "225067b87bbd4a0cb6ab151f82fa364b"

func (p *planner) logKeys(user, at string) {
	p.Log.Bare().Info("wrote ssh authorized keys file for user: "+user,
		"MESSAGE_ID", sshKeysMessage,
		"IGNITION_USER_NAME", user,
		"IGNITION_PATH", at)
}

// keyFile is the path of the file for a user's keys, below her home.
func (p *planner) keyFile() string {
	if p.KeyFragments {
		return ".ssh/authorized_keys.d/ignition"
	}
	return ".ssh/authorized_keys"
}

// writeKeys writes a user's authorized keys and returns where. It follows the links
// that are on the way, inside of the root, and does only what the user could have
// done herself: a link that she could have planted cannot make us write to what is not
// hers.
func (p *planner) writeKeys(u account, text string) (string, error) {
	at := path.Join(u.home, p.keyFile())
	dir, err := p.root.Resolve(path.Dir(at))
	if err != nil {
		return "", err
	}
	d, err := p.makeUserDirs(u, dir)
	if err != nil {
		return "", p.leadsTo(path.Dir(at), dir, err)
	}
	defer d.Close()
	name := path.Base(at)
	if target, targetName := p.keyTarget(u, d, name, at); target != nil {
		defer target.Close()
		d, name = target, targetName
	}
	if err := checkMayPut(d, name, u); err != nil {
		return "", p.leadsTo(path.Dir(at), dir, err)
	}
	return d.HostPath(name), d.WriteFile(name, []byte(text), u.options(0o600, true))
}

// leadsTo adds to an error which path has led to where it happened.
func (p *planner) leadsTo(name, at string, err error) error {
	if name == at {
		return err
	}
	return fmt.Errorf("%s leads to %s: %w", p.root.HostPath(name), at, err)
}

// keyTarget returns where the file of the keys is if that is a link to where its user
// may write; nil if it is not, and is to be replaced.
func (p *planner) keyTarget(u account, d *rootfs.Dir, name, at string) (*rootfs.Dir, string) {
	if found, err := d.Lstat(name); err != nil || !found.IsLink() {
		return nil, ""
	}
	target, err := p.root.Resolve(at)
	if err != nil {
		return nil, ""
	}
	dir, err := p.root.OpenDir(path.Dir(target))
	if err != nil {
		return nil, ""
	}
	if err := checkMayPut(dir, path.Base(target), u); err != nil {
		dir.Close()
		return nil, ""
	}
	return dir, path.Base(target)
}

// checkMayPut refuses a file that a user may neither change, nor make or replace.
func checkMayPut(d *rootfs.Dir, name string, u account) error {
	found, err := d.Lstat(name)
	switch {
	case err != nil:
		return err
	case found.IsDir():
		return fmt.Errorf("at %s there is %v", d.HostPath(name), found)
	case found.IsRegular() && u.mayWrite(found):
		return nil
	}
	return checkMayWrite(d, u, "make a file there")
}

// options are for a node that becomes the user's.
func (u account) options(mode uint32, replace bool) rootfs.Options {
	return rootfs.Options{Owner: rootfs.OwnedBy(u.uid, u.gid), Mode: mode, Replace: replace}
}

// makeUserDirs opens a directory. Where it does not exist, the user gets it, and
// those above it, if she may make them.
func (p *planner) makeUserDirs(u account, at string) (*rootfs.Dir, error) {
	d, err := p.root.OpenDir(at)
	if !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	above, err := p.makeUserDirs(u, path.Dir(at))
	if err != nil {
		return nil, err
	}
	defer above.Close()
	if err := checkMayWrite(above, u, "make "+path.Base(at)+" there"); err != nil {
		return nil, err
	}
	if err := above.WriteDir(path.Base(at), u.options(0o700, false)); err != nil {
		return nil, err
	}
	return p.root.OpenDir(at)
}

// checkMayWrite refuses a directory in which a user may not make anything.
func checkMayWrite(d *rootfs.Dir, u account, what string) error {
	st, err := d.Stat()
	if err != nil || u.mayWrite(st) {
		return err
	}
	return &report.Error{Err: errors.New(u.mayNot(d.HostPath("."), st, what)), Hint: keyHint}
}

const keyHint = "keys go only where their user may write: make the home directory and what is in it the user's in the image, or remove the symbolic link that leads there"

// mayNot says what a user may not do in a directory.
func (u account) mayNot(dir string, st *rootfs.Stat, what string) string {
	who := fmt.Sprintf("user %q", u.name)
	if u.uid != unknownID {
		who += fmt.Sprintf(" (uid %d)", u.uid)
	}
	return fmt.Sprintf("%s belongs to uid %d and has mode %04o: %s may not %s", dir, st.Uid, st.Permissions(), who, what)
}

// checkKeys reports what will keep the keys of a user from being written, as far as that
// is sure: a user whose numbers useradd will choose may own anything but what is root's.
// Before is the account as it is now, if there is one.
func (p *planner) checkKeys(origin config.Origin, before, after account) error {
	doing, at := fmt.Sprintf("writing the SSH keys of user %q", after.name), path.Join(after.home, p.keyFile())
	dir, err := p.tree.Resolve(path.Dir(at))
	if err != nil {
		p.ioConflict(origin, doing, err)
		return nil
	}
	existing, what := dir, "make a file there"
	st, err := p.tree.Lstat(existing)
	for ; st == nil && err == nil; st, err = p.tree.Lstat(existing) {
		existing, what = path.Dir(existing), "make "+path.Base(existing)+" there"
	}
	if err != nil {
		return err
	}
	if existing == dir {
		file, err := p.tree.Lstat(path.Join(dir, path.Base(at)))
		// A link may lead to where the user may write.
		if err != nil || file.IsLink() || file.IsRegular() && p.mightWrite(before, after, dir, file) {
			return err
		}
		if file.IsDir() {
			p.conflict(origin, "remove the directory from the image", "%s: at %s there is a directory", doing, p.root.HostPath(path.Join(dir, path.Base(at))))
			return nil
		}
	}
	if !p.mightWrite(before, after, existing, st) {
		err := p.leadsTo(path.Dir(at), dir, errors.New(after.mayNot(p.root.HostPath(existing), st, what)))
		p.conflict(origin, keyHint, "%s: %v", doing, err)
	}
	return nil
}

// mightWrite reports whether a user may write to a node when it is her turn. Nodes in the
// home follow a user whose numbers change; directories for mounts become hers.
func (p *planner) mightWrite(before, after account, name string, st *rootfs.Stat) bool {
	const group = 0o020
	recorded := func(dir string) bool {
		at, err := p.tree.Resolve(dir)
		return err == nil && at == name
	}
	return st.Future || after.mayWrite(st) || before.name != "" && before.mayWrite(st) ||
		after.uid == unknownID && st.Uid != 0 || after.gid == unknownID && st.Gid != 0 && st.Mode&group != 0 ||
		slices.ContainsFunc(p.RecordedDirectories, recorded)
}

// mayWrite reports whether a node's permissions let a user write to it. Those of
// groups other than her primary one do not count.
func (u account) mayWrite(st *rootfs.Stat) bool {
	const owner, group, others = 0o200, 0o020, 0o002
	switch {
	case u.uid == 0:
		return true
	case int(st.Uid) == u.uid:
		return st.Mode&owner != 0
	case int(st.Gid) == u.gid:
		return st.Mode&group != 0
	}
	return st.Mode&others != 0
}
