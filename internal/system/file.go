package system

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteFile replaces a file as a whole: after a power cut there are the old
// contents or the new ones. They are written under a temporary name in the same
// directory and synced before they get their own. Missing directories are
// created with mode 0755.
func WriteFile(name string, contents []byte, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-")
	if err != nil {
		return err
	}
	_, err = f.Write(contents)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return syncDirectory(filepath.Dir(name))
}

// syncDirectory makes the names in a directory survive a power cut.
func syncDirectory(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Exists reports whether there is something of a name. What cannot be looked at
// does not exist.
func Exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
