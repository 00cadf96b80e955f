package vm

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/qemu"
	"github.com/firstlight-os/firstlight/internal/report"
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
	// Multipath is a SCSI disk that is reached on two paths, sda and sdb.
	Multipath string
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
	// Forward are ports of the host, on 127.0.0.1, that lead to ports of the machine: of
	// 10.0.2.15, by TCP.
	Forward map[int]int
	// Memory of the machine in MiB; 1024 if 0.
	Memory int
	// Devices are arguments of QEMU for other devices.
	Devices []string
	// TPM is a directory for the state of a TPM 2.0, if the machine is to have one. Such a
	// machine has no tables of ACPI, by which the kernel finds fw_cfg: Config is of no use.
	TPM string
	// Bare boots the initramfs without systemd.
	Bare bool
	// Firmware, if set, starts what is on the root disk: then that is a raw image, and
	// neither kernel nor Arguments are QEMU's business. Its variables change as the
	// machine runs.
	Firmware *qemu.Firmware
	// BlockStatistics asks for those of the disks, see Result: at the end and, if it is not
	// empty, when the machine closes the virtio serial port of this ID.
	BlockStatistics bool
	ClosedPort      string
	// Emulation is how a processor is emulated where KVM does not work, in arguments of
	// QEMU, if not as fast as possible.
	Emulation []string
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
	// Record is what the agent has sent to its port, "" for nothing.
	Record string
	// Blocks is what it has done with its disks, by their IDs: root, disk1, ...; and
	// BlocksThen what it had when it closed a port.
	Blocks, BlocksThen map[string]qemu.BlockStatistic
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

// ErrNoReport is wrapped in the error for a machine that ended before it could
// report: it was reset, say.
var ErrNoReport = errors.New("the machine has not reported")

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
	if o.TPM != "" {
		stop, err := startTPM(o.TPM)
		if err != nil {
			return nil, err
		}
		defer stop()
		args = append(args, tpmArguments(o.TPM)...)
	}
	var statistics *statistics
	if o.BlockStatistics {
		if statistics, err = newStatistics(dir, o.ClosedPort); err != nil {
			return nil, err
		}
		defer statistics.listener.Close()
		args = append(args, statistics.arguments()...)
	}
	started := time.Now()
	qemu := exec.CommandContext(ctx, qemu.Program, args...)
	out := &console{onOutput: o.Console}
	qemu.Stdout, qemu.Stderr = out, out
	err = qemu.Run()
	res := &Result{Console: out.text.String(), Seconds: time.Since(started).Seconds()}
	if err == nil && statistics != nil {
		err = statistics.get(res)
	}
	if err != nil {
		return res, fmt.Errorf("running the machine: %w; the console ends:\n%s", err, Tail(res.Console, 40))
	}
	record, err := os.ReadFile(filepath.Join(dir, "record"))
	if err != nil {
		return res, err
	}
	res.Record = string(record)
	text, err := os.ReadFile(filepath.Join(dir, "report"))
	if err != nil {
		return res, err
	}
	res.Machine = new(vmreport.Machine)
	if err := json.Unmarshal(text, res.Machine); err != nil {
		return res, fmt.Errorf("%w (%v); its console ends:\n%s", ErrNoReport, err, Tail(res.Console, 40))
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

// KernelArguments are those of a machine, and more.
func KernelArguments(more string) string {
	return "console=ttyS0 root=LABEL=root rw panic=-1 net.ifnames=0 quiet systemd.show_status=0 loglevel=3 fsck.mode=skip no_timer_check " + patience + " " + more
}

// fastProcessor is the plainest one, which with a random number generator is the fastest
// to emulate.
const fastProcessor = "qemu64"

func (o Options) arguments(dir string) ([]string, error) {
	m := qemu.Machine{Memory: cmp.Or(o.Memory, 1024), Once: true, Firmware: o.Firmware, Isolated: !o.Network, Network: o.forwarding(),
		Ports: []qemu.Port{{Name: "report", Device: "file,path=" + filepath.Join(dir, "report")}, {Name: report.Port, Device: "file,path=" + filepath.Join(dir, "record")}}}
	if o.Firmware == nil {
		m.Kernel, m.Initrd, m.Arguments = o.Images.Kernel, o.Images.Initramfs, KernelArguments(o.Arguments)
	}
	if o.TPM != "" {
		m.Arguments += " " + tpmKernelArguments
	}
	if o.Bare {
		m.Initrd = o.Images.Bare
	}
	if o.Config != "" {
		file := filepath.Join(dir, "config.ign")
		if err := os.WriteFile(file, []byte(o.Config), 0o600); err != nil {
			return nil, err
		}
		m.Blobs = []qemu.Blob{{Name: "opt/com.coreos/config", File: file}}
	}
	args := append(m.CommandLine(), o.Devices...)
	if o.Emulation != nil && !qemu.HasKVM(o.Images.Kernel) {
		return append(args, o.Emulation...), nil
	}
	return append(args, qemu.Accelerator(o.Images.Kernel, fastProcessor)...), nil
}

// forwarding is Forward as QEMU wants it.
func (o Options) forwarding() string {
	var options []string
	for host, machine := range o.Forward {
		options = append(options, fmt.Sprintf("hostfwd=tcp:127.0.0.1:%d-10.0.2.15:%d", host, machine))
	}
	return strings.Join(options, ",")
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
	switch {
	case o.VolatileRoot != nil:
		addVolatile("root", o.VolatileRoot)
	case o.Firmware != nil:
		add("root", "format=raw,cache=unsafe,file="+o.Root)
	default:
		add("root", "format=qcow2,cache=unsafe,file="+o.Root)
	}
	for i, disk := range o.Disks {
		add(fmt.Sprintf("disk%d", i+1), "format=raw,cache=unsafe,file="+disk)
	}
	if o.Multipath != "" {
		for _, path := range []string{"path1", "path2"} {
			args = append(args, "-drive", "if=none,id="+path+",format=raw,cache=unsafe,file.locking=off,file="+o.Multipath,
				"-device", "virtio-scsi-pci,id="+path+"bus", "-device", "scsi-hd,bus="+path+"bus.0,drive="+path+",share-rw=on,serial=shared,wwn=0x5000000000000001")
		}
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
