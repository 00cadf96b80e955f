//go:build linux

package system

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// lockPoll is how often a lock that is held is tried again, which nothing tells of.
const lockPoll = 200 * time.Millisecond

// LockDirectory locks a directory (flock(2)) for this process and the programs that inherit
// the file, see Exec.Inherit: it is free when all of them have ended, however. It is
// waited for up to limit; the error then names the holders.
func LockDirectory(ctx context.Context, dir string, limit time.Duration, warn func(string, ...string)) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	holders := ""
	wait := Wait{What: "the lock on " + dir, Limit: limit, Every: lockPoll, Warn: warn}
	err = wait.Until(ctx, func() (string, bool, error) {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if errors.Is(err, unix.EWOULDBLOCK) {
			holders = lockHolders(f)
			return "it is held by " + holders, false, nil
		}
		return "", err == nil, err
	})
	if err == nil {
		return f, nil
	}
	f.Close()
	var timeout *TimeoutError
	if errors.As(err, &timeout) {
		err = fmt.Errorf("for %v another instance has been at work: %s", timeout.Waited.Round(time.Second), holders)
	}
	return nil, err
}

// lockHolders names the other processes that have a directory open.
func lockHolders(dir *os.File) string {
	own, err := dir.Stat()
	if err != nil {
		return "an unknown process"
	}
	files, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	var holders []string
	for _, file := range files {
		pid, _, _ := strings.Cut(strings.TrimPrefix(file, "/proc/"), "/")
		other, err := os.Stat(file)
		if err != nil || !os.SameFile(own, other) || pid == fmt.Sprint(os.Getpid()) {
			continue
		}
		name, _ := ReadFile(filepath.Join("/proc", pid, "comm"), KernelText)
		holders = append(holders, fmt.Sprintf("%s (PID %s)", strings.TrimSpace(string(name)), pid))
	}
	if len(holders) == 0 {
		return "an unknown process"
	}
	return strings.Join(holders, ", ")
}
