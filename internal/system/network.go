package system

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// changesSettle is how long the kernel may take to report related changes:
// an address comes with its routes.
const changesSettle = 20 * time.Millisecond

// AwaitNetworkChange sleeps until a link, an address or a route of this machine
// has changed, but no longer than d. It fails only if ctx is over.
func AwaitNetworkChange(ctx context.Context, d time.Duration) error {
	limited, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	if changes, err := networkChanges(); err == nil { // else it is an ordinary sleep
		defer changes.Close()
		defer context.AfterFunc(limited, func() { changes.Close() })()
		if _, err := changes.Read(make([]byte, 8<<10)); err == nil {
			d = changesSettle
		}
	}
	select {
	case <-limited.Done():
	case <-time.After(d):
	}
	return ctx.Err()
}

// networkChanges is a socket that gets the kernel's changes (rtnetlink(7)).
func networkChanges() (*os.File, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	const groups = unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV4_ROUTE | unix.RTMGRP_IPV6_IFADDR | unix.RTMGRP_IPV6_ROUTE
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "rtnetlink"), nil
}
