package exits

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Listener gets all tasks that end from when it begins.
type Listener struct {
	fd     int
	family uint16
}

const (
	headers = unix.NLMSG_HDRLEN + unix.GENL_HDRLEN
	// buffered is how much the kernel keeps for us, in bytes. What is more is lost.
	buffered = 4 << 20
)

// Listen begins.
func Listen() (*Listener, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_GENERIC)
	if err != nil {
		return nil, err
	}
	l := &Listener{fd: fd}
	if err := l.register(); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("asking the kernel for the tasks that end: %w", err)
	}
	return l, nil
}

func (l *Listener) register() error {
	if err := unix.Bind(l.fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(l.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, buffered); err != nil {
		return err
	}
	if err := l.send(unix.GENL_ID_CTRL, unix.CTRL_CMD_GETFAMILY, unix.CTRL_ATTR_FAMILY_NAME, unix.TASKSTATS_GENL_NAME); err != nil {
		return err
	}
	answer, err := l.receive()
	if err != nil {
		return err
	}
	if l.family, err = parseFamily(answer); err != nil {
		return err
	}
	processors, err := os.ReadFile("/sys/devices/system/cpu/possible")
	if err != nil {
		return err
	}
	return l.send(l.family, unix.TASKSTATS_CMD_GET, unix.TASKSTATS_CMD_ATTR_REGISTER_CPUMASK, strings.TrimSpace(string(processors)))
}

// parseFamily finds the number of a family in the answer to the question for it.
func parseFamily(answer []syscall.NetlinkMessage) (uint16, error) {
	for _, m := range answer {
		if m.Header.Type != unix.GENL_ID_CTRL || len(m.Data) < unix.GENL_HDRLEN {
			continue
		}
		all, err := attributes(m.Data[unix.GENL_HDRLEN:])
		if err != nil {
			return 0, err
		}
		for _, a := range all {
			if a.kind == unix.CTRL_ATTR_FAMILY_ID && len(a.data) >= 2 {
				return binary.NativeEndian.Uint16(a.data), nil
			}
		}
	}
	return 0, errors.New("it has no statistics of tasks (CONFIG_TASKSTATS)")
}

// send sends a command with a text.
func (l *Listener) send(family uint16, command uint8, kind uint16, text string) error {
	var b bytes.Buffer
	data := append([]byte(text), 0)
	length := uint32(headers + attributeHeader + len(data))
	for _, part := range []any{length, family, uint16(unix.NLM_F_REQUEST), uint32(0), uint32(0),
		command, uint8(1), uint16(0), uint16(attributeHeader + len(data)), kind, data} {
		if err := binary.Write(&b, binary.NativeEndian, part); err != nil {
			return err
		}
	}
	b.Write(make([]byte, (4-b.Len()%4)%4))
	return unix.Sendto(l.fd, b.Bytes(), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
}

func (l *Listener) receive() ([]syscall.NetlinkMessage, error) {
	b := make([]byte, 64<<10)
	for {
		n, _, err := unix.Recvfrom(l.fd, b, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if errors.Is(err, unix.ENOBUFS) {
			err = fmt.Errorf("some tasks are lost: %w", err)
		}
		if err != nil {
			return nil, err
		}
		return syscall.ParseNetlinkMessage(b[:n])
	}
}

// Next waits for tasks that end.
func (l *Listener) Next() ([]Task, error) {
	messages, err := l.receive()
	if err != nil {
		return nil, err
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return nil, err
	}
	var all []Task
	for _, m := range messages {
		switch {
		case m.Header.Type == unix.NLMSG_ERROR && len(m.Data) >= 4 && binary.NativeEndian.Uint32(m.Data) != 0:
			return nil, fmt.Errorf("the kernel refuses: %w", unix.Errno(-int32(binary.NativeEndian.Uint32(m.Data))))
		case m.Header.Type != l.family || len(m.Data) < unix.GENL_HDRLEN:
			continue
		}
		tasks, err := parse(m.Data[unix.GENL_HDRLEN:])
		if err != nil {
			return nil, err
		}
		for i := range tasks {
			tasks[i].Ended = float64(now.Nano()) / 1e9
		}
		all = append(all, tasks...)
	}
	return all, nil
}
