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
	"github.com/firstlight-os/firstlight/internal/system"
)

// writeFiles creates users, files and units.
func writeFiles(ctx context.Context, p *process) error {
	fragments, err := keyFragments()
	if err != nil {
		return err
	}
	boot, err := system.BootID()
	if err != nil {
		return err
	}
	outputs, err := p.outputs()
	if err != nil {
		return err
	}
	tree := &files.Tree{
		Root: p.Root, Run: p.run, Log: p.log, Fetch: p.fetch, Config: p.state.ConfigDigest, Outputs: outputs,
		RecordedDirectories: p.state.RecordedDirectories, KeyFragments: fragments, Relabel: true,
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
	// The keys are on the root now.
	p.state.LuksPersistKeyFiles, p.state.LuksPersistVolumeKeyFiles = nil, nil
	p.state.FilesWritten = true
	return nil
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
