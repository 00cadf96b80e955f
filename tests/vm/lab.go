package vm

import (
	"archive/tar"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A Lab is a machine for tests that need a real kernel, real disks and real
// helper programs, but no boot of their own: many of them run in one. It has udev
// and no systemd, and runs one program as root.
type Lab struct {
	// Kernel, Initramfs and Root are images; Agent and Desk are the programs under
	// test, firstlight and firstlightctl.
	Kernel, Initramfs, Root, Agent, Desk string
}

// An Errand is what a lab is to do.
type Errand struct {
	// Program is a static binary. It runs in /hand, with firstlight and
	// firstlightctl beside it.
	Program string
	Args    []string
	// Env is added to the environment of the program.
	Env []string
	// Files are put beside the program: by names below /hand, those of the host.
	Files map[string]string
	// Disks are files that become virtio disks with the serials disk1, disk2, ...
	Disks []string
	// Discs are files in optical drives: /dev/sr0, /dev/sr1, ... One of no name is
	// a drive without a disc.
	Discs []string
	// Devices are arguments of QEMU for other devices.
	Devices []string
	// TPM is the control socket of a TPM emulator; "" is a machine without.
	TPM string
	// Output gets what the program prints, as it prints.
	Output io.Writer
	// Systemd makes systemd the first process, for programs that need it.
	Systemd bool
	// PowerCut, if set, is a line at whose appearance in the output the machine
	// loses its power.
	PowerCut string
	// Limit ends a machine that hangs; 0 is half an hour.
	Limit time.Duration
}

// ErrPowerCut is what Run returns when it has cut the power.
var ErrPowerCut = fmt.Errorf("the power was cut, as was asked")

// An ExitError is a program that did not succeed.
type ExitError int

func (e ExitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// BuildLab makes the images of the lab, or finds them in the cache, and builds
// the programs into dir.
func BuildLab(dir string, flags ...string) (*Lab, error) {
	lab := &Lab{Agent: filepath.Join(dir, "firstlight"), Desk: filepath.Join(dir, "firstlightctl")}
	err := build(flags, func(b *builder) error {
		scripts, err := digest(filepath.Join(b.stage, "guest"))
		if err != nil {
			return err
		}
		lab.Kernel = filepath.Join(b.cache, "kernel-"+key(packages, unpackKernel))
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
		return run("install", filepath.Join(installed, "bin/firstlightctl"), lab.Desk)
	})
	return lab, err
}

// Under emulation a machine hangs now and then before it has come up; then it
// is started again.
const (
	upLimit  = 4 * time.Minute
	upLine   = "the lab is up"
	attempts = 3
)

var errNotUp = fmt.Errorf("the machine did not come up within %v", upLimit)

// Run boots the lab, runs the errand's program and powers off. What is not on the
// errand's disks is forgotten.
func (l *Lab) Run(ctx context.Context, e Errand) error {
	for attempt := 1; ; attempt++ {
		if err := l.run(ctx, e); err != errNotUp || attempt == attempts {
			return err
		}
	}
}

func (l *Lab) run(ctx context.Context, e Errand) error {
	limit := e.Limit
	if limit == 0 {
		limit = 30 * time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	dir, err := os.MkdirTemp("", "firstlight-lab-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	hand := filepath.Join(dir, "hand")
	if err := l.hand(hand, e); err != nil {
		return err
	}
	// A machine ends with the thread that started it, whatever ends that.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var noise bytes.Buffer
	qemu := exec.CommandContext(ctx, "qemu-system-x86_64", l.arguments(e, hand)...)
	out := &labOutput{to: e.Output, cut: e.PowerCut, kill: func() { qemu.Process.Kill() }}
	qemu.Stdout, qemu.Stderr = out, &noise
	qemu.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	hung := time.AfterFunc(upLimit, func() { qemu.Process.Kill() })
	out.up = func() bool { return hung.Stop() }
	err = qemu.Run()
	switch {
	case !hung.Stop() && !out.isUp:
		return errNotUp
	case out.wasCut:
		return ErrPowerCut
	case ctx.Err() != nil:
		return fmt.Errorf("the machine did not end by itself: %w", ctx.Err())
	case err != nil:
		return fmt.Errorf("running the machine: %w\n%s", err, noise.String())
	case out.status == nil:
		return fmt.Errorf("the machine has not said how the program ended; it says:\n%s", Tail(noise.String(), 30))
	case *out.status != 0:
		return ExitError(*out.status)
	}
	return nil
}

func (l *Lab) arguments(e Errand, hand string) []string {
	kernel := "console=ttyS0 panic=-1 quiet loglevel=3 net.ifnames=0 firstlight.device_timeout=15"
	if e.Systemd {
		kernel += " lab.systemd systemd.show_status=0"
	}
	machine := "q35"
	if e.TPM != "" {
		// With a TPM the tables of ACPI come to lie where QEMU puts the initramfs.
		machine += ",acpi=off"
		kernel += " tpm_tis.force=1"
	}
	args := []string{"-machine", machine, "-smp", "2", "-m", "2048", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-kernel", l.Kernel, "-initrd", l.Initramfs, "-append", kernel,
		"-chardev", "file,id=out,path=/dev/stdout", "-chardev", "file,id=console,path=/dev/stderr", "-serial", "chardev:console",
		"-object", "rng-random,id=rng,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng",
		"-device", "virtio-serial-pci", "-device", "virtserialport,chardev=out,name=output",
		"-drive", "if=none,id=lab,format=raw,snapshot=on,file=" + l.Root, "-device", "virtio-blk-pci,drive=lab,serial=lab",
		"-drive", "if=none,id=hand,format=raw,readonly=on,file=" + hand, "-device", "virtio-blk-pci,drive=hand,serial=hand"}
	args = append(args, accelerator(l.Kernel)...)
	for i, disk := range e.Disks {
		id := fmt.Sprintf("disk%d", i+1)
		args = append(args, "-drive", "if=none,format=raw,cache=unsafe,discard=unmap,id="+id+",file="+disk, "-device", "virtio-blk-pci,drive="+id+",serial="+id)
	}
	if len(e.Discs) > 0 {
		args = append(args, "-device", "virtio-scsi-pci,id=scsi")
	}
	for i, disc := range e.Discs {
		id := fmt.Sprintf("disc%d", i+1)
		file := ""
		if disc != "" {
			file = ",format=raw,readonly=on,file=" + disc
		}
		args = append(args, "-drive", "if=none,media=cdrom,id="+id+file, "-device", fmt.Sprintf("scsi-cd,bus=scsi.0,scsi-id=%d,drive=%s", i, id))
	}
	args = append(args, e.Devices...)
	if e.TPM != "" {
		args = append(args, "-chardev", "socket,id=tpm,path="+e.TPM, "-tpmdev", "emulator,id=tpm0,chardev=tpm", "-device", "tpm-tis,tpmdev=tpm0")
	}
	return args
}

// hand packs what the machine is handed.
func (l *Lab) hand(name string, e Errand) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	w := tar.NewWriter(f)
	var run strings.Builder
	run.WriteString("#!/bin/bash\n")
	for _, env := range e.Env {
		fmt.Fprintf(&run, "export %s\n", quote(env))
	}
	run.WriteString("exec ./program")
	for _, arg := range e.Args {
		run.WriteString(" " + quote(arg))
	}
	run.WriteString("\n")
	if err := w.WriteHeader(&tar.Header{Name: "run", Mode: 0o755, Size: int64(run.Len())}); err != nil {
		return err
	}
	if _, err := io.WriteString(w, run.String()); err != nil {
		return err
	}
	files := map[string]string{"program": e.Program, "firstlight": l.Agent, "firstlightctl": l.Desk}
	for name, file := range e.Files {
		files[name] = file
	}
	for name, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content))}); err != nil {
			return err
		}
		if _, err := w.Write(content); err != nil {
			return err
		}
	}
	return w.Close()
}

