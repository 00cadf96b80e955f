//go:build soak

package try_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
)

// drives are images whose kernel has drivers of all buses.
func drives(t *testing.T) workstation {
	t.Helper()
	img, err := vm.BuildVariant("drives")
	testkit.NoError(t, err)
	return newWorkstation(t, img)
}

const hello = `variant: fcos
version: 1.5.0
storage:
  files: [{path: /etc/hello, contents: {inline: hello}}]
`

func TestSecondBootHasNothingOfAFirst(t *testing.T) {
	status, stdout, _ := drives(t).try(t, `variant: fcos
version: 1.5.0
storage:
  disks:
    - device: /dev/disk/by-id/nvme-QEMU_NVMe_Ctrl_abc
      wipe_table: true
      partitions: [{label: data, size_mib: 64}]
  filesystems: [{device: /dev/disk/by-partlabel/data, path: /var/lib/data, format: ext4, with_mount_unit: true}]
`, "--disk", "nvme:128M:serial=abc", "--boots", "2")
	testkit.Equal(t, "exit status", status, 0)
	testkit.Contains(t, "stdout", stdout, "partitioning /dev/disk/by-id/nvme-QEMU_NVMe_Ctrl_abc ", "The machine was provisioned (", "On the second boot nothing of a first boot ran (")
}

// A typist types keys when what is printed has a text, one after the other.
type typist struct {
	seen  bytes.Buffer
	keys  io.Writer
	steps []struct{ text, keys string }
}

func (y *typist) Write(p []byte) (int, error) {
	n, err := y.seen.Write(p)
	if len(y.steps) > 0 && strings.Contains(y.seen.String(), y.steps[0].text) {
		keys := y.steps[0].keys
		y.steps = y.steps[1:]
		_, err = io.WriteString(y.keys, keys)
	}
	return n, err
}

func TestShellIsThatOfTheMachine(t *testing.T) {
	w := drives(t)
	config := filepath.Join(w.dir, "config.bu")
	testkit.WriteFile(t, config, hello+`systemd:
  units:
    - {name: report.service, mask: true}
    - name: shell.service
      enabled: true
      contents: |
        [Service]
        ExecStart=/bin/bash -c "while :; do echo ready; read -r -t 5 line && eval \"$$line\"; done"
        StandardInput=tty
        StandardOutput=tty
        TTYPath=/dev/ttyS0
        [Install]
        WantedBy=multi-user.target
`)
	cmd, tmp := w.command(t, "--kernel", "kernel", "--initrd", "initramfs", "--root", "root", "--append", arguments, "--shell", config)
	keys, typing, err := os.Pipe()
	testkit.NoError(t, err)
	defer typing.Close()
	out := &typist{keys: typing, steps: []struct{ text, keys string }{
		{"\nready", "echo $((6*7)) $(cat /etc/hello)\r"},
		{"\n42 hello", "\x1d"},
	}}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = keys, out, out
	err = cmd.Run()
	t.Log(out.seen.String())
	testkit.NoError(t, err)
	testkit.Contains(t, "stdout", out.seen.String(), "Ctrl-] ends the machine", "\n42 hello", "The machine was provisioned (")
	isEmpty(t, tmp)
}

func TestInterruptedTryLeavesNothing(t *testing.T) {
	w := drives(t)
	config := filepath.Join(w.dir, "config.bu")
	testkit.WriteFile(t, config, hello)
	cmd, tmp := w.command(t, "--kernel", "kernel", "--initrd", "initramfs", "--root", "root", "--append", arguments, "--serve", w.dir, "--platform", "aws", config)
	machine := processWith(tmp)
	out := &typist{keys: interrupt(func() error {
		if machine() == "" {
			t.Error("there is no machine to be ended")
		}
		return cmd.Process.Signal(syscall.SIGINT)
	}), steps: []struct{ text, keys string }{{" s  fetch-offline ", "Ctrl-C"}}}
	cmd.Stdout, cmd.Stderr = out, out
	_ = cmd.Run()
	t.Log(out.seen.String())
	testkit.Equal(t, "exit status", cmd.ProcessState.ExitCode(), 130)
	testkit.Contains(t, "stdout", out.seen.String(), "Stopped; the machine is gone and nothing is left of it.")
	isEmpty(t, tmp)
	if left := machine(); left != "" {
		t.Errorf("there runs still %s", left)
	}
}

// interrupt is called when something is written to it.
type interrupt func() error

func (f interrupt) Write(p []byte) (int, error) { return len(p), f() }

