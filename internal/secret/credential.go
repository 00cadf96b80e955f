//go:build linux

package secret

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"filippo.io/age"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// ErrNone is wrapped by the error of a secret that this machine does not have. To those who
// do not know this package it is fs.ErrNotExist.
var ErrNone error = none{}

type none struct{}

func (none) Error() string        { return "this machine does not have it" }
func (none) Is(target error) bool { return target == fs.ErrNotExist }

// A Machine has secrets. Its methods may be called at the same time.
type Machine struct {
	// Root is where the directories of credentials are, "" is "/".
	Root string
	// Directory is that of the credentials of this process, $CREDENTIALS_DIRECTORY. There
	// may be none.
	Directory string
	// Run runs systemd-creds, for those that are encrypted.
	Run system.Runner

	mu sync.Mutex
	// identities are those of the credential Identity, once it was read.
	identities []age.Identity
}

// New returns what this machine has.
func New(run system.Runner) *Machine {
	return &Machine{Directory: os.Getenv("CREDENTIALS_DIRECTORY"), Run: run}
}

// maxCredential is the limit of systemd for one credential, in bytes.
const maxCredential = 1 << 20

// places are the directories with credentials, in the order in which they are looked at.
// In those of the second kind they are encrypted, as systemd-creds does it.
var places = []struct {
	dir       string
	encrypted bool
}{
	{dir: "/run/credentials/@system"}, // where systemd puts what is in fw_cfg and SMBIOS
	{dir: "/sys/firmware/qemu_fw_cfg/by_name/opt/io.systemd.credentials"},
	{dir: smbiosTable},
	{dir: "/etc/credstore"},
	{dir: "/run/credstore"},
	{dir: "/usr/lib/credstore"},
	{dir: "/run/credentials/@encrypted", encrypted: true}, // from the ESP, by systemd-stub
	{dir: "/etc/credstore.encrypted", encrypted: true},
	{dir: "/run/credstore.encrypted", encrypted: true},
	{dir: "/usr/lib/credstore.encrypted", encrypted: true},
}

// Credential returns the credential of a name, decrypted. The error wraps ErrNone if there
// is none.
func (m *Machine) Credential(ctx context.Context, name string) ([]byte, error) {
	if m.Directory != "" {
		if text, err := system.ReadFile(filepath.Join(m.Directory, name), maxCredential); !errors.Is(err, fs.ErrNotExist) {
			return text, err
		}
	}
	for _, p := range places {
		text, err := m.readPlace(ctx, p.dir, name, p.encrypted)
		if !errors.Is(err, fs.ErrNotExist) {
			return text, err
		}
	}
	return nil, &report.Error{Err: fmt.Errorf("there is no credential %q: %w", name, ErrNone),
		Hint: fmt.Sprintf("give it to the machine (QEMU: -smbios type=11,value=io.systemd.credential.binary:%s=BASE64), put it on the ESP (loader/credentials/%s.cred) or into the initramfs (/etc/credstore.encrypted/%s); docs/extensions/secrets.md has all places",
			name, name, name)}
}

func (m *Machine) readPlace(ctx context.Context, dir, name string, encrypted bool) ([]byte, error) {
	at := filepath.Join(m.Root, dir, name)
	switch {
	case encrypted:
		return m.decryptCredential(ctx, at, name)
	case dir == smbiosTable:
		table, err := system.ReadFile(filepath.Join(m.Root, dir), maxSMBIOS)
		if err != nil {
			return nil, err
		}
		return findSMBIOS(table, name)
	case strings.HasPrefix(dir, "/sys/firmware/qemu_fw_cfg"):
		at = filepath.Join(at, "raw")
	}
	return system.ReadFile(at, maxCredential)
}

// decryptCredential has systemd-creds decrypt a file, with the machine's TPM or its key.
func (m *Machine) decryptCredential(ctx context.Context, at, name string) ([]byte, error) {
	if _, err := os.Stat(at); err != nil {
		return nil, err
	}
	text, err := m.Run.Run(ctx, system.Command{Name: "systemd-creds", Args: []string{"decrypt", "--name=" + name, at, "-"}, SecretOutput: true})
	if err != nil {
		return nil, &report.Error{Doing: "decrypting " + at, Err: err}
	}
	return text, nil
}

// Decrypt returns what was encrypted with age to an identity of this machine; see the
// function of that name.
func (m *Machine) Decrypt(ctx context.Context, encrypted io.Reader) (io.Reader, error) {
	return Decrypt(encrypted, "this machine", func() ([]age.Identity, error) { return m.ageIdentities(ctx) })
}

// ageIdentities reads the identities of this machine when they are first needed.
func (m *Machine) ageIdentities(ctx context.Context) ([]age.Identity, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.identities != nil {
		return m.identities, nil
	}
	text, err := m.Credential(ctx, Identity)
	if err == nil {
		m.identities, err = ParseIdentities(text)
	}
	if err != nil {
		return nil, &report.Error{Doing: "looking for the age identity of this machine", Err: err}
	}
	return m.identities, nil
}
