package metadata

import (
	"fmt"
	"strings"

	"github.com/firstlight-os/firstlight/internal/dataurl"
	"github.com/firstlight-os/firstlight/internal/json"
	"github.com/firstlight-os/firstlight/internal/network"
	"github.com/firstlight-os/firstlight/internal/report"
)

// ConfigOptions are what a distribution wants in a config of metadata.
type ConfigOptions struct {
	// User is who gets the SSH keys; without one nobody does.
	User string
	// Render makes files for the network, in Directory. Nil is none.
	Render    func(*network.Config) []network.File
	Directory string
	// Has reports whether the user's config has something at a path, which has the
	// last word.
	Has func(path string) bool
}

// The parts of a config that metadata have.
type (
	fragment struct {
		Ignition struct {
			Version string `json:"version"`
		} `json:"ignition"`
		Passwd struct {
			Users []fragmentUser `json:"users,omitempty"`
		} `json:"passwd"`
		Storage struct {
			Files []fragmentFile `json:"files,omitempty"`
		} `json:"storage"`
	}
	fragmentUser struct {
		Name         string   `json:"name"`
		Keys         []string `json:"sshAuthorizedKeys,omitempty"`
		PasswordHash string   `json:"passwordHash,omitempty"`
	}
	fragmentFile struct {
		Path      string           `json:"path"`
		Overwrite bool             `json:"overwrite"`
		Mode      int              `json:"mode"`
		Contents  fragmentContents `json:"contents"`
	}
	fragmentContents struct {
		Source string `json:"source"`
	}
)

// hostnameFile is where systemd reads the hostname.
const hostnameFile = "/etc/hostname"

// Config is a config with what the platform says: hostname, SSH keys, network. It is nil if
// that is nothing.
func (m *Machine) Config(o ConfigOptions) ([]byte, error) {
	var f fragment
	f.Ignition.Version = "3.0.0"
	add := func(path, text string, mode int) {
		if !o.Has(path) {
			f.Storage.Files = append(f.Storage.Files, fragmentFile{path, true, mode, fragmentContents{dataurl.Encode("", []byte(text))}})
		}
	}
	steps := []func() error{
		func() error { return m.addHostname(add) },
		func() (err error) { f.Passwd.Users, err = m.keysOf(o.User); return err },
		func() error { return m.addNetwork(o, add) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, &report.Error{Doing: fmt.Sprintf("reading what %s says of this machine", m.Env.Platform.Name), Err: err, Hint: platformHint}
		}
	}
	if len(f.Storage.Files)+len(f.Passwd.Users) == 0 {
		return nil, nil
	}
	return json.Indent(f)
}

func (m *Machine) addHostname(add func(path, text string, mode int)) error {
	given, err := m.Asker.Hostname()
	if err != nil || given == "" {
		return err
	}
	hostname, err := m.checkedHostname(given)
	if err == nil {
		add(hostnameFile, hostname+"\n", 0o644)
	}
	return err
}

// keysOf are the keys of a user, nothing if there are none.
func (m *Machine) keysOf(user string) ([]fragmentUser, error) {
	if user == "" {
		return nil, nil
	}
	given, _, err := m.Asker.Keys()
	if err != nil {
		return nil, err
	}
	keys, err := m.checkedKeys(given)
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	for i := range keys {
		keys[i] = strings.TrimSpace(keys[i])
	}
	return []fragmentUser{{Name: user, Keys: keys}}, nil
}

func (m *Machine) addNetwork(o ConfigOptions, add func(path, text string, mode int)) error {
	if o.Render == nil {
		return nil
	}
	c, err := m.Asker.Network()
	if err != nil || c.IsEmpty() {
		return err
	}
	for _, file := range o.Render(c) {
		add(o.Directory+"/"+file.Name, file.Text, int(file.Mode))
	}
	return nil
}
