package vm

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// labArguments are those of the agent, on the kernel command line: a device that
// comes is waited for however busy the host is.
const labArguments = "firstlight.device_timeout=600"

func (l *Lab) qemuArguments(job Job, dir, share string) []string {
	kernel := "console=ttyS0 panic=-1 quiet loglevel=3 net.ifnames=0 no_timer_check " + labArguments
	if job.Systemd {
		kernel += " lab.systemd systemd.show_status=0 " + patience
	}
	machine := "q35"
	if job.TPM {
		// With a TPM the tables of ACPI come to lie where QEMU puts the initramfs.
		machine += ",acpi=off"
		kernel += " tpm_tis.force=1"
	}
	// User-mode Linux has locked the image of the root, but writes nothing to it.
	args := []string{"qemu-system-x86_64", "-machine", machine, "-smp", "2", "-m", "2048", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-kernel", l.Kernel, "-initrd", l.Initramfs, "-append", kernel,
		"-chardev", "file,id=out,path=/dev/stdout", "-chardev", "file,id=console,path=/dev/stderr", "-serial", "chardev:console",
		"-object", "rng-random,id=rng,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng",
		"-device", "virtio-serial-pci", "-device", "virtserialport,chardev=out,name=output",
		"-drive", "if=none,id=lab,format=raw,snapshot=on,file.locking=off,file=" + l.Root, "-device", "virtio-blk-pci,drive=lab,serial=lab",
		"-drive", "if=none,id=share,format=raw,readonly=on,file=" + share, "-device", "virtio-blk-pci,drive=share,serial=share"}
	args = append(args, accelerator(l.Kernel)...)
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
		args = append(args, "-chardev", "socket,id=tpm,path="+tpmSocket(dir), "-tpmdev", "emulator,id=tpm0,chardev=tpm", "-device", "tpm-tis,tpmdev=tpm0")
	}
	return args
}

func tpmSocket(dir string) string { return filepath.Join(dir, "tpm.socket") }

// startTPM starts swtpm, which makes its socket before it goes into the background.
func startTPM(dir string) (stop func(), err error) {
	pidFile := filepath.Join(dir, "tpm.pid")
	if err := run("swtpm", "socket", "--daemon", "--tpm2", "--terminate", "--tpmstate", "dir="+dir,
		"--ctrl", "type=unixio,path="+tpmSocket(dir), "--pid", "file="+pidFile); err != nil {
		return nil, fmt.Errorf("emulating a TPM: %w (tests/prepare installs swtpm)", err)
	}
	return func() {
		text, _ := os.ReadFile(pidFile)
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			syscall.Kill(pid, syscall.SIGTERM)
		}
	}, nil
}
