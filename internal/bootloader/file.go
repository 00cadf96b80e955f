package bootloader

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/system"
)

// Credentials is where systemd-stub puts what is in loader/credentials of the EFI system
// partition, in the initramfs that it starts (systemd-stub(7)).
const Credentials = "/.extra/global_credentials"

// bootDirectory is where the boot loader's files are on the root filesystem, if they have
// none of their own.
const bootDirectory = "/boot"

// Wanted is a file that has to be on one of the filesystems that the boot loader reads.
type Wanted struct {
	What  string // for messages: "the request of the reset"
	Path  string
	Limit int64 // of its size, in bytes
	// Accept says what is wrong with a file of this path, nil if it is the one.
	Accept func(text []byte) error
	// Warn and Waited are those of a system.Wait.
	Warn   func(text string, fields ...string)
	Waited func(what string, since time.Time)
}

// FindFile waits until one of the filesystems has a file, which it mounts to look, without
// writing to them. It returns where the file is, for messages. Nothing is waited for if all
// filesystems are there that can come.
func (m Machine) FindFile(ctx context.Context, w Wanted) (where string, err error) {
	dir, err := mountPoint()
	if err != nil {
		return "", err
	}
	defer os.Remove(dir)
	wait := system.Wait{What: w.What, Limit: waitLimit, Wake: system.DeviceEvents("block"), Warn: w.Warn, Waited: w.Waited}
	err = wait.Until(ctx, func() (state string, done bool, err error) {
		all := m.Filesystems()
		where, state = w.lookOn(all, dir, m.RootFlags)
		if where == "" && m.allThere(all) {
			err = fmt.Errorf("%s is not there: %s", w.What, state)
		}
		return state, where != "", err
	})
	return where, err
}

// lookOn returns where the file is, or else what is with each filesystem.
func (w Wanted) lookOn(all []Filesystem, dir, rootFlags string) (where, state string) {
	var seen []string
	for _, f := range all {
		flags := ""
		if f.What == rootFilesystem {
			flags = rootFlags
		}
		at := ""
		look := func(fs *rootfs.Root) (err error) { at, err = w.lookIn(fs); return err }
		err := mounted(f, dir, []string{"ro", flags}, look)
		if errors.Is(err, unix.EBUSY) { // it is mounted elsewhere, to be written to
			err = mounted(f, dir, []string{"rw", flags}, look)
		}
		switch {
		case err == nil && at != "":
			return at + " on " + f.String(), ""
		case err == nil:
			seen = append(seen, fmt.Sprintf("%s has no %s", f, w.Path))
		default:
			seen = append(seen, fmt.Sprintf("%s: %v", f, err))
		}
	}
	if len(seen) == 0 {
		return "", noFilesystem
	}
	return "", strings.Join(seen, ", ")
}

// lookIn returns where the file is on a filesystem, "" if it is not there.
func (w Wanted) lookIn(fs *rootfs.Root) (at string, err error) {
	for _, name := range []string{w.Path, bootDirectory + w.Path} {
		stat, err := fs.Lstat(name)
		if stat == nil && err == nil {
			continue
		}
		if err == nil && stat.Size > w.Limit {
			err = fmt.Errorf("%s has %d bytes, at most %d are possible", name, stat.Size, w.Limit)
		}
		var text []byte
		if err == nil {
			text, err = fs.ReadFile(name)
		}
		if err == nil {
			err = w.Accept(text)
		}
		return name, err
	}
	return "", nil
}
