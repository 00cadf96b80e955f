package metadata

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/providers"
)

// keyFile is below the home of a user; sshd has to be told of it.
const keyFile = ".ssh/authorized_keys.d/afterburn"

// The MESSAGE_IDs of the journal entries. Distributions select by them.
const (
	keysWritten = "0f7d7a502f2d433caa1323440a6b4190"
	keysRemoved = "f8b91c53f5544868a3a10d0dcf68e9ea"
)

// writeKeys makes the key file of a user what the platform says. Where that cannot say
// anything, the file stays: the keys in it may be the only way in.
func writeKeys(_ context.Context, m *Machine, name string) error {
	doing := fmt.Sprintf("writing the SSH keys of user %q", name)
	given, known, err := m.Asker.Keys()
	if err != nil {
		return &report.Error{Doing: doing, Err: err, Hint: platformHint}
	}
	if !known {
		m.Log.Warn(m.Env.Platform.Name + " does not say which SSH keys this machine has; what was written before stays")
		return nil
	}
	keys, err := m.checkedKeys(given)
	if err != nil {
		return &report.Error{Doing: doing, Err: err}
	}
	u, err := findUser(passwdFiles, name)
	if err != nil {
		return &report.Error{Doing: doing, Err: err, Hint: "the unit is afterburn-sshkeys@USER.service: enable that of a user of this machine"}
	}
	at := filepath.Join(u.Home, keyFile)
	change, message, id := func() error { return putKeys(at, keys) }, "wrote ssh authorized keys file for user: ", keysWritten
	if len(keys) == 0 {
		change, message, id = func() error { return removeKeys(at) }, "removed ssh authorized keys file for user: ", keysRemoved
	}
	if err := u.as(change); err != nil {
		return &report.Error{Doing: doing, Err: err, Hint: "keys go only where their user may write: make the home directory and what is in it the user's"}
	}
	m.Log.Bare().Info(message+name, "MESSAGE_ID", id, "AFTERBURN_USER_NAME", name, "AFTERBURN_PATH", at)
	return nil
}

// checkedKeys says what of the keys is none.
func (m *Machine) checkedKeys(given providers.Keys) ([]string, error) {
	keys, err := CheckKeys(given, func(err error) { m.Log.Warn(err.Error() + "; it is left out") })
	if err != nil {
		return nil, &report.Error{Err: err, Hint: "remove this key from the machine at " + m.Env.Platform.Name + ", or correct it"}
	}
	return keys, nil
}

func putKeys(name string, keys []string) error {
	return system.WriteFile(name, []byte(strings.Join(keys, "\n")+"\n"), 0o600)
}

func removeKeys(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// passwdFiles are where users are.
var passwdFiles = system.UserDatabases

// findUser finds a user of this machine.
func findUser(files []string, name string) (*user, error) {
	for _, file := range files {
		text, err := system.ReadFile(file, system.KernelText)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("looking for the user: %w", err)
		}
		var found *user
		system.EachUser(string(text), func(u system.User) {
			if found == nil && u.Name == name {
				found = (*user)(&u)
			}
		})
		switch {
		case found == nil:
		case !filepath.IsAbs(found.Home):
			return nil, fmt.Errorf("the user has no home directory in %s", file)
		default:
			return found, nil
		}
	}
	return nil, errors.New("this machine has no such user")
}

// A user is one of this machine.
type user system.User

// as does something with files as this user would: where she may not write, nothing is
// written, wherever links of hers lead to. Only root can be somebody else.
func (u *user) as(do func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // which ends with this function: it is hers only
		done <- func() error {
			if os.Geteuid() == 0 {
				if err := u.become(); err != nil {
					return err
				}
			}
			return do()
		}()
	}()
	return <-done
}

// become changes who this thread is for filesystems (setfsuid(2)).
func (u *user) become() error {
	if _, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, 0, 0, 0); errno != 0 {
		return fmt.Errorf("leaving the groups of root: %w", errno)
	}
	if err := unix.Setfsgid(u.GID); err != nil {
		return fmt.Errorf("taking the group %d: %w", u.GID, err)
	}
	if err := unix.Setfsuid(u.UID); err != nil {
		return fmt.Errorf("becoming the user %d: %w", u.UID, err)
	}
	return nil
}
