// Package storage has the blackbox tests of the stages disks, mount and umount:
// the agent's program, a real kernel, real disks and real helper programs. What
// it leaves is judged by other tools than our own.
//
// All of it runs inside a machine, which TestMain boots. A test may do there what
// it likes with its disks; it must leave no device behind for the next one, which
// the helpers in lab_test.go see to.
package storage

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/tests/vm"
)

func TestMain(m *testing.M) { os.Exit(vm.RunInLab(m, prepare)) }

// prepare hands the machine what its tests need besides the agent.
func prepare(_ *vm.Lab, e *vm.Errand, dir string) error {
	e.Files = map[string]string{"ignition-luks.conf": "../../dracut/30ignition/ignition-luks.conf"}
	return addTPM(e, dir)
}

// addTPM gives the machine a TPM 2.0 by swtpm, which ends with the machine.
func addTPM(e *vm.Errand, dir string) error {
	e.TPM = filepath.Join(dir, "tpm.socket")
	state := filepath.Join(dir, "tpm")
	if err := os.Mkdir(state, 0o700); err != nil {
		return err
	}
	// Should the machine not start, swtpm ends with this thread, which runs the
	// machine too.
	runtime.LockOSThread()
	swtpm := exec.Command("swtpm", "socket", "--tpm2", "--terminate", "--tpmstate", "dir="+state, "--ctrl", "type=unixio,path="+e.TPM)
	swtpm.Stdout, swtpm.Stderr = os.Stderr, os.Stderr
	swtpm.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := swtpm.Start(); err != nil {
		return fmt.Errorf("emulating a TPM: %w (tests/prepare installs swtpm)", err)
	}
	go swtpm.Wait()
	const patience = 10 * time.Second
	for begun := time.Now(); time.Since(begun) < patience; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(e.TPM); err == nil {
			return nil
		}
	}
	return fmt.Errorf("swtpm has made no socket within %v", patience)
}
