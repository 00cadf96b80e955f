package hypervisor

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// Experimental: no test has met the real hypervisor.
//
// Calls of VMware's hypervisor. Each is one instruction that the hypervisor
// answers in the registers; a request is a conversation of several, with four
// bytes of text in each. open-vm-tools has the same in lib/backdoor,
// lib/message and lib/rpcChannel.
// https://github.com/vmware/open-vm-tools
const (
	vmwareMagic = 0x564d5868
	vmwarePort  = 0x5658

	vmwareVersion = 10   // commands
	vmwareMessage = 0x1e // its parts are:

	messageOpen       = 0
	messageSendSize   = 1
	messageSend       = 2
	messageReceive    = 3 // the size
	messageReceiveTxt = 4
	messageReceived   = 5
	messageClose      = 6

	messageOK         = 0x01 // statuses
	messageHasReply   = 0x02
	messageCheckpoint = 0x10

	vmwareRPCI = 0x49435052 | 0x80000000 // the protocol, with cookies
)

// vmwareRegisters are those that a call uses, by the names that they have on a PC.
type vmwareRegisters struct{ AX, BX, CX, DX, SI, DI uint32 }

// A VMware is a hypervisor of VMware that answers: callBackdoor but in tests.
type VMware func(*vmwareRegisters) error

// OpenVMware makes sure that the hypervisor is there before it is called:
// elsewhere the call would be a fault.
func OpenVMware() (VMware, error) { return openVMware(onVMware, callBackdoor) }

func openVMware(there func() bool, call VMware) (VMware, error) {
	if !there() {
		return nil, errors.New("this machine does not run under VMware, or not on an architecture of theirs")
	}
	r := vmwareRegisters{AX: vmwareMagic, BX: ^uint32(vmwareMagic), CX: vmwareVersion, DX: vmwarePort}
	if err := call(&r); err != nil {
		return nil, err
	}
	if r.BX != vmwareMagic || r.AX == 0 || r.AX == 1<<32-1 {
		return nil, errors.New("the hypervisor does not answer as VMware's does")
	}
	return call, nil
}

// Get reads a variable of the guest; one that is not set is "".
func (v VMware) Get(name string) (string, error) {
	reply, err := v.request("info-get " + name)
	if err != nil || bytes.HasPrefix(reply, []byte("0")) {
		return "", err
	}
	value, ok := bytes.CutPrefix(reply, []byte("1 "))
	if !ok {
		return "", fmt.Errorf("the hypervisor's reply has %d bytes and is none that is known", len(reply))
	}
	return string(value), nil
}

// Set writes a variable of the guest.
func (v VMware) Set(name, value string) error {
	reply, err := v.request("info-set " + name + " " + value)
	if err == nil && !bytes.HasPrefix(reply, []byte("1")) {
		err = fmt.Errorf("the hypervisor refuses: %.200q", reply)
	}
	return err
}

// A conversation is an open channel.
type conversation struct {
	backdoor                  VMware
	channel, cookie1, cookie2 uint32
}

// errMoved is returned when the machine was suspended or moved amid a conversation,
// which has to begin again.
var errMoved = errors.New("the machine was moved at that moment")

// request sends a command and gives the reply. The command is safe to repeat.
func (v VMware) request(command string) (reply []byte, err error) {
	for range 5 {
		if reply, err = v.requestOnce(command); !errors.Is(err, errMoved) {
			break
		}
	}
	return reply, err
}

func (v VMware) requestOnce(command string) ([]byte, error) {
	c := conversation{backdoor: v}
	r, err := c.call(messageOpen, vmwareRPCI)
	if err != nil {
		return nil, err
	}
	c.channel, c.cookie1, c.cookie2 = r.DX&^0xffff, r.SI, r.DI
	defer c.call(messageClose, 0)
	if _, err := c.call(messageSendSize, uint32(len(command))); err != nil {
		return nil, err
	}
	for text := command; len(text) > 0; text = text[min(4, len(text)):] {
		var four [4]byte
		copy(four[:], text)
		if _, err := c.call(messageSend, binary.LittleEndian.Uint32(four[:])); err != nil {
			return nil, err
		}
	}
	return c.reply()
}

// reply receives the answer to a request.
func (c *conversation) reply() ([]byte, error) {
	r, err := c.call(messageReceive, 0)
	if err != nil {
		return nil, err
	}
	if r.CX>>16&messageHasReply == 0 {
		return nil, errors.New("the hypervisor has no reply")
	}
	size := int(r.BX)
	if size > maxValue {
		return nil, fmt.Errorf("the hypervisor has a reply of %d bytes", size)
	}
	text := make([]byte, 0, size+3)
	for len(text) < size {
		if r, err = c.call(messageReceiveTxt, messageOK); err != nil {
			return nil, err
		}
		text = binary.LittleEndian.AppendUint32(text, r.BX)
	}
	_, err = c.call(messageReceived, messageOK)
	return text[:size], err
}

// call is one call of a conversation.
func (c *conversation) call(part, value uint32) (vmwareRegisters, error) {
	r := vmwareRegisters{AX: vmwareMagic, BX: value, CX: part<<16 | vmwareMessage, DX: c.channel | vmwarePort, SI: c.cookie1, DI: c.cookie2}
	if err := c.backdoor(&r); err != nil {
		return r, err
	}
	switch status := r.CX >> 16; {
	case status&messageCheckpoint != 0:
		return r, errMoved
	case status&messageOK == 0:
		return r, fmt.Errorf("the hypervisor refuses part %d of a request, with status %#x", part, status)
	}
	return r, nil
}
