package storage

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/dataurl"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// lookAtVolume finds out whether the volume is open, or its name taken.
func (m *Machine) lookAtVolume(p *volumePlan, t deviceFacts, busy map[number][]string) volumeFacts {
	f := volumeFacts{deviceFacts: t}
	for _, u := range t.Holders {
		if u.Mapping == p.Luks.Name {
			f.Mapper = u.Kernel
			f.MapperHolders = m.holders(m.sys("class", "block", u.Kernel), busy)
			return f
		}
	}
	if node, err := resolve(m.devPath(p.paths[0])); err == nil {
		f.Mapper = filepath.Base(node)
	}
	return f
}

func (p *volumePlan) decide(m *Machine, busy map[number][]string) (errs []error) {
	if p.action, errs = decideVolume(p.Luks, m.lookAtVolume(p, p.sites[0].deviceFacts, busy)); len(errs) > 0 {
		return errs
	}
	p.state = map[volumeAction]contentState{keepVolume: contentExisting, openVolume: contentDeferred, createVolume: contentNew}[p.action]
	p.keyed = m.Keys[p.Luks.Name] != ""
	return nil
}

func (p *volumePlan) do(ctx context.Context, m *Machine) error { return m.ensureVolume(ctx, p) }

// encrypt carries out the plan for a volume. Like raise, it looks once more.
func (m *Machine) ensureVolume(ctx context.Context, p *volumePlan) error {
	nodes, found, busy, err := m.lookAgain(ctx, p.sites)
	if err != nil {
		return err
	}
	facts := m.lookAtVolume(p, found[0], busy)
	action, errs := decideVolume(p.Luks, facts)
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if p.state == contentNew && action != createVolume {
		return errChanged
	}
	key, err := m.volumeKey(ctx, p.Luks)
	if err != nil {
		return err
	}
	v := &volume{Machine: m, volumePlan: p, node: nodes[0], key: key}
	if action != createVolume {
		err = v.reopen(ctx, action == keepVolume)
	} else {
		if facts.open() {
			err = v.cryptsetup(ctx, "luksClose", v.Luks.Name)
		}
		if err == nil {
			err = v.create(ctx, facts)
		}
	}
	if err != nil {
		return err
	}
	return m.wait(ctx, []requiredDevice{{path: m.devPath(p.paths[0]), origin: p.origin}})
}

// A volume is a LUKS volume at work.
type volume struct {
	*Machine
	*volumePlan
	node string
	key  []byte
}

// cryptsetup runs it with the key at its standard input, so that the key does
// not stand in a file.
func (v *volume) cryptsetup(ctx context.Context, args ...string) error {
	c := system.Command{Name: "cryptsetup", Args: args, Secrets: []string{string(v.key)}}
	if slices.Contains(args, "-") {
		c.Stdin = v.key
	}
	_, err := v.Run.Run(ctx, c)
	return err
}

// reopen opens a volume that is there, or only tries the key if it is open.
func (v *volume) reopen(ctx context.Context, isOpen bool) error {
	args := v.openArgs()
	if isOpen {
		args = []string{"luksOpen", v.node, "--test-passphrase", "--key-file", "-"}
	}
	const noPermission = 2 // exit status; see cryptsetup(8)
	err := v.cryptsetup(ctx, args...)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == noPermission {
		return &report.Error{Err: err, Origin: v.Luks.Origin("keyFile"), Hint: "the key of the config does not open the volume that is there; wipeVolume: true makes it anew, and its contents are lost"}
	}
	if err != nil {
		return err
	}
	v.storeKey(v.key)
	return nil
}

func (v *volume) openArgs() []string {
	args := []string{"luksOpen", v.node, v.Luks.Name, "--key-file", "-", "--persistent"}
	if config.ValueOr(v.Discard, false) {
		args = append(args, "--allow-discards")
	}
	return append(args, v.OpenOptions...)
}

// make makes a volume, marked as unfinished until its key is in a safe place.
func (v *volume) create(ctx context.Context, facts volumeFacts) error {
	v.storeKey(v.key) // before anything depends on it
	if err := wipeDevice(v.node, facts.Signatures); err != nil {
		return err
	}
	args, err := v.formatArgs(ctx)
	if err != nil {
		return err
	}
	if err := v.cryptsetup(ctx, args...); err != nil {
		return err
	}
	if config.ValueOr(v.Cex.Enabled, false) {
		if err := v.bindCard(ctx); err != nil {
			return err
		}
	}
	if err := v.cryptsetup(ctx, v.openArgs()...); err != nil {
		return err
	}
	if v.HasClevis() {
		if err := v.bind(ctx); err != nil {
			return err
		}
	}
	if marksUnfinished(v.Luks) && !staysMarked(v.Luks) {
		if err := v.clearUnfinished(ctx, v.node); err != nil {
			return err
		}
	}
	d, err := v.open(v.node)
	if err != nil {
		return err
	}
	defer d.file.Close()
	if d.sysfs == "" {
		return nil
	}
	return v.settle(ctx, d.sysfs)
}

