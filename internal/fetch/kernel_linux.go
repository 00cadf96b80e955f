package fetch

import "golang.org/x/sys/unix"

// wantRefusals has a socket get the refusals of the other side's kernel.
func wantRefusals(fd uintptr) {
	_ = unix.SetsockoptInt(int(fd), unix.SOL_IP, unix.IP_RECVERR, 1)
	_ = unix.SetsockoptInt(int(fd), unix.SOL_IPV6, unix.IPV6_RECVERR, 1)
}

// openFiles returns how many files this process may have open.
func openFiles() (uint64, error) {
	var limit unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	return limit.Cur, err
}
