package files_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A program and all that it starts are killed at their nth system call that writes. A
// seccomp filter stops them at these calls only, so that they are as fast as ever in
// between, and strace(1), which counts for each thread, is not needed.

// A writingCall is a system call that can change what is below a root.
type writingCall struct {
	name   string
	number uint32
	// Only calls count for whose argument arg the jump (unix.BPF_JSET, ...) to value is
	// taken; 0 is all of them.
	jump  uint16
	arg   uint32
	value uint32
}

const (
	creates = unix.O_CREAT | unix.O_TRUNC | unix.O_TMPFILE&^unix.O_DIRECTORY
	// lastOutput is the last file descriptor of a program's output, which changes nothing.
	lastOutput = 2
)

// writingCalls are those of all architectures.
var writingCalls = []writingCall{
	{"write", unix.SYS_WRITE, unix.BPF_JGT, 0, lastOutput}, {"writev", unix.SYS_WRITEV, unix.BPF_JGT, 0, lastOutput},
	{"openat", unix.SYS_OPENAT, unix.BPF_JSET, 2, creates}, {"ioctl", unix.SYS_IOCTL, unix.BPF_JEQ, 1, unix.FS_IOC_SETFLAGS},
	all("pwrite64", unix.SYS_PWRITE64), all("pwritev", unix.SYS_PWRITEV), all("pwritev2", unix.SYS_PWRITEV2),
	all("copy_file_range", unix.SYS_COPY_FILE_RANGE), all("sendfile", unix.SYS_SENDFILE), all("splice", unix.SYS_SPLICE),
	all("truncate", unix.SYS_TRUNCATE), all("ftruncate", unix.SYS_FTRUNCATE), all("fallocate", unix.SYS_FALLOCATE),
	all("renameat2", unix.SYS_RENAMEAT2), all("linkat", unix.SYS_LINKAT), all("symlinkat", unix.SYS_SYMLINKAT),
	all("unlinkat", unix.SYS_UNLINKAT), all("mkdirat", unix.SYS_MKDIRAT), all("mknodat", unix.SYS_MKNODAT),
	all("fchmod", unix.SYS_FCHMOD), all("fchmodat", unix.SYS_FCHMODAT), all("fchmodat2", unix.SYS_FCHMODAT2),
	all("fchown", unix.SYS_FCHOWN), all("fchownat", unix.SYS_FCHOWNAT), all("utimensat", unix.SYS_UTIMENSAT),
	all("setxattr", unix.SYS_SETXATTR), all("lsetxattr", unix.SYS_LSETXATTR), all("fsetxattr", unix.SYS_FSETXATTR),
	all("removexattr", unix.SYS_REMOVEXATTR), all("lremovexattr", unix.SYS_LREMOVEXATTR), all("fremovexattr", unix.SYS_FREMOVEXATTR),
	all("fsync", unix.SYS_FSYNC), all("fdatasync", unix.SYS_FDATASYNC), all("sync", unix.SYS_SYNC), all("syncfs", unix.SYS_SYNCFS),
	all("sync_file_range", unix.SYS_SYNC_FILE_RANGE), all("mount", unix.SYS_MOUNT), all("umount2", unix.SYS_UMOUNT2),
}

func all(name string, number uint32) writingCall { return writingCall{name: name, number: number} }

// writingFilter stops at these calls, and tells the tracer which one it is by its index.
func writingFilter() []unix.SockFilter {
	const number, args = 0, 16 // offsets in struct seccomp_data; arguments have 8 bytes, on these machines the low half first
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	jump := func(test uint16, value uint32, ifNot uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_K | test, K: value, Jf: ifNot}
	}
	end := func(action uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action}
	}
	filter := []unix.SockFilter{load(number)}
	for i, c := range writingCalls {
		stop := end(unix.SECCOMP_RET_TRACE | uint32(i))
		if c.jump == 0 {
			filter = append(filter, jump(unix.BPF_JEQ, c.number, 1), stop)
			continue
		}
		filter = append(filter, jump(unix.BPF_JEQ, c.number, 4), load(args+8*c.arg), jump(c.jump, c.value, 1), stop, end(unix.SECCOMP_RET_ALLOW))
	}
	return append(filter, end(unix.SECCOMP_RET_ALLOW))
}

