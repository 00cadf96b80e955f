package qemu

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

const (
	// kernelPatience is how long a kernel may take to panic for want of a root: a second or
	// two where KVM works.
	kernelPatience = 8 * time.Second
	// sectorPatience is how long a boot sector may take: a fraction of a second where KVM
	// works. One that only looks as if it did executes some instructions, in seconds.
	sectorPatience = time.Second
)

// bootSector has a machine end with an exit status of its own: it writes to the port of
// isa-debug-exit, which makes exitCode of it.
var bootSector = append(append([]byte{
	0xb0, 0x10, // mov al, 0x10
	0xe6, 0xf4, // out 0xf4, al
	0xf4, // hlt
}, make([]byte, 505)...), 0x55, 0xaa)

const exitCode = 0x10<<1 | 1

var (
	probe  sync.Once
	hasKVM bool
)

// HasKVM reports whether KVM works here. That /dev/kvm exists does not mean that it does. A
// kernel, if there is one, has to come so far that it wants a root; else a boot sector has
// to come through the firmware, and quickly. The first answer of a process holds.
func HasKVM(kernel string) bool {
	probe.Do(func() {
		f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
		if err != nil {
			return
		}
		f.Close()
		if kernel != "" {
			hasKVM = bootsKernel("kvm", "host", kernel, kernelPatience)
		} else {
			hasKVM = bootsSector("kvm", "host", sectorPatience)
		}
	})
	return hasKVM
}

// bootsKernel reports whether a kernel panics within a time.
func bootsKernel(accelerator, processor, kernel string, patience time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return exec.CommandContext(ctx, Program, "-accel", accelerator, "-cpu", processor, "-m", "256", "-nodefaults", "-no-user-config", "-display", "none",
		"-no-reboot", "-kernel", kernel, "-append", "panic=-1").Run() == nil
}

// bootsSector reports whether the boot sector is run within a time, if that is not 0.
func bootsSector(accelerator, processor string, patience time.Duration) bool {
	ctx := context.Background()
	if patience > 0 {
		limited, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		ctx = limited
	}
	dir, err := os.MkdirTemp("", "firstlight-probe-")
	if err != nil {
		return false
	}
	defer os.RemoveAll(dir)
	disk := filepath.Join(dir, "disk")
	if err := os.WriteFile(disk, bootSector, 0o600); err != nil {
		return false
	}
	machine := exec.CommandContext(ctx, Program, "-accel", accelerator, "-cpu", processor, "-m", "64", "-nodefaults", "-no-user-config", "-display", "none",
		"-drive", "if=ide,format=raw,snapshot=on,file="+escape(disk), "-device", "isa-debug-exit,iobase=0xf4,iosize=1")
	_ = machine.Run() // it never ends with 0
	return machine.ProcessState != nil && machine.ProcessState.ExitCode() == exitCode
}

// Accelerator is KVM where it works (see HasKVM), else emulation of a processor: "max" has
// all that QEMU can emulate, "qemu64" is the fastest to emulate.
func Accelerator(kernel, emulated string) []string {
	if HasKVM(kernel) {
		return []string{"-accel", "kvm", "-cpu", "host"}
	}
	return []string{"-accel", "tcg,thread=multi", "-cpu", emulated}
}
