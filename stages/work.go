package stages

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files"
	"github.com/firstlight-os/firstlight/report"
	"github.com/firstlight-os/firstlight/storage"
	"github.com/firstlight-os/firstlight/system"
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
	m := p.machine()
	plan, err := m.PlanDisks(ctx, p.cfg)
	if err != nil {
		return err
	}
	p.runner.Workers = 2 * runtime.NumCPU()
	if err = p.execute(ctx, plan); len(m.Keys) == 0 && len(m.VolumeKeys) == 0 && len(p.state.LuksPersistKeyFiles) == 0 {
		return err
	}
	// Of a volume that was made nobody else has the key, also if something
	// failed later on.
	p.state.LuksPersistKeyFiles, p.state.LuksPersistVolumeKeyFiles = m.Keys, m.VolumeKeys
	return errors.Join(err, p.state.save(p.StateFile))
}

func mount(ctx context.Context, p *process) error {
	m := p.machine()
	plan, err := m.PlanMount(ctx, p.cfg)
	if err != nil {
		return err
	}
	err = p.execute(ctx, plan)
	p.state.NotatedDirectories = append(p.state.NotatedDirectories, m.Notated...)
	return err
}

func umount(ctx context.Context, p *process) error {
	plan, err := p.machine().PlanUmount(ctx, p.cfg)
	if err != nil {
		return err
	}
	return p.execute(ctx, plan)
}

func writeFiles(ctx context.Context, p *process) error {
	fragments, err := keyFragments()
	if err != nil {
		return err
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return fmt.Errorf("reading the boot id: %w", err)
	}
	tree := &files.Tree{
		Root: p.Root, Run: p.run, Log: p.log, Fetch: p.fetch,
		Notated: p.state.NotatedDirectories, KeyFragments: fragments, Relabel: true,
		Keys: p.state.LuksPersistKeyFiles, VolumeKeys: p.state.LuksPersistVolumeKeyFiles,
		Result: files.Result{BootID: strings.TrimSpace(string(boot)), Date: time.Now(), UserConfigProvided: p.state.userConfigProvided()},
	}
	plan, err := tree.Plan(ctx, p.cfg)
	if err != nil {
		return err
	}
	if err := p.execute(ctx, plan); err != nil {
		return err
	}
	// They are on the root now.
	p.state.LuksPersistKeyFiles, p.state.LuksPersistVolumeKeyFiles = nil, nil
	return nil
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
