// Package record_test proves from outside what becomes of the record of a first boot: the
// agent as it is shipped, servers that take the record or do not, and a port of a virtual
// machine.
package record_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/tests/sandbox"
)

func TestMain(m *testing.M) { sandbox.Main(m, unix.CLONE_NEWNET, settle) }

// Where virtual machines have their ports, and systemd its socket. In this mount namespace
// they are filesystems of their own.
const (
	ports         = "/dev/virtio-ports"
	systemdSocket = "/run/systemd/private"
)

func settle() error {
	for _, dir := range []string{ports, filepath.Dir(systemdSocket)} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
			return err
		}
	}
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		return fmt.Errorf("ip: %w: %s", err, out)
	}
	return nil
}

// A machine has a root with logs and a config.
type machine struct {
	*testing.T
	dir string
}

const goodConfig = `{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/etc/motd", "contents": {"source": "data:,hi"}}]}}`

// badConfig wants a file that is there already.
var badConfig = strings.Replace(goodConfig, "/etc/motd", "/etc/passwd", 1)

func newMachine(t *testing.T, config, arguments string) *machine {
	t.Helper()
	m := &machine{t, t.TempDir()}
	m.write("config.ign", config)
	m.write("cmdline", "ignition.firstboot "+arguments)
	m.write("root/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
	m.write("root/etc/group", "root:x:0:\n")
	m.write("root/var/log/wtmp", "")
	m.program("systemctl", "exit 1")
	return m
}

func (m *machine) path(name string) string { return filepath.Join(m.dir, name) }

func (m *machine) write(name, text string) {
	m.Helper()
	err := os.MkdirAll(filepath.Dir(m.path(name)), 0o755)
	if err = errors.Join(err, os.WriteFile(m.path(name), []byte(text), 0o644)); err != nil {
		m.Fatal(err)
	}
}

// program puts a program before those of this system.
func (m *machine) program(name, script string) {
	m.Helper()
	m.write("bin/"+name, "#!/bin/sh\n"+script+"\n")
	if err := os.Chmod(m.path("bin/"+name), 0o755); err != nil {
		m.Fatal(err)
	}
}

// agent runs the agent and returns its log.
func (m *machine) agent(args ...string) (status int, log string) {
	m.Helper()
	ctx, cancel := context.WithTimeout(m.Context(), 10*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, sandbox.Agent(), append([]string{"--log-to-stdout", "--root=" + m.path("root"), "--config-cache=" + m.path("run/ignition.json"),
		"--state-file=" + m.path("run/ignition/state"), "--neednet=" + m.path("run/ignition/neednet")}, args...)...)
	c.Env = append(os.Environ(), "IGNITION_CONFIG_FILE="+m.path("config.ign"), "IGNITION_KERNEL_CMDLINE_PATH="+m.path("cmdline"), "PATH="+m.path("bin")+":"+os.Getenv("PATH"),
		"IGNITION_SYSTEM_CONFIG_DIR="+m.path("image"), "IGNITION_SYSTEM_LOCAL_CONFIG_DIR="+m.path("none"), "IGNITION_SYSTEM_RUNTIME_CONFIG_DIR="+m.path("none"))
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		m.Fatal(err)
	}
	return c.ProcessState.ExitCode(), out.String()
}

// boot runs stages up to the first that fails, and returns the log of the last.
func (m *machine) boot(stages ...string) (status int, log string) {
	m.Helper()
	for _, stage := range stages {
		if status, log = m.agent("--platform=file", "--stage="+stage); status != 0 {
			break
		}
	}
	return status, log
}

var everyStage = []string{"fetch-offline", "kargs", "disks", "mount", "files", "umount"}

// record is the record of the boot as the machine has it.
func (m *machine) record() []byte {
	m.Helper()
	text, err := os.ReadFile(m.path("run/ignition/record.json"))
	if err != nil {
		m.Fatal(err)
	}
	return text
}

func (m *machine) parse(text []byte) report.Record {
	m.Helper()
	r, err := report.ParseRecord(text)
	if err != nil {
		m.Fatalf("%v: %q", err, text)
	}
	return r
}

// warnings are those of a log.
func warnings(log string) []string {
	var all []string
	for line := range strings.Lines(log) {
		if strings.HasPrefix(line, "WARNING") {
			all = append(all, strings.TrimSpace(line))
		}
	}
	return slices.Clip(all)
}
