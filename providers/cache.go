package providers

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
	cached, err := os.ReadFile(name)
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
	if err := writeCache(name, text); err != nil {
		env.Log.Warn(fmt.Sprintf("caching what the platform hands over only once: %v", err))
	}
	return text, nil
}

// writeCache writes a file that is complete or does not exist.
func writeCache(name string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
