// Package try_test runs "firstlightctl try" as people do, without root, on the images of
// the tests.
package try_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
)

// nobody is somebody without rights.
const nobody = 65534

// network gives the machine an address in the network that has a metadata service.
const network = `[Unit]
DefaultDependencies=false
ConditionPathExists=/run/ignition/neednet
After=ignition-fetch-offline.service
Before=ignition-fetch.service network.target
Wants=network.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'until [ -e /sys/class/net/eth0 ]; do sleep 1; done; ip link set eth0 up && ip address add 169.254.2.15/16 dev eth0 && ip route add default via 169.254.2.2'
`

// A workstation is a directory that nobody can use, with the program and images.
type workstation struct{ dir string }

func newWorkstation(t *testing.T, img *vm.Images) workstation {
	t.Helper()
	img = vm.WithFiles(t, img, map[string]string{"usr/lib/systemd/system/test-network.service": network})
	dir, err := os.MkdirTemp("", "try-")
	testkit.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	command(t, "go", "build", "-o", filepath.Join(dir, "firstlightctl"), "github.com/firstlight-os/firstlight/cmd/firstlightctl")
	for name, file := range map[string]string{"kernel": img.Kernel, "initramfs": img.Initramfs, "root": img.Root} {
		command(t, "cp", "--sparse=always", file, filepath.Join(dir, name))
	}
	// Here is room for what the program leaves.
	testkit.NoError(t, os.Mkdir(filepath.Join(dir, "tmp"), 0o777))
	testkit.NoError(t, os.Chmod(filepath.Join(dir, "tmp"), 0o777))
	command(t, "chmod", "-R", "a+rX", dir)
	return workstation{dir}
}

func command(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// try runs the program on a config, and returns its exit status.
func (w workstation) try(t *testing.T, config string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "web1.bu")
	testkit.WriteFile(t, name, config)
	in, err := os.Open(name)
	testkit.NoError(t, err)
	defer in.Close()
	var out, errs bytes.Buffer
	cmd, tmp := w.command(t, append([]string{"--kernel", "kernel", "--initrd", "initramfs", "--root", "root", "--append", arguments, "-"}, args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, &out, &errs
	_ = cmd.Run()
	isEmpty(t, tmp)
	t.Logf("stdout:\n%s\nstderr:\n%s", &out, &errs)
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// arguments are those of the kernel for the images of the tests.
const arguments = "root=LABEL=root rw quiet net.ifnames=0 firstlight.device_timeout=600 systemd.default_timeout_start_sec=1800"

// command is the program as somebody without rights runs it, and its directory for what is
// temporary.
func (w workstation) command(t *testing.T, args ...string) (cmd *exec.Cmd, tmp string) {
	t.Helper()
	tmp, err := os.MkdirTemp(w.dir, "tmp-")
	testkit.NoError(t, err)
	cmd = exec.Command(filepath.Join(w.dir, "firstlightctl"), append([]string{"try", "--memory", "1024", "--timeout", "1h"}, args...)...)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		testkit.NoError(t, os.Chown(tmp, nobody, nobody))
	}
	return cmd, tmp
}

// isEmpty holds that the program has left nothing.
func isEmpty(t *testing.T, tmp string) {
	t.Helper()
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("there is left in the temporary directory: %v %v", left, err)
	}
}

func TestTryWithoutRoot(t *testing.T) {
	img, err := vm.Build()
	testkit.NoError(t, err)
	w := newWorkstation(t, img)
	t.Run("a platform, and files that are served", func(t *testing.T) {
		t.Parallel()
		served := filepath.Join(w.dir, "served")
		testkit.WriteFile(t, filepath.Join(served, "hello"), "hello")
		status, stdout, _ := w.try(t, `variant: fcos
version: 1.5.0
storage:
  disks:
    - device: /dev/disk/by-id/virtio-disk1
      wipe_table: true
      partitions: [{label: data, size_mib: 64}]
  files:
    - path: /etc/hello
      contents:
        source: http://169.254.2.100/hello
        verification: {hash: sha256-2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824}
`, "--disk", "128M", "--platform", "aws", "--serve", served, "--record", filepath.Join(w.dir, "tmp", "record"))
		testkit.Equal(t, "exit status", status, 0)
		testkit.Contains(t, "stdout", stdout, " s  fetch ", " s  disks ", "partitioning /dev/disk/by-id/virtio-disk1 ", "- writing file /etc/hello",
			"The machine was provisioned (", "The record of the boot is in ")
		record, err := report.ParseRecord([]byte(testkit.ReadFile(t, filepath.Join(w.dir, "tmp", "record"))))
		testkit.NoError(t, err)
		testkit.Equal(t, "outcome", record.Outcome, report.Provisioned)
		testkit.Equal(t, "platform", record.Platform, "aws")
	})
	t.Run("a config that does not fit the machine", func(t *testing.T) {
		t.Parallel()
		status, stdout, stderr := w.try(t, `variant: fcos
version: 1.5.0
storage:
  disks:
    - device: /dev/disk/by-id/virtio-disk1
      partitions: [{label: data, size_mib: 640}]
`, "--disk", "128M")
		testkit.Equal(t, "exit status", status, 4)
		testkit.Contains(t, "stdout", stdout, "The machine was not provisioned: exit status 4 (")
		testkit.Contains(t, "stderr", stderr, "Firstlight could not provision this machine: the config has to be fixed", "| stage      disks ")
	})
}
