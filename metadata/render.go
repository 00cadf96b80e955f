package metadata

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/firstlight-os/firstlight/internal/json"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// RenderOptions say which fragments of a config are wanted, and where.
type RenderOptions struct {
	Directory      string
	Hostname, User bool
}

// Render writes what the platform says of the machine as configs for base.platform.d: its
// hostname, and the user that whoever made it has named.
func Render(ctx context.Context, o Options, r RenderOptions) (err error) {
	if !o.Platform.HasAdmin() {
		return &report.Error{Doing: "rendering configs", Err: fmt.Errorf("%s names no user", o.Platform.Name), Hint: "this is for azure; METADATA=config in distribution.conf is for all platforms"}
	}
	if !r.Hostname && !r.User {
		o.Log.Warn("nothing is to be done")
		return nil
	}
	m, answers, err := newMachine(ctx, o, fmt.Sprintf("render %v", r))
	if err != nil {
		return err
	}
	defer func() {
		if keepErr := answers.Close(err); keepErr != nil {
			o.Log.Warn(keepErr.Error())
		}
	}()
	for _, f := range []struct {
		name   string
		wanted bool
		fill   func(*Machine, *fragment) (mode fs.FileMode, err error)
	}{
		{"hostname.ign", r.Hostname, hostnameFragment},
		{"user.ign", r.User, userFragment},
	} {
		if !f.wanted {
			continue
		}
		if err := m.writeFragment(filepath.Join(r.Directory, f.name), f.fill); err != nil {
			return &report.Error{Doing: "rendering the config " + f.name, Err: err, Hint: platformHint}
		}
	}
	return nil
}

// writeFragment writes what fill has filled in, nothing if that is nothing.
func (m *Machine) writeFragment(name string, fill func(*Machine, *fragment) (fs.FileMode, error)) error {
	var f fragment
	f.Ignition.Version = "3.0.0"
	mode, err := fill(m, &f)
	if err != nil || mode == 0 {
		return err
	}
	text, err := json.Indent(f)
	if err == nil {
		name, err = filepath.Abs(name)
	}
	if err != nil {
		return err
	}
	return system.WriteFile(name, append(text, '\n'), mode)
}

// escapeHostname is for data URLs, as Afterburn writes them.
var escapeHostname = strings.NewReplacer("-", "%2D", ".", "%2E", "_", "%5F")

func hostnameFragment(m *Machine, f *fragment) (mode fs.FileMode, err error) {
	given, err := m.Asker.Hostname()
	if err != nil {
		return 0, err
	}
	if given == "" {
		m.Log.Warn(m.Env.Platform.Name + " has no hostname for this machine")
		return 0, nil
	}
	hostname, err := m.checkedHostname(given)
	f.Storage.Files = []fragmentFile{{hostnameFile, true, 0o644, fragmentContents{"data:," + escapeHostname.Replace(hostname)}}}
	return 0o644, err
}

// userFragment is for root only if there is a password in it.
func userFragment(m *Machine, f *fragment) (mode fs.FileMode, err error) {
	name, password, err := m.Asker.Admin()
	if err != nil {
		return 0, err
	}
	users, err := m.keysOf(name)
	switch {
	case err != nil:
		return 0, err
	case name == "" || users == nil && password == "":
		m.Log.Warn(m.Env.Platform.Name + " names no user with a key or a password")
		return 0, nil
	case users == nil:
		users = []fragmentUser{{Name: name}}
	}
	return userMode(f, users, password)
}

// userMode fills in the one user, with a password if it is not empty.
func userMode(f *fragment, users []fragmentUser, password string) (fs.FileMode, error) {
	f.Passwd.Users = users
	switch {
	case strings.ContainsAny(password, "\x00\n"):
		return 0, errors.New("the password has a line end in it, with which nobody could log in")
	case password == "":
		return 0o644, nil
	}
	users[0].PasswordHash = hashPassword(password)
	return 0o600, nil
}
