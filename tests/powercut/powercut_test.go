// Package powercut has the tests that a machine does not survive: it loses its
// power while it is provisioned, with all that its kernel has not written yet.
package powercut

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/tests/vm"
)

// cuts are the moments, in words of the agent's log.
var cuts = flag.String("cuts", "op(6): [finished]", "lines of the log at which the power is cut, with commas between")

func TestMachineThatLostItsPowerBecomesTheSame(t *testing.T) {
	dir := t.TempDir()
	lab, err := vm.BuildLab(dir)
	if err != nil {
		t.Fatal(err)
	}
	// The program that runs in the machine is the test of the disks stage.
	program := filepath.Join(dir, "storage.test")
	build := exec.Command("go", "test", "-c", "-o", program, "../storage")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	m := &machine{t: t, lab: lab, program: program}
	m.disks = m.empty()
	want := m.run("")
	for _, cut := range strings.Split(*cuts, ",") {
		t.Run(cut, func(t *testing.T) {
			m := &machine{t: t, lab: lab, program: program}
			m.disks = m.empty()
			m.run(cut)
			if got := m.run(""); got != want {
				t.Errorf("cut at %q, the machine has become\n%s\ninstead of\n%s", cut, got, want)
			}
		})
	}
}

// A machine keeps nothing but its disks.
type machine struct {
	t       *testing.T
	lab     *vm.Lab
	program string
	disks   []string
}

// empty makes two disks.
func (m *machine) empty() []string {
	m.t.Helper()
	var all []string
	for i := range 2 {
		disk, err := vm.NewDisk(m.t.TempDir(), fmt.Sprintf("disk%d", i+1), 512)
		if err != nil {
			m.t.Fatal(err)
		}
		all = append(all, disk)
	}
	return all
}

// run provisions the machine, until it is done or until a line of the log, and
// returns what it has become.
func (m *machine) run(cut string) string {
	m.t.Helper()
	var out strings.Builder
	err := m.lab.Run(m.t.Context(), vm.Job{
		Program: m.program, Args: []string{"-test.run=^TestEverythingIsMade$", "-storage.disks=/dev/disk/by-id/virtio-disk1,/dev/disk/by-id/virtio-disk2"},
		Env: []string{vm.InsideVariable + "=1"}, Disks: m.disks, Output: &out, PowerCut: cut,
	})
	switch {
	case cut != "" && !errors.Is(err, vm.ErrPowerCut):
		m.t.Fatalf("the power was to be cut at %q, but %v:\n%s", cut, err, out.String())
	case cut == "" && err != nil:
		m.t.Fatalf("%v\n%s", err, out.String())
	}
	var become strings.Builder
	for line := range strings.Lines(out.String()) {
		if text, ok := strings.CutPrefix(line, "machine: "); ok {
			become.WriteString(text)
		}
	}
	if cut == "" && become.Len() == 0 {
		m.t.Fatalf("the machine has not said what it has become:\n%s", out.String())
	}
	return become.String()
}
