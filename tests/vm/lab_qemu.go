package vm

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/firstlight-os/firstlight/internal/qemu"
)

// labArguments are those of the agent, on the kernel command line: a device that
// comes is waited for however busy the host is.
const labArguments = "firstlight.device_timeout=600"

func (l *Lab) qemuArguments(job Job, dir, share string) []string {
	kernel := "console=ttyS0 panic=-1 quiet loglevel=3 net.ifnames=0 no_timer_check " + labArguments
	if job.Systemd {
		kernel += " lab.systemd systemd.show_status=0 " + patience
	}
	if job.TPM {
		kernel += " lab.tpm " + tpmKernelArguments
	}
	// User-mode Linux has locked the image of the root, but writes nothing to it.
	args := []string{qemu.Program, "-machine", "q35", "-smp", "2", "-m", strconv.Itoa(job.Memory), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-kernel", l.Kernel, "-initrd", l.Initramfs, "-append", kernel,
		"-chardev", "file,id=out,path=/dev/stdout", "-chardev", "file,id=console,path=/dev/stderr", "-serial", "chardev:console",
		"-object", "rng-random,id=rng,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng",
		"-device", "virtio-serial-pci", "-device", "virtserialport,chardev=out,name=output",
		"-drive", "if=none,id=lab,format=raw,snapshot=on,file.locking=off,file=" + l.Root, "-device", "virtio-blk-pci,drive=lab,serial=lab",
		"-drive", "if=none,id=share,format=raw,readonly=on,file=" + share, "-device", "virtio-blk-pci,drive=share,serial=share"}
	args = append(args, qemu.Accelerator(l.Kernel, fastProcessor)...)
	for i, disk := range job.Disks {
		id := fmt.Sprintf("disk%d", i+1)
		args = append(args, "-drive", "if=none,format=raw,cache=unsafe,discard=unmap,id="+id+",file="+disk, "-device", "virtio-blk-pci,drive="+id+",serial="+id)
	}
	if len(job.Discs) > 0 {
		args = append(args, "-device", "virtio-scsi-pci,id=scsi")
	}
	for i, disc := range job.Discs {
		id := fmt.Sprintf("disc%d", i+1)
		file := ""
		if disc != "" {
			file = ",format=raw,readonly=on,file=" + disc
		}
		args = append(args, "-drive", "if=none,media=cdrom,id="+id+file, "-device", fmt.Sprintf("scsi-cd,bus=scsi.0,scsi-id=%d,drive=%s", i, id))
	}
	args = append(args, job.Devices...)
	if job.TPM {
		args = append(args, tpmArguments(dir)...)
	}
	return args
}

// tpmKernelArguments have the kernel look for a TPM that no table of ACPI names.
const tpmKernelArguments = "tpm_tis.force=1 tpm_tis.interrupts=0"

// tpmArguments are those of QEMU for the TPM of startTPM. With a TPM the tables of ACPI
// come to lie where QEMU puts the initramfs.
func tpmArguments(dir string) []string {
	return []string{"-machine", "acpi=off", "-chardev", "socket,id=tpm,path=" + tpmSocket(dir), "-tpmdev", "emulator,id=tpm0,chardev=tpm", "-device", "tpm-tis,tpmdev=tpm0"}
}

func tpmSocket(dir string) string { return filepath.Join(dir, "tpm.socket") }

// startTPM starts swtpm, which makes its socket before it goes into the background. It
// goes before other programs if that is allowed: the drivers of the machine expect
// the answers of hardware, the quickest within 0.75 s.
func startTPM(dir string) (stop func(), err error) {
	pidFile := filepath.Join(dir, "tpm.pid")
	if err := run("swtpm", "socket", "--daemon", "--tpm2", "--terminate", "--tpmstate", "dir="+dir,
		"--ctrl", "type=unixio,path="+tpmSocket(dir), "--pid", "file="+pidFile); err != nil {
		return nil, fmt.Errorf("emulating a TPM: %w (tests/prepare installs swtpm)", err)
	}
	text, _ := os.ReadFile(pidFile)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("emulating a TPM: %s has %q", pidFile, text)
	}
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, pid, -20)
	return func() { syscall.Kill(pid, syscall.SIGTERM) }, nil
}