// filteredVariable has the test's binary become its arguments, with the filter.
const filteredVariable = "FIRSTLIGHT_TEST_FILTERED"

func becomeFiltered() error {
	runtime.LockOSThread()
	filter := writingFilter()
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0); err != nil {
		return fmt.Errorf("setting a seccomp filter: %w", err)
	}
	os.Unsetenv(filteredVariable)
	return syscall.Exec(os.Args[1], os.Args[1:], os.Environ())
}

// A cut says where a program is killed.
type cut struct {
	n int // at the start of the nth call that writes; 0 is nowhere
	// one kills only the process that makes the call, not all of them.
	one bool
}

// A madeCall is one that a program has made, or was about to make when it was killed.
type madeCall struct{ call, program string }

func (c madeCall) String() string { return c.program + "'s " + c.call }

// traced runs a program to its end or a cut, and returns its calls that write, and how
// it ended. Everything that it has started has ended then, too.
func traced(t *testing.T, at cut, program []string, env []string, out *os.File) (calls []madeCall, status syscall.WaitStatus) {
	t.Helper()
	ended := make(chan error)
	go func() {
		runtime.LockOSThread() // each of ptrace's requests comes from the thread that has started the program
		tr := &tracer{at: at, seen: map[int]bool{}}
		err := tr.run(program, env, out)
		calls, status = tr.calls, tr.status
		ended <- err
	}()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	return calls, status
}

// A tracer follows a program and all that it starts.
type tracer struct {
	at     cut
	main   int          // process ID
	seen   map[int]bool // threads
	counts bool         // since the main one is the program
	calls  []madeCall
	status syscall.WaitStatus // of the main one
}

func (tr *tracer) run(program, env []string, out *os.File) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	attr := &syscall.ProcAttr{Env: append(env, filteredVariable+"=1"), Files: []uintptr{0, out.Fd(), out.Fd()}, Sys: &syscall.SysProcAttr{Ptrace: true, Setpgid: true}}
	if tr.main, err = syscall.ForkExec(self, append([]string{self}, program...), attr); err != nil {
		return err
	}
	for {
		var ws syscall.WaitStatus
		// Its process group: this thread may have other children, for other tests.
		tid, err := syscall.Wait4(-tr.main, &ws, syscall.WALL, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.ECHILD):
			return nil
		case err != nil:
			return err
		case ws.Stopped():
			if err := tr.stopped(tid, ws); err != nil && !errors.Is(err, syscall.ESRCH) { // it was killed
				return err
			}
		default:
			delete(tr.seen, tid)
			if tid == tr.main {
				tr.status = ws
			}
		}
	}
}

// stopped lets a thread that has stopped go on, or ends it.
func (tr *tracer) stopped(tid int, ws syscall.WaitStatus) error {
	first := !tr.seen[tid]
	tr.seen[tid] = true
	switch {
	case first && tid == tr.main:
		options := unix.PTRACE_O_EXITKILL | unix.PTRACE_O_TRACESECCOMP | unix.PTRACE_O_TRACEEXEC |
			unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK | unix.PTRACE_O_TRACECLONE
		if err := syscall.PtraceSetOptions(tid, options); err != nil {
			return err
		}
	case ws.StopSignal() != syscall.SIGTRAP:
		if first && ws.StopSignal() == syscall.SIGSTOP { // the first word of each new one
			break
		}
		return syscall.PtraceCont(tid, int(ws.StopSignal()))
	case ws.TrapCause() == unix.PTRACE_EVENT_EXEC:
		tr.counts = true
	case ws.TrapCause() == unix.PTRACE_EVENT_SECCOMP && tr.counts:
		if err := tr.called(tid); err != nil {
			return err
		}
	}
	return syscall.PtraceCont(tid, 0)
}

func (tr *tracer) called(tid int) error {
	index, err := syscall.PtraceGetEventMsg(tid)
	if err != nil {
		return err
	}
	program, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(tid), "comm"))
	if err != nil {
		return err
	}
	tr.calls = append(tr.calls, madeCall{writingCalls[index].name, strings.TrimSpace(string(program))})
	if len(tr.calls) != tr.at.n {
		return nil
	}
	for other := range tr.seen {
		if other == tid || !tr.at.one {
			// The ID of a thread is taken for its process.
			if err := syscall.Kill(other, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				return err
			}
		}
	}
	return nil
}
