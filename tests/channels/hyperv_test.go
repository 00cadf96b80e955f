package channels

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The host's side of Hyper-V's data exchange is a character device that this process
// answers, by CUSE. Messages are struct hv_kvp_msg of <linux/hyperv.h>.
const (
	kvpSize     = 7432
	kvpGet      = 0
	kvpSet      = 1
	kvpRegister = 100
	kvpRefused  = 0x80004005
)

// pair is a message of the host that sets a pair, or asks for one.
func pair(operation byte, key, value string) []byte {
	m := make([]byte, kvpSize)
	m[0] = operation
	m[4] = 1 // a text
	binary.LittleEndian.PutUint32(m[8:], uint32(len(key)+1))
	binary.LittleEndian.PutUint32(m[12:], uint32(len(value)+1))
	copy(m[16:], key)
	copy(m[16+512:], value)
	return m
}

// A hyperV is the driver of the kernel, with a host behind it.
type hyperV struct {
	device  *os.File
	waiting [][]byte // what the host has to say
	answers [][]byte // what the machine has said
}

// Operations of FUSE, and the sizes of its headers (<linux/fuse.h>).
const (
	fuseOpen, fuseRead, fuseWrite, fuseRelease, fuseInterrupt, fusePoll = 14, 15, 16, 18, 36, 40
	cuseInit                                                            = 4096
	headerIn, headerOut, writeIn                                        = 40, 16, 40
)

// newHyperV makes the device, which is there after the first answer.
func newHyperV(messages [][]byte) (*hyperV, error) {
	if out, err := exec.Command("modprobe", "cuse").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	device, err := os.OpenFile("/dev/cuse", os.O_RDWR, 0)
	return &hyperV{device: device, waiting: messages}, err
}

// serve answers requests until the device is closed by the machine.
func (h *hyperV) serve() error {
	defer h.device.Close()
	request := make([]byte, 1<<18)
	for {
		n, err := h.device.Read(request)
		if err != nil {
			return fmt.Errorf("reading a request: %w", err)
		}
		operation := binary.LittleEndian.Uint32(request[4:])
		reply, failure := h.answer(operation, request[headerIn:n])
		if operation != fuseInterrupt {
			out := binary.LittleEndian.AppendUint32(nil, uint32(headerOut+len(reply)))
			out = binary.LittleEndian.AppendUint32(out, uint32(-int32(failure)))
			out = append(append(out, request[8:16]...), reply...)
			if _, err := h.device.Write(out); err != nil {
				return fmt.Errorf("answering request %d: %w", operation, err)
			}
		}
		if operation == fuseRelease {
			return nil
		}
	}
}

func (h *hyperV) answer(operation uint32, body []byte) (reply []byte, failure unix.Errno) {
	switch operation {
	case cuseInit:
		const most = 1 << 16
		reply = append(reply, body[:8]...) // the kernel's version
		for _, n := range []uint32{0, 0, most, most} {
			reply = binary.LittleEndian.AppendUint32(reply, n)
		}
		return append(append(reply, make([]byte, 48)...), "DEVNAME=vmbus!hv_kvp\x00"...), 0
	case fuseOpen:
		return make([]byte, 16), 0
	case fuseRead:
		if len(h.waiting) == 0 {
			return nil, unix.EAGAIN
		}
		reply, h.waiting = h.waiting[0], h.waiting[1:]
		return reply, 0
	case fuseWrite:
		message := bytes.Clone(body[writeIn:])
		h.answers = append(h.answers, message)
		return binary.LittleEndian.AppendUint64(nil, uint64(len(message))), 0
	case fusePoll:
		ready := uint64(unix.POLLOUT)
		if len(h.waiting) > 0 {
			ready |= unix.POLLIN
		}
		return binary.LittleEndian.AppendUint64(nil, ready), 0
	case fuseRelease, fuseInterrupt:
		return nil, 0
	}
	return nil, unix.ENOSYS
}

// The config comes in as many pairs as it takes, between others; the driver comes after the
// agent.
func TestConfigByPairsOfHyperV(t *testing.T) {
	messages := [][]byte{pair(kvpRegister, "", ""), pair(kvpSet, "HostName", "server"), pair(kvpGet, "FullyQualifiedDomainName", "")}
	for i, rest := 0, config; rest != ""; i++ {
		part := rest[:min(len(rest), 2047)]
		rest = rest[len(part):]
		messages = append(messages, pair(kvpSet, fmt.Sprintf("ignition.config.%d", i), part))
	}
	sent := len(messages)
	var host *hyperV
	ended := make(chan error, 1)
	go func() {
		time.Sleep(time.Second)
		var err error
		if host, err = newHyperV(messages); err == nil {
			err = host.serve()
		}
		ended <- err
	}()
	cache, log := fetch(t, "hyperv")
	isConfig(t, cache)
	if err := <-ended; err != nil {
		t.Fatalf("%v; the agent said:\n%s", err, log)
	}
	// To the registration and to each pair there is an answer, and the one that asks is told
	// that nobody knows.
	if len(host.answers) != sent || len(host.waiting) > 0 || host.answers[0][0] != kvpRegister {
		t.Fatalf("%d answers to %d messages, %d were not read", len(host.answers), sent, len(host.waiting))
	}
	for i, a := range host.answers[1:] {
		want := uint32(0)
		if messages[i+1][0] == kvpGet {
			want = kvpRefused
		}
		if got := binary.LittleEndian.Uint32(a); got != want {
			t.Errorf("the answer to message %d is %#x, want %#x", i+1, got, want)
		}
	}
	if _, err := os.Stat("/dev/vmbus/hv_kvp"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the device is still there: %v", err)
	}
}
