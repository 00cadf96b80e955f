package vm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A Lab is a machine for tests that need a real kernel, real disks and real
// helper programs, but no boot of their own: many of them run in one. It has udev
// and no systemd, and runs one program as root.
type Lab struct {
	// Kernel, Initramfs and Root are images; Agent and Ctl are the programs under
	// test, firstlight and firstlightctl.
	Kernel, Initramfs, Root, Agent, Ctl string
}

// A Job is what a lab runs.
type Job struct {
	// Program is a static binary. It runs in the share directory, /share, with
	// firstlight and firstlightctl beside it.
	Program string
	Args    []string
	// Env is added to the environment of the program.
	Env []string
	// Files are further files of the share directory: files of the host, by names
	// below /share.
	Files map[string]string
	// Disks are files that become disks: /dev/disk/by-id/virtio-disk1 and so on.
	Disks []string
	// Memory of the machine in MiB; 2048 if 0.
	Memory int
	// Output gets what the program prints, as it prints.
	Output io.Writer
	// PowerCut, if set, is a line at whose appearance in the output the machine
	// loses its power.
	PowerCut string
	// Limit ends a machine that hangs; 0 is two hours.
	Limit time.Duration

	// What follows takes QEMU. A job without runs in User-mode Linux, where that is
	// installed, which is several times as fast as emulation.

	// Discs are files in optical drives: /dev/sr0, /dev/sr1, ... One of no name is
	// a drive without a disc.
	Discs []string
	// Devices are arguments of QEMU for other devices.
	Devices []string
	// TPM gives the machine a TPM 2.0.
	TPM bool
	// Systemd makes systemd the first process, for programs that need it.
	Systemd bool
}

// ErrPowerCut is what Run returns when it has cut the power.
var ErrPowerCut = errors.New("the power was cut at the line of the job")

// An ExitError is a program that did not succeed.
type ExitError int

func (e ExitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// BuildLab makes the images of the lab, or finds them in the cache, and builds
// the programs into dir.
func BuildLab(dir string) (*Lab, error) {
	lab := &Lab{Agent: filepath.Join(dir, "firstlight"), Ctl: filepath.Join(dir, "firstlightctl")}
	err := build(nil, func(b *builder) error {
		scripts, err := digest(filepath.Join(b.stage, "guest"))
		if err != nil {
			return err
		}
		lab.Kernel = b.kernelName(packages)
		lab.Initramfs = filepath.Join(b.cache, "labinitramfs-"+key(packages, scripts))
		lab.Root = filepath.Join(b.cache, "labroot-"+key(packages, scripts))
		if err := b.parts([]part{
			{lab.Kernel, b.script("kernel.sh"), 1},
			{lab.Initramfs, b.script("lab-initramfs.sh"), 2},
			{lab.Root, b.script("lab-root.sh"), 2},
		}); err != nil {
			return err
		}
		installed := filepath.Join(b.stage, "install/usr")
		if err := run("install", filepath.Join(installed, "lib/dracut/modules.d/30ignition/ignition"), lab.Agent); err != nil {
			return err
		}
		return run("install", filepath.Join(installed, "bin/firstlightctl"), lab.Ctl)
	})
	return lab, err
}

// A machine that ends or hangs before it is up, as some do on a busy host, is
// started again.
const (
	upLimit  = 20 * time.Minute
	upLine   = "the lab is up"
	attempts = 5
)

var errNotUp = errors.New("the machine did not come up")

// Run boots the lab, runs the job's program and powers off. What is not on the
// job's disks is lost.
func (l *Lab) Run(ctx context.Context, job Job) error {
	if job.Limit == 0 {
		job.Limit = 2 * time.Hour
	}
	if job.Memory == 0 {
		job.Memory = 2048
	}
	ctx, cancel := context.WithTimeout(ctx, job.Limit)
	defer cancel()
	for attempt := 1; ; attempt++ {
		if err := l.run(ctx, job); !errors.Is(err, errNotUp) || attempt == attempts || ctx.Err() != nil {
			return err
		}
	}
}

func (l *Lab) run(ctx context.Context, job Job) error {
	dir, err := os.MkdirTemp("", "firstlight-lab-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	share := filepath.Join(dir, "share")
	if err := l.writeShare(share, job); err != nil {
		return err
	}
	argv := l.umlArguments(job, dir, share)
	if !umlRuns(job) {
		argv = l.qemuArguments(job, dir, share)
	}
	if job.TPM {
		stop, err := startTPM(dir)
		if err != nil {
			return err
		}
		defer stop()
		argv = append([]string{"nice", "-n", "-5"}, argv...) // as startTPM does, if that is allowed
	}
	ctx, kill := context.WithCancel(ctx)
	defer kill()
	// A machine ends with the thread that started it, whatever ends that.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var console bytes.Buffer
	machine := exec.CommandContext(ctx, argv[0], argv[1:]...)
	// User-mode Linux is many processes.
	machine.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	machine.Cancel = func() error { return syscall.Kill(-machine.Process.Pid, syscall.SIGKILL) }
	out := &labOutput{to: job.Output, cut: job.PowerCut, kill: kill}
	machine.Stdout, machine.Stderr = out, &console
	notUp := time.AfterFunc(upLimit, kill)
	out.up = func() { notUp.Stop() }
	err = machine.Run()
	notUp.Stop()
	switch {
	case out.wasCut:
		return ErrPowerCut
	case !out.isUp:
		return fmt.Errorf("%w: %v\n%s", errNotUp, err, Tail(console.String(), 30))
	case ctx.Err() != nil:
		return fmt.Errorf("the machine did not end by itself: %w", ctx.Err())
	case out.status == nil:
		return fmt.Errorf("the machine ended before the program (%v); its console ends:\n%s", err, Tail(console.String(), 30))
	case *out.status != 0:
		return ExitError(*out.status)
	}
	return nil
}

// labOutput passes lines on, keeps the exit status for itself and cuts the power.
type labOutput struct {
	to     io.Writer
	cut    string
	kill   func()
	line   []byte
	up     func()
	isUp   bool
	wasCut bool
	status *int
}

func (o *labOutput) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0 && !o.wasCut; {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			o.line = append(o.line, rest...)
			break
		}
		o.line = append(o.line, rest[:i]...)
		o.print(strings.TrimSuffix(string(o.line), "\r"))
		o.line, rest = o.line[:0], rest[i+1:]
	}
	return len(p), nil
}

func (o *labOutput) print(line string) {
	if line == upLine {
		o.isUp = true
		o.up()
		return
	}
	if o.cut != "" && strings.Contains(line, o.cut) {
		o.wasCut = true
		o.kill()
		return
	}
	if number, ok := strings.CutPrefix(line, "exit status "); ok {
		if n, err := strconv.Atoi(number); err == nil {
			o.status = &n
			return
		}
	}
	if o.to != nil {
		fmt.Fprintln(o.to, line)
	}
}
