package stages

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files"
	"github.com/firstlight-os/firstlight/files/ledger"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/providers"
	"github.com/firstlight-os/firstlight/storage"
)

// fetchOffline has the config by now. It looks whether what the config refers
// to needs the network, so that it is up when later stages ask.
func fetchOffline(_ context.Context, p *process) error {
	needs := p.cfg.NeedsNetwork()
	if len(needs) == 0 {
		return nil
	}
	return p.askForNetwork(needs[0].String())
}

// fetchOnline has nothing to do but what every fetching stage does.
func fetchOnline(context.Context, *process) error { return nil }

// kargs leaves the kernel command line to the distribution's helper, which
// reboots if something had to change.
func kargs(ctx context.Context, p *process) error {
	var args []string
	for _, a := range p.cfg.KernelArguments.ShouldExist {
		args = append(args, "--should-exist", a)
	}
	for _, a := range p.cfg.KernelArguments.ShouldNotExist {
		args = append(args, "--should-not-exist", a)
	}
	if len(args) == 0 {
		return nil
	}
	return p.execute(ctx, report.Plan{{
		Name:   "setting kernel arguments",
		Origin: p.cfg.KernelArguments.Origin(),
		Do: func(ctx context.Context) error {
			_, err := p.run.Run(ctx, system.Command{Name: "ignition-kargs-helper", Args: args})
			return err
		},
	}})
}

func (p *process) machine() *storage.Machine {
	return &storage.Machine{Run: p.run, Log: p.log, Root: p.Root,
		Keys: p.state.LuksPersistKeyFiles, VolumeKeys: p.state.LuksPersistVolumeKeyFiles,
		Fetch: func(ctx context.Context, r config.Resource) ([]byte, error) { return p.fetch.Bytes(ctx, r, maxKey) }}
}

// maxKey bounds the key of a LUKS volume and a Tang server's answer, in bytes.
// Cryptsetup reads keys of up to 8 MiB.
const maxKey = 8 << 20

func disks(ctx context.Context, p *process) error {
	volumes := len(p.cfg.Storage.Luks) > 0
	if volumes && p.state.LuksPersistKeyFiles == nil {
		p.state.LuksPersistKeyFiles = map[string]string{} // see provisioned
		if err := p.state.save(p.StateFile); err != nil {
			return err
		}
	}
	m := p.machine()
	plan, err := m.PlanDisks(ctx, p.cfg)
	if err != nil {
		return err
	}
	p.runner.Workers = 2 * runtime.NumCPU()
	if err = p.execute(ctx, plan); !volumes {
		return err
	}
	// Of a volume that was made nobody else has the key, also if something
	// failed later on.
	p.state.LuksPersistKeyFiles, p.state.LuksPersistVolumeKeyFiles = m.Keys, m.VolumeKeys
	return errors.Join(err, p.state.save(p.StateFile))
}

func mount(ctx context.Context, p *process) error {
	m := p.machine()
	if len(p.cfg.Storage.Filesystems) > 0 {
		// Mount points survive a power cut before the files stage has given those
		// in homes to their users.
		m.RecordDirectory = func(point string) error { return ledger.RecordDirectory(p.Root, p.state.ConfigDigest, point) }
		var err error
		if m.RecordedDirectories, err = ledger.RecordedDirectories(p.Root, p.state.ConfigDigest); err != nil {
			return err
		}
	}
	plan, err := m.PlanMount(ctx, p.cfg)
	if err != nil {
		return err
	}
	err = p.execute(ctx, plan)
	p.state.NotatedDirectories = append(p.state.NotatedDirectories, m.RecordedDirectories...)
	if err == nil {
		return nil
	}
	// Nothing stays behind: systemd does not stop what has failed to start.
	undo, lost := m.PlanUmount(ctx, p.cfg)
	if lost == nil {
		lost = p.execute(ctx, undo)
	}
	return errors.Join(err, lost)
}

