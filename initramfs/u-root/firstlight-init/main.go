// Command firstlight-init is the init of an initramfs that u-root makes. If this is the first
// boot, the agent provisions the machine before the root is mounted and after it.
//
// The kernel argument root= is a path, or UUID=, PARTUUID= or PARTLABEL= of a partition.
package main

import (
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/u-root/u-root/pkg/cmdline"
	"github.com/u-root/u-root/pkg/libinit"
	"github.com/u-root/u-root/pkg/mount"
	"github.com/u-root/u-root/pkg/mount/block"
)

const (
	agent   = "/usr/bin/ignition"
	sysroot = "/sysroot"
)

// more is what the real root needs besides what all of u-root's init make.
var more = []libinit.Creator{
	libinit.Dir{Name: "/run", Mode: 0o755},
	libinit.Mount{Source: "tmpfs", Target: "/run", FSType: "tmpfs", Opts: "mode=755"},
	libinit.Dir{Name: sysroot, Mode: 0o755},
}

func main() {
	libinit.SetEnv()
	// Without cgroups, which are the real root's business.
	for _, all := range [][]libinit.Creator{libinit.PreNamespace, libinit.Namespace, more} {
		libinit.Create(all, false)
	}
	libinit.NetInit()
	if err := libinit.InstallAllModules(); err != nil {
		log.Print(err)
	}
	first := isFirstBoot()
	if first {
		provision("fetch-offline")
		if _, err := os.Stat("/run/ignition/neednet"); err == nil {
			untilDone(func() error { return run("dhclient", "-ipv6=false") })
			provision("fetch")
		}
		provision("kargs", "disks")
	}
	untilDone(mountRoot)
	if first {
		provision("mount", "files", "umount")
	}
	log.Fatal(mount.SwitchRoot(sysroot, "/sbin/init"))
}

// isFirstBoot looks at the kernel arguments. With settings of the distribution that cannot be
// read it is one, so that the first stage says what is wrong with them.
func isFirstBoot() bool {
	names, err := exec.Command(agent, "--setting=FIRSTBOOT_ARGUMENTS").Output()
	for _, name := range strings.Fields(string(names)) {
		switch value, found := cmdline.Flag(name); value {
		case "", "0", "no", "off":
		default:
			return found
		}
	}
	return err != nil
}

func provision(stages ...string) {
	platform, _ := cmdline.Flag("ignition.platform.id")
	for _, stage := range stages {
		untilDone(func() error {
			return run(agent, "--platform="+platform, "--root="+sysroot, "--stage="+stage)
		})
	}
}

// untilDone does what the boot cannot go on without. What fails ends in a shell, whose end
// tries it again, or where panic= is a kernel argument in what that says.
func untilDone(do func() error) {
	for err := do(); err != nil; err = do() {
		log.Print(err)
		if report, err := os.ReadFile("/run/ignition/report.txt"); err == nil {
			fmt.Print(string(report))
		}
		if _, found := cmdline.Flag("panic"); found {
			os.Exit(1) // a panic for the kernel
		}
		if err := run("gosh"); err != nil {
			log.Print(err)
			time.Sleep(time.Second)
		}
	}
}

func run(program string, args ...string) error {
	c := exec.Command(program, args...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("running %s: %w", program, err)
	}
	return nil
}

// filters are the ways to name the root.
var filters = map[string]func(block.BlockDevices, string) block.BlockDevices{
	"UUID":      block.BlockDevices.FilterFSUUID,
	"PARTUUID":  block.BlockDevices.FilterPartID,
	"PARTLABEL": block.BlockDevices.FilterPartLabel,
}

// mountRoot waits for the root, which may be a device that comes late, and mounts it.
func mountRoot() error {
	root, _ := cmdline.Flag("root")
	find := func() (string, error) { return root, nil }
	if kind, name, _ := strings.Cut(root, "="); filters[kind] != nil {
		find = func() (string, error) { return findRoot(filters[kind], name) }
	} else if !strings.HasPrefix(root, "/dev/") {
		return fmt.Errorf("root=%s is neither a path nor UUID=, PARTUUID= or PARTLABEL= of a partition", root)
	}
	const perSecond = 10
	for tries := 1; ; tries++ {
		device, err := find()
		if err == nil {
			if _, err = os.Stat(device); err == nil {
				_, err = mount.TryMount(device, sysroot, "", 0)
				return err
			}
		}
		if tries%(10*perSecond) == 0 {
			log.Printf("waiting for root=%s: %v", root, err)
		}
		time.Sleep(time.Second / perSecond)
	}
}

func findRoot(filter func(block.BlockDevices, string) block.BlockDevices, name string) (string, error) {
	all, err := block.GetBlockDevices()
	if err != nil {
		return "", err
	}
	found := filter(all, name)
	if len(found) == 0 {
		return "", errors.New("no device has it")
	}
	return found[0].DevicePath(), nil
}
