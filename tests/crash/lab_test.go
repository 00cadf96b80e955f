package crash

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
	"github.com/firstlight-os/firstlight/tests/vm/vmreport"
)

// In the lab a machine boots without systemd, in a fraction of the time, and this is its
// program.
func TestMain(m *testing.M) {
	if !vm.InLab() {
		os.Exit(m.Run())
	}
	if err := json.NewEncoder(os.Stdout).Encode(provision()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func TestMachinesThatLoseTheirPowerBecomeTheSameInTheLab(t *testing.T) {
	first := recorded()
	testkit.NoError(t, first.err)
	lab, err := vm.BuildLab(t.TempDir())
	testkit.NoError(t, err)
	undisturbed, err := bootInLab(t, lab, first.recording.CutPower(0, rand.New(rand.NewPCG(*seed, 0))))
	if err != nil || undisturbed.Initramfs {
		t.Fatalf("the machine that nothing disturbs does not come up: %v, %+v", err, undisturbed)
	}
	want := become(undisturbed)
	// The lab has no systemd that would go on in the root.
	last := first.provisioned()
	if last == 0 {
		t.Fatal("the agent's last stage is not in the log")
	}
	first.cutAll(t, *inLab, last, 1, func(t *testing.T, disks []*vm.VolatileDisk) verdict {
		m, err := bootInLab(t, lab, disks)
		if err != nil {
			t.Errorf("the next boot: %v", err)
			return wrong
		}
		return judge(t, m, want)
	})
}

// bootInLab has the lab provision a machine and report what it has become.
func bootInLab(t *testing.T, lab *vm.Lab, disks []*vm.VolatileDisk) (*vmreport.Machine, error) {
	t.Helper()
	dir := t.TempDir()
	root, disk, config := filepath.Join(dir, "root"), filepath.Join(dir, "disk"), filepath.Join(dir, "config")
	testkit.NoError(t, disks[0].WriteFile(root))
	testkit.NoError(t, disks[1].WriteFile(disk))
	testkit.WriteFile(t, config, machineConfig)
	program, err := os.Executable()
	testkit.NoError(t, err)
	var out bytes.Buffer
	// All configs have to be the same as in the boot that was cut.
	files := map[string]string{"config.ign": config, "base.d/10-test.ign": "../vm/guest/90firstlight-test/base.ign"}
	job := vm.Job{Program: program, Env: []string{vm.InsideVariable + "=1"}, Files: files, Disks: []string{disk, root}, Output: &out}
	if err := lab.Run(t.Context(), job); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, &out)
	}
	m := new(vmreport.Machine)
	if err := json.Unmarshal(out.Bytes(), m); err != nil {
		return nil, fmt.Errorf("%w: %s", err, &out)
	}
	return m, nil
}

// provision runs the stages in the lab, as the units of the initramfs do, and reports
// like the booted system.
func provision() *vmreport.Machine {
	var log bytes.Buffer
	err := sh(&log, "mkdir /sysroot; mount /dev/disk/by-label/root /sysroot")
	for _, stage := range []string{"fetch-offline", "disks", "mount", "files", "umount"} {
		if err == nil {
			err = sh(&log, "IGNITION_CONFIG_FILE=/share/config.ign IGNITION_SYSTEM_CONFIG_DIR=/share ./firstlight --platform=file --root=/sysroot --log-to-stdout --stage="+stage)
		}
	}
	report, _ := os.ReadFile("/run/ignition/report.txt")
	if err == nil {
		err = sh(&log, "cd /sysroot; for dir in dev proc sys run; do mount --rbind /$dir $dir; done; mount /dev/disk/by-partlabel/data srv/data; mount /dev/md/mirror srv/mirror")
	}
	if err == nil {
		err = syscall.Chroot("/sysroot")
	}
	if err != nil {
		return &vmreport.Machine{Initramfs: true, Report: fmt.Sprintf("%v\n%s", err, report), Journal: log.String()}
	}
	m := vmreport.Collect(false)
	m.Journal = log.String()
	return m
}

func sh(log *bytes.Buffer, script string) error {
	c := exec.Command("bash", "-euc", script)
	c.Stdout, c.Stderr = log, log
	if err := c.Run(); err != nil {
		return fmt.Errorf("%s: %w", strings.TrimSpace(script), err)
	}
	return nil
}