func umount(ctx context.Context, p *process) error {
	m := p.machine()
	plan, err := m.PlanUmount(ctx, p.cfg)
	if err != nil {
		return err
	}
	if p.provisioned(ctx) {
		finish, err := m.PlanFinish(p.cfg)
		if err != nil {
			return err
		}
		plan = append(plan, finish...)
	}
	if err := p.execute(ctx, plan); err != nil {
		return err
	}
	// The stages may run again from the emergency shell, or when it is left.
	if len(providers.CachedPaths(p.env)) == 0 || !p.state.FilesWritten || p.inEmergency(ctx) {
		return nil
	}
	return providers.DropCache(p.env)
}

// provisioned tells that all is done and the machine goes on to its own system. Then
// the first boot will not be repeated, and LUKS volumes are not to be made again.
// After the files stage units of the distribution may still have failed; then
// systemd unmounts on its way to the emergency shell.
func (p *process) provisioned(ctx context.Context) bool {
	// The files stage takes the keys away as its last thing.
	if len(p.cfg.Storage.Luks) == 0 || p.state.LuksPersistKeyFiles != nil {
		return false
	}
	return !p.inEmergency(ctx)
}

// inEmergency asks systemd. Without it a failure ends the boot at once.
func (p *process) inEmergency(ctx context.Context) bool {
	active, err := system.UnitsActive(ctx, p.run, emergencyUnits...)
	if err != nil {
		p.log.Debug("asking systemd whether there is an emergency: " + err.Error())
	}
	return active
}

// emergencyUnits are those of systemd's emergency shell, and dracut's.
var emergencyUnits = []string{"emergency.target", "emergency.service", "dracut-emergency.service"}

func writeFiles(ctx context.Context, p *process) error {
	fragments, err := keyFragments()
	if err != nil {
		return err
	}
	boot, err := system.BootID()
	if err != nil {
		return err
	}
	outputs, err := p.outputs(ctx)
	if err != nil {
		return err
	}
	tree := &files.Tree{
		Root: p.Root, Run: p.run, Log: p.log, Fetch: p.fetch, Config: p.state.ConfigDigest, Outputs: outputs,
		RecordedDirectories: p.state.NotatedDirectories, KeyFragments: fragments, Relabel: true,
		Keys: p.state.LuksPersistKeyFiles, VolumeKeys: p.state.LuksPersistVolumeKeyFiles,
		Result: files.Result{BootID: boot, Date: time.Now(), UserConfigProvided: p.state.userConfigProvided()},
	}
	defer tree.Close()
	plan, err := tree.Plan(ctx, p.cfg)
	if err != nil {
		return err
	}
	if err := p.execute(ctx, plan); err != nil {
		return err
	}
	// They are on the root now.
	p.state.LuksPersistKeyFiles, p.state.LuksPersistVolumeKeyFiles = nil, nil
	p.state.FilesWritten = true
	return nil
}

// outputs are the files that a fetch stage has left for the platform.
func (p *process) outputs(ctx context.Context) ([]files.Output, error) {
	var all []files.Output
	for _, f := range p.state.ProviderOutputFiles {
		text, err := p.fetch.Bytes(ctx, config.Resource{Source: &f.Contents.Source}, maxConfig)
		if err != nil {
			return nil, fmt.Errorf("reading what the platform wants at %s: %w", f.Path, err)
		}
		all = append(all, files.Output{Path: f.Path, Text: text, Mode: f.Mode})
	}
	return all, nil
}

// keyFragmentsVariable chooses between authorized_keys.d/ignition and authorized_keys.
const keyFragmentsVariable = "IGNITION_WRITE_AUTHORIZED_KEYS_FRAGMENT"

func keyFragments() (bool, error) {
	text := os.Getenv(keyFragmentsVariable)
	if text == "" {
		return true, nil
	}
	fragments, err := strconv.ParseBool(text)
	if err != nil {
		return false, fmt.Errorf("the environment variable %s is %q, it should be true or false", keyFragmentsVariable, text)
	}
	return fragments, nil
}
