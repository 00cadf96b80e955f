package providers

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/firstlight-os/firstlight/internal/system"
)

// cachePrefix is of the files of the read-once cache; a platform ID follows.
const cachePrefix = "/run/ignition/provider-"

// CachedPaths returns the files of the read-once cache.
func CachedPaths(env *Env) []string {
	names, _ := filepath.Glob(filepath.Join(env.Root, cachePrefix+"*")) // the pattern is well-formed
	return names
}

// DropCache removes the read-once cache: the machine is provisioned.
func DropCache(env *Env) (err error) {
	for _, name := range CachedPaths(env) {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}

// readOnce reads what the platform hands over only once. The bytes are cached,
// for root only, so that they exist if the stage fails after that and runs again.
func readOnce(env *Env, id string, read func() ([]byte, error)) ([]byte, error) {
	name := filepath.Join(env.Root, cachePrefix+id)
	cached, err := readConfig(name)
	if err == nil {
		env.Log.Info(fmt.Sprintf("reading the cached data of %s from %s", id, name))
		return cached, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the cached data of the platform: %w", err)
	}
	text, err := read()
	if err != nil || len(text) == 0 {
		return nil, err
	}
	if err := system.WriteFile(name, text, 0o600); err != nil {
		env.Log.Warn(fmt.Sprintf("caching what the platform hands over only once: %v", err))
	}
	return text, nil
}