// PlanFinish plans to take the marks of unfinished volumes away. From then on
// nothing makes them again without wipeVolume, so it is for when their keys are
// safe and the initramfs is about to be left.
func (m *Machine) PlanFinish(cfg *config.Config) (report.Plan, error) {
	var plan report.Plan
	var errs []error
	for i := range cfg.Storage.Luks {
		l := &cfg.Storage.Luks[i]
		if !staysMarked(l) {
			continue
		}
		device := config.ValueOr(l.Device, "")
		found, err := m.examine(device, nil)
		if err != nil {
			errs = append(errs, &report.Error{Doing: fmt.Sprintf("looking at the LUKS volume %q on %s", l.Name, device), Origin: l.Origin("device"), Err: err,
				Hint: "it is marked as unfinished; if the first boot is repeated, it is made again"})
		}
		if found.LUKS == nil || found.LUKS.Subsystem != unfinishedMark {
			continue
		}
		plan = append(plan, &report.Operation{Name: fmt.Sprintf("noting on the LUKS volume %q that it is complete", l.Name), Origin: l.Origin(),
			Do: func(ctx context.Context) error { return m.clearUnfinished(ctx, device) }})
	}
	return plan, errors.Join(errs...)
}

// clearUnfinished takes the mark away. Cryptsetup sets label and subsystem together: what
// it is not given becomes empty.
func (m *Machine) clearUnfinished(ctx context.Context, device string) error {
	found, err := m.examine(device, nil)
	if err != nil {
		return err
	}
	if found.LUKS == nil {
		return errChanged
	}
	_, err = m.Run.Run(ctx, system.Command{Name: "cryptsetup", Args: []string{"config", device, "--label", found.LUKS.Label, "--subsystem", ""}})
	return err
}

func (v *volume) formatArgs(ctx context.Context) ([]string, error) {
	args := []string{"luksFormat", "--type", "luks2", "--key-file", "-"}
	if marksUnfinished(v.Luks) {
		args = append(args, "--subsystem", unfinishedMark)
	}
	if config.NonZero(v.Label) {
		args = append(args, "--label", *v.Label)
	}
	if config.NonZero(v.UUID) {
		args = append(args, "--uuid", *v.UUID)
	}
	args = append(append(args, v.Options...), v.node)
	if !config.ValueOr(v.Cex.Enabled, false) {
		return args, nil
	}
	card, err := v.cardKey(ctx)
	return append(args, card...), err
}

// bind binds the volume to what clevis unlocks it with, tries that if it can
// be tried, and takes a generated key away again.
func (v *volume) bind(ctx context.Context) error {
	for _, t := range v.Clevis.Tang {
		if err := v.awaitTang(ctx, t); err != nil {
			return err
		}
	}
	pin, text, err := clevisPin(&v.Clevis)
	if err != nil {
		return err
	}
	err = v.withKeyFile(func(file string) error {
		c := system.Command{Name: "clevis", Args: []string{"luks", "bind", "-f", "-k", file, "-d", v.node, pin, text}, Secrets: []string{string(v.key)}}
		if config.NonZero(v.Clevis.Custom.Pin) {
			c.Secrets = append(c.Secrets, text) // who knows what it holds
		}
		_, err := v.Run.Run(ctx, c)
		return err
	})
	if err != nil {
		return &report.Error{Err: err, Origin: v.Clevis.Origin(),
			Hint: "check that each thumbprint is one that tang-show-keys prints on its server, and that the machine has the TPM"}
	}
	if canVerifyUnlock(&v.Clevis) {
		if err := v.verifyUnlock(ctx); err != nil {
			return err
		}
	}
	if !generatesKey(v.Luks) {
		return nil
	}
	if err := v.cryptsetup(ctx, "luksRemoveKey", v.node, "-"); err != nil {
		return err
	}
	v.storeKey(nil)
	return nil
}

// verifyUnlock lets clevis open the volume, as it will have to at every boot.
func (v *volume) verifyUnlock(ctx context.Context) error {
	if err := v.cryptsetup(ctx, "luksClose", v.Luks.Name); err != nil {
		return err
	}
	_, err := v.Run.Run(ctx, system.Command{Name: "clevis", Args: []string{"luks", "unlock", "-d", v.node, "-n", v.Luks.Name}})
	if err != nil {
		return &report.Error{Err: fmt.Errorf("trying whether clevis can unlock it: %w", err), Origin: v.Clevis.Origin(),
			Hint: "check that the Tang servers can be reached and that the machine has the TPM"}
	}
	return nil
}

