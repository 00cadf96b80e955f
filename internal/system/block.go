//go:build linux

package system

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// AddPartition adds a partition to those that the kernel knows, in bytes from the disk's beginning.
func AddPartition(disk *os.File, number int, start, length uint64) error {
	return changePartition(disk, unix.BLKPG_ADD_PARTITION, number, start, length)
}

// DeletePartition makes the kernel forget a partition. It is EBUSY while the
// partition is in use, and ENXIO if there is none of that number.
func DeletePartition(disk *os.File, number int) error {
	return changePartition(disk, unix.BLKPG_DEL_PARTITION, number, 0, 0)
}

// ResizePartition changes the length of a partition that the kernel knows, in
// bytes, at the same start.
func ResizePartition(disk *os.File, number int, start, length uint64) error {
	return changePartition(disk, unix.BLKPG_RESIZE_PARTITION, number, start, length)
}

func changePartition(disk *os.File, what int32, number int, start, length uint64) error {
	// See <linux/blkpg.h>: with it one partition changes while others are in use.
	part := unix.BlkpgPartition{Start: int64(start), Length: int64(length), Pno: int32(number)}
	arg := unix.BlkpgIoctlArg{Op: what, Datalen: int32(unsafe.Sizeof(part)), Data: (*byte)(unsafe.Pointer(&part))}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, disk.Fd(), unix.BLKPG, uintptr(unsafe.Pointer(&arg)))
	runtime.KeepAlive(&part)
	if errno != 0 {
		return errno
	}
	return nil
}

// IsBlockDevice distinguishes block devices from files, which stand for disks in tests
// and on workstations.
func IsBlockDevice(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeDevice != 0 && info.Mode()&os.ModeCharDevice == 0
}

// DeviceSize is the size of a block device or of a file, in bytes.
func DeviceSize(f *os.File) (uint64, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, fmt.Errorf("reading the size of %s: %w", f.Name(), err)
	}
	return uint64(size), nil
}

// SectorSize is the size of a disk's logical sectors in bytes. Files have 512.
func SectorSize(f *os.File) (int, error) {
	if !IsBlockDevice(f) {
		return 512, nil
	}
	size, err := unix.IoctlGetInt(int(f.Fd()), unix.BLKSSZGET)
	if err != nil {
		return 0, fmt.Errorf("reading the sector size of %s: %w", f.Name(), err)
	}
	if size < 512 || size%512 != 0 {
		return 0, fmt.Errorf("%s has sectors of %d bytes, which is not a multiple of 512", f.Name(), size)
	}
	return size, nil
}

// Refresh makes the next reads of a disk see what was written through its
// partitions: they have caches of their own. Files have one cache for all.
func Refresh(f *os.File) error {
	if !IsBlockDevice(f) {
		return nil
	}
	if err := unix.IoctlSetInt(int(f.Fd()), unix.BLKFLSBUF, 0); err != nil {
		return fmt.Errorf("emptying the cache of %s: %w", f.Name(), err)
	}
	return nil
}

// CloseExclusive closes a device that was opened exclusively (O_EXCL), and returns when it
// is free: a program that is just being started has all files of this process, until exec
// has closed them. The kernel lets us go on a moment before.
func CloseExclusive(f *os.File) error {
	starting.Lock()
	defer starting.Unlock()
	if err := f.Close(); err != nil {
		return err
	}
	const pause, most = time.Millisecond, 1000
	for range most {
		again, err := os.OpenFile(f.Name(), os.O_RDONLY|os.O_EXCL, 0)
		if err == nil {
			return again.Close()
		}
		if !errors.Is(err, unix.EBUSY) {
			break
		}
		time.Sleep(pause)
	}
	return nil // whoever opens it next says why that cannot be
}

// Zero overwrites a range of a device with zeroes. The range, in bytes, must
// lie on the device.
func Zero(f *os.File, offset, length int64) error {
	const chunk = 1 << 20
	zeroes := make([]byte, min(length, chunk))
	for length > 0 {
		n, err := f.WriteAt(zeroes[:min(length, chunk)], offset)
		if err != nil {
			return fmt.Errorf("writing zeroes to %s at byte %d: %w", f.Name(), offset, err)
		}
		offset, length = offset+int64(n), length-int64(n)
	}
	return nil
}

// Lock takes the lock that systemd-udevd respects (see "Locking Block Device
// Access", systemd.io): held exclusively, udev does not look at the disk nor at
// its partitions; held shared, udev does but does not make the kernel read the
// partition table again, for which all partitions would vanish for a moment.
// It returns EWOULDBLOCK while another program has the lock.
func Lock(f *os.File, exclusive bool) error {
	how := unix.LOCK_SH
	if exclusive {
		how = unix.LOCK_EX
	}
	return unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
}