// quote makes a word of a shell.
func quote(word string) string {
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// labOutput passes lines on, keeps the exit status for itself and cuts the power.
type labOutput struct {
	to     io.Writer
	cut    string
	kill   func()
	line   []byte
	up     func() bool
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
		o.whole(strings.TrimSuffix(string(o.line), "\r"))
		o.line, rest = o.line[:0], rest[i+1:]
	}
	return len(p), nil
}

func (o *labOutput) whole(line string) {
	if line == upLine {
		o.isUp = o.up()
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

// InsideVariable is set in the environment of a program that is to know that it
// runs in the lab.
const InsideVariable = "FIRSTLIGHT_LAB"

// InLab tells whether this program runs in the lab.
func InLab() bool { return os.Getenv(InsideVariable) != "" }

// RunInLab runs the tests of a package in the lab: the test binary starts itself
// there, with the flags that it was given. It is what TestMain calls, and it
// returns the exit status. Prepare, if not nil, completes the errand; it may
// leave work for the end.
func RunInLab(m *testing.M, prepare func(*Lab, *Errand, string) error) int {
	if InLab() {
		return m.Run()
	}
	if err := runInLab(prepare); err != nil {
		if status, ok := err.(ExitError); ok {
			return int(status)
		}
		fmt.Fprintln(os.Stderr, "lab:", err)
		return 1
	}
	return 0
}

func runInLab(prepare func(*Lab, *Errand, string) error) error {
	dir, err := os.MkdirTemp("", "firstlight-lab-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	lab, err := BuildLab(dir)
	if err != nil {
		return err
	}
	e := Errand{Limit: 55 * time.Minute, Output: os.Stdout, Env: []string{InsideVariable + "=1"}, Args: testFlags()}
	if e.Program, err = os.Executable(); err != nil {
		return err
	}
	if prepare != nil {
		if err := prepare(lab, &e, dir); err != nil {
			return err
		}
	}
	return lab.Run(context.Background(), e)
}

// testFlags are the flags that this test binary was given, without those that
// name files of the host.
func testFlags() []string {
	flag.Parse()
	var args []string
	flag.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "test.testlogfile", "test.outputdir", "test.gocoverdir", "test.coverprofile", "test.cpuprofile", "test.memprofile":
		default:
			args = append(args, "-"+f.Name+"="+f.Value.String())
		}
	})
	return append(args, flag.Args()...)
}