// awaitTang asks a server for its keys, as clevis will, but patiently: the
// network may not be up yet.
func (v *volume) awaitTang(ctx context.Context, t config.Tang) error {
	if config.NonZero(t.Advertisement) {
		return nil
	}
	if v.Fetch == nil {
		return fmt.Errorf("%w: nothing to fetch with", report.ErrBug)
	}
	at, err := url.Parse(t.URL)
	if err != nil {
		return &report.Error{Err: err, Origin: t.Origin("url")}
	}
	source := at.JoinPath("adv").String()
	if _, err := v.Fetch(ctx, config.Resource{Source: &source}); err != nil {
		var known *report.Error
		errors.As(err, &known)
		e := &report.Error{Err: fmt.Errorf("asking the Tang server for its keys: %w", err), Origin: t.Origin("url")}
		if known != nil {
			e.Hint = known.Hint
		}
		return e
	}
	return nil
}

// withKeyFile gives a program that can read a key only from a file one that
// nobody else can read, in memory.
func (v *volume) withKeyFile(use func(file string) error) (err error) {
	parent := or(v.Scratch, "/run/ignition")
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(parent, "luks-") // mode 0700
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "key")
	if err := os.WriteFile(file, v.key, 0o600); err != nil {
		return err
	}
	return use(file)
}

// keep notes the key for the files stage, or with nil forgets it.
func (v *volume) storeKey(key []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if key == nil {
		delete(v.Keys, v.Luks.Name)
		return
	}
	if v.Keys == nil {
		v.Keys = map[string]string{}
	}
	v.Keys[v.Luks.Name] = dataurl.Encode("", key)
}

// keySize is that of generated keys in random bytes. They are written in
// hexadecimal digits, since not every program can read any byte.
const keySize = 4096

// volumeKey is the config's key, or a new one.
func (m *Machine) volumeKey(ctx context.Context, l *config.Luks) ([]byte, error) {
	switch {
	case config.ValueOr(l.Cex.Enabled, false):
		return os.ReadFile(or(m.CardKey, cardKeyFile))
	case !generatesKey(l):
		if m.Fetch == nil {
			return nil, fmt.Errorf("%w: nothing to fetch with", report.ErrBug)
		}
		key, err := m.Fetch(ctx, l.KeyFile)
		if err == nil && len(key) == 0 {
			err = report.Conflict(l.KeyFile.Origin("source"), "give a key, or leave keyFile out to have one generated", "the key is empty")
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

const (
	// zkeyRepository is where zkey(1) keeps keys that only a card can use.
	zkeyRepository = "/etc/zkey/repository"
	// cardKeyFile is the passphrase that cryptsetup wants beside the card; it
	// protects nothing.
	cardKeyFile = "/etc/luks/cex.key"
)

func (v *volume) cardName() string { return "ignition-luks-" + v.Luks.Name }

// cardKey has the cards make a key and returns the arguments of luksFormat for it.
func (v *volume) cardKey(ctx context.Context) ([]string, error) {
	cards, err := v.cards()
	if err != nil {
		return nil, err
	}
	repository := or(v.Zkey, zkeyRepository)
	if err := os.MkdirAll(repository, 0o700); err != nil {
		return nil, err
	}
	// One of an interrupted run is in the way of zkey.
	for _, suffix := range []string{".skey", ".info"} {
		if err := os.Remove(filepath.Join(repository, v.cardName()+suffix)); err != nil && !os.IsNotExist(err) {
			return nil, err
		}
	}
	_, err = v.Run.Run(ctx, system.Command{Name: "zkey", Args: []string{"generate", "--name", v.cardName(), "--key-type", "CCA-AESCIPHER", "--xts",
		"--description", "Secure Key for " + v.Luks.Name + " Volume", "--apqns", strings.Join(cards, ",")}})
	if err != nil {
		return nil, err
	}
	var size int
	for _, suffix := range []string{".info", ".skey"} {
		text, err := os.ReadFile(filepath.Join(repository, v.cardName()+suffix))
		if err != nil {
			return nil, fmt.Errorf("reading what zkey has made: %w", err)
		}
		size = len(text)
		v.storeCardKey(v.cardName()+suffix, text)
	}
	return []string{"--volume-key-file", filepath.Join(repository, v.cardName()+".skey"), "--cipher", "paes-xts-plain64", "--key-size", fmt.Sprint(size * 8)}, nil
}

func (v *volume) storeCardKey(name string, text []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.VolumeKeys == nil {
		v.VolumeKeys = map[string]string{}
	}
	v.VolumeKeys[name] = dataurl.Encode("", text)
}

// bindCard stores in the header how the card is to check the key.
func (v *volume) bindCard(ctx context.Context) error {
	_, err := v.Run.Run(ctx, system.Command{Name: "zkey-cryptsetup", Args: []string{"setvp", v.node, "--key-file", or(v.CardKey, cardKeyFile)}})
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
