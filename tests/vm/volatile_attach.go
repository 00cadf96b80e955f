package vm

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Requests of the kernel's network block device: include/uapi/linux/nbd.h.
const (
	nbdSetSocket    = 0xab00
	nbdSetBlockSize = 0xab01
	nbdDo           = 0xab03
	nbdClearSocket  = 0xab04
	nbdSetBlocks    = 0xab07
	nbdDisconnectIt = 0xab08
	nbdSetFlags     = 0xab0a
)

// Attach makes the disk a block device of the kernel that runs this program, such as
// /dev/nbd0, until detach is called.
func (d *VolatileDisk) Attach(device string) (detach func() error, err error) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	ours, theirs := os.NewFile(uintptr(ends[0]), "disk"), os.NewFile(uintptr(ends[1]), "kernel")
	node, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	fd := int(node.Fd())
	for _, set := range []struct {
		request uint
		value   int
	}{
		{nbdClearSocket, 0}, {nbdSetBlockSize, sectorSize}, {nbdSetBlocks, int(d.size / sectorSize)}, {nbdSetFlags, nbdExportFlags}, {nbdSetSocket, int(theirs.Fd())},
	} {
		if err := unix.IoctlSetInt(fd, set.request, set.value); err != nil {
			return nil, fmt.Errorf("attaching %s (request %#x): %w", device, set.request, err)
		}
	}
	go func() {
		defer ours.Close() // has the kernel end
		r, w := bufio.NewReader(ours), bufio.NewWriter(ours)
		for err := error(nil); err == nil; err = w.Flush() {
			if err = d.answer(r, w); err != nil {
				return // it was detached
			}
		}
	}()
	done := make(chan error, 1)
	go func() { done <- unix.IoctlSetInt(fd, nbdDo, 0) }()
	if err := waitForSize(device); err != nil {
		return nil, err
	}
	return func() error {
		err := unix.IoctlSetInt(fd, nbdDisconnectIt, 0)
		<-done
		_ = unix.IoctlSetInt(fd, nbdClearSocket, 0)
		theirs.Close()
		node.Close()
		return err
	}, nil
}

// waitForSize waits until a device that is being attached can be read: its process is the
// one that the kernel names.
func waitForSize(device string) error {
	name := filepath.Join("/sys/class/block", filepath.Base(device), "pid")
	for {
		if text, err := os.ReadFile(name); err == nil && strings.TrimSpace(string(text)) != "" {
			return nil
		} else if err != nil && !os.IsNotExist(err) {
			return err
		}
		unix.Nanosleep(&unix.Timespec{Nsec: 1e6}, nil)
	}
}
