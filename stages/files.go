package stages

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/firstlight-os/firstlight/files"
	"github.com/firstlight-os/firstlight/internal/dataurl"
	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/system"
)

// writeFiles creates users, files and units.
func writeFiles(ctx context.Context, p *process) error {
	tree, err := treeOf(p.Root, p.settings)
	if err != nil {
		return err
	}
	defer tree.Close()
	boot, err := system.BootID()
	if err != nil {
		return err
	}
	outputs, err := p.outputs()
	if err != nil {
		return err
	}
	tree.Run, tree.Log, tree.Fetch = p.run, p.log, p.fetch
	tree.Config, tree.Outputs, tree.RecordedDirectories = p.state.ConfigDigest, outputs, p.state.RecordedDirectories
	tree.Keys, tree.VolumeKeys = p.state.LuksPersistKeyFiles, p.state.LuksPersistVolumeKeyFiles
	tree.Result = files.Result{BootID: boot, Date: time.Now(), UserConfigProvided: p.state.userConfigProvided()}
	plan, err := tree.Plan(ctx, p.cfg)
	if err != nil {
		return err
	}
	if err := p.execute(ctx, plan); err != nil {
		return err
	}
	// The keys are on the root now.
	p.state.LuksPersistKeyFiles, p.state.LuksPersistVolumeKeyFiles = nil, nil
	p.state.FilesWritten = true
	return p.leaveUnfinished()
}

// treeOf is the tree below a root, as a distribution wants it.
func treeOf(root string, settings distribution.Settings) (*files.Tree, error) {
	fragments, err := keyFragments(settings)
	return &files.Tree{
		Root: root, KeyFragments: fragments, Relabel: settings.Is(distribution.SELinuxRelabel, "yes"),
		KeyDir: settings.Value(distribution.LuksKeyDirectory), ResultFile: settings.Value(distribution.ResultFile),
	}, err
}

// outputs are the files that a fetch stage has left for the platform.
func (p *process) outputs() ([]files.Output, error) {
	var all []files.Output
	for _, f := range p.state.ProviderOutputFiles {
		var text []byte
		contents, err := dataurl.NewReader(f.Contents.Source)
		if err == nil {
			text, err = io.ReadAll(contents)
		}
		if err != nil {
			return nil, fmt.Errorf("reading what the platform wants at %s: %w", f.Path, err)
		}
		all = append(all, files.Output{Path: f.Path, Text: text, Mode: f.Mode})
	}
	return all, nil
}

// keyFragmentsVariable chooses between authorized_keys.d/ignition and authorized_keys,
// and precedes what the distribution has set.
const keyFragmentsVariable = "IGNITION_WRITE_AUTHORIZED_KEYS_FRAGMENT"

func keyFragments(settings distribution.Settings) (bool, error) {
	text := os.Getenv(keyFragmentsVariable)
	if text == "" {
		return settings.Is(distribution.SSHKeys, "fragment"), nil
	}
	fragments, err := strconv.ParseBool(text)
	if err != nil {
		return false, fmt.Errorf("the environment variable %s is %q, it should be true or false", keyFragmentsVariable, text)
	}
	return fragments, nil
}
