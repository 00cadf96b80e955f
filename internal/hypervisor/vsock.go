package hypervisor

import (
	"os"

	"golang.org/x/sys/unix"
)

// DialVsock connects to a port of another context of this hypervisor, such as
// unix.VMADDR_CID_HOST. The kernel limits the time for that, to 2 s; deadlines
// hold for what follows. Package net does not know this family of addresses.
func DialVsock(context, port uint32) (*os.File, error) {
	fd, err := unix.Socket(unix.AF_VSOCK, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := unix.Connect(fd, &unix.SockaddrVM{CID: context, Port: port}); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("connect", err)
	}
	// From here on Go's poller waits.
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fd), "vsock"), nil
}
