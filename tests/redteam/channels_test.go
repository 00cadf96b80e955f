package redteam_test

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The channels that others read, in the namespaces of the tests: a console and the
// kernel's log are files, the journal is a socket whose records are collected, and the port
// of a virtual machine that gets the records of boots is a pipe that is read to its end.
var channels struct {
	console, kmsg string
	journal       *net.UnixConn
	port          *os.File

	mu      sync.Mutex
	records []byte // of the journal, with their fields
	boots   []byte // by the port
}

const journalSocket = "/run/systemd/journal/socket"

// openChannels makes the channels; their files are below a directory.
func openChannels(dir string) error {
	channels.console, channels.kmsg = filepath.Join(dir, "console"), filepath.Join(dir, "kmsg")
	consoles := filepath.Join(dir, "consoles")
	for name, text := range map[string]string{channels.console: "", channels.kmsg: "", consoles: "../" + channels.console + " -W- (EC p a) 4:64\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			return err
		}
	}
	for from, to := range map[string]string{channels.kmsg: "/dev/kmsg", consoles: "/proc/consoles"} {
		if err := unix.Mount(from, to, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mounting over %s: %w", to, err)
		}
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("mounting over /run: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(journalSocket), 0o755); err != nil {
		return err
	}
	var err error
	channels.journal, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: journalSocket, Net: "unixgram"})
	if err == nil {
		err = channels.journal.SetReadBuffer(4 << 20)
	}
	if err != nil {
		return err
	}
	go collectJournal()
	return openPort()
}

// openPort makes the port.
func openPort() error {
	const dir = "/dev/virtio-ports"
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		err = unix.Mount("tmpfs", dir, "tmpfs", 0, "")
	}
	name := filepath.Join(dir, "dev.firstlight.report")
	if err == nil {
		err = unix.Mkfifo(name, 0o600)
	}
	if err == nil {
		channels.port, err = os.OpenFile(name, os.O_RDWR, 0)
	}
	if err != nil {
		return fmt.Errorf("making a port: %w", err)
	}
	go func() {
		text := make([]byte, 64<<10)
		for {
			n, err := channels.port.Read(text)
			if err != nil {
				return
			}
			channels.mu.Lock()
			channels.boots = append(channels.boots, text[:n]...)
			channels.mu.Unlock()
		}
	}()
	return nil
}

// readPort empties the port.
func readPort(t testing.TB) []byte {
	t.Helper()
	end := fmt.Sprintf("the end of %s", t.Name())
	if _, err := io.WriteString(channels.port, end+"\n"); err != nil {
		t.Fatal(err)
	}
	for range 60_000 {
		channels.mu.Lock()
		boots, ended := cutLast(channels.boots, end)
		if ended {
			channels.boots = nil
		}
		channels.mu.Unlock()
		if ended {
			return boots
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("what the port gets does not arrive")
	return nil
}

// collectJournal receives records. A long one comes as a file.
func collectJournal() {
	record, more := make([]byte, 1<<20), make([]byte, unix.CmsgSpace(4))
	for {
		n, oob, _, _, err := channels.journal.ReadMsgUnix(record, more)
		if err != nil {
			return
		}
		text := append([]byte{}, record[:n]...)
		if messages, err := unix.ParseSocketControlMessage(more[:oob]); err == nil && len(messages) > 0 {
			if fds, err := unix.ParseUnixRights(&messages[0]); err == nil {
				for _, fd := range fds {
					f := os.NewFile(uintptr(fd), "record")
					long, _ := io.ReadAll(io.NewSectionReader(f, 0, 1<<30)) // what cannot be read has no canary
					text = append(text, long...)
					f.Close()
				}
			}
		}
		channels.mu.Lock()
		channels.records = append(append(channels.records, text...), '\n')
		channels.mu.Unlock()
	}
}

// A logChannel is where a stage logs.
type logChannel struct {
	name      string
	arguments []string
	clear     func(t testing.TB)
	read      func(t testing.TB) []byte
}

var logChannels = []logChannel{
	{"standard output", []string{"--log-to-stdout"}, func(testing.TB) {}, func(testing.TB) []byte { return nil }},
	{"the journal", nil, clearJournal, readJournal},
	{"the kernel's log", nil, hideJournal, readKmsg},
}

// log is where the next stage logs. The order depends on the test, so that each class
// of failures meets other channels.
func (m *machine) log() logChannel {
	h := fnv.New32()
	io.WriteString(h, m.Name())
	return logChannels[(int(h.Sum32()%1000)+m.runs)%len(logChannels)]
}

func clearJournal(testing.TB) {
	channels.mu.Lock()
	defer channels.mu.Unlock()
	channels.records = nil
}

// readJournal waits for a record of its own, which comes after all others.
func readJournal(t testing.TB) []byte {
	t.Helper()
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: journalSocket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	end := fmt.Sprintf("the end of %s", t.Name())
	if _, err := io.WriteString(c, end); err != nil {
		t.Fatal(err)
	}
	for range 60_000 {
		channels.mu.Lock()
		text := channels.records
		channels.mu.Unlock()
		if records, ended := cutLast(text, end); ended {
			return records
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("the journal's records do not arrive")
	return nil
}

func cutLast(text []byte, end string) (before []byte, found bool) {
	at := len(text) - len(end) - 1
	if at < 0 || string(text[at:len(text)-1]) != end {
		return nil, false
	}
	return text[:at], true
}

// hideJournal leaves the kernel's log only, which is empty.
func hideJournal(t testing.TB) {
	t.Helper()
	if err := errors.Join(os.Rename(journalSocket, journalSocket+".away"), os.Truncate(channels.kmsg, 0)); err != nil {
		t.Fatal(err)
	}
}

func readKmsg(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile(channels.kmsg)
	if err := errors.Join(err, os.Rename(journalSocket+".away", journalSocket)); err != nil {
		t.Fatal(err)
	}
	return text
}

// readConsole empties the console.
func readConsole(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile(channels.console)
	if err := errors.Join(err, os.Truncate(channels.console, 0)); err != nil {
		t.Fatal(err)
	}
	return text
}
