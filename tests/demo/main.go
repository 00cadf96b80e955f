// Command demo boots a virtual machine with an empty disk, provisions it from
// examples/first-light, and shows what happens and what has become of it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/firstlight-os/firstlight/internal/console"
	"github.com/firstlight-os/firstlight/internal/qemu"
	"github.com/firstlight-os/firstlight/tests/vm"
)

const example = "examples/first-light/config.ign"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := demo(ctx); err != nil {
		if ctx.Err() != nil {
			fmt.Println("\nStopped; the machine is gone and nothing is left of it.")
			os.Exit(130)
		}
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func demo(ctx context.Context) error {
	config, err := os.ReadFile(example)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "firstlight-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Println("Firstlight: the first boot of a machine")
	fmt.Println()
	fmt.Println("Building a small Debian image and an initramfs (minutes once, then seconds) ...")
	img, err := vm.Build()
	if err != nil {
		return err
	}
	if err := keep(img); err != nil {
		return err
	}
	o, err := options(img, dir)
	if err != nil {
		return err
	}
	o.Config = string(config)
	story := console.NewReader(console.NewStory(os.Stdout).Tell)
	o.Console = func(p []byte) { story.Write(p) }
	fmt.Printf("Starting a machine with an empty disk and %s\n\n", example)
	res, err := vm.Start(ctx, o, dir)
	if err != nil {
		return err
	}
	if res.Initramfs {
		fmt.Print("\nThe boot was stopped, as it has to be. The machine's console shows:\n\n", res.Report)
		return fmt.Errorf("the config asks for what could not be done")
	}
	show(res)
	return nil
}

// keep leaves the machine for "firstlightctl try --demo".
func keep(img *vm.Images) error {
	dir, err := qemu.DemoDir()
	if err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, file := range map[string]string{qemu.DemoKernel: img.Kernel, qemu.DemoInitramfs: img.Initramfs, qemu.DemoRoot: img.Root} {
		if err := os.Symlink(file, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

func options(img *vm.Images, dir string) (vm.Options, error) {
	o := vm.Options{Images: img}
	var err error
	if o.Root, err = vm.NewRoot(img, dir); err != nil {
		return o, err
	}
	disk, err := vm.NewDisk(dir, "disk", 1024)
	o.Disks = []string{disk}
	// The journal on the console is what the story is told from.
	o.Arguments = vm.FirstBoot("qemu") + " systemd.journald.forward_to_console=1 systemd.journald.max_level_console=info"
	return o, err
}

// show prints what the machine is now.
func show(res *vm.Result) {
	fmt.Printf("\nThe machine came up after %.0f s and reports what it is:\n\n", res.Seconds)
	for _, p := range res.Disks["/dev/vdb"].Partitions {
		fs := res.Filesystems[p.Node]
		at := ""
		for target, m := range res.Mounts {
			if m.Source == p.Node {
				at = "mounted at " + target
			}
		}
		fmt.Printf("  disk   %-10s %-6q %5d MiB  %-6s %s\n", p.Node, p.Name, p.Size/2048, fs["TYPE"], at)
	}
	for _, file := range []string{"/srv/data/hello", "/srv/logs/greeting", "/etc/hostname"} {
		f := res.Files[file]
		fmt.Printf("  file   %-20s %s %d:%d  %q\n", file, f.Mode, f.UID, f.GID, strings.TrimSpace(f.Text))
	}
	for line := range strings.Lines(res.Files["/etc/passwd"].Text) {
		if user := strings.Split(line, ":"); user[0] == "dawn" {
			keys := strings.Count(res.Files[filepath.Join(user[5], ".ssh/authorized_keys.d/ignition")].Text, "\n")
			fmt.Printf("  user   %s, uid %s, home %s, %d SSH key\n", user[0], user[2], user[5], keys)
		}
	}
	for _, unit := range res.Active {
		switch unit {
		case "asked.service", "srv-data.mount", "srv-logs.mount":
			fmt.Printf("  unit   %-20s enabled and active\n", unit)
		}
	}
	fmt.Println("\nNothing of this runs again on its next boot. README.md says what else there is.")
}
