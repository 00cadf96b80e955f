package vm

import (
	"context"
	"os"
	"os/exec"
	"sync"
	"time"
)

var (
	kvmOnce  sync.Once
	kvmWorks bool
)

// accelerator is KVM where it works, else emulation. That /dev/kvm exists does
// not mean that it works, so our kernel is booted with nothing else: it is to
// panic for want of a root and so end the machine, which takes a second or two
// if KVM is real.
func accelerator(kernel string) []string {
	kvm := []string{"-accel", "kvm", "-cpu", "host"}
	kvmOnce.Do(func() {
		if f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0); err != nil {
			return
		} else {
			f.Close()
		}
		ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
		defer cancel()
		probe := exec.CommandContext(ctx, "qemu-system-x86_64", append(kvm, "-m", "256", "-nodefaults", "-display", "none", "-no-reboot",
			"-kernel", kernel, "-append", "panic=-1")...)
		kvmWorks = probe.Run() == nil
	})
	if kvmWorks {
		return kvm
	}
	// With a random number generator the plainest processor is the fastest to
	// emulate.
	return []string{"-accel", "tcg,thread=multi", "-cpu", "qemu64"}
}
