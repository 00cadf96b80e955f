package stages

import (
	"context"
	"errors"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files"
	"github.com/firstlight-os/firstlight/internal/dataurl"
	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/storage"
)

// A StagePlan is what a stage would do.
type StagePlan struct {
	Stage string
	Plan  report.Plan
}

// PlanRoot plans the mount stage and the files stage for a root, which is the one of
// the machine, and changes nothing there. The settings are those of the distribution in
// the root. If the error is a conflict of one stage, there is the plan of the other.
func PlanRoot(ctx context.Context, m *storage.Machine, cfg *config.Config) ([]StagePlan, error) {
	settings, err := settingsOf(m.Root)
	if err != nil {
		return nil, err
	}
	tree, err := treeOf(m.Root, settings)
	if err != nil {
		return nil, err
	}
	defer tree.Close()
	movePaths(cfg, settings.Words(distribution.MovedDirectories))
	mounts, mountErr := m.PlanMount(ctx, cfg)
	tree.Run, tree.Log, tree.Config, tree.Result = m.Run, m.Log, "plan", files.Result{Date: time.Now()}
	client := fetch.New(m.Log, 0) // for archives that stand in the config
	client.Offline = true
	tree.Fetch = client
	tree.Keys, tree.VolumeKeys = futureKeys(cfg)
	if rules := m.UdevRules(); rules != "" {
		tree.Outputs = []files.Output{{Path: storage.RulesFile, Text: []byte(rules), Mode: 0o644}}
	}
	entries, filesErr := tree.Plan(ctx, cfg)
	return []StagePlan{{mountStage, mounts}, {filesStage, entries}}, errors.Join(mountErr, filesErr)
}

// futureKeys stand for the keys of LUKS volumes that the disks stage will make.
func futureKeys(cfg *config.Config) (keys, volumeKeys map[string]string) {
	keys, volumeKeys = map[string]string{}, map[string]string{}
	empty := dataurl.Encode(textType, nil)
	for _, l := range cfg.Storage.Luks {
		keys[l.Name] = empty
		for _, suffix := range []string{".info", ".skey"} {
			volumeKeys["ignition-luks-"+l.Name+suffix] = empty
		}
	}
	return keys, volumeKeys
}
