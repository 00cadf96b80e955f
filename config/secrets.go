package config

import (
	"errors"
	"fmt"
	"strings"
)

// A Secret is something that stands not in the config but at a source, for this machine to
// read before it writes anything, and again when it needs it.
type Secret struct {
	Resource Resource
	// For is what it is for, as a path or a phrase: "/etc/motd", "the unit a.service".
	For string
	// Check says what is wrong with what is there, for what it is for, without a part of it.
	// It is nil for what may be anything, of any size.
	Check func(text []byte) error
}

// Secrets returns the secrets of a config, but for other configs and certificates: what has
// a source that IsSecret, and all that is at a source in place of a member of the spec.
func (c *Config) Secrets() []Secret {
	var all []Secret
	add := func(r Resource, purpose string, always bool, check func([]byte) error) {
		if source := ValueOr(r.Source, ""); source != "" && (always || IsSecret(source)) {
			all = append(all, Secret{r, purpose, check})
		}
	}
	for i := range c.Storage.Luks {
		add(c.Storage.Luks[i].KeyFile, "the key of volume "+c.Storage.Luks[i].Name, false, checkKeyFile)
	}
	for i := range c.Passwd.Users {
		u := &c.Passwd.Users[i]
		add(u.PasswordHashFrom, "the password of user "+u.Name, true, checkPasswordHash)
		for _, r := range u.SSHAuthorizedKeysFrom {
			add(r, "the SSH keys of user "+u.Name, true, checkPublicKeys)
		}
	}
	for i := range c.Storage.Files {
		f := &c.Storage.Files[i]
		add(f.Contents, f.Path, false, nil)
		for _, r := range f.Append {
			add(r, f.Path, false, nil)
		}
	}
	for i := range c.Systemd.Units {
		u := &c.Systemd.Units[i]
		add(u.ContentsFrom, "the unit "+u.Name, true, checkUnitText)
		for _, d := range u.Dropins {
			add(d.ContentsFrom, fmt.Sprintf("the drop-in %s of unit %s", d.Name, u.Name), true, checkUnitText)
		}
	}
	return all
}

// MaxSecret is how large a secret may be that has a Check, in bytes.
const MaxSecret = 1 << 20

func checkKeyFile(text []byte) error {
	if len(text) == 0 {
		return errors.New("the key is empty")
	}
	return nil
}

// SecretLine is the text of a secret of one line, without the end of the line.
func SecretLine(text []byte) string { return strings.TrimRight(string(text), "\r\n") }

func checkPasswordHash(text []byte) error {
	v := &validator{}
	hash := SecretLine(text)
	if hash == "" {
		return errors.New("it is empty; it should be the hash of a password, which \"mkpasswd --method=yescrypt\" prints")
	}
	v.passwordHash(&hash, Object{})
	v.accountField(&hash, Object{})
	return v.problems.first()
}

func checkPublicKeys(text []byte) error {
	found := false
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if _, why := noPublicKey(line); why != "" {
			return errors.New(why)
		}
		found = true
	}
	if !found {
		return errors.New("there are no keys in it")
	}
	return nil
}

func checkUnitText(text []byte) error {
	v, contents := &validator{}, string(text)
	if len(text) == 0 {
		return errors.New("it is empty; it should be a unit, or a drop-in")
	}
	v.unitText(&contents, Object{})
	return v.problems.first()
}

// first is the first problem as an error, without its place; nil if there is none.
func (p Problems) first() error {
	if len(p) == 0 {
		return nil
	}
	return errors.New(p[0].Message)
}
