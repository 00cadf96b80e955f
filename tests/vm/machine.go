package vm

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/tests/vm/vmreport"
)

// bootLimit ends a machine that hangs. A boot takes less than a minute under
// emulation on an idle machine, and twenty times as long on a busy one.
const bootLimit = time.Hour

// patience has systemd wait as long as a busy host may take.
const patience = "systemd.default_timeout_start_sec=1800"

// Options say what a machine is made of.
type Options struct {
	Images *Images
	// Root is the root disk; NewRoot makes one. It changes as the machine runs.
	Root string
	// Disks are further disks: vdb, vdc, ...
	Disks []string
	// VolatileRoot takes the place of Root, and VolatileDisks that of Disks, where the
	// power is cut.
	VolatileRoot  *VolatileDisk
	VolatileDisks []*VolatileDisk
	// Config is passed by fw_cfg, if not empty.
	Config string
	// Arguments are added to the kernel command line.
	Arguments string
	// Network connects the machine to the host, which is 10.0.2.2 there.
	Network bool
	// Bare boots the initramfs without systemd.
	Bare bool
	// Console, if set, gets what the machine prints while it runs.
	Console func([]byte)
}

// FirstBoot are the kernel arguments of a first boot on a platform.
func FirstBoot(platform string) string {
	return "ignition.firstboot ignition.platform.id=" + platform
}

// A Result is what a machine has left.
type Result struct {
	Console string
	Seconds float64
	// Machine is what it has reported of itself; nil if it has not.
	*vmreport.Machine
}

// NewRoot makes a root disk that differs from the image only by what is written.
func NewRoot(img *Images, dir string) (string, error) {
	name := filepath.Join(dir, "root.qcow2")
	return name, run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", img.Root, name)
}

// NewDisk makes an empty disk of a size in MiB.
func NewDisk(dir, name string, mib int64) (string, error) {
	path := filepath.Join(dir, name)
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	if err := f.Truncate(mib << 20); err != nil {
		return "", err
	}
	return path, f.Close()
}

// Start runs a machine to its end.
func Start(ctx context.Context, o Options, dir string) (*Result, error) {
	ctx, cancel := context.WithTimeout(ctx, bootLimit)
	defer cancel()
	args, err := o.arguments(dir)
	if err != nil {
		return nil, err
	}
	disks, closeDisks, err := o.drives(dir)
	if err != nil {
		return nil, err
	}
	defer closeDisks()
	args = append(args, disks...)
	started := time.Now()
	qemu := exec.CommandContext(ctx, "qemu-system-x86_64", args...)
	out := &console{onOutput: o.Console}
	qemu.Stdout, qemu.Stderr = out, out
	err = qemu.Run()
	res := &Result{Console: out.text.String(), Seconds: time.Since(started).Seconds()}
	if err != nil {
		return res, fmt.Errorf("running the machine: %w; the console ends:\n%s", err, Tail(res.Console, 40))
	}
	text, err := os.ReadFile(filepath.Join(dir, "report"))
	if err != nil {
		return res, err
	}
	res.Machine = new(vmreport.Machine)
	if err := json.Unmarshal(text, res.Machine); err != nil {
		return res, fmt.Errorf("the machine has not reported (%v); its console ends:\n%s", err, Tail(res.Console, 40))
	}
	return res, nil
}

// Boot is Start for tests: a machine that does not report fails the test.
func Boot(t testing.TB, o Options) *Result {
	t.Helper()
	dir := t.TempDir()
	res, err := Start(t.Context(), o, dir)
	if err != nil {
		if res != nil {
			keep(t, res)
		}
		t.Fatal(err)
	}
	t.Logf("booted in %.1f s", res.Seconds)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("console:\n%s\njournal:\n%s", Tail(res.Console, 40), grep(res.Journal, "ignition", 120))
			keep(t, res)
		}
	})
	return res
}

// keep writes down all that a machine has left, for whoever looks into a failure.
func keep(t testing.TB, res *Result) {
	dir, err := os.MkdirTemp("", "firstlight-failed-")
	if err != nil {
		t.Log(err)
		return
	}
	left := map[string]string{"console": res.Console}
	if res.Machine != nil {
		machine, _ := json.MarshalIndent(res.Machine, "", "  ")
		left["journal"], left["machine.json"] = res.Journal, string(machine)
	}
	for name, text := range left {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Log(err)
		}
	}
	t.Logf("all that the machine has left is in %s", dir)
}

func (o Options) arguments(dir string) ([]string, error) {
	kernel := "console=ttyS0 root=LABEL=root rw panic=-1 net.ifnames=0 quiet systemd.show_status=0 loglevel=3 fsck.mode=skip no_timer_check " + patience + " " + o.Arguments
	initramfs := o.Images.Initramfs
	if o.Bare {
		initramfs = o.Images.Bare
	}
	args := []string{"-machine", "q35", "-smp", "1", "-m", "1024", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-serial", "stdio", "-kernel", o.Images.Kernel, "-initrd", initramfs, "-append", kernel,
		"-object", "rng-random,id=rng,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng",
		"-device", "virtio-serial-pci", "-chardev", "file,id=report,path=" + filepath.Join(dir, "report"), "-device", "virtserialport,chardev=report,name=report"}
	args = append(args, accelerator(o.Images.Kernel)...)
	if o.Config != "" {
		file := filepath.Join(dir, "config.ign")
		if err := os.WriteFile(file, []byte(o.Config), 0o600); err != nil {
			return nil, err
		}
		args = append(args, "-fw_cfg", "name=opt/com.coreos/config,file="+file)
	}
	if o.Network {
		args = append(args, "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net")
	}
	return args, nil
}

// drives are the arguments for the disks, of which the volatile ones are served until
// they are closed.
func (o Options) drives(dir string) (args []string, closeAll func(), err error) {
	add := func(id, drive string) {
		args = append(args, "-drive", "if=none,id="+id+","+drive, "-device", "virtio-blk-pci,drive="+id+",serial="+id)
	}
	var listeners []net.Listener
	closeAll = func() {
		for _, l := range listeners {
			l.Close()
		}
	}
	addVolatile := func(id string, d *VolatileDisk) {
		socket, listener, serveErr := d.Serve(dir, id)
		if serveErr != nil {
			err = serveErr
			return
		}
		listeners = append(listeners, listener)
		add(id, "format=raw,cache=writeback,file.driver=nbd,file.server.type=unix,file.server.path="+socket)
	}
	if o.VolatileRoot != nil {
		addVolatile("root", o.VolatileRoot)
	} else {
		add("root", "format=qcow2,cache=unsafe,file="+o.Root)
	}
	for i, disk := range o.Disks {
		add(fmt.Sprintf("disk%d", i+1), "format=raw,cache=unsafe,file="+disk)
	}
	for i, disk := range o.VolatileDisks {
		addVolatile(fmt.Sprintf("disk%d", i+1), disk)
	}
	return args, closeAll, err
}

// Tail is the end of a text.
func Tail(text string, lines int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

func grep(text, word string, most int) string {
	var found []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) {
			found = append(found, line)
		}
	}
	return strings.Join(found[max(0, len(found)-most):], "")
}

// console collects what a machine prints.
type console struct {
	text     strings.Builder
	onOutput func([]byte)
}

func (c *console) Write(p []byte) (int, error) {
	if c.onOutput != nil {
		c.onOutput(p)
	}
	return c.text.Write(p)
}
