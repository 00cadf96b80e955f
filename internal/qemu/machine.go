package qemu

import (
	"fmt"
	"strconv"
	"strings"
)

// Program is the emulator of the machines.
const Program = "qemu-system-x86_64"

// A Machine is what QEMU is to start. It has a serial console on standard input and
// output, and no other devices than those that are named here.
type Machine struct {
	Memory     int // MiB
	Processors int
	// Firmware is nil for the BIOS that QEMU brings.
	Firmware *Firmware
	// Kernel is empty if the firmware finds one on the first drive.
	Kernel, Initrd, Arguments string
	Drives                    []Drive
	// Ports are virtio serial ports: names and what QEMU calls a character device.
	Ports []Port
	// Blobs are files that the machine reads from fw_cfg, by their names there.
	Blobs []Blob
	// Network are options of QEMU's network in user mode, "" for none. Without a
	// network Isolated is set.
	Network  string
	Isolated bool
	// Monitor is a Unix socket for QMP, or empty.
	Monitor string
	// Once ends the machine where it would restart.
	Once bool
}

// A Drive is a disk: a file in a format of QEMU.
type Drive struct {
	Bus, File, Format, Serial string
	// Cache is QEMU's mode: "unsafe" if nothing of it matters after a crash of the host.
	Cache string
}

// A Port is a virtio serial port. The machine has it as /dev/virtio-ports/NAME.
type Port struct{ Name, Device string }

// A Blob is a file in fw_cfg.
type Blob struct{ Name, File string }

// A Firmware is a UEFI: its code, and a file for its variables, which it writes to.
type Firmware struct{ Code, Variables string }

// drivers are the devices of QEMU by bus; the controllers come once each.
var drivers = map[string]struct{ device, controller string }{
	BusVirtio: {"virtio-blk-pci", ""},
	BusSCSI:   {"scsi-hd,bus=scsi.0", "virtio-scsi-pci,id=scsi"},
	BusNVMe:   {"nvme", ""},
}

// The buses of drives.
const (
	BusVirtio = "virtio"
	BusSCSI   = "scsi"
	BusNVMe   = "nvme"
)

// CommandLine is what QEMU is started with, but for the acceleration.
func (m Machine) CommandLine() []string {
	args := []string{"-machine", "q35", "-smp", strconv.Itoa(max(m.Processors, 1)), "-m", strconv.Itoa(m.Memory),
		"-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio",
		// systemd waits for entropy without it.
		"-object", "rng-random,id=rng,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng"}
	if m.Once {
		args = append(args, "-no-reboot")
	}
	if m.Firmware != nil {
		args = append(args, "-drive", "if=pflash,unit=0,format=raw,readonly=on,file="+escape(m.Firmware.Code),
			"-drive", "if=pflash,unit=1,format=raw,file="+escape(m.Firmware.Variables))
	}
	if m.Kernel != "" {
		args = append(args, "-kernel", m.Kernel, "-append", m.Arguments)
	}
	if m.Initrd != "" {
		// QEMU takes several files, with commas between them.
		args = append(args, "-initrd", escape(m.Initrd))
	}
	args = append(args, drives(m.Drives)...)
	if len(m.Ports) > 0 {
		args = append(args, "-device", "virtio-serial-pci")
	}
	for i, p := range m.Ports {
		args = append(args, "-chardev", fmt.Sprintf("%s,id=port%d", p.Device, i), "-device", fmt.Sprintf("virtserialport,chardev=port%d,name=%s", i, p.Name))
	}
	for _, b := range m.Blobs {
		args = append(args, "-fw_cfg", "name="+b.Name+",file="+escape(b.File))
	}
	if !m.Isolated {
		args = append(args, "-netdev", "user,id=net"+prefixed(",", m.Network), "-device", "virtio-net-pci,netdev=net")
	}
	if m.Monitor != "" {
		args = append(args, "-qmp", "unix:"+escape(m.Monitor)+",server=on,wait=off")
	}
	return args
}

func drives(all []Drive) []string {
	var args []string
	controllers := map[string]bool{}
	for i, d := range all {
		driver := drivers[d.Bus]
		if driver.controller != "" && !controllers[driver.controller] {
			controllers[driver.controller] = true
			args = append(args, "-device", driver.controller)
		}
		device := driver.device + fmt.Sprintf(",drive=drive%d", i) + prefixed(",serial=", d.Serial)
		args = append(args, "-drive", fmt.Sprintf("if=none,id=drive%d,format=%s,cache=%s,discard=unmap,file=%s", i, d.Format, d.Cache, escape(d.File)), "-device", device)
	}
	return args
}

// prefixed is a text with a prefix, or nothing.
func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

// Forward are options of a network: what the machine sends to an address and port is for a
// program, which is started for each connection with the connection as its standard input
// and output. The address has to be in the machine's network, which is 10.0.2.0/24.
func Forward(address string, port int, program ...string) string {
	return fmt.Sprintf("guestfwd=tcp:%s:%d-cmd:%s", address, port, escape(strings.Join(program, " ")))
}

// escape writes a value as QEMU reads it in lists of options.
func escape(value string) string { return strings.ReplaceAll(value, ",", ",,") }
