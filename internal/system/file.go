//go:build linux

package system

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Limits for ReadFile, in bytes, where what is read has none of its own.
const (
	// KernelText is for files of /proc, /sys and udev, the longest of which has a line
	// for each mount.
	KernelText = 16 << 20
	// SettingsText is for settings that people have written, and for keys.
	SettingsText = 1 << 20
)

// ErrTooLarge is wrapped by what ReadFile returns for a file above its limit.
var ErrTooLarge = errors.New("too large")

// ReadFile reads a regular file of at most limit bytes. Unlike that of package os it
// never waits: named pipes and devices are errors, but /dev/null is an empty file,
// as it is where links to it switch files off. Errors name the file.
func ReadFile(name string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fail := func(format string, args ...any) ([]byte, error) {
		return nil, fmt.Errorf("reading %s: %w", name, fmt.Errorf(format, args...))
	}
	var stat unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &stat); err != nil {
		return fail("%w", err)
	}
	switch kind := stat.Mode & unix.S_IFMT; {
	case kind == unix.S_IFCHR && stat.Rdev == unix.Mkdev(1, 3):
		return nil, nil
	case kind != unix.S_IFREG:
		return fail("this is no regular file")
	case stat.Size > limit:
		return fail("%w: it has %d bytes, at most %d are possible", ErrTooLarge, stat.Size, limit)
	}
	// Files of /proc and /sys have more bytes than they say.
	text := bytes.NewBuffer(make([]byte, 0, stat.Size+bytes.MinRead))
	if _, err := text.ReadFrom(io.LimitReader(f, limit+1)); err != nil {
		return nil, err
	}
	if int64(text.Len()) > limit {
		return fail("%w: it has more than %d bytes", ErrTooLarge, limit)
	}
	return text.Bytes(), nil
}

// WriteFile replaces a file as a whole: after a power cut there are the old
// contents or the new ones. They are written under a temporary name in the same
// directory and synced before they get their own. Missing directories are
// created with mode 0755.
func WriteFile(name string, contents []byte, mode fs.FileMode) error {
	return WriteFileBy(name, mode, func(f *os.File) error {
		_, err := f.Write(contents)
		return err
	})
}

// WriteFileBy is WriteFile with a function that writes the contents.
func WriteFileBy(name string, mode fs.FileMode, write func(*os.File) error) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-")
	if err != nil {
		return err
	}
	err = write(f)
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
