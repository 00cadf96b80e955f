package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

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

// writeKeys writes a user's authorized keys and returns where. All that it makes
// is the user's, and it goes only where the user could have gone herself: below
// her home, through directories that are hers. A symbolic link that she could
// have planted cannot make us write elsewhere.
func (r *root) writeKeys(u account, text string, fragment bool) (string, error) {
	home, err := r.ensureHome(u)
	if err != nil {
		return "", err
	}
	dirs, name := []string{".ssh"}, "authorized_keys"
	if fragment {
		dirs, name = []string{".ssh", "authorized_keys.d"}, "ignition"
	}
	at := home
	for _, d := range dirs {
		if at, err = r.userDir(u, home, path.Join(at, d)); err != nil {
			return "", err
		}
	}
	d, err := r.openDir(at)
	if err != nil {
		return "", err
	}
	defer d.close()
	if err := d.checkOwner(u); err != nil {
		return "", err
	}
	err = d.writeFile(name, ownership{u.uid, u.gid}, 0o600, true, func(f *os.File) error {
		_, err := f.WriteString(text)
		return err
	})
	return path.Join(r.path, at, name), err
}

// home is the resolved path of a user's home, which must exist. That of root
// itself is made: root may.
func (r *root) ensureHome(u account) (string, error) {
	home, err := r.resolve(u.home)
	if err != nil {
		return "", err
	}
	d, err := r.openDir(home)
	if err == nil {
		d.close()
		return home, nil
	}
	if !errors.Is(err, fs.ErrNotExist) || u.uid != 0 {
		return "", &report.Error{Err: fmt.Errorf("the home of user %q: %w", u.name, err),
			Hint: "let the config make the home directory: remove noCreateHome, or mount the filesystem that holds it"}
	}
	parent, err := r.makeDirs(path.Dir(home))
	if err != nil {
		return "", err
	}
	defer parent.close()
	return home, parent.writeDir(path.Base(home), ownership{u.uid, u.gid}, 0o700, false)
}

// userDir finds or makes a directory of a user in her home and returns its
// resolved path.
func (r *root) userDir(u account, home, name string) (string, error) {
	at, err := r.resolve(name)
	if err != nil {
		return "", err
	}
	if !below(at, home) {
		return "", &report.Error{Err: fmt.Errorf("%s leads to %s, which is outside of the home of user %q", path.Join(r.path, name), at, u.name),
			Hint: "remove the symbolic link from the image, or let the config put a directory in its place"}
	}
	d, err := r.openDir(at)
	if err == nil {
		defer d.close()
		return at, d.checkOwner(u)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	parent, base, err := r.parent(at)
	if err != nil {
		return "", err
	}
	defer parent.close()
	return at, parent.writeDir(base, ownership{u.uid, u.gid}, 0o700, false)
}

// checkOwner refuses a directory that is somebody else's.
func (d *dir) checkOwner(u account) error {
	st, err := fstat(d.fd)
	if err != nil {
		return d.pathError("looking at", ".", err)
	}
	if int(st.Uid) != u.uid {
		return &report.Error{Err: fmt.Errorf("%s belongs to uid %d and not to user %q (uid %d)", path.Join(d.root.path, d.path), st.Uid, u.name, u.uid),
			Hint: "sshd would refuse keys there; make the user the owner of the directory"}
	}
	return nil
}
