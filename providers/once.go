package providers

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// cachePrefix are in /run/ignition; an ID is appended.
const cachePrefix = "provider-"

// CachedPaths names the files that hold what channels have said.
func CachedPaths(env *Env) []string {
	names, _ := filepath.Glob(filepath.Join(env.Root, "/run/ignition", cachePrefix+"*")) // the pattern is right
	return names
}

// DropCache removes what was kept of channels: the machine is provisioned.
func DropCache(env *Env) (err error) {
	for _, name := range CachedPaths(env) {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}

// once reads a channel that forgets what it has said. The bytes are kept, for
// root only, so that they are there again if the stage fails after that.
func readOnce(env *Env, id string, read func() ([]byte, error)) ([]byte, error) {
	name := filepath.Join(env.Root, "/run/ignition", cachePrefix+id)
	kept, err := os.ReadFile(name)
	if err == nil {
		env.Log.Info(fmt.Sprintf("taking what %s has said before, from %s", id, name))
		return kept, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading what the platform has said before: %w", err)
	}
	text, err := read()
	if err != nil || len(text) == 0 {
		return nil, err
	}
	if err := writeCache(name, text); err != nil {
		env.Log.Warn(fmt.Sprintf("the platform says this once only, and it cannot be kept for another attempt: %v", err))
	}
	return text, nil
}

// keep writes a file that is whole or not there.
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
