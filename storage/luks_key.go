package storage

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/dataurl"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// keySize is that of generated keys in random bytes. They are written in
// hexadecimal digits, since not every program can read any byte.
const keySize = 4096

// volumeKey is the config's key, or a new one.
func (m *Machine) volumeKey(ctx context.Context, l *config.Luks) ([]byte, error) {
	switch {
	case config.ValueOr(l.Cex.Enabled, false):
		return system.ReadFile(cmp.Or(m.CardKey, cardKeyFile), system.SettingsText)
	case !generatesKey(l):
		if m.Fetch == nil {
			return nil, fmt.Errorf("%w: nothing to fetch with", report.ErrBug)
		}
		key, err := m.Fetch(ctx, l.KeyFile)
		if err == nil && len(key) == 0 {
			err = report.Conflict(l.KeyFile.Origin("source"), "set a key, or remove "+l.Key("keyFile")+" to have one generated", "the key is empty")
		}
		return key, err
	}
	b := make([]byte, keySize)
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := io.ReadFull(m.random(), b); err != nil {
		return nil, fmt.Errorf("generating a key: %w", err)
	}
	return []byte(hex.EncodeToString(b)), nil
}

// generatesKey reports whether the config leaves the key to us.
func generatesKey(l *config.Luks) bool {
	return !config.NonZero(l.KeyFile.Source) && !config.ValueOr(l.Cex.Enabled, false)
}

// withKeyFile gives a program that can read a key only from a file one that
// nobody else can read, in memory.
func (v *volume) withKeyFile(use func(file string) error) (err error) {
	parent := cmp.Or(v.m.Scratch, "/run/ignition")
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(parent, "luks-") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(file.Name())) }()
	_, err = file.Write(v.key)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	return use(file.Name())
}

// storeKey stores the key for the files stage, or with nil deletes it.
func (v *volume) storeKey(key []byte) {
	v.m.mu.Lock()
	defer v.m.mu.Unlock()
	if key == nil {
		delete(v.m.Keys, v.config.Name)
		return
	}
	if v.m.Keys == nil {
		v.m.Keys = map[string]string{}
	}
	if source := config.ValueOr(v.config.KeyFile.Source, ""); config.IsSecret(source) {
		v.m.Keys[v.config.Name] = source // it is read again
		return
	}
	v.m.Keys[v.config.Name] = dataurl.Encode("", key)
}

func (m *Machine) hasKey(volume string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.Keys[volume] != ""
}

const (
	// zkeyRepository is where zkey(1) keeps keys that only a card can use.
	zkeyRepository = "/etc/zkey/repository"
	// cardKeyFile is the passphrase that cryptsetup wants beside the card; it
	// protects nothing.
	cardKeyFile = "/etc/luks/cex.key"
)

func (v *volume) cardName() string { return "ignition-luks-" + v.config.Name }

// cardKey has the cards make a key and returns the arguments of luksFormat for it.
func (v *volume) cardKey(ctx context.Context) ([]string, error) {
	cards, err := v.m.cards()
	if err != nil {
		return nil, err
	}
	repository := cmp.Or(v.m.Zkey, zkeyRepository)
	if err := os.MkdirAll(repository, 0o700); err != nil {
		return nil, err
	}
	// One of an interrupted run is in the way of zkey.
	for _, suffix := range []string{".skey", ".info"} {
		if err := os.Remove(filepath.Join(repository, v.cardName()+suffix)); err != nil && !os.IsNotExist(err) {
			return nil, err
		}
	}
	_, err = v.m.Run.Run(ctx, system.Command{Name: "zkey", Args: []string{"generate", "--name", v.cardName(), "--key-type", "CCA-AESCIPHER", "--xts",
		"--description", "Secure Key for " + v.config.Name + " Volume", "--apqns", strings.Join(cards, ",")}})
	if err != nil {
		return nil, err
	}
	var size int
	for _, suffix := range []string{".info", ".skey"} {
		text, err := system.ReadFile(filepath.Join(repository, v.cardName()+suffix), system.SettingsText)
		if err != nil {
			return nil, fmt.Errorf("reading what zkey has made: %w", err)
		}
		size = len(text)
		v.storeCardKey(v.cardName()+suffix, text)
	}
	return []string{"--volume-key-file", filepath.Join(repository, v.cardName()+".skey"), "--cipher", "paes-xts-plain64", "--key-size", fmt.Sprint(size * 8)}, nil
}

func (v *volume) storeCardKey(name string, text []byte) {
	v.m.mu.Lock()
	defer v.m.mu.Unlock()
	if v.m.VolumeKeys == nil {
		v.m.VolumeKeys = map[string]string{}
	}
	v.m.VolumeKeys[name] = dataurl.Encode("", text)
}

// bindCard stores in the header how the card is to check the key.
func (v *volume) bindCard(ctx context.Context) error {
	_, err := v.m.Run.Run(ctx, system.Command{Name: "zkey-cryptsetup", Args: []string{"setvp", v.node, "--key-file", cmp.Or(v.m.CardKey, cardKeyFile)}})
	return err
}

// cards lists the queues of the cards that can be used, as CARD.DOMAIN.
func (m *Machine) cards() ([]string, error) {
	const dir = "bus/ap/devices"
	found, err := filepath.Glob(m.sys(dir, "[0-9a-f][0-9a-f].[0-9a-f][0-9a-f][0-9a-f][0-9a-f]"))
	if err != nil {
		return nil, err
	}
	var cards []string
	for _, device := range found {
		for line := range strings.Lines(m.attribute(device, "uevent")) {
			if _, value, _ := strings.Cut(strings.TrimSpace(line), "="); value == "cca" {
				cards = append(cards, filepath.Base(device))
			}
		}
	}
	if len(cards) == 0 {
		return nil, errors.New("no Crypto Express card in CCA mode is there (looked in " + m.sys(dir) + ")")
	}
	return cards, nil
}
