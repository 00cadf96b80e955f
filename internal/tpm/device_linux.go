package tpm

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// A device is /dev/tpmrm0. An os.File would not do: it does not wait for the answer, and
// takes the lack of one for the end of a file.
type device struct{ fd int }

// Open opens a device of the kernel.
func Open(name string) (*device, error) {
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return &device{fd}, nil
}

func (d *device) Write(p []byte) (int, error) { return again(unix.Write, d.fd, p) }

func (d *device) Read(p []byte) (int, error) {
	n, err := again(unix.Read, d.fd, p)
	if n == 0 && err == nil {
		err = errors.New("the device has no answer")
	}
	return n, err
}

func (d *device) Close() error { return unix.Close(d.fd) }

// again repeats a system call that a signal has interrupted.
func again(call func(fd int, p []byte) (int, error), fd int, p []byte) (int, error) {
	for {
		n, err := call(fd, p)
		if !errors.Is(err, unix.EINTR) {
			return max(n, 0), err
		}
	}
}
