package files_test

import "golang.org/x/sys/unix"

// The calls that newer architectures do without.
func init() {
	writingCalls = append(writingCalls,
		writingCall{"open", unix.SYS_OPEN, unix.BPF_JSET, 1, creates}, all("creat", unix.SYS_CREAT),
		all("rename", unix.SYS_RENAME), all("renameat", unix.SYS_RENAMEAT), all("link", unix.SYS_LINK), all("symlink", unix.SYS_SYMLINK),
		all("unlink", unix.SYS_UNLINK), all("rmdir", unix.SYS_RMDIR), all("mkdir", unix.SYS_MKDIR), all("mknod", unix.SYS_MKNOD),
		all("chmod", unix.SYS_CHMOD), all("chown", unix.SYS_CHOWN), all("lchown", unix.SYS_LCHOWN),
		all("utime", unix.SYS_UTIME), all("utimes", unix.SYS_UTIMES), all("futimesat", unix.SYS_FUTIMESAT))
}
