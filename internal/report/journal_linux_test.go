package report

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// listenAsJournal returns a journal, and what it gets next: a datagram, or the contents
// of the file that came in its place.
func listenAsJournal(t *testing.T) (j journal, next func() (message string, asFile bool)) {
	path := filepath.Join(t.TempDir(), "socket")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	testkit.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return newJournal(path), func() (string, bool) {
		t.Helper()
		text, control := make([]byte, 256<<10), make([]byte, 256)
		n, m, _, _, err := conn.ReadMsgUnix(text, control)
		testkit.NoError(t, err)
		if m == 0 {
			return string(text[:n]), false
		}
		messages, err := unix.ParseSocketControlMessage(control[:m])
		testkit.NoError(t, err)
		fds, err := unix.ParseUnixRights(&messages[0])
		testkit.NoError(t, err)
		f := os.NewFile(uintptr(fds[0]), "message")
		defer f.Close()
		if _, err := f.WriteAt([]byte("x"), 0); err == nil {
			t.Error("the file can be changed")
		}
		_, err = f.Seek(0, io.SeekStart)
		testkit.NoError(t, err)
		all, err := io.ReadAll(f)
		testkit.NoError(t, err)
		return string(all), true
	}
}

func TestMessagesToTheJournal(t *testing.T) {
	j, next := listenAsJournal(t)
	if !j.answers() || newJournal(j.path+"-none").answers() {
		t.Error("whether there is a journal is wrong")
	}
	huge := strings.Repeat("x", 1<<20)
	for _, tc := range []struct {
		name, text string
		fields     map[string]string
		want       string
		asFile     bool
	}{
		{"one line", "hello", map[string]string{"SYSLOG_IDENTIFIER": "ignition"}, "PRIORITY=4\nMESSAGE=hello\nSYSLOG_IDENTIFIER=ignition\n", false},
		{"several lines", "a\nbc", nil, "PRIORITY=4\nMESSAGE\n\x04\x00\x00\x00\x00\x00\x00\x00a\nbc\n", false},
		{"none", "", nil, "PRIORITY=4\nMESSAGE=\n", false},
		{"more than a datagram takes", huge, nil, "PRIORITY=4\nMESSAGE=" + huge + "\n", true},
	} {
		testkit.NoError(t, j.send(LevelWarn, tc.text, tc.fields))
		got, asFile := next()
		if got != tc.want || asFile != tc.asFile {
			t.Errorf("%s: got %.200q (%d bytes), by a file: %v", tc.name, got, len(got), asFile)
		}
	}
}

// The journal of the initramfs and that of the system are two programs.
func TestTheNextJournalGetsMessages(t *testing.T) {
	j, next := listenAsJournal(t)
	testkit.NoError(t, j.send(LevelInfo, "first", nil))
	next()
	testkit.NoError(t, os.Remove(j.path))
	if err := j.send(LevelInfo, "lost", nil); err == nil {
		t.Error("a message to nobody is no error")
	}
	other, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: j.path, Net: "unixgram"})
	testkit.NoError(t, err)
	defer other.Close()
	testkit.NoError(t, j.send(LevelInfo, "second", nil))
	text := make([]byte, 100)
	n, err := other.Read(text)
	testkit.NoError(t, err)
	testkit.Equal(t, "message", string(text[:n]), "PRIORITY=6\nMESSAGE=second\n")
}

func TestStreamsOfTheJournal(t *testing.T) {
	f, err := os.Open(os.DevNull)
	testkit.NoError(t, err)
	defer f.Close()
	var stat unix.Stat_t
	testkit.NoError(t, unix.Fstat(int(f.Fd()), &stat))
	for stream, want := range map[string]bool{"": false, "1:2": false, "x": false, fmt.Sprintf("%d:%d", stat.Dev, stat.Ino): true} {
		t.Setenv("JOURNAL_STREAM", stream)
		testkit.Equal(t, stream, leadsToJournal(f), want)
	}
}
