//go:build linux && !portable

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/firstlight-os/firstlight/internal/emulator"
	"github.com/firstlight-os/firstlight/internal/initramfs"
	"github.com/firstlight-os/firstlight/internal/qemu"
)

const tryHelp = `Boot a virtual machine with a config, and see what becomes of it, before a real
machine does. It is made for the purpose and thrown away: images are only read.
It needs QEMU, and no root; without KVM it is emulated, which takes minutes.

What boots:
  --image DISK                  a disk image of a distribution for QEMU
  --kernel K --initrd I         these, with the kernel arguments of a first boot
    --root R --append ARGUMENTS   with this disk for the root, and with more
                                  arguments: root=LABEL=root rw
  --demo                        the machine that "make demo" in a checkout of
                                  Firstlight has built

The config is JSON or Butane, - is standard input. It reaches the machine by
fw_cfg, as on the platform qemu; with --platform by an emulation of the metadata
service of that platform. An image has to be for the same platform.

--disk adds an empty disk: [BUS:]SIZE[:serial=TEXT], as in 2G, scsi:512M or
nvme:10G:serial=abc. The bus is virtio, scsi or nvme. Those of virtio are vda,
vdb and so on, after the one that boots; /dev/disk/by-id has the serial numbers,
which are disk1, disk2 and so on by default.

--agent puts our agent into the initramfs, in the place of what is there, as
"firstlightctl overlay" does: the one beside firstlightctl, or --agent=FILE.

--serve has the files of DIR at http://10.0.2.100/ for the machine, and for
nobody else: what the config names there is fetched from DIR. With
--platform that is http://169.254.2.100/ (aliyun: http://100.100.2.100/).

--boots 2 boots the machine once more, and fails if anything of a first boot
runs then. For that the machine has to come up: to a prompt on the serial
console, or to its end. --shell leaves the machine running at the end, with its
console on this terminal.

What happens is read from the serial console. An image that shows nothing there
needs the kernel argument console=ttyS0.

Exit status:
  0    the machine was provisioned
  1-8  that of the agent, as in docs/operating.md: 4 if the config is to blame,
       5 if something cannot be fetched. It is also 1 if the machine does not
       get so far, and 2 for wrong usage and missing programs
  130  stopped by Ctrl-C`

type tryOptions struct {
	translationOptions
	image, kernel, initrd, root, arguments string
	disks                                  []string
	firmware                               string
	memory, processors                     int
	record, agent, serve                   string
	platform                               string
	boots                                  int
	shell, demo                            bool
	connect                                string // by QEMU only
	timeout                                time.Duration
	verbose                                bool
}

