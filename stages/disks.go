package stages

import (
	"context"
	"errors"
	"runtime"
	"slices"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/dataurl"
	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/storage"
)

// machine returns the machine that storage works on.
func (p *process) machine() *storage.Machine {
	m := &storage.Machine{Run: p.run, Log: p.log, Root: p.Root, ReusedLabels: p.settings.Words(distribution.ReusedLabels),
		Keys: p.state.LuksPersistKeyFiles, VolumeKeys: p.state.LuksPersistVolumeKeyFiles,
		Fetch: func(ctx context.Context, r config.Resource) ([]byte, error) {
			return p.fetch.Bytes(ctx, r, config.Limit{Bytes: maxKey})
		}}
	if r := p.state.Reset; r != nil {
		m.Kept, m.KeptFor = r.KeptRoot()
	}
	return m
}

// keepRules leaves the rules for udev of later boots to the files stage.
func (p *process) keepRules(rules string) error {
	if rules == "" {
		return nil
	}
	f := outputFile{Path: storage.RulesFile, Mode: 0o644}
	f.Contents.Source = dataurl.Encode(textType, []byte(rules))
	kept := []outputFile{f}
	for _, other := range p.state.ProviderOutputFiles {
		if other.Path != f.Path { // of an earlier run
			kept = append(kept, other)
		}
	}
	p.state.ProviderOutputFiles = kept
	return p.state.save(p.StateFile)
}

// maxKey bounds the key of a LUKS volume and a Tang server's answer, in bytes.
// Cryptsetup reads keys of up to 8 MiB.
const maxKey = 8 << 20

// disks creates partitions, arrays, LUKS volumes and filesystems.
func disks(ctx context.Context, p *process) error {
	if p.state.FilesWritten { // by an earlier run, before the emergency shell
		p.state.FilesWritten = false
		if err := p.state.save(p.StateFile); err != nil {
			return err
		}
	}
	m := p.machine()
	plan, err := m.PlanDisks(ctx, p.cfg)
	if err != nil {
		return err
	}
	if len(plan) > 0 {
		if err := missingPrograms(slices.Concat(plan, accountsLater(p.cfg))); err != nil {
			return err
		}
	}
	p.runner.Workers = 2 * runtime.NumCPU()
	err = errors.Join(p.keepRules(m.UdevRules()), p.runPlan(ctx, plan))
	if len(p.cfg.Storage.Luks) == 0 {
		return err
	}
	// Nobody else has the key of a volume that was created, also if something
	// failed later on.
	p.state.LuksPersistKeyFiles, p.state.LuksPersistVolumeKeyFiles = m.Keys, m.VolumeKeys
	return errors.Join(err, p.state.save(p.StateFile))
}
