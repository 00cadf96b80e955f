package report

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// journalSocket takes messages in the journal's own protocol, one in a datagram:
// https://systemd.io/JOURNAL_NATIVE_PROTOCOL/
const journalSocket = "/run/systemd/journal/socket"

// A journal is a socket that messages are sent to. It is not connected: the journal that
// answers at the end of a boot may be another one than at the beginning.
type journal struct {
	path   string
	socket func() (int, error)
}

func newJournal(path string) journal {
	return journal{path, sync.OnceValues(func() (int, error) { return unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0) })}
}

var systemJournal = newJournal(journalSocket)

// answers reports whether there is a journal.
func (j journal) answers() bool {
	socket, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(socket)
	return unix.Connect(socket, &unix.SockaddrUnix{Name: j.path}) == nil
}

// send sends a message. One that is too large for a datagram goes by a file in memory.
func (j journal) send(l Level, text string, fields map[string]string) error {
	socket, err := j.socket()
	if err != nil {
		return err
	}
	message := appendField(nil, "PRIORITY", strconv.Itoa(severities[l].priority))
	message = appendField(message, "MESSAGE", text)
	for name, value := range fields {
		message = appendField(message, name, value)
	}
	to := &unix.SockaddrUnix{Name: j.path}
	err = unix.Sendto(socket, message, 0, to)
	if errors.Is(err, unix.EMSGSIZE) || errors.Is(err, unix.ENOBUFS) {
		return sendAsFile(socket, message, to)
	}
	return err
}

// appendField appends a field; a value of several lines is preceded by its length.
func appendField(message []byte, name, value string) []byte {
	message = append(message, name...)
	if strings.Contains(value, "\n") {
		message = binary.LittleEndian.AppendUint64(append(message, '\n'), uint64(len(value)))
	} else {
		message = append(message, '=')
	}
	return append(append(message, value...), '\n')
}

// sendAsFile sends a file with a message, which nobody can change any more.
func sendAsFile(socket int, message []byte, to unix.Sockaddr) error {
	fd, err := unix.MemfdCreate("journal-message", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return err
	}
	file := os.NewFile(uintptr(fd), "journal-message")
	defer file.Close()
	if _, err := file.Write(message); err != nil {
		return err
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_WRITE|unix.F_SEAL_SEAL); err != nil {
		return err
	}
	return unix.Sendmsg(socket, nil, unix.UnixRights(fd), to, 0)
}

// leadsToJournal reports whether a file is the stream that systemd has connected with
// the journal, by the device and the inode in $JOURNAL_STREAM.
func leadsToJournal(f *os.File) bool {
	var stat unix.Stat_t
	stream := os.Getenv("JOURNAL_STREAM")
	return stream != "" && unix.Fstat(int(f.Fd()), &stat) == nil && stream == fmt.Sprintf("%d:%d", stat.Dev, stat.Ino)
}
