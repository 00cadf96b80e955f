// Package underfire boots machines whose surroundings are bad: packets are lost, servers
// die, the clock stands in 1970, memory is short, filesystems are full. Each boot
// makes the machine of its config, or ends with the message that the manual has.
//
// The tests run inside the lab, where clock, memory and network are their own.
package underfire

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
)

func TestMain(m *testing.M) {
	os.Exit(vm.RunInLab(m,
		vm.TestGroup{},
		vm.TestGroup{Tests: "^TestLittleMemory$", Prepare: func(_ *vm.Lab, job *vm.Job, dir string) error {
			disk, err := vm.NewDisk(dir, "disk1", 512)
			// Its /tmp is in memory.
			job.Memory, job.Disks, job.Env = 128, []string{disk}, append(job.Env, "TMPDIR=/var/tmp")
			return err
		}}))
}

// A machine is a root and the /run of its first boot.
type machine struct {
	*testing.T
	dir string
	// arguments are those of the kernel.
	arguments string
}

// newMachine is one that is given a config in JSON.
func newMachine(t *testing.T, config string) *machine {
	t.Helper()
	m := &machine{T: t, dir: t.TempDir()}
	m.write("config.ign", config)
	m.newRoot()
	return m
}

// newRoot is all that shadow-utils need of a root.
func (m *machine) newRoot() {
	m.Helper()
	for name, text := range map[string]string{
		"etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "etc/shadow": "root:*:19000:0:99999:7:::\n", "etc/group": "root:x:0:\n", "etc/gshadow": "root:*::\n",
		"etc/login.defs": "UID_MIN 1000\nUID_MAX 60000\nGID_MIN 1000\nGID_MAX 60000\nUSERGROUPS_ENAB yes\n",
	} {
		m.write("root/"+name, text)
	}
}

func (m *machine) path(name string) string { return filepath.Join(m.dir, name) }

func (m *machine) write(name, text string) {
	m.Helper()
	if err := os.MkdirAll(filepath.Dir(m.path(name)), 0o755); err != nil {
		m.Fatal(err)
	}
	testkit.WriteFile(m, m.path(name), text)
}

// An outcome is how a stage has ended. Its box is the report without frame and line
// breaks.
type outcome struct {
	status   int
	log, box string
}

// stage runs a stage; a function of on is called when its text appears in the log.
func (m *machine) stage(name string, on map[string]func()) outcome {
	m.Helper()
	m.write("cmdline", "ignition.firstboot "+m.arguments)
	c := exec.Command("/share/firstlight", "--platform=file", "--stage="+name, "--root="+m.path("root"), "--log-to-stdout",
		"--config-cache="+m.path("run/ignition.json"), "--state-file="+m.path("run/ignition/state"), "--neednet="+m.path("run/ignition/neednet"))
	c.Env = append(os.Environ(), "IGNITION_CONFIG_FILE="+m.path("config.ign"), "IGNITION_KERNEL_CMDLINE_PATH="+m.path("cmdline"),
		"IGNITION_SYSTEM_CONFIG_DIR="+m.path("none"), "IGNITION_SYSTEM_LOCAL_CONFIG_DIR="+m.path("none"), "IGNITION_SYSTEM_RUNTIME_CONFIG_DIR="+m.path("none"))
	out := &testkit.Output{On: on}
	c.Stdout, c.Stderr = out, out
	err := c.Run()
	if ended := (*exec.ExitError)(nil); err != nil && !errors.As(err, &ended) {
		m.Fatal(err)
	}
	box, _ := os.ReadFile(m.path("run/ignition/report.txt"))
	return outcome{c.ProcessState.ExitCode(), out.String(), unframed(string(box))}
}

func unframed(box string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(box, "|", " ")), " ")
}

// must runs stages that have to succeed, and returns the log of the last.
func (m *machine) must(stages ...string) (log string) {
	m.Helper()
	for _, name := range stages {
		o := m.stage(name, nil)
		if o.status != 0 {
			m.Fatalf("stage %s: status %d\n%s", name, o.status, o.log)
		}
		log = o.log
	}
	return log
}

// ends checks how a stage has ended that cannot succeed.
func (o outcome) ends(t *testing.T, status int, box ...string) {
	t.Helper()
	if o.status != status {
		t.Errorf("status %d instead of %d\n%s", o.status, status, o.log)
	}
	testkit.Contains(t, "the report", o.box, box...)
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// has checks a file of the root.
func (m *machine) has(name, want string) {
	m.Helper()
	got, err := os.ReadFile(m.path("root/" + name))
	if err != nil || string(got) != want {
		m.Errorf("%s has %s, want %s; %v", name, beginning(string(got)), beginning(want), err)
	}
}

func beginning(text string) string { return fmt.Sprintf("%d bytes: %.40q", len(text), text) }