func tryCommand() *cobra.Command {
	var o tryOptions
	c := &cobra.Command{
		Use:   "try [flags] CONFIG",
		Short: "Boot a virtual machine with a config, and see what becomes of it",
		Long:  tryHelp,
		Example: `  firstlightctl try --image fedora-coreos-qemu.x86_64.qcow2 web1.bu
  firstlightctl try --kernel vmlinuz --initrd initramfs.img --root root.img \
    --append "root=LABEL=root rw" --disk 2G web1.ign`,
		Args: func(c *cobra.Command, args []string) error {
			if o.connect != "" {
				return nil
			}
			return cobra.ExactArgs(1)(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if o.connect != "" {
				return connect(o.connect, c.InOrStdin(), c.OutOrStdout())
			}
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
			defer stop()
			return try(ctx, args[0], o, c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVar(&o.image, "image", "", "boot this `disk` image")
	f.StringVar(&o.kernel, "kernel", "", "boot this kernel `file`")
	f.StringVar(&o.initrd, "initrd", "", "the initramfs `file` of the kernel")
	f.StringVar(&o.root, "root", "", "the `disk` image with the root for the kernel")
	f.BoolVar(&o.demo, "demo", false, "boot the machine of make demo")
	f.StringVar(&o.arguments, "append", "", "more `arguments` for the kernel")
	f.StringArrayVar(&o.disks, "disk", nil, "add an empty `disk`; may be repeated")
	f.StringVar(&o.firmware, "firmware", "auto", "bios, uefi, or by the image")
	f.IntVar(&o.memory, "memory", 2048, "memory of the machine, in `MiB`")
	f.IntVar(&o.processors, "processors", 2, "processors of the machine")
	f.StringVar(&o.agent, "agent", "", "put our agent into it, or that `file`")
	f.Lookup("agent").NoOptDefVal = ourAgent
	f.StringVar(&o.serve, "serve", "", "serve `DIR` at http://10.0.2.100/")
	f.StringVar(&o.platform, "platform", "qemu", "emulate this platform's `service`")
	f.IntVar(&o.boots, "boots", 1, "1, or 2 for a second boot")
	f.BoolVar(&o.shell, "shell", false, "leave the console open at the end")
	f.StringVar(&o.connect, connectFlag, "", "connect to a socket, for QEMU")
	if err := f.MarkHidden(connectFlag); err != nil {
		panic(err)
	}
	f.StringVar(&o.record, "record", "", "save the record of the boot, or else what the\nconsole has shown, to this `file`")
	o.addFlags(f)
	f.DurationVar(&o.timeout, "timeout", 30*time.Minute, "give up after this `time`")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "show the console, too")
	return c
}

// check returns everything that is wrong with the options.
func (o tryOptions) check(fromStdin bool) error {
	var errs []error
	need := func(holds bool, format string, args ...any) {
		if !holds {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	need((o.image == "") != (o.kernel == ""), "give either --image, or --kernel and --initrd, or --demo")
	if o.image != "" {
		need(o.initrd == "" && o.root == "" && o.arguments == "", "--initrd, --root and --append go with --kernel: an image has its own")
	}
	need(o.agent == "" || o.image == "", "--agent goes with --kernel and --initrd: the initramfs of an image is inside of it, where it cannot be changed from here; copy both out of it")
	if o.serve != "" {
		info, err := os.Stat(o.serve)
		need(err == nil && info.IsDir(), "--serve=%s: there is no such directory", o.serve)
	}
	if o.kernel != "" {
		need(o.initrd != "", "--kernel needs --initrd, which has the agent")
		need(o.firmware != "uefi", "--firmware=uefi goes with --image")
		need(o.root == "" || hasArgument(o.arguments, "root"), `--root needs to be told where the root is on that disk, as in --append "root=LABEL=root rw"`)
	}
	if _, ok := emulator.Find(o.platform); !ok && o.platform != qemuPlatform {
		need(false, "--platform: there is no emulation of %q; there are %s, and %s by fw_cfg", o.platform, strings.Join(emulated(), ", "), qemuPlatform)
	}
	need(o.boots == 1 || o.boots == 2, "--boots=%d: a machine boots once or twice", o.boots)
	need(slices.Contains([]string{"auto", "bios", "uefi"}, o.firmware), "--firmware=%s: there are auto, bios and uefi", o.firmware)
	need(o.memory >= 128, "--memory=%d: a machine needs 128 MiB", o.memory)
	need(o.processors >= 1, "--processors=%d: a machine needs one", o.processors)
	need(o.timeout > 0, "--timeout=%v: that is no time at all", o.timeout)
	for _, file := range []string{o.image, o.kernel, o.initrd, o.root} {
		if file != "" {
			_, err := os.Stat(file)
			need(err == nil, "%w", err)
		}
	}
	need(!o.shell || !fromStdin, "--shell needs standard input for the console: the config has to come from a file")
	for _, d := range o.disks {
		_, err := qemu.ParseDisk(d)
		need(err == nil, "--disk: %w", err)
	}
	return errors.Join(errs...)
}

// qemuPlatform is the one whose configs come by fw_cfg.
const qemuPlatform = "qemu"

// emulated are the platforms with an emulation.
func emulated() []string {
	var names []string
	for _, s := range emulator.Services {
		names = append(names, s.Platform)
	}
	return names
}

// ourAgent is the value of --agent without one.
const ourAgent = "ours"

// hasArgument reports whether a kernel argument has a value.
func hasArgument(arguments, name string) bool {
	return slices.ContainsFunc(strings.Fields(arguments), func(word string) bool { return strings.HasPrefix(word, name+"=") })
}

func try(ctx context.Context, file string, o tryOptions, stdin io.Reader, stdout, stderr io.Writer) error {
	if o.demo {
		if err := o.useDemo(); err != nil {
			return err
		}
	}
	if err := o.check(file == "-"); err != nil {
		return err
	}
	if err := qemu.Missing(); err != nil {
		return err
	}
	in, err := readInput(file, stdin)
	if err != nil {
		return fmt.Errorf("reading the config: %w", err)
	}
	config, err := compactJSON(in, &o.translationOptions, stderr)
	if errors.Is(err, errRefused) {
		return exitStatus(statusConfig)
	} else if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "firstlight-try-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	userData := config
	if in.signed != nil { // the image may want it as it is
		userData = in.signed
	}
	m, err := o.machine(dir, userData)
	if err != nil {
		return fmt.Errorf("making the machine: %w", err)
	}
	network, err := o.network(dir, config)
	defer network.close()
	if err != nil {
		return err
	}
	m.Network = network.options
	how := "with KVM"
	if !qemu.HasKVM(o.kernel) {
		how = "emulated, which takes minutes: KVM does not work here"
	}
	fmt.Fprintf(stdout, "Booting a machine with %s (%s)\n\n", printable(in.name), how)
	return o.boot(ctx, dir, m, stdin, stdout, stderr)
}

// boot boots the machine once or twice.
func (o tryOptions) boot(ctx context.Context, dir string, m qemu.Machine, stdin io.Reader, stdout, stderr io.Writer) error {
	t := newTrial(o, dir, m, stdin, stdout, stderr)
	t.shell, t.comeUp = o.shell && o.boots == 1, o.boots > 1
	v, err := t.run(ctx)
	if err != nil {
		return err
	}
	if err := v.conclude(ctx, o, stdout, stderr); err != nil || o.boots == 1 {
		return err
	}
	fmt.Fprint(stdout, "\nBooting it once more\n\n")
	if o.kernel != "" {
		m.Arguments = o.kernelArguments(laterBoot)
	}
	t = newTrial(o, dir, m, stdin, stdout, stderr)
	t.shell, t.seen = o.shell, watcher{second: true}
	if v, err = t.run(ctx); err != nil {
		return err
	}
	return v.concludeSecond(ctx, stdout, stderr)
}

// serialConsole has a machine show what happens in it. Under emulation on a busy host the
// kernel's check of its timer fails.
const serialConsole = "console=ttyS0 no_timer_check systemd.show_status=0 systemd.journald.forward_to_console=1 systemd.journald.max_level_console=info"

// Kernel arguments of boots.
const (
	firstBoot = "ignition.firstboot"
	laterBoot = ""
)

// configNames are those of the config in fw_cfg: in general, and in Flatcar.
var configNames = []string{"opt/com.coreos/config", "opt/org.flatcar-linux/config"}

// machine describes the machine, and makes its files in a directory.
func (o tryOptions) machine(dir string, config []byte) (m qemu.Machine, err error) {
	m = qemu.Machine{Memory: o.memory, Processors: o.processors, Kernel: o.kernel, Initrd: o.initrd, Once: o.kernel != ""}
	if o.kernel != "" {
		m.Arguments = o.kernelArguments(firstBoot)
	}
	if o.agent != "" {
		if m.Initrd, err = o.withAgent(dir); err != nil {
			return m, err
		}
	}
	if image := o.image + o.root; image != "" {
		drive, err := qemu.Overlay(image, dir, "root")
		if err != nil {
			return m, fmt.Errorf("putting an overlay on %s: %w", image, err)
		}
		m.Drives = append(m.Drives, drive)
	}
	if m.Firmware, err = o.findFirmware(dir, m.Drives); err != nil {
		return m, err
	}
	for i, text := range o.disks {
		disk, err := qemu.ParseDisk(text)
		if err != nil {
			return m, err
		}
		drive, err := disk.Create(dir, fmt.Sprintf("disk%d", i+1))
		if err != nil {
			return m, fmt.Errorf("making the disk %s: %w", text, err)
		}
		m.Drives = append(m.Drives, drive)
	}
	if o.platform != qemuPlatform {
		return m, nil
	}
	blob := filepath.Join(dir, "config.ign")
	for _, name := range configNames {
		m.Blobs = append(m.Blobs, qemu.Blob{Name: name, File: blob})
	}
	return m, os.WriteFile(blob, config, 0o600)
}

// kernelArguments are those of a kernel that QEMU starts.
func (o tryOptions) kernelArguments(boot string) string {
	return strings.Join(strings.Fields(strings.Join([]string{serialConsole, boot, "ignition.platform.id=" + o.platform, o.arguments}, " ")), " ")
}

// withAgent writes the initramfs with the overlay behind it.
func (o tryOptions) withAgent(dir string) (string, error) {
	var args []string
	if o.agent != ourAgent {
		args = []string{o.agent}
	}
	overlay, err := readOverlay(args)
	if err != nil {
		return "", err
	}
	image, err := readImage(o.initrd)
	if err != nil {
		return "", err
	}
	image = initramfs.WithoutOverlay(image)
	file := filepath.Join(dir, "initrd")
	return file, os.WriteFile(file, slices.Concat(image, initramfs.Append(len(image), overlay)), 0o600)
}

func (o tryOptions) findFirmware(dir string, drives []qemu.Drive) (*qemu.Firmware, error) {
	if o.image == "" || o.firmware == "bios" {
		return nil, nil
	}
	if o.firmware == "auto" {
		if needed, err := qemu.NeedsUEFI(drives[0], dir); err != nil || !needed {
			return nil, err
		}
	}
	return qemu.UEFI(dir)
}
