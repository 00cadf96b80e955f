package sandbox

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// DenyVariable, if it is in the environment, is the error of openat2(2): ENOSYS or EPERM.
const DenyVariable = "FIRSTLIGHT_TEST_OPENAT2"

// DenyAsAsked denies openat2(2) if the environment asks for that.
func DenyAsAsked() error {
	switch name := os.Getenv(DenyVariable); name {
	case "":
		return nil
	case "ENOSYS":
		return denyOpenat2(unix.ENOSYS)
	case "EPERM":
		return denyOpenat2(unix.EPERM)
	default:
		return fmt.Errorf("%s=%s: it should be ENOSYS or EPERM", DenyVariable, name)
	}
}

// denyOpenat2 has every openat2(2) of this program, and of all that it becomes or starts
// from then on, fail: with ENOSYS as on Linux before 5.6, or with EPERM as in containers.
func denyOpenat2(errno unix.Errno) error {
	if err := deny(unix.SYS_OPENAT2, errno, unix.SECCOMP_FILTER_FLAG_TSYNC); err != nil {
		return err
	}
	if _, err := unix.Openat2(unix.AT_FDCWD, ".", &unix.OpenHow{Flags: unix.O_PATH}); err != errno {
		return fmt.Errorf("openat2 should be denied with %v, and says %v", errno, err)
	}
	return nil
}

// Deny has a system call, whose number is the same on all architectures, fail in this thread
// and in the programs that it starts. The thread stays the goroutine's.
func Deny(call uint32, errno unix.Errno) error { return deny(call, errno, 0) }

func deny(call uint32, errno unix.Errno, flags uintptr) error {
	runtime.LockOSThread()
	// The number of the call is the first word of what a filter looks at: struct
	// seccomp_data of linux/seccomp.h.
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: call},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("giving up new privileges: %w", err)
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if _, _, err := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&program))); err != 0 {
		return fmt.Errorf("setting a filter of system calls: %w", err)
	}
	return nil
}
