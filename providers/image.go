package providers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// ImageDirs returns the directories with the configs of an image, the one of
// highest priority first. The environment can replace each.
func ImageDirs() []string {
	dirs := []string{}
	for _, d := range [][2]string{
		{"IGNITION_SYSTEM_RUNTIME_CONFIG_DIR", "/run/ignition"},
		{"IGNITION_SYSTEM_LOCAL_CONFIG_DIR", "/etc/ignition"},
		{"IGNITION_SYSTEM_CONFIG_DIR", "/usr/lib/ignition"},
	} {
		dir := os.Getenv(d[0])
		if dir == "" {
			dir = d[1]
		}
		dirs = append(dirs, dir)
	}
	return dirs
}

// readConfig reads a file that is a config.
func readConfig(name string) ([]byte, error) {
	limit := config.CurrentLimit()
	text, err := system.ReadFile(name, int64(limit.Bytes))
	if errors.Is(err, system.ErrTooLarge) {
		err = fmt.Errorf("%s is larger than %v", name, limit)
	}
	return text, err
}

// fetchImage reads user.ign from the first directory that has one.
func fetchImage(_ context.Context, env *Env) (*UserData, error) {
	for _, dir := range env.Dirs {
		name := filepath.Join(dir, "user.ign")
		text, err := readConfig(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, err
		case len(text) == 0:
			return nil, &report.Error{Err: fmt.Errorf("%s is empty", name),
				Hint: "put a config into it, or remove it for a config from the platform"}
		}
		return &UserData{Text: text, Name: fmt.Sprintf("user config (%s)", name), Source: "system", Signature: signatureFile(name)}, nil
	}
	return nil, nil
}

// BaseConfigs reads the fragments of an image that are for all its machines:
// those of base.d, then those of base.platform.d for the platform. Of equal
// names the directory of highest priority counts. They are in the order in which
// they are merged, later ones win.
func BaseConfigs(env *Env) ([]UserData, error) {
	var all []UserData
	for _, sub := range []string{"base.d", filepath.Join("base.platform.d", env.Platform.ID)} {
		configs, err := fragments(env, sub)
		if err != nil {
			return nil, err
		}
		all = append(all, configs...)
	}
	return all, nil
}

func fragments(env *Env, sub string) ([]UserData, error) {
	paths := map[string]string{}
	for _, dir := range slices.Backward(env.Dirs) {
		entries, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("looking for base configs: %w", err)
		}
		for _, e := range entries {
			paths[e.Name()] = filepath.Join(dir, sub, e.Name())
		}
	}
	var configs []UserData
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		text, err := readConfig(paths[name])
		if err != nil {
			return nil, fmt.Errorf("reading a base config: %w", err)
		}
		configs = append(configs, UserData{Text: text, Name: fmt.Sprintf("base config (%s)", paths[name]), Source: "system"})
	}
	return configs, nil
}
