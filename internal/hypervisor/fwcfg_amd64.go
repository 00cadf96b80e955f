package hypervisor

import (
	"errors"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Ports of QEMU's firmware configuration device on a PC, see its
// docs/specs/fw_cfg: a selector of 16 bits and, behind it, data byte by byte.
const (
	fwCfgPorts     = 0x510
	fwCfgPortCount = 2
	fwCfgSignature = 0 // the key of the item that reads "QEMU"
)

// ReadFwCfg fills b from the beginning of an item of QEMU's firmware
// configuration, through the ports of the device: linear in time, where the
// kernel's file is not. It fails where ports must not be used (EPERM under
// lockdown) or this device is not behind them. The selector is shared with all
// who read the device, so that whoever uses this has to check what was read.
func ReadFwCfg(key uint16, b []byte) error {
	// Permission to use ports is the thread's.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := permitPorts(1); err != nil {
		return err
	}
	defer permitPorts(0)
	var signature [4]byte
	// Confidential machines have no ports for programs, whatever the kernel says.
	if err := catchFault(func() { readFwCfgItem(fwCfgSignature, signature[:]) }); err != nil {
		return err
	}
	if string(signature[:]) != "QEMU" {
		return errors.New("QEMU's firmware configuration is not at its ports")
	}
	readFwCfgItem(key, b)
	return nil
}

func permitPorts(on uintptr) error {
	if _, _, errno := unix.RawSyscall(unix.SYS_IOPERM, fwCfgPorts, fwCfgPortCount, on); errno != 0 {
		return os.NewSyscallError("ioperm", errno)
	}
	return nil
}

func readFwCfgItem(key uint16, b []byte) {
	selectFwCfg(key)
	// An instruction cannot be preempted, so none may take long.
	const piece = 64 << 10
	for len(b) > 0 {
		n := min(len(b), piece)
		readFwCfgData(&b[0], uintptr(n))
		b = b[n:]
	}
}

// selectFwCfg writes the selector.
//
//go:noescape
func selectFwCfg(key uint16)

// readFwCfgData reads n bytes of the selected item to p.
//
//go:noescape
func readFwCfgData(p *byte, n uintptr)
