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

// writeKeys writes a user's authorized keys and returns where. All that it
// creates is the user's, and it goes only where the user could have gone herself:
// below her home, through directories that are hers. A symbolic link that she
// could have planted cannot make us write elsewhere.
func (p *planner) writeKeys(u account, text string) (string, error) {
	home, err := p.ensureHome(u)
	if err != nil {
		return "", err
	}
	dirs, name := []string{".ssh"}, "authorized_keys"
	if p.KeyFragments {
		dirs, name = []string{".ssh", "authorized_keys.d"}, "ignition"
	}
	at := home
	for _, d := range dirs {
		if at, err = p.ensureUserDir(u, home, path.Join(at, d)); err != nil {
			return "", err
		}
	}
	d, err := p.root.OpenDir(at)
	if err != nil {
		return "", err
	}
	defer d.Close()
	if err := checkDirOwner(d, u); err != nil {
		return "", err
	}
	return d.HostPath(name), d.WriteFile(name, []byte(text), u.options(0o600, true))
}

// options are for a node that becomes the user's.
func (u account) options(mode uint32, replace bool) rootfs.Options {
	return rootfs.Options{Owner: rootfs.OwnedBy(u.uid, u.gid), Mode: mode, Replace: replace}
}

func (p *planner) createUserDir(u account, at string) error {
	return p.root.InParent(at, func(d *rootfs.Dir, base string) error { return d.WriteDir(base, u.options(0o700, false)) })
}

// ensureHome returns the resolved path of a user's home, which must exist. That
// of root itself is created: root may.
func (p *planner) ensureHome(u account) (string, error) {
	home, err := p.root.Resolve(u.home)
	if err != nil {
		return "", err
	}
	d, err := p.root.OpenDir(home)
	if err == nil {
		d.Close()
		return home, nil
	}
	if !errors.Is(err, fs.ErrNotExist) || u.uid != 0 {
		return "", &report.Error{Err: fmt.Errorf("the home of user %q: %w", u.name, err),
			Hint: "let the config create the home directory, or mount the filesystem that holds it"}
	}
	return home, p.createUserDir(u, home)
}

// ensureUserDir finds or creates a directory of a user in her home and returns
// its resolved path.
func (p *planner) ensureUserDir(u account, home, name string) (string, error) {
	at, err := p.root.Resolve(name)
	if err != nil {
		return "", err
	}
	if !rootfs.Within(at, home) {
		return "", &report.Error{Err: fmt.Errorf("%s leads to %s, which is outside of the home of user %q", p.root.HostPath(name), at, u.name),
			Hint: "remove the symbolic link from the image, or let the config put a directory in its place"}
	}
	d, err := p.root.OpenDir(at)
	if err == nil {
		defer d.Close()
		return at, checkDirOwner(d, u)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return at, p.createUserDir(u, at)
}

// checkDirOwner refuses a directory that is somebody else's.
func checkDirOwner(d *rootfs.Dir, u account) error {
	st, err := d.Stat()
	if err != nil {
		return err
	}
	if int(st.Uid) != u.uid {
		return &report.Error{Err: fmt.Errorf("%s belongs to uid %d and not to user %q (uid %d)", d.HostPath("."), st.Uid, u.name, u.uid),
			Hint: "sshd would refuse keys there; make the user the owner of the directory"}
	}
	return nil
}
