package systemtest

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A Unit is what a systemd of a test says of a unit. Those that it is not asked for do not
// matter: it answers the same to each question.
type Unit struct {
	Name, State string // inactive, active, ...
	Job         int    // that waits, or runs
}

// Systemd answers at a socket that it makes, as systemd does at /run/systemd/private. It
// returns the path of the socket.
func Systemd(t testing.TB, units ...Unit) string {
	t.Helper()
	return Answering(t, UnitsMessage(binary.LittleEndian, units...))
}

// Answering is a systemd that answers some bytes to each call.
func Answering(t testing.TB, answer []byte) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "systemd") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "private")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn, answer)
		}
	}()
	return socket
}

func serve(conn net.Conn, answer []byte) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	if line, err := r.ReadString('\n'); err != nil || !strings.HasPrefix(line, "\x00AUTH EXTERNAL ") {
		return
	}
	if line, err := r.ReadString('\n'); err != nil || line != "BEGIN\r\n" || r.Buffered() > 0 {
		return
	}
	io.WriteString(conn, "OK 0123456789abcdef0123456789abcdef\r\n")
	head := make([]byte, 16)
	if _, err := io.ReadFull(r, head); err != nil {
		return
	}
	fields, body := binary.LittleEndian.Uint32(head[12:]), binary.LittleEndian.Uint32(head[4:])
	if _, err := io.CopyN(io.Discard, r, int64(fields+7)/8*8+int64(body)); err != nil {
		return
	}
	conn.Write(answer)
}

// UnitsMessage is an answer of systemd to ListUnitsByNames.
func UnitsMessage(order binary.AppendByteOrder, units ...Unit) []byte {
	pad := func(b []byte, to int) []byte {
		for len(b)%to != 0 {
			b = append(b, 0)
		}
		return b
	}
	text := func(b []byte, s string) []byte {
		return append(append(order.AppendUint32(pad(b, 4), uint32(len(s))), s...), 0)
	}
	var list []byte // from a multiple of 8 on
	for _, u := range units {
		list = pad(list, 8)
		for _, s := range []string{u.Name, "what it is", "loaded", u.State, "dead", "", "/org/freedesktop/systemd1/unit/x"} {
			list = text(list, s)
		}
		list = order.AppendUint32(pad(list, 4), uint32(u.Job))
		list = text(text(list, "start"), "/")
	}
	return Message(order, 2, append(order.AppendUint32(nil, uint32(len(list))), append(make([]byte, 4), list...)...))
}

// Message is one of D-Bus of a kind, with a field that those who read it have no use for.
func Message(order binary.AppendByteOrder, kind byte, body []byte) []byte {
	sign := byte('l')
	if order.String() == binary.BigEndian.String() {
		sign = 'B'
	}
	m := order.AppendUint32([]byte{sign, kind, 1, 1}, uint32(len(body)))
	m = order.AppendUint32(m, 7)
	m = order.AppendUint32(m, 8)
	m = order.AppendUint32(append(m, 5, 1, 'u', 0), 1) // the message that it answers
	return append(m, body...)
}
