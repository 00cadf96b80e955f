// Package sandbox runs the tests of a package in namespaces of their own, with
// the agent as it is shipped: what they mount, and which addresses they give
// themselves, is nobody else's business.
package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// agentVariable is the path of the agent, for the tests in the namespaces.
const agentVariable = "FIRSTLIGHT_TEST_AGENT"

// Agent is the path of the agent's binary. By the name of a symbolic link to it
// the agent is another program.
func Agent() string { return os.Getenv(agentVariable) }

// Main is a package's TestMain. The namespaces are a mount namespace and those
// of flags, such as unix.CLONE_NEWNET; settle, which may be nil, makes them what
// the tests need.
func Main(m *testing.M, flags uintptr, settle func() error) {
	if Agent() == "" {
		os.Exit(outside(flags | unix.CLONE_NEWNS))
	}
	err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	if err == nil {
		// Reports of failures go to the consoles, which are not ours.
		err = unix.Mount("/dev/null", "/proc/consoles", "", unix.MS_BIND, "")
	}
	if err == nil && settle != nil {
		err = settle()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "settling in namespaces of our own:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// outside builds the agent and runs the tests again in the namespaces.
func outside(flags uintptr) int {
	dir, err := os.MkdirTemp("", "firstlight")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	agent := filepath.Join(dir, "firstlight")
	build := exec.Command("go", "build", "-o", agent, "github.com/firstlight-os/firstlight/cmd/firstlight")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the agent: %v\n%s", err, out)
		return 1
	}
	self := exec.Command("/proc/self/exe", os.Args[1:]...)
	self.Stdout, self.Stderr = os.Stdout, os.Stderr
	self.Env = append(os.Environ(), agentVariable+"="+agent)
	self.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags, Pdeathsig: syscall.SIGKILL}
	if os.Getuid() != 0 {
		self.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		self.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		self.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	err = self.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		fmt.Fprintln(os.Stderr, "starting the tests in namespaces of their own, which needs root or user namespaces:", err)
		return 1
	}
	return self.ProcessState.ExitCode()
}
