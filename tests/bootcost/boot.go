package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/firstlight-os/firstlight/internal/initramfs"
	"github.com/firstlight-os/firstlight/tests/bootcost/exits"
	"github.com/firstlight-os/firstlight/tests/vm"
)

//go:embed collect.service
var collectService string

// rarely has the filesystem of the root write its journal when somebody asks for it, rather
// than every five seconds, of which a busy machine has more.
const rarely = "rootflags=commit=600"

// emulation is how a processor is emulated: it counts instructions, and takes so long for
// each, so that what a machine works does not depend on what else this one does.
var emulation = []string{"-accel", "tcg,thread=single", "-cpu", "qemu64", "-icount", "shift=2"}

const (
	systemdDir  = "usr/lib/systemd/system/"
	collectPort = "exits"
)

// withCollector is images with our collector in the initramfs, which is the same in all.
func withCollector(ctx context.Context, img *vm.Images, dir string) (*vm.Images, error) {
	program := filepath.Join(dir, "collect")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", program, "./tests/bootcost/collect")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=amd64")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building what collects the figures: %w\n%s", err, out)
	}
	collect, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	image, err := os.ReadFile(img.Initramfs)
	if err != nil {
		return nil, err
	}
	const file, link, directory = 0o100000, 0o120000, 0o040000
	overlay := initramfs.Archive(
		initramfs.Entry{Name: "usr/bin/collect", Links: 1, Mode: file | 0o755, Data: collect},
		initramfs.Entry{Name: systemdDir + "collect.service", Links: 1, Mode: file | 0o644, Data: []byte(collectService)},
		initramfs.Entry{Name: systemdDir + "sysinit.target.wants", Links: 2, Mode: directory | 0o755},
		initramfs.Entry{Name: systemdDir + "sysinit.target.wants/collect.service", Links: 1, Mode: link | 0o777, Data: []byte("../collect.service")})
	with := *img
	with.Initramfs = filepath.Join(dir, "initramfs")
	return &with, os.WriteFile(with.Initramfs, append(image, initramfs.Append(len(image), overlay)...), 0o644)
}

// A boot is what one boot was.
type boot struct {
	*vm.Result
	tasks            []exits.Task
	requests, opened int // at the config server: connections, too
}

// A machine is booted twice.
type machine struct {
	images *vm.Images
	config string
	disk   int64 // MiB of a second disk, 0 for none
	// network connects it to this machine.
	network bool
}

// boots starts a new machine for the first time and, if that is asked for, again.
func (m machine) boots(ctx context.Context, dir string, twice bool) (first, second boot, err error) {
	o := vm.Options{Images: m.images, Config: m.config, Network: m.network, BlockStatistics: true, ClosedPort: collectPort, Emulation: emulation}
	if o.Root, err = vm.NewRoot(m.images, dir); err != nil {
		return first, second, err
	}
	if m.disk > 0 {
		disk, err := vm.NewDisk(dir, "disk", m.disk)
		if err != nil {
			return first, second, err
		}
		o.Disks = []string{disk}
	}
	if first, err = start(ctx, o, dir, vm.FirstBoot("qemu")); err != nil || !twice {
		return first, second, err
	}
	second, err = start(ctx, o, dir, "ignition.platform.id=qemu")
	return first, second, err
}

// start boots a machine to its end.
func start(ctx context.Context, o vm.Options, dir, arguments string) (b boot, err error) {
	file := filepath.Join(dir, "exits")
	o.Devices = []string{"-chardev", "file,id=collected,path=" + file, "-device", "virtserialport,chardev=collected,id=" + collectPort + ",name=" + collectPort}
	o.Arguments = arguments + " " + rarely
	if b.Result, err = vm.Start(ctx, o, dir); err != nil {
		return b, err
	}
	if b.Initramfs {
		return b, fmt.Errorf("the machine did not come up; its console ends:\n%s", vm.Tail(b.Console, 30))
	}
	f, err := os.Open(file)
	if err != nil {
		return b, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var t exits.Task
		if err := json.Unmarshal(lines.Bytes(), &t); err != nil {
			return b, fmt.Errorf("reading what the machine has collected: %w", err)
		}
		b.tasks = append(b.tasks, t)
	}
	return b, nil
}