// processWith returns a function that finds a process with a text in its arguments.
func processWith(text string) func() string {
	return func() string {
		files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, file := range files {
			if line, _ := os.ReadFile(file); bytes.Contains(line, []byte(text)) {
				return strings.ReplaceAll(string(line), "\x00", " ")
			}
		}
		return ""
	}
}

// referenceDisk makes the image of a distribution that has the reference: UEFI firmware
// starts it, and each of its boots is a first one.
func referenceDisk(t *testing.T, w workstation, img *vm.Images) {
	t.Helper()
	kernel, err := vm.EFIKernel()
	testkit.NoError(t, err)
	program := filepath.Join(t.TempDir(), "linux.efi")
	testkit.NoError(t, vm.UnifiedImage(program, kernel, img.Initramfs, strings.Replace(arguments, " quiet", "", 1)+" console=ttyS0 "+vm.FirstBoot("qemu")))
	esp := filepath.Join(t.TempDir(), "esp.img")
	command(t, "mkfs.fat", "-F", "32", "-C", esp, "196608")
	command(t, "mmd", "-i", esp, "::EFI", "::EFI/BOOT")
	command(t, "mcopy", "-i", esp, program, "::EFI/BOOT/BOOTX64.EFI")
	disk := filepath.Join(w.dir, "disk.img")
	command(t, "cp", "--sparse=always", img.Root, disk)
	testkit.NoError(t, os.Truncate(disk, (1023+193)<<20))
	command(t, "sgdisk", "-e", "-n", "2:1023M:+192M", "-t", "2:ef00", disk)
	command(t, "dd", "if="+esp, "of="+disk, "bs=1M", "seek=1023", "conv=notrunc,sparse", "status=none")
	command(t, "qemu-img", "convert", "-O", "qcow2", disk, filepath.Join(w.dir, "disk.qcow2"))
	command(t, "chmod", "a+r", filepath.Join(w.dir, "disk.qcow2"))
}

// Of an agent without failure box and record the states of its units are read.
func TestImageWithTheReference(t *testing.T) {
	img, err := vm.BuildReference()
	testkit.NoError(t, err)
	w := newWorkstation(t, img)
	referenceDisk(t, w, img)
	try := func(config string, args ...string) (status int, output string) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "config.bu")
		testkit.WriteFile(t, file, config)
		in, err := os.Open(file)
		testkit.NoError(t, err)
		defer in.Close()
		cmd, tmp := w.command(t, append([]string{"--image", "disk.qcow2", "-"}, args...)...)
		var out bytes.Buffer
		cmd.Stdin, cmd.Stdout, cmd.Stderr = in, &out, &out
		_ = cmd.Run()
		isEmpty(t, tmp)
		t.Log(out.String())
		return cmd.ProcessState.ExitCode(), out.String()
	}
	old := strings.Replace(hello, "1.5.0", "1.4.0", 1) // Debian's Ignition 2.14 knows no newer one
	before, err := exec.Command("sha256sum", filepath.Join(w.dir, "disk.qcow2")).Output()
	testkit.NoError(t, err)

	status, output := try(old, "--boots", "2")
	testkit.Equal(t, "exit status of an image that is always in its first boot", status, 1)
	testkit.Contains(t, "output", output, " s  files ", "The machine was provisioned (", "runs again: the machine takes this for its first boot, too")

	status, output = try(strings.Replace(old, "{inline: hello}", "{inline: hello, verification: {hash: sha256-2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9825}}", 1))
	testkit.Equal(t, "exit status of a wrong hash", status, 1)
	testkit.Contains(t, "output", output, "the stage files has failed with exit status 1, and the console does not show why", "The machine was not provisioned: exit status 1 (")

	after, err := exec.Command("sha256sum", filepath.Join(w.dir, "disk.qcow2")).Output()
	testkit.NoError(t, err)
	testkit.Equal(t, "sum of the image", string(after), string(before))
}

// --agent has our agent run in the place of the one that the initramfs has.
func TestAgentTakesThePlaceOfTheReference(t *testing.T) {
	img, err := vm.BuildReference()
	testkit.NoError(t, err)
	w := newWorkstation(t, img)
	agent := filepath.Join(w.dir, "firstlight")
	command(t, "make", "-s", "-C", "../..", "build", "BIN="+w.dir)
	command(t, "chmod", "a+rx", agent)
	record := filepath.Join(w.dir, "tmp", "record")
	status, stdout, _ := w.try(t, hello, "--agent", "--record", record)
	testkit.Equal(t, "exit status", status, 0)
	testkit.Contains(t, "stdout", stdout, "- writing file /etc/hello", "The machine was provisioned (", "The record of the boot is in ")
}
