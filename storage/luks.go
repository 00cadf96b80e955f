package storage

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/storage/plan"
)

// volumeFacts finds out whether the volume is open, or its name taken.
func (m *Machine) volumeFacts(v *plan.Volume, f plan.DeviceFacts, inUse mountsAndSwaps) plan.VolumeFacts {
	facts := plan.VolumeFacts{DeviceFacts: f, KeyStored: m.hasKey(v.Config.Name)}
	for _, h := range f.Holders {
		if h.Mapping == v.Config.Name {
			facts.Mapper = h.Kernel
			facts.MapperHolders = m.holders(m.sys("class", "block", h.Kernel), inUse)
			return facts
		}
	}
	if node, err := resolve(m.devPath(v.Paths[0])); err == nil {
		facts.Mapper = filepath.Base(node)
	}
	return facts
}

// A volume is a LUKS volume at work.
type volume struct {
	m      *Machine
	config *config.Luks
	node   string // of what it is on
	key    []byte
}

// prepareVolume carries out the plan for a volume. Like prepareArray, it looks
// once more.
func (m *Machine) prepareVolume(ctx context.Context, p *plan.Volume) error {
	found, inUse, err := m.lookAgain(ctx, p.Members...)
	if err != nil {
		return err
	}
	facts := m.volumeFacts(p, found[0], inUse)
	action, errs := plan.DecideVolume(p.Config, facts)
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if p.Content == plan.ContentNew && action != plan.Create {
		return errChanged
	}
	key, err := m.volumeKey(ctx, p.Config)
	if err != nil {
		return err
	}
	v := &volume{m: m, config: p.Config, node: facts.Node, key: key}
	if action != plan.Create {
		err = v.reopen(ctx, action == plan.Keep)
	} else {
		if facts.Open() {
			err = v.cryptsetup(ctx, "luksClose", p.Config.Name)
		}
		if err == nil {
			err = v.create(ctx, facts)
		}
	}
	if err != nil {
		return err
	}
	return m.wait(ctx, []requiredDevice{{path: m.devPath(p.Paths[0]), origin: p.Origin()}})
}

// cryptsetup runs it with the key at its standard input, so that the key does
// not stand in a file.
func (v *volume) cryptsetup(ctx context.Context, args ...string) error {
	c := system.Command{Name: "cryptsetup", Args: args, Secrets: []string{string(v.key)}}
	if slices.Contains(args, "-") {
		c.Stdin = v.key
	}
	_, err := v.m.Run.Run(ctx, c)
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
		return &report.Error{Err: err, Origin: v.config.Origin("keyFile"), Hint: "the key of the config does not open the volume that is there; " + v.config.Key("wipeVolume") + ": true makes it anew, and its contents are lost"}
	}
	if err != nil {
		return err
	}
	v.storeKey(v.key)
	return nil
}

func (v *volume) openArgs() []string {
	args := []string{"luksOpen", v.node, v.config.Name, "--key-file", "-", "--persistent"}
	if config.ValueOr(v.config.Discard, false) {
		args = append(args, "--allow-discards")
	}
	return append(args, v.config.OpenOptions...)
}

// create creates a volume, marked as unfinished until its key is in a safe place.
func (v *volume) create(ctx context.Context, facts plan.VolumeFacts) error {
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
	if config.ValueOr(v.config.Cex.Enabled, false) {
		if err := v.bindCard(ctx); err != nil {
			return err
		}
	}
	if err := v.cryptsetup(ctx, v.openArgs()...); err != nil {
		return err
	}
	if v.config.HasClevis() {
		if err := v.bind(ctx); err != nil {
			return err
		}
	}
	if marksUnfinished(v.config) && !staysMarked(v.config) {
		if err := v.m.clearUnfinished(ctx, v.node); err != nil {
			return err
		}
	}
	d, err := v.m.open(v.node)
	if err != nil {
		return err
	}
	defer d.file.Close()
	return v.m.settle(ctx, d.sysfs)
}

func (v *volume) formatArgs(ctx context.Context) ([]string, error) {
	args := []string{"luksFormat", "--type", "luks2", "--key-file", "-"}
	if marksUnfinished(v.config) {
		args = append(args, "--subsystem", plan.UnfinishedMark)
	}
	if config.NonZero(v.config.Label) {
		args = append(args, "--label", *v.config.Label)
	}
	if config.NonZero(v.config.UUID) {
		args = append(args, "--uuid", *v.config.UUID)
	}
	args = append(append(args, v.config.Options...), v.node)
	if !config.ValueOr(v.config.Cex.Enabled, false) {
		return args, nil
	}
	card, err := v.cardKey(ctx)
	return append(args, card...), err
}

// marksUnfinished reports whether a new volume gets the mark: not where the
// config has a subsystem of its own.
func marksUnfinished(l *config.Luks) bool {
	return !slices.ContainsFunc(l.Options, func(o string) bool { return strings.HasPrefix(o, "--subsystem") })
}

// staysMarked reports whether a volume has the mark until the end of the first
// boot, as the disks stage could not open it in another one.
func staysMarked(l *config.Luks) bool {
	return marksUnfinished(l) && (l.HasClevis() || !config.NonZero(l.KeyFile.Source))
}

// PlanFinish plans to take the marks of unfinished volumes away. From then on
// nothing makes them again without wipeVolume, so it is for when their keys are
// safe and the initramfs is about to be left.
func (m *Machine) PlanFinish(cfg *config.Config) (report.Plan, error) {
	var all report.Plan
	var errs []error
	for i := range cfg.Storage.Luks {
		l := &cfg.Storage.Luks[i]
		if !staysMarked(l) {
			continue
		}
		device := config.ValueOr(l.Device, "")
		found, err := m.deviceFacts(device, device, nil)
		if err != nil {
			errs = append(errs, &report.Error{Doing: fmt.Sprintf("looking at the LUKS volume %q on %s", l.Name, device), Origin: l.Origin("device"), Err: err,
				Hint: "it is marked as unfinished; if the first boot is repeated, it is made again"})
		}
		if h := found.LUKS(); h == nil || h.Subsystem != plan.UnfinishedMark {
			continue
		}
		all = append(all, &report.Operation{Name: fmt.Sprintf("noting on the LUKS volume %q that it is complete", l.Name), Origin: l.Origin(),
			Do: func(ctx context.Context) error { return m.clearUnfinished(ctx, device) }})
	}
	return all, errors.Join(errs...)
}

// clearUnfinished takes the mark away. Cryptsetup sets label and subsystem
// together: what it is not given becomes empty.
func (m *Machine) clearUnfinished(ctx context.Context, device string) error {
	found, err := m.deviceFacts(device, device, nil)
	if err != nil {
		return err
	}
	header := found.LUKS()
	if header == nil {
		return errChanged
	}
	_, err = m.Run.Run(ctx, system.Command{Name: "cryptsetup", Args: []string{"config", device, "--label", header.Label, "--subsystem", ""}})
	return err
}
