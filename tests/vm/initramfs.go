package vm

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"

	"github.com/firstlight-os/firstlight/internal/qemu"
)

// RunInitramfs starts the init of an initramfs that needs nothing else, and returns
// what it and the kernel print. It ends when the init powers off. The kernel is that
// of User-mode Linux or, where that is not installed, of the images.
func RunInitramfs(ctx context.Context, image, dir string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, bootLimit)
	defer cancel()
	arguments := "rdinit=/init panic=-1 loglevel=4 no_timer_check"
	args := []string{uml, "mem=256M", "uml_dir=" + dir, "umid=initramfs", "initrd=" + image,
		"console=tty0", "con0=null,fd:1", "con=null", arguments}
	if _, err := exec.LookPath(uml); err != nil || os.Getenv(labVariable) == "qemu" {
		img, err := Build()
		if err != nil {
			return "", err
		}
		args = append([]string{qemu.Program, "-m", "512", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
			"-serial", "stdio", "-kernel", img.Kernel, "-initrd", image, "-append", "console=ttyS0 quiet " + arguments}, qemu.Accelerator(img.Kernel, fastProcessor)...)
	}
	out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput()
	// User-mode Linux aborts now and then, after it has halted.
	if err != nil && !bytes.Contains(out, []byte("reboot: System halted")) {
		return "", fmt.Errorf("running the initramfs %s: %w\n%s", image, err, out)
	}
	return string(out), nil
}
