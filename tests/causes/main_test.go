package causes

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/tests/sandbox"
	"github.com/firstlight-os/firstlight/tests/vm"
)

// TestMain runs the causes that need a disk or another clock in the lab, and then the others
// in namespaces of their own.
func TestMain(m *testing.M) {
	const inLab = "^TestCausesInLab$"
	if vm.InLab() {
		os.Exit(vm.RunInLab(m))
	}
	if sandbox.Agent() == "" {
		if status := vm.RunInLab(m, vm.TestGroup{Tests: inLab}); status != 0 {
			os.Exit(status)
		}
	} else if err := flag.Set("test.skip", inLab); err != nil {
		panic(err)
	}
	sandbox.Main(m, unix.CLONE_NEWNET, func() error { return exec.Command("ip", "link", "set", "lo", "up").Run() })
}

// A machine is a root and the /run of its first boot.
type machine struct {
	*testing.T
	dir    string
	config string // with its mark
	// places are what stands for the words in capitals of a row: SERVER, DISK, ...
	places map[string]string
	// arguments are those of the kernel.
	arguments string
	env       []string
}

// newMachine has all that shadow-utils need of a root.
func newMachine(t *testing.T) *machine {
	m := &machine{T: t, dir: t.TempDir(), places: map[string]string{}}
	for name, text := range map[string]string{
		"etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "etc/shadow": "root:*:19000:0:99999:7:::\n", "etc/group": "root:x:0:\n", "etc/gshadow": "root:*::\n",
		"etc/login.defs": "UID_MIN 1000\nUID_MAX 60000\nGID_MIN 1000\nGID_MAX 60000\nUSERGROUPS_ENAB yes\n",
	} {
		m.write("root/"+name, text)
	}
	return m
}

func (m *machine) path(name string) string { return filepath.Join(m.dir, name) }

func (m *machine) write(name, text string) {
	m.Helper()
	if err := os.MkdirAll(filepath.Dir(m.path(name)), 0o755); err != nil {
		m.Fatal(err)
	}
	testkit.WriteFile(m, m.path(name), text)
}

// limit ends an agent that waits where it should not.
const limit = 20 * time.Minute

// fill puts the words of this machine in the place of those of a row.
func (m *machine) fill(text string) string {
	for word, value := range m.places {
		text = strings.ReplaceAll(text, word, value)
	}
	return text
}

// stage runs the agent at a stage.
func (m *machine) stage(name string) (log string, err error) {
	m.Helper()
	m.write("cmdline", "ignition.firstboot firstlight.device_timeout=3 firstlight.network_timeout=1 "+m.arguments)
	ctx, cancel := context.WithTimeout(m.Context(), limit)
	defer cancel()
	c := exec.CommandContext(ctx, cmp.Or(sandbox.Agent(), "/share/firstlight"), "--platform=file", "--stage="+name, "--root="+m.path("root"), "--log-to-stdout", "--fetch-timeout=3s",
		"--config-cache="+m.path("run/ignition.json"), "--state-file="+m.path("run/ignition/state"), "--neednet="+m.path("run/ignition/neednet"))
	c.Env = append(append(os.Environ(), "IGNITION_CONFIG_FILE="+m.path("config.ign"), "IGNITION_KERNEL_CMDLINE_PATH="+m.path("cmdline"),
		"IGNITION_SYSTEM_CONFIG_DIR="+m.path("none"), "IGNITION_SYSTEM_LOCAL_CONFIG_DIR="+m.path("none"), "IGNITION_SYSTEM_RUNTIME_CONFIG_DIR="+m.path("none")), m.env...)
	out, err := c.CombinedOutput()
	return string(out), err
}

// box is the report of the first stage that fails.
func (m *machine) box(stages ...string) string {
	m.Helper()
	var logs strings.Builder
	for _, name := range stages {
		log, err := m.stage(name)
		if err != nil {
			return testkit.ReadFile(m, m.path("run/ignition/report.txt"))
		}
		fmt.Fprintf(&logs, "%s:\n%s", name, log)
	}
	m.Fatalf("no stage has failed:\n%s", &logs)
	return ""
}

// run runs a program that has to succeed.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func shell(t *testing.T, script string) string {
	t.Helper()
	return run(t, "bash", "-euc", script)
}
