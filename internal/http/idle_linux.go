package http

import "syscall"

// isDead reports whether the server has closed an idle connection, or has sent what
// nobody asked for, which often is a word about why it will.
func (c *conn) isDead() bool {
	socket, ok := c.socket.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return true
	}
	silent := false
	err = raw.Read(func(fd uintptr) bool {
		_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		silent = err == syscall.EAGAIN || err == syscall.EINTR
		return true
	})
	return err != nil || !silent
}
