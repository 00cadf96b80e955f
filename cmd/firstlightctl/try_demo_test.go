//go:build linux && !portable

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/firstlight-os/firstlight/internal/qemu"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

func TestTryBootsTheMachineOfTheDemo(t *testing.T) {
	fakeMachine(t, provisioned)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	demo, err := qemu.DemoDir()
	testkit.NoError(t, err)
	try := func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		var out, errs bytes.Buffer
		if status := run(append([]string{"try", "--demo"}, args...), nil, &out, &errs); status != want {
			t.Errorf("%s: exit status %d, want %d\n%s%s", args, status, want, &out, &errs)
		}
		return out.String(), errs.String()
	}
	_, stderr := try(2, "good.ign")
	testkit.Contains(t, "stderr without a demo", stderr, "there is no demo in "+demo+`: "make demo" in a checkout of Firstlight builds one`)

	testkit.NoError(t, os.MkdirAll(demo, 0o755))
	for _, name := range []string{qemu.DemoKernel, qemu.DemoInitramfs, qemu.DemoRoot} {
		testkit.NoError(t, os.Symlink("image", filepath.Join(demo, name)))
		testkit.WriteFile(t, filepath.Join(demo, "image"), "")
	}
	stdout, _ := try(0, "--append", "quiet", "good.ign")
	testkit.Contains(t, "stdout", stdout, "The machine was provisioned (")
	testkit.Contains(t, "arguments", testkit.ReadFile(t, os.Getenv("ARGUMENTS")),
		"-kernel "+filepath.Join(demo, "kernel"), "-initrd "+filepath.Join(demo, "initramfs"), " ignition.platform.id=qemu root=LABEL=root rw net.ifnames=0 quiet")

	_, stderr = try(2, "--image", "image", "good.ign")
	testkit.Contains(t, "stderr with an image", stderr, "--demo has a kernel, an initramfs and a root: it goes without --image, --kernel, --initrd and --root")
}
