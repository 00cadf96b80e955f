package hypervisor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Calls of services on the host, as in <linux/vboxguest.h>: each message begins
// with the same header, and its answer overwrites it.
const (
	vboxVersionInfo = 0xc02c5600
	vboxConnect     = 0xc09c5604
	vboxDisconnect  = 0xc01c5605
	vboxCall        = 0xc0005607 // with the size of the message in bits 16 to 29

	vboxHeader     = 24 // bytes
	vboxCallHeader = 40
	vboxParameter  = 16
	vboxStatusAt   = 12

	vboxHeaderVersion = 0x10001
	vboxInterface     = 0x10000
	vboxLocal         = 2 // the service is there already
	vboxService       = "VBoxGuestPropSvc"
	vboxTimeout       = 30_000 // ms, for the host

	// Types of parameters.
	vbox32, vbox64, vboxOut, vboxIn = 1, 2, 4, 5
	// Functions of the service.
	vboxGet, vboxDelete = 1, 4
	// Statuses.
	vboxNotFound, vboxOverflow, vboxDenied = -78, -41, -10
)

// GuestProperties are a connection to VirtualBox's service of that name. They are
// experimental: no test has met the real one.
type GuestProperties struct {
	file   *os.File
	ioctl  func(request uint32, message []byte) error
	client uint32
}

// OpenGuestProperties connects by the device of VirtualBox's driver.
func OpenGuestProperties(device string) (*GuestProperties, error) {
	f, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	p := &GuestProperties{file: f, ioctl: func(request uint32, message []byte) error { return vboxIoctl(f.Fd(), request, message) }}
	if err := p.connect(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return p, nil
}

// Close ends the connection.
func (p *GuestProperties) Close() error { return errors.Join(p.disconnect(), p.file.Close()) }

func vboxIoctl(fd uintptr, request uint32, message []byte) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, uintptr(request), uintptr(unsafe.Pointer(&message[0]))); errno != 0 {
		return errno
	}
	return nil
}

// send fills the header in and gives the status in the answer's.
func (p *GuestProperties) send(request uint32, message []byte) (status int32, err error) {
	size := uint32(len(message))
	for i, v := range []uint32{size, vboxHeaderVersion, 0, 0, size, 0} {
		binary.LittleEndian.PutUint32(message[4*i:], v)
	}
	if err := p.ioctl(request, message); err != nil {
		return 0, err
	}
	return int32(binary.LittleEndian.Uint32(message[vboxStatusAt:])), nil
}

// sendOK is send for what has to succeed.
func (p *GuestProperties) sendOK(doing string, request uint32, message []byte) error {
	status, err := p.send(request, message)
	if err == nil && status != 0 {
		err = fmt.Errorf("VirtualBox says %d", status)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

func (p *GuestProperties) connect() error {
	version := make([]byte, vboxHeader+20)
	binary.LittleEndian.PutUint32(version[vboxHeader:], vboxInterface)
	binary.LittleEndian.PutUint32(version[vboxHeader+4:], vboxInterface)
	if err := p.sendOK("agreeing on a version with the driver", vboxVersionInfo, version); err != nil {
		return err
	}
	connect := make([]byte, vboxHeader+4+128)
	binary.LittleEndian.PutUint32(connect[vboxHeader:], vboxLocal)
	copy(connect[vboxHeader+4:], vboxService)
	err := p.sendOK("connecting to "+vboxService, vboxConnect, connect)
	p.client = binary.LittleEndian.Uint32(connect[vboxHeader:])
	return err
}

func (p *GuestProperties) disconnect() error {
	message := make([]byte, vboxHeader+4)
	binary.LittleEndian.PutUint32(message[vboxHeader:], p.client)
	return p.sendOK("disconnecting from "+vboxService, vboxDisconnect, message)
}

// call calls a function of the service for a property. With value, the service
// fills that and says how long what it has is, also if it is too long.
func (p *GuestProperties) call(function uint32, name string, value []byte) (status int32, size uint32, err error) {
	little := binary.LittleEndian
	message := make([]byte, vboxCallHeader, vboxCallHeader+4*vboxParameter)
	little.PutUint32(message[vboxHeader:], p.client)
	little.PutUint32(message[vboxHeader+4:], function)
	little.PutUint32(message[vboxHeader+8:], vboxTimeout)
	parameter := func(kind, low uint32, high uint64) {
		message = little.AppendUint64(little.AppendUint32(little.AppendUint32(message, kind), low), high)
		message[vboxHeader+14]++
	}
	var pin runtime.Pinner // the driver gets addresses
	defer pin.Unpin()
	text := func(kind uint32, text []byte) {
		pin.Pin(&text[0])
		parameter(kind, uint32(len(text)), uint64(uintptr(unsafe.Pointer(&text[0]))))
	}
	text(vboxIn, append([]byte(name), 0))
	if value != nil {
		text(vboxOut, value)
		parameter(vbox64, 0, 0) // when it was set
		parameter(vbox32, 0, 0) // the size
	}
	status, err = p.send(vboxCall|uint32(len(message))<<16, message)
	if value != nil {
		size = little.Uint32(message[len(message)-vboxParameter+4:])
	}
	return status, size, err
}

// Get reads a property; one that is not set is "".
func (p *GuestProperties) Get(name string) (string, error) {
	value := make([]byte, 1)
	for range 5 { // it may grow while we ask
		status, size, err := p.call(vboxGet, name, value)
		switch {
		case err != nil:
			return "", fmt.Errorf("reading %s: %w", name, err)
		case status == vboxNotFound:
			return "", nil
		case status == vboxOverflow && size > uint32(len(value)) && size <= maxValue:
			value = make([]byte, size)
			continue
		case status != 0:
			return "", fmt.Errorf("reading %s: VirtualBox says %d", name, status)
		}
		// Its flags follow.
		text, _, ok := strings.Cut(string(value[:min(int(size), len(value))]), "\x00")
		if !ok {
			return "", fmt.Errorf("reading %s: the answer has no end", name)
		}
		return text, nil
	}
	return "", fmt.Errorf("reading %s: it changes all the time", name)
}

// Delete deletes a property; one that is not set is deleted.
func (p *GuestProperties) Delete(name string) error {
	status, _, err := p.call(vboxDelete, name, nil)
	switch {
	case err != nil:
		return fmt.Errorf("deleting %s: %w", name, err)
	case status == vboxDenied:
		return fmt.Errorf("deleting %s: %w, it is read-only for the machine", name, unix.EPERM)
	case status != 0 && status != vboxNotFound:
		return fmt.Errorf("deleting %s: VirtualBox says %d", name, status)
	}
	return nil
}
