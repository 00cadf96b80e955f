package providers

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/firstlight-os/firstlight/internal/system"
)

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

// A vmware is the way to the hypervisor: system.CallVMware but in tests.
type vmware func(*system.VMwareRegisters) error

// version is an error if nobody answers to the call.
func (v vmware) version() error {
	r := system.VMwareRegisters{AX: vmwareMagic, BX: ^uint32(vmwareMagic), CX: vmwareVersion, DX: vmwarePort}
	if err := v(&r); err != nil {
		return err
	}
	if r.BX != vmwareMagic || r.AX == 0 || r.AX == 1<<32-1 {
		return errors.New("the hypervisor does not answer as VMware's does")
	}
	return nil
}

// A conversation is an open channel.
type conversation struct {
	vmware
	channel, cookie1, cookie2 uint32
}

// errMoved tells that the machine was suspended or moved amid a conversation,
// which has to begin again.
var errMoved = errors.New("the machine was moved at that moment")

// request sends a command and gives the reply. The command is safe to repeat.
func (v vmware) request(command string) (reply []byte, err error) {
	for range 5 {
		if reply, err = v.requestOnce(command); !errors.Is(err, errMoved) {
			break
		}
	}
	return reply, err
}

func (v vmware) requestOnce(command string) ([]byte, error) {
	c := conversation{vmware: v}
	r, err := c.say(messageOpen, vmwareRPCI)
	if err != nil {
		return nil, err
	}
	c.channel, c.cookie1, c.cookie2 = r.DX&^0xffff, r.SI, r.DI
	defer c.say(messageClose, 0)
	if _, err := c.say(messageSendSize, uint32(len(command))); err != nil {
		return nil, err
	}
	for text := command; len(text) > 0; text = text[min(4, len(text)):] {
		var four [4]byte
		copy(four[:], text)
		if _, err := c.say(messageSend, binary.LittleEndian.Uint32(four[:])); err != nil {
			return nil, err
		}
	}
	return c.reply()
}

// reply takes what the hypervisor has to say.
func (c *conversation) reply() ([]byte, error) {
	r, err := c.say(messageReceive, 0)
	if err != nil {
		return nil, err
	}
	if r.CX>>16&messageHasReply == 0 {
		return nil, errors.New("the hypervisor has no reply")
	}
	size := int(r.BX)
	if size > maxConfig {
		return nil, fmt.Errorf("the hypervisor has a reply of %d bytes", size)
	}
	text := make([]byte, 0, size+3)
	for len(text) < size {
		if r, err = c.say(messageReceiveTxt, messageOK); err != nil {
			return nil, err
		}
		text = binary.LittleEndian.AppendUint32(text, r.BX)
	}
	_, err = c.say(messageReceived, messageOK)
	return text[:size], err
}

// say is one call of a conversation.
func (c *conversation) say(part, value uint32) (system.VMwareRegisters, error) {
	r := system.VMwareRegisters{AX: vmwareMagic, BX: value, CX: part<<16 | vmwareMessage, DX: c.channel | vmwarePort, SI: c.cookie1, DI: c.cookie2}
	if err := c.vmware(&r); err != nil {
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
