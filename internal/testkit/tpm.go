package testkit

import (
	"net"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TPM starts swtpm, which ends with the test, and returns connections to it: what is
// written to one are commands, as for /dev/tpmrm0.
func TPM(t testing.TB) (dial func() (net.Conn, error)) {
	t.Helper()
	dir := t.TempDir()
	socket := filepath.Join(dir, "tpm")
	cmd := exec.Command("swtpm", "socket", "--tpm2", "--tpmstate", "dir="+dir, "--flags", "not-need-init,startup-clear",
		"--server", "type=unixio,path="+socket, "--ctrl", "type=unixio,path="+socket+".ctrl")
	if err := cmd.Start(); err != nil {
		t.Fatalf("emulating a TPM: %v (tests/prepare installs swtpm)", err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return func() (conn net.Conn, err error) {
		for range 200 { // it is soon there
			if conn, err = net.Dial("unix", socket); err == nil {
				return conn, nil
			}
			time.Sleep(50 * time.Millisecond)
		}
		return nil, err
	}
}
