package files

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/report"
)

// sshKeysMessage is the MESSAGE_ID of the journal entry that says that keys
// were written. Distributions select by it.
const sshKeysMessage = "225067b87bbd4a0cb6ab151f82fa364b"

func (p *planner) logKeys(user, at string) {
	p.Log.Info("wrote ssh authorized keys file for user: "+user,
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
	return &report.Error{Err: fmt.Errorf("%s belongs to uid %d and has mode %04o: user %q (uid %d) may not %s", d.HostPath("."), st.Uid, st.Permissions(), u.name, u.uid, what),
		Hint: "keys go only where their user may write: let the config make the home directory and what is in it the user's, or remove the symbolic link that leads there"}
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
